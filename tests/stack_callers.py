"""Who calls the servers of a running stack over gRPC: any workload, with a certificate of its authority."""

import importlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import grpc
from craton.auth.v1 import resources_pb2, token_service_pb2
from craton.auth.v1.token_service_pb2_grpc import TokenServiceStub

from deploy.local.stack import DEFINITION, Definition, Stack
from deploy.pki.authority import Authority, Issued, LeafRequest
from services.chassis.audit.local import recorder_name
from services.chassis.audit.ports import AuditedMethod
from services.chassis.config import load
from services.chassis.health import HEALTH_CHECK, HEALTH_EVENT
from services.chassis.identity import WorkloadId
from services.chassis.secret import SecretBytes
from services.chassis.sigv4_signer import SigningCredentials, sign_token_request
from tests.running_stack import ROOT, RunningStack

_DEFINITION = load(DEFINITION, Definition)
_TIMEOUT_S = 10.0
Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Server:
    """A server of the stack's definition."""

    kind: str
    name: str
    port: int

    @property
    def identity(self) -> WorkloadId:
        """Under which it serves."""
        return WorkloadId(_DEFINITION.trust_domain, self.kind, self.name)

    @property
    def label(self) -> str:
        """Its name in events, and under the supervisor: for example "kms" or "pool-craton"."""
        return recorder_name(self.identity)

    def callers(self) -> Mapping[str, frozenset[str]]:
        """Return its methods, each with who may call it. No server starts that serves others."""
        table = tomllib.loads((ROOT / f"services/{self._package}/callers.toml").read_text())
        return {method: frozenset(callers) for method, callers in table.items()}

    def events(self) -> Mapping[str, AuditedMethod]:
        """Return how its methods are recorded."""
        events: Mapping[str, AuditedMethod] = importlib.import_module(
            f"services.{self._package}.events"
        ).EVENTS
        return {**events, HEALTH_CHECK: HEALTH_EVENT}

    @property
    def _package(self) -> str:
        return self.name if self.kind == "service" else self.kind


def _servers() -> dict[str, Server]:
    stack = Stack(_DEFINITION, ROOT, ROOT / "var", "127.0.0.1", separate_uids=False)
    servers = (Server(*target) for target in stack.grpc_targets())
    return {server.label: server for server in servers}


SERVERS: Mapping[str, Server] = _servers()
"""By label."""


class Workloads:
    """Certificates of workloads, also of those that do not run."""

    def __init__(self, stack: RunningStack) -> None:
        """Issue them with the installation's own key."""
        self._stack = stack
        self._root = (stack.home / "pki/ca.pem").read_bytes()
        self._authority = Authority.load(Issued(self._root, (stack.home / "pki/ca.key").read_bytes()))
        self._leaves: dict[str, Issued] = {}

    def channel(self, server: Server, workload: str) -> grpc.Channel:
        """Connect to a server as a workload, for example "service/edge"; the caller closes the channel."""
        leaf = self._leaves.get(workload) or self._issue(workload)
        credentials = grpc.ssl_channel_credentials(self._root, leaf.private_key, leaf.certificate)
        options = [("grpc.ssl_target_name_override", server.identity.dns_name)]
        return grpc.secure_channel(f"{self._stack.address}:{server.port}", credentials, options=options)

    def public_channel(self) -> grpc.Channel:
        """Connect to the listener for native clients, which show no certificate."""
        target = f"{self._stack.address}:{_DEFINITION.ports.public_grpc}"
        return grpc.secure_channel(target, grpc.ssl_channel_credentials(self._root))

    def _issue(self, workload: str) -> Issued:
        kind, name = workload.split("/")
        identity = WorkloadId(_DEFINITION.trust_domain, kind, name)
        request = LeafRequest(identity.path, [identity.dns_name], timedelta(hours=1), uri=str(identity))
        leaf = self._leaves[workload] = self._authority.issue(request, datetime.now(UTC))
        return leaf


def principal_token(channel: grpc.Channel, host: str, audience: str, keys: Mapping[str, str]) -> Metadata:
    """Return metadata with a token for `audience`, from the listener `host`; `keys` as boto3 has them."""
    credentials = SigningCredentials(
        keys["aws_access_key_id"], SecretBytes(keys["aws_secret_access_key"].encode()), "us-east-1"
    )
    signed = sign_token_request(credentials, host, audience, datetime.now(UTC))
    scope = signed.credential
    request = token_service_pb2.GetTokenRequest(
        signed_request=resources_pb2.SignedRequest(
            access_key_id=scope.access_key_id,
            scope=resources_pb2.CredentialScope(date=scope.date, region=scope.region, service=scope.service),
            string_to_sign=signed.string_to_sign.decode(),
            signature=signed.signature,
        ),
        audience=audience,
    )
    token = TokenServiceStub(channel).GetToken(request, timeout=_TIMEOUT_S).token
    return (("authorization", f"Bearer {token}"),)
