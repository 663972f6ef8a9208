"""Strangers with large bodies cost the edge a bounded amount of memory, and honest clients little time."""

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

STRANGERS = 200
BODY_BYTES = 25_000_000
CAP_BYTES = 256 * 1024 * 1024
"""What strangers together may cost: bodies, buffers and TLS of 200 connections."""
ELSEWHERE = "127.251.0.1"
"""Where strangers come from who have learned somebody's key id."""
UNKNOWN_KEY = "AKIAIOSFODNN7EXAMPLE"
_CHUNK = b"x" * 65536


@dataclass(frozen=True)
class Flood:
    """What a flood did."""

    grown: int
    """By how many bytes the edge grew at most."""
    answers: set[int]
    """Status codes; 0 for a connection that was reset."""
    statuses: list[int]


def edge_process(stack: Any) -> psutil.Process:
    programs = stack.craton_json("status")["programs"]
    return psutil.Process(next(each["pid"] for each in programs if each["program"] == "edge"))


async def stranger(stack: Any, key_id: str, tls: ssl.SSLContext, source: str | None, pause_s: float) -> int:
    """Send a signed-looking request with a large body as fast as the edge takes it; return the status.

    With `pause_s`, one that sends slowly: it stops for so long after each 64 KiB, and hangs up after ten
    seconds (-1) if it has no answer by then.
    """
    now = datetime.now(UTC)
    host = f"{stack.address}:8443"
    head = (
        "POST /model/craton.tiny-text-v1/invoke HTTP/1.1\r\n"
        f"Host: {host}\r\nContent-Type: application/json\r\nContent-Length: {BODY_BYTES}\r\n"
        f"X-Amz-Date: {now:%Y%m%dT%H%M%SZ}\r\n"
        f"Authorization: AWS4-HMAC-SHA256 Credential={key_id}/{now:%Y%m%d}/us-east-1/bedrock/aws4_request, "
        f"SignedHeaders=content-type;host;x-amz-date, Signature={'0' * 64}\r\n\r\n"
    )
    until = time.monotonic() + 10 if pause_s else float("inf")
    local = None if source is None else (source, 0)
    reader, writer = await asyncio.open_connection(stack.address, 8443, ssl=tls, local_addr=local)
    try:
        writer.write(head.encode())
        answer = asyncio.create_task(reader.readline())
        sent = 0
        while sent < BODY_BYTES and not answer.done():
            part = _CHUNK[: BODY_BYTES - sent]
            writer.write(part)
            await asyncio.wait_for(writer.drain(), 120)
            sent += len(part)
            await asyncio.sleep(pause_s)
            if time.monotonic() > until:
                answer.cancel()
                return -1
        line = await asyncio.wait_for(answer, 120)
        return int(line.split()[1]) if line else 0
    except (ConnectionError, ssl.SSLError):
        return 0
    finally:
        writer.transport.abort()


async def watch(process: psutil.Process, peak: list[int]) -> None:
    while True:
        peak[0] = max(peak[0], process.memory_info().rss)
        await asyncio.sleep(0.02)


async def flood(stack: Any, *key_ids: str, source: str | None = None, pause_s: float = 0.0) -> Flood:
    tls = ssl.create_default_context(cafile=str(stack.home / "pki/ca.pem"))
    process = await asyncio.to_thread(edge_process, stack)
    before = process.memory_info().rss
    peak = [before]
    watching = asyncio.create_task(watch(process, peak))
    answers = await asyncio.gather(
        *(
            stranger(stack, key_ids[number % len(key_ids)], tls, source, pause_s)
            for number in range(STRANGERS)
        )
    )
    watching.cancel()
    done = Flood(peak[0] - before, set(answers), answers)
    print(f"the edge grew by {done.grown / 1024 / 1024:.0f} MiB; answers {sorted(done.answers)}")
    return done


@pytest.mark.parametrize("pause_s", [0.0, 0.1])
@pytest.mark.parametrize("known", [False, True])
async def test_the_cap(stack: Any, known: bool, pause_s: float) -> None:
    """A key's id is no secret: whoever knows it makes the edge read the body before it can refuse."""
    key_id = stack.credentials()["aws_access_key_id"] if known else UNKNOWN_KEY
    await asyncio.to_thread(stack.client("bedrock").list_foundation_models)
    done = await flood(stack, key_id, pause_s=pause_s)
    assert done.grown <= CAP_BYTES
    # Refused in AWS's words every time, never by a reset; -1 are the slow ones that still had room.
    assert done.answers <= {403, 503, -1}
    assert done.answers & {403, -1}, "some were read to their end"


class Honest:
    """A client as people have it: told that the service is unavailable, it asks again."""

    def __init__(self, stack: Any) -> None:
        self._catalogue = self._client(stack, "bedrock")
        self._runtime = self._client(stack, "bedrock-runtime")
        self.waits: list[float] = []
        """Of small requests, with what was asked again; seconds."""
        self.refusals: list[str] = []
        """What invocations with 25 MB were answered in the end."""
        self.no_room = 0
        """Answers before the end of a body, which close the connection: nobody held it."""

    def _client(self, stack: Any, service: str) -> Any:
        client = stack.client(service, config=Config())
        client.meta.events.register(f"response-received.{service}", self._received)
        return client

    def _received(self, response_dict: Any, **others: Any) -> None:
        answered = response_dict or {"status_code": 200}
        if answered["status_code"] == 503 and answered["headers"].get("connection") == "close":
            self.no_room += 1

    def small(self) -> None:
        began = time.monotonic()
        self._catalogue.list_foundation_models()
        self.waits.append(time.monotonic() - began)

    def large(self) -> None:
        with pytest.raises(ClientError) as refused:
            self._runtime.invoke_model(modelId="craton.tiny-chat-v1", body=b"x" * BODY_BYTES)
        self.refusals.append(str(refused.value))


async def again(run: Callable[[], None]) -> None:
    while True:
        await asyncio.to_thread(run)
        await asyncio.sleep(0.05)


async def test_honest_clients_meanwhile(stack: Any) -> None:
    """Small requests are answered soon, and a body of 25 MB reaches runtime.

    A disk that stands still for longer than the audit log waits may refuse a call; strangers may not.
    """
    client = Honest(stack)
    client.small()
    key_id = stack.credentials()["aws_access_key_id"]
    honest = [asyncio.create_task(again(run)) for run in (client.small, client.large)]
    for pause_s in (0.0, 0.1):
        await flood(stack, key_id, UNKNOWN_KEY, source=ELSEWHERE, pause_s=pause_s)
    for task in honest:
        assert not task.done(), task.exception()
        task.cancel()
    await asyncio.gather(*honest, return_exceptions=True)
    waits, refusals = client.waits, client.refusals
    print(f"{len(waits)} small requests, the slowest took {max(waits):.2f} s; {len(refusals)} large ones")
    assert len(waits) > 10
    assert max(waits) < 5
    assert refusals
    assert not client.no_room, "strangers took an honest client's room"
    # Runtime's words, which only it can say that knows the model: the body has passed the edge.
    others = {text for text in refusals if "(ValidationException)" not in text}
    assert not others
    assert all("Input is too long for requested model." in text for text in refusals), set(refusals)
