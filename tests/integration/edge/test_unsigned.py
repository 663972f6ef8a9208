"""What goes without a signature, what of it is recorded, and what strangers can take of the edge with it."""

import asyncio
from typing import Any
from urllib.parse import urlencode

import pytest

from services.edge.http.unsigned import BODY_BYTES
from tests.fakes.edge_upstreams import ACCOUNT
from tests.fakes.raw_client import RawClient

ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


def form(**changes: str) -> bytes:
    given = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": "today",
        "WebIdentityToken": "good",
    }
    return urlencode({**given, **changes}).encode()


async def ask(stack: Any, body: bytes, length: str | None = None) -> tuple[int, str]:
    """Send a request without a signature; return its status and AWS's code."""
    declared = f"Content-Length: {len(body)}\r\n" if length is None else length
    head = f"POST / HTTP/1.1\r\nHost: localhost\r\n{FORM}{declared}\r\n"
    answer = await RawClient(stack.server.port, stack.ca, "", "").send(head.encode() + body)
    return answer.status, answer.body.decode().partition("<Code>")[2].partition("</Code>")[0]


async def test_a_session_is_recorded_as_its_users(stack: Any) -> None:
    assert await ask(stack, form()) == (200, "")
    assert stack.recorder.events == [("outcome", "AssumeRoleWithWebIdentity", "OK", "")]
    (call,) = stack.recorder.calls
    assert call.principal.federated.user_name == "alice"
    assert call.resources == [ROLE]
    (request,) = stack.auth.requests
    assert request.audit_context.source_ip == "127.0.0.1"
    assert request.audit_context.tls_version.startswith("TLSv1")
    assert request.audit_context.region == "us-east-1"


async def test_strangers_are_counted(stack: Any) -> None:
    assert await ask(stack, form(WebIdentityToken="bad!")) == (400, "InvalidIdentityToken")
    assert await ask(stack, form(Action="AssumeRole")) == (403, "MissingAuthenticationToken")
    assert await ask(stack, form(WebIdentityToken="x" * 20_001)) == (400, "ValidationError")
    assert [phase for phase, *_ in stack.recorder.events] == ["summary"] * 3


@pytest.mark.parametrize(
    ("body", "length"),
    [
        (b"", f"Content-Length: {BODY_BYTES + 1}\r\n"),
        (b"5\r\nhello\r\n", "Transfer-Encoding: chunked\r\n"),
    ],
)
async def test_large_and_unbounded_bodies_are_not_read(stack: Any, body: bytes, length: str) -> None:
    assert await ask(stack, body, length=length) == (403, "MissingAuthenticationToken")
    assert stack.auth.requests == []


async def test_only_so_many_wait(stack: Any) -> None:
    stack.auth.door.clear()
    asking = [asyncio.create_task(ask(stack, form())) for _ in range(300)]
    async with asyncio.timeout(60):
        while sum(task.done() for task in asking) < 300 - 256:
            await asyncio.sleep(0.05)
        while stack.auth.at_the_door < 32:
            await asyncio.sleep(0.05)
    assert stack.auth.at_the_door == 32, "of all, so many are auth's at a time"
    # Whoever signs is not kept waiting by them.
    models = stack.client("bedrock")
    assert await stack.call(models, "list_foundation_models")
    stack.auth.door.set()
    answers = await asyncio.gather(*asking)
    assert sorted(set(answers)) == [(200, ""), (400, "Throttling")]
    assert answers.count((400, "Throttling")) == 300 - 256
