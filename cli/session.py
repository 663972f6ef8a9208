"""Calls to Craton's services: with the operator's certificate, and a principal token where one is needed."""

import configparser
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
from craton.auth.v1 import resources_pb2, token_service_pb2, token_service_pb2_grpc

from cli.output import CommandError, Exit, reason_of
from cli.running import stopped
from deploy.local.stack import Stack
from services.chassis.identity import WorkloadId
from services.chassis.secret import SecretBytes
from services.chassis.settings import TlsSettings
from services.chassis.sigv4_signer import SigningCredentials, sign_token_request
from services.chassis.tls import channel_credentials

_TIMEOUT_S = 10.0
Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AwsProfile:
    """What the AWS files say about one profile."""

    credentials: SigningCredentials
    config_file: Path
    credentials_file: Path
    profile: str


def aws_profile(stack: Stack) -> AwsProfile:
    """Read the AWS files: those that the environment names, else the stack's own administrator."""
    own = stack.home / "aws"
    config_file = Path(os.environ.get("AWS_CONFIG_FILE") or own / "config")
    credentials_file = Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or own / "credentials")
    profile = os.environ.get("AWS_PROFILE") or "craton"
    config, credentials = configparser.ConfigParser(), configparser.ConfigParser()
    config.read(config_file)
    credentials.read(credentials_file)
    section = f"profile {profile}"
    try:
        signing = SigningCredentials(
            access_key_id=credentials[profile]["aws_access_key_id"],
            secret=SecretBytes(credentials[profile]["aws_secret_access_key"].encode()),
            region=config.get(section, "region", fallback=stack.definition.region),
        )
    except KeyError as error:
        if own in credentials_file.parents and (unavailable := stopped(stack)):
            raise unavailable from None
        raise CommandError(
            f"{credentials_file} has no credentials for profile {profile!r} ({error} is missing): "
            "run `craton up`, or set AWS_SHARED_CREDENTIALS_FILE and AWS_PROFILE"
        ) from None
    return AwsProfile(signing, config_file, credentials_file, profile)


class Session:
    """Channels to the services of one stack, as a workload (the operator unless said otherwise)."""

    def __init__(self, stack: Stack, *, kind: str = "operator", name: str = "admin") -> None:
        """Nothing is opened yet. Raises CommandError when the workload's certificate cannot be read."""
        self._stack = stack
        directory = stack.identity_dir(kind, name)
        self._tls = TlsSettings(directory / "tls.crt", directory / "tls.key", directory / "ca.crt")
        self._channels: dict[str, grpc.Channel] = {}
        self._tokens: dict[str, str] = {}
        try:
            self._credentials = channel_credentials(self._tls)
        except OSError as error:
            if isinstance(error, FileNotFoundError) and (unavailable := stopped(stack)):
                raise unavailable from error
            raise CommandError(
                f"the certificate of {kind}/{name} cannot be read ({error.strerror}: {directory}): "
                "is the stack up, and are you the user who started it?",
                Exit.REFUSED if isinstance(error, PermissionError) else Exit.UNAVAILABLE,
            ) from error

    def channel(self, service: str, kind: str = "service") -> grpc.Channel:
        """Return the channel to a service or a pool."""
        key = f"{kind}/{service}"
        if key not in self._channels:
            ports = {f"{kind}/{name}": port for kind, name, port in self._stack.grpc_targets()}
            identity = WorkloadId(self._stack.definition.trust_domain, kind, service)
            self._channels[key] = grpc.secure_channel(
                f"{self._stack.address}:{ports[key]}",
                self._credentials,
                options=[
                    ("grpc.ssl_target_name_override", identity.dns_name),
                    # A service that was just started is asked again soon, not after gRPC's usual seconds.
                    ("grpc.initial_reconnect_backoff_ms", 50),
                    # How long one attempt may take, despite the name.
                    ("grpc.min_reconnect_backoff_ms", 5_000),
                    ("grpc.max_reconnect_backoff_ms", 500),
                ],
            )
        return self._channels[key]

    def call(self, method: Any, request: Any, *, metadata: Metadata = ()) -> Any:
        """Call a stub's method with the usual time-out.

        Raises CommandError when nobody answers because the stack does not run, else grpc.RpcError.
        """
        try:
            return method(request, timeout=_TIMEOUT_S, metadata=metadata)
        except grpc.RpcError as error:
            # A service's own refusals carry a reason; without one nobody was there to refuse.
            if (
                error.code() is grpc.StatusCode.UNAVAILABLE
                and not reason_of(error)
                and (unavailable := stopped(self._stack))
            ):
                raise unavailable from error
            raise

    def token(self, audience: str) -> Metadata:
        """Return metadata with a principal token of the AWS profile for a service."""
        if audience not in self._tokens:
            credentials = aws_profile(self._stack).credentials
            signed = sign_token_request(credentials, "auth.craton.internal", audience, datetime.now(UTC))
            scope = signed.credential
            request = token_service_pb2.GetTokenRequest(
                signed_request=resources_pb2.SignedRequest(
                    access_key_id=credentials.access_key_id,
                    scope=resources_pb2.CredentialScope(
                        date=scope.date, region=scope.region, service=scope.service
                    ),
                    string_to_sign=signed.string_to_sign.decode(),
                    signature=signed.signature,
                ),
                audience=audience,
            )
            stub = token_service_pb2_grpc.TokenServiceStub(self.channel("auth"))
            self._tokens[audience] = self.call(stub.GetToken, request).token
        return (("authorization", f"Bearer {self._tokens[audience]}"),)

    def close(self) -> None:
        """Close all channels."""
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()
