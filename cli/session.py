"""Calls to Craton's services: with the operator's certificate, and a principal token where one is needed."""

import configparser
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import grpc
from craton.auth.v1 import (
    resources_pb2,
    session_service_pb2,
    session_service_pb2_grpc,
    token_service_pb2,
    token_service_pb2_grpc,
)

from cli.output import CommandError, Exit, reason_of
from cli.running import stopped
from deploy.local.stack import Stack
from services.chassis.channels import MESSAGE_BYTES
from services.chassis.identity import WorkloadId
from services.chassis.secret import SecretBytes
from services.chassis.settings import TlsSettings
from services.chassis.sigv4_signer import SigningCredentials, sign_token_request
from services.chassis.tls import channel_credentials

_TIMEOUT_S = 10.0
_SESSION_NAME = "craton-cli"
"""Names sessions of roles in the audit log."""
Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AwsProfile:
    """What the AWS files say about one profile."""

    credentials: SigningCredentials
    config_file: Path
    credentials_file: Path
    profile: str
    session_token: SecretBytes | None = None
    """Of temporary credentials."""


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
        token = credentials.get(profile, "aws_session_token", fallback="")
    except KeyError as error:
        if own in credentials_file.parents and (unavailable := stopped(stack)):
            raise unavailable from None
        raise CommandError(
            f"{credentials_file} has no credentials for profile {profile!r} ({error} is missing): "
            "run `craton up`, or set AWS_SHARED_CREDENTIALS_FILE and AWS_PROFILE"
        ) from None
    return AwsProfile(
        signing, config_file, credentials_file, profile, SecretBytes(token.encode()) if token else None
    )


def chosen_role() -> str:
    """Return the ARN of the role that `craton --role` names; empty without one."""
    context = click.get_current_context(silent=True)
    return "" if context is None else context.find_root().obj or ""


class Session:
    """Channels to the services of one stack, as a workload (the operator unless said otherwise)."""

    def __init__(self, stack: Stack, *, kind: str = "operator", name: str = "admin") -> None:
        """Nothing is opened yet. Raises CommandError when the workload's certificate cannot be read."""
        self._stack = stack
        directory = stack.identity_dir(kind, name)
        self._tls = TlsSettings(directory / "tls.crt", directory / "tls.key", directory / "ca.crt")
        self._channels: dict[str, grpc.Channel] = {}
        self._tokens: dict[str, str] = {}
        self._acting: AwsProfile | None = None
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
                    # A file of the audit log has up to 16 MiB.
                    ("grpc.max_receive_message_length", MESSAGE_BYTES),
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

    def profile(self) -> AwsProfile:
        """Return whom commands act as: the AWS profile, or a session of the role that it is to assume."""
        if self._acting is None:
            own, role = aws_profile(self._stack), chosen_role()
            self._acting = self._assume(own, role) if role else own
        return self._acting

    def token(self, audience: str) -> Metadata:
        """Return metadata with a principal token for a service, of whom commands act as."""
        if audience not in self._tokens:
            self._tokens[audience] = self._token(self.profile(), audience)
        return _bearer(self._tokens[audience])

    def _assume(self, own: AwsProfile, role_arn: str) -> AwsProfile:
        stub = session_service_pb2_grpc.SessionServiceStub(self.channel("auth"))
        request = session_service_pb2.AssumeRoleRequest(role_arn=role_arn, role_session_name=_SESSION_NAME)
        answer = self.call(stub.AssumeRole, request, metadata=_bearer(self._token(own, "auth")))
        given = answer.credentials
        signing = SigningCredentials(
            given.access_key_id, SecretBytes(given.secret_access_key.encode()), own.credentials.region
        )
        return replace(own, credentials=signing, session_token=SecretBytes(given.session_token.encode()))

    def _token(self, profile: AwsProfile, audience: str) -> str:
        signed = sign_token_request(profile.credentials, "auth.craton.internal", audience, datetime.now(UTC))
        scope = signed.credential
        request = token_service_pb2.GetTokenRequest(
            signed_request=resources_pb2.SignedRequest(
                access_key_id=scope.access_key_id,
                scope=resources_pb2.CredentialScope(
                    date=scope.date, region=scope.region, service=scope.service
                ),
                string_to_sign=signed.string_to_sign.decode(),
                signature=signed.signature,
                session_token=""
                if profile.session_token is None
                else profile.session_token.reveal().decode(),
            ),
            audience=audience,
        )
        stub = token_service_pb2_grpc.TokenServiceStub(self.channel("auth"))
        return str(self.call(stub.GetToken, request).token)

    def close(self) -> None:
        """Close all channels."""
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()


def _bearer(token: str) -> Metadata:
    return (("authorization", f"Bearer {token}"),)
