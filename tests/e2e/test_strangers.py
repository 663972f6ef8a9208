"""Strangers with large bodies cost the edge a bounded amount of memory, and honest clients little time."""

import asyncio
import ssl
from datetime import UTC, datetime
from typing import Any

import psutil

STRANGERS = 200
BODY_BYTES = 25_000_000
CAP_BYTES = 256 * 1024 * 1024
"""What strangers together may cost: bodies, buffers and TLS of 200 connections."""
_CHUNK = b"x" * 65536


def edge_process(stack: Any) -> psutil.Process:
    programs = stack.craton_json("status")["programs"]
    return psutil.Process(next(each["pid"] for each in programs if each["program"] == "edge"))


async def stranger(stack: Any, key_id: str, context: ssl.SSLContext) -> int:
    """Send a signed-looking request with a large body as fast as the edge takes it; return the status."""
    now = datetime.now(UTC)
    host = f"{stack.address}:8443"
    head = (
        "POST /model/craton.tiny-text-v1/invoke HTTP/1.1\r\n"
        f"Host: {host}\r\nContent-Type: application/json\r\nContent-Length: {BODY_BYTES}\r\n"
        f"X-Amz-Date: {now:%Y%m%dT%H%M%SZ}\r\n"
        f"Authorization: AWS4-HMAC-SHA256 Credential={key_id}/{now:%Y%m%d}/us-east-1/bedrock/aws4_request, "
        f"SignedHeaders=content-type;host;x-amz-date, Signature={'0' * 64}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(stack.address, 8443, ssl=context)
    try:
        writer.write(head.encode())
        answer = asyncio.create_task(reader.readline())
        sent = 0
        while sent < BODY_BYTES and not answer.done():
            part = _CHUNK[: BODY_BYTES - sent]
            writer.write(part)
            await asyncio.wait_for(writer.drain(), 120)
            sent += len(part)
        line = await asyncio.wait_for(answer, 120)
        return int(line.split()[1]) if line else 0
    except (ConnectionError, ssl.SSLError):
        # Refused while it was still sending: the edge closed the connection.
        return 0
    finally:
        writer.transport.abort()


async def watch(process: psutil.Process, peak: list[int]) -> None:
    while True:
        peak[0] = max(peak[0], process.memory_info().rss)
        await asyncio.sleep(0.05)


async def flood(stack: Any, key_id: str) -> tuple[int, list[int]]:
    """Return by how much the edge grew at most, and what the strangers were answered."""
    context = ssl.create_default_context(cafile=str(stack.home / "pki/ca.pem"))
    process = edge_process(stack)
    before = process.memory_info().rss
    peak = [before]
    watching = asyncio.create_task(watch(process, peak))
    answers = await asyncio.gather(*(stranger(stack, key_id, context) for _ in range(STRANGERS)))
    watching.cancel()
    return peak[0] - before, answers


async def test_unknown_keys(stack: Any) -> None:
    grown, answers = await flood(stack, "AKIAIOSFODNN7EXAMPLE")
    print(f"the edge grew by {grown / 1024 / 1024:.0f} MiB; answers {sorted(set(answers))}")
    assert grown <= CAP_BYTES
    assert set(answers) <= {0, 403, 503}
    assert 403 in answers


async def test_a_known_key_with_a_forged_signature(stack: Any) -> None:
    """The key's id is no secret: whoever knows it makes the edge read the body before it can refuse."""
    grown, answers = await flood(stack, stack.credentials()["aws_access_key_id"])
    print(f"the edge grew by {grown / 1024 / 1024:.0f} MiB; answers {sorted(set(answers))}")
    assert grown <= CAP_BYTES
    assert set(answers) <= {0, 403, 503}


def test_the_edge_serves_on_afterwards(stack: Any) -> None:
    assert stack.client("bedrock").list_foundation_models()["modelSummaries"]
