"""How principals call: gRPC to runtime's public listener and to kms, HTTPS with SigV4 to the edge.

Every call goes over TLS to the running services. One channel a service is enough: a call waits for the
service, never for a connection.
"""

import asyncio
import ssl
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from craton.auth.v1 import resources_pb2, token_service_pb2, token_service_pb2_grpc
from craton.kms.v1 import crypto_service_pb2, crypto_service_pb2_grpc
from craton.runtime.v1 import (
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    inference_service_pb2,
    inference_service_pb2_grpc,
)

from deploy.local.stack import Stack
from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.settings import TlsSettings, UpstreamSettings
from services.chassis.sigv4_signer import sign_token_request
from tests.echo_model import MODEL, body
from tests.load.revocation.principals import REGION, Principal, Verdict

LIMIT_S = 30.0
"""A call outlives the time for which its service may stand still."""
_TOKEN_LIMIT_S = 10.0
_REFUSALS = (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED)
_STREAM_BYTES = 400_000
_STREAM_PIECES = 400_000
"""One character each: far more than is read before the stream's principal is revoked."""
_SMALL_WINDOWS = (("grpc.http2.lookahead_bytes", 16_384), ("grpc.http2.bdp_probe", 0))
"""A stream that is read slowly must not run on inside buffers."""

Metadata = tuple[tuple[str, str], ...]


class Ways:
    """Connections of a stack's clients."""

    def __init__(self, stack: Stack) -> None:
        """Connect lazily."""
        self._stack = stack
        self._address = stack.address
        authority = (stack.pki / "ca.pem").read_bytes()
        credentials = grpc.ssl_channel_credentials(authority)
        self._public = grpc.aio.secure_channel(f"{stack.address}:9443", credentials)
        self._slow = grpc.aio.secure_channel(
            f"{stack.address}:9443",
            credentials,
            options=[*_SMALL_WINDOWS, ("grpc.use_local_subchannel_pool", 1)],
        )
        self._auth, self._kms = (operator_channel(stack, name) for name in ("auth", "kms"))
        self._catalog = catalog_service_pb2_grpc.CatalogServiceStub(self._public)
        self._inference = inference_service_pb2_grpc.InferenceServiceStub(self._public)
        self._streams = inference_service_pb2_grpc.InferenceServiceStub(self._slow)
        self._crypto = crypto_service_pb2_grpc.CryptoServiceStub(self._kms)
        self._edge = EdgeConnections(stack.address, stack.pki / "ca.pem")
        self._ways: dict[str, Callable[[Principal], Awaitable[Verdict]]] = {
            "runtime": self._get_foundation_model,
            "kms": self._decrypt,
            "edge": self._edge.get_foundation_model,
            "invoke": self._invoke,
        }

    async def call(self, principal: Principal, way: str) -> Verdict:
        """Call once."""
        try:
            return await self._ways[way](principal)
        except grpc.aio.AioRpcError as error:
            return Verdict.REFUSED if error.code() in _REFUSALS else Verdict.FAILED
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return Verdict.FAILED

    async def refresh(self, principal: Principal) -> None:
        """Get new tokens, as native clients do: at runtime's public listener, and at auth for kms.

        Raises grpc.aio.AioRpcError.
        """
        at = asyncio.get_running_loop().time()
        signed_for = {
            "runtime": (self._public, f"{self._address}:9443"),
            "kms": (self._auth, "auth.craton.internal"),
        }
        principal.tokens = {
            audience: await get_token(channel, principal, host, audience)
            for audience, (channel, host) in signed_for.items()
        }
        principal.tokens_at = at

    async def stream(self, principal: Principal) -> AsyncIterator[bytes]:
        """Open a stream that would go on for minutes; yield what comes. Raises grpc.aio.AioRpcError."""
        request = inference_service_pb2.InvokeModelWithResponseStreamRequest(
            model_id=MODEL, body=body("x" * _STREAM_BYTES, _STREAM_PIECES), content_type="application/json"
        )
        call = self._streams.InvokeModelWithResponseStream(
            request, metadata=_bearer(principal, "runtime"), timeout=120
        )
        try:
            async for answer in call:
                yield b"".join(answer.chunks)
        finally:
            call.cancel()

    async def close(self) -> None:
        """Disconnect."""
        self._edge.close()
        for channel in (self._public, self._slow):
            await channel.close(None)
        for operated in (self._auth, self._kms):
            await operated.close()

    async def _get_foundation_model(self, principal: Principal) -> Verdict:
        request = catalog_service_pb2.GetFoundationModelRequest(model_id=MODEL)
        await self._catalog.GetFoundationModel(
            request, metadata=_bearer(principal, "runtime"), timeout=LIMIT_S
        )
        return Verdict.PERMITTED

    async def _invoke(self, principal: Principal) -> Verdict:
        request = inference_service_pb2.InvokeModelRequest(
            model_id=MODEL, body=body("Once", 1), content_type="application/json"
        )
        await self._inference.InvokeModel(request, metadata=_bearer(principal, "runtime"), timeout=LIMIT_S)
        return Verdict.PERMITTED

    async def _decrypt(self, principal: Principal) -> Verdict:
        request = crypto_service_pb2.DecryptRequest(ciphertext=principal.ciphertext)
        await self._crypto.Decrypt(request, metadata=_bearer(principal, "kms"), timeout=LIMIT_S)
        return Verdict.PERMITTED


class EdgeConnections:
    """HTTP/1.1 over TLS, connections kept alive, requests signed by botocore: what boto3 sends."""

    def __init__(self, address: str, authority: Path) -> None:
        """Connect lazily."""
        self._address = address
        self._context = ssl.create_default_context(cafile=str(authority))
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def get_foundation_model(self, principal: Principal) -> Verdict:
        """Call GetFoundationModel once."""
        async with asyncio.timeout(LIMIT_S):
            connection = self._idle.pop() if self._idle else await self._connect()
            reader, writer = connection
            try:
                writer.write(self._signed(principal))
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = next(
                    int(line.partition(":")[2])
                    for line in head.split("\r\n")
                    if line.startswith("content-length:")
                )
                await reader.readexactly(length)
            except BaseException:
                writer.transport.abort()
                raise
        self._idle.append(connection)
        status = head.split(" ", 2)[1]
        if status == "200":
            return Verdict.PERMITTED
        return Verdict.REFUSED if status == "403" else Verdict.FAILED

    def close(self) -> None:
        """Drop the connections that are idle."""
        for _, writer in self._idle:
            writer.transport.abort()
        self._idle.clear()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._address, 8443, ssl=self._context)

    def _signed(self, principal: Principal) -> bytes:
        path, host = f"/foundation-models/{MODEL}", f"{self._address}:8443"
        # A signed header that differs makes every signature one of a kind.
        request = AWSRequest(
            "GET", f"https://{host}{path}", headers={"Host": host, "X-Client-Request": str(uuid.uuid4())}
        )
        key = principal.key
        credentials = Credentials(key.access_key_id, key.secret, key.session_token or None)
        SigV4Auth(credentials, "bedrock", REGION).add_auth(request)
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
        return "\r\n".join([*lines, "", ""]).encode()


def operator_channel(stack: Stack, service: str) -> Channel:
    """Return a channel to a service under the operator's certificate."""
    directory = stack.identity_dir("operator", "admin")
    tls = TlsSettings(directory / "tls.crt", directory / "tls.key", directory / "ca.crt")
    ports = {name: port for kind, name, port in stack.grpc_targets() if kind == "service"}
    upstream = UpstreamSettings(f"{stack.address}:{ports[service]}", service)
    return Channel(upstream, tls, stack.definition.trust_domain, SystemClock())


async def get_token(channel: Any, principal: Principal, host: str, audience: str) -> str:
    """Exchange a signature for a token. Raises grpc.aio.AioRpcError."""
    signed = sign_token_request(principal.key.signer(), host, audience, datetime.now(UTC))
    scope = signed.credential
    request = token_service_pb2.GetTokenRequest(
        signed_request=resources_pb2.SignedRequest(
            access_key_id=scope.access_key_id,
            scope=resources_pb2.CredentialScope(date=scope.date, region=scope.region, service=scope.service),
            string_to_sign=signed.string_to_sign.decode(),
            signature=signed.signature,
            session_token=principal.key.session_token,
        ),
        audience=audience,
    )
    stub = token_service_pb2_grpc.TokenServiceStub(channel)
    return str((await stub.GetToken(request, timeout=_TOKEN_LIMIT_S)).token)


def _bearer(principal: Principal, audience: str) -> Metadata:
    return (("authorization", f"Bearer {principal.tokens[audience]}"),)
