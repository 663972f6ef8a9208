"""The three ways to a model that are compared: direct to Triton, through runtime, through edge.

Every path sends what a client would send, with headers that differ from request to request, and
checks the status of every answer.
"""

import asyncio
import base64
import json
import ssl
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from botocore.eventstream import EventStreamBuffer
from craton.runtime.v1 import inference_service_pb2 as pb
from craton.runtime.v1 import inference_service_pb2_grpc as pb_grpc

from cli.session import Session
from deploy.local.stack import Stack
from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.config import load
from services.chassis.randomness import SystemRandomness
from services.chassis.secret import SecretBytes
from services.chassis.settings import TlsSettings, UpstreamSettings
from services.chassis.sigv4_signer import SigningCredentials, sign_headers
from services.runtime.adapters.triton_pool import TritonPool
from services.runtime.config import RuntimeConfig
from services.runtime.domain.generation import Generation

_TOKEN_LIFE_S = 30.0
_CALL_LIMIT_S = 60.0
_METRICS = "amazon-bedrock-invocationMetrics"


async def _admitted() -> None:
    """No call stands behind a request that goes straight to Triton, so none is recorded."""


class Load(Protocol):
    """What is asked: a model, a body, and how many pieces come back."""

    model_id: str
    prompt: str
    pieces: int


class Way(Protocol):
    """One way to the model."""

    async def open(self) -> None:
        """Connect and warm up."""

    async def unary(self) -> int:
        """Ask for a whole answer; return its tokens."""

    def stream(self) -> AsyncIterator[int]:
        """Ask for a stream; yield the tokens of each message."""

    async def close(self) -> None:
        """Disconnect."""


def titan_body(load_: Load) -> bytes:
    """The Titan request for a load."""
    configuration = {"maxTokenCount": load_.pieces, "temperature": 0}
    return json.dumps({"inputText": load_.prompt, "textGenerationConfig": configuration}).encode()


class Direct:
    """Runtime's own client of Triton, without runtime: sealed frames over mTLS. Needs runtime's uid."""

    def __init__(self, load_: Load, stack: Stack) -> None:
        config = load(stack.root / "deploy/config/runtime.toml", RuntimeConfig)
        settings = next(each for each in config.pools if load_.model_id.startswith(each.provider + "."))
        clock = SystemClock()
        self._agent = Channel(settings.agent, config.tls, config.server.trust_domain, clock)
        self._pool = TritonPool(
            settings.agent.name, self._agent, settings.door, settings.tls, SystemRandomness()
        )
        self._load = load_
        self._follow: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self._follow = asyncio.create_task(self._pool.run())
        for _ in range(100):
            if self._load.model_id in self._pool._instances:
                return
            await asyncio.sleep(0.1)
        raise RuntimeError("the model is not ready")

    async def unary(self) -> int:
        request = Generation(max_tokens=self._load.pieces, prompt=self._load.prompt)
        answer = await self._pool.complete(self._load.model_id, request, _CALL_LIMIT_S, _admitted)
        return answer.output_tokens

    async def stream(self) -> AsyncIterator[int]:
        request = Generation(max_tokens=self._load.pieces, prompt=self._load.prompt)
        async for piece in self._pool.generate(self._load.model_id, request, _CALL_LIMIT_S, _admitted):
            yield piece.tokens

    async def close(self) -> None:
        if self._follow is not None:
            self._follow.cancel()
        await self._pool.close()
        await self._agent.close()


class ThroughRuntime:
    """A gRPC client in edge's place: edge's certificate and a principal token."""

    def __init__(self, load_: Load, stack: Stack) -> None:
        directory = stack.identity_dir("service", "edge")
        tls = TlsSettings(directory / "tls.crt", directory / "tls.key", directory / "ca.crt")
        upstream = UpstreamSettings(f"{stack.address}:7102", "runtime", transport="http2")
        self._channel = Channel(upstream, tls, stack.definition.trust_domain, SystemClock())
        self._stub = pb_grpc.InferenceServiceStub(self._channel)
        self._stack = stack
        self._load = load_
        self._body = titan_body(load_)
        self._token: tuple[float, Any] = (float("-inf"), ())

    async def open(self) -> None:
        await self.unary()

    async def unary(self) -> int:
        request = pb.InvokeModelRequest(model_id=self._load.model_id, body=self._body)
        answer = await self._stub.InvokeModel(request, metadata=await self._metadata(), timeout=_CALL_LIMIT_S)
        return int(answer.usage.output_tokens)

    async def stream(self) -> AsyncIterator[int]:
        request = pb.InvokeModelWithResponseStreamRequest(model_id=self._load.model_id, body=self._body)
        call = self._stub.InvokeModelWithResponseStream(
            request, metadata=await self._metadata(), timeout=_CALL_LIMIT_S
        )
        counted = 0
        async for answer in call:
            if answer.HasField("usage"):
                yield answer.usage.output_tokens - counted
            else:
                counted += len(answer.chunks)
                yield len(answer.chunks)

    async def close(self) -> None:
        await self._channel.close()

    async def _metadata(self) -> Any:
        now = asyncio.get_running_loop().time()
        if now - self._token[0] > _TOKEN_LIFE_S:
            self._token = (now, await asyncio.to_thread(self._fetch_token))
        return (*self._token[1], ("x-request-id", str(uuid.uuid4())))

    def _fetch_token(self) -> Any:
        session = Session(self._stack)
        try:
            return session.token("runtime")
        finally:
            session.close()


class ThroughEdge:
    """HTTP/1.1 over TLS with SigV4, connections kept alive: what boto3 does, at a fraction of its cost."""

    def __init__(self, load_: Load, stack: Stack, credentials: SigningCredentials) -> None:
        self._load = load_
        self._credentials = credentials
        self._host = f"{stack.address}:8443"
        self._address = stack.address
        self._context = ssl.create_default_context(cafile=str(stack.pki / "ca.pem"))
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._body = titan_body(load_)

    async def open(self) -> None:
        await self.unary()

    async def unary(self) -> int:
        connection = await self._request("invoke")
        headers = await _head(connection[0])
        body = await connection[0].readexactly(int(headers["content-length"]))
        self._idle.append(connection)
        return int(json.loads(body)["results"][0]["tokenCount"])

    async def stream(self) -> AsyncIterator[int]:
        connection = await self._request("invoke-with-response-stream")
        await _head(connection[0])
        buffer = EventStreamBuffer()
        counted = 0
        while True:
            chunk = await _chunk(connection[0])
            if not chunk:
                break
            buffer.add_data(chunk)
            for event in buffer:
                if event.headers.get(":message-type") != "event":
                    raise RuntimeError(f"exception frame {event.headers.get(':exception-type')}")
                # Tokens that came together share a chunk; the last one says how many there were.
                metrics = json.loads(base64.b64decode(json.loads(event.payload)["bytes"])).get(_METRICS)
                tokens = 1 if metrics is None else metrics["outputTokenCount"] - counted
                counted += tokens
                yield tokens
        self._idle.append(connection)

    async def close(self) -> None:
        for _, writer in self._idle:
            writer.transport.abort()

    async def _request(self, operation: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        path = f"/model/{self._load.model_id}/{operation}"
        body = self._body
        # A signed header that differs makes every signature one of a kind.
        headers = {
            "host": self._host,
            "content-type": "application/json",
            "x-client-request": str(uuid.uuid4()),
        }
        signed = sign_headers(self._credentials, "POST", path.encode(), b"", headers, body, datetime.now(UTC))
        lines = [
            f"POST {path} HTTP/1.1",
            *(f"{k}: {v}" for k, v in signed.items()),
            f"content-length: {len(body)}",
        ]
        if self._idle:
            connection = self._idle.pop()
        else:
            connection = await asyncio.open_connection(self._address, 8443, ssl=self._context)
        connection[1].write("\r\n".join([*lines, "", ""]).encode() + body)
        return connection


async def _head(reader: asyncio.StreamReader) -> dict[str, str]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
    if " 200 " not in head[0] + " ":
        raise RuntimeError(f"{head[0]} {headers.get('x-amzn-errortype', '')}")
    return headers


async def _chunk(reader: asyncio.StreamReader) -> bytes:
    size = int((await reader.readuntil(b"\r\n")).strip(), 16)
    data = await reader.readexactly(size + 2)
    return data[:-2]


def credentials_of(home: Path) -> SigningCredentials:
    """Read the credentials file that `make up` or the bench wrote."""
    lines = (home / "aws/credentials").read_text().splitlines()
    found = dict(line.split(" = ", 1) for line in lines if " = " in line)
    return SigningCredentials(
        found["aws_access_key_id"], SecretBytes(found["aws_secret_access_key"].encode()), "us-east-1"
    )
