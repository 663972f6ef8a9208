"""A receipt says what was said and names an event that is durable before it leaves."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.context import CallContext, Statement
from services.chassis.errors import DomainError
from services.chassis.principal import PrincipalClaims
from services.chassis.randomness import SystemRandomness
from services.runtime.domain.catalogue import Catalogue
from services.runtime.domain.generation import FinishReason, TextPiece
from services.runtime.domain.receipts import KeptReceipts, SignedReceipt
from services.runtime.operations import invocation
from services.runtime.operations.continuation import Continuation
from services.runtime.operations.invocation import Invocations
from services.runtime.operations.receipt_keys import ReceiptKeys
from services.runtime.operations.receipts import Receipts
from tests.fakes.clock import ManualClock
from tests.fakes.echo_models import echo_manifest
from tests.fakes.receipts import AUTHORITY, Certifier
from tlog.note import Note
from tlog.receipt import Receipt, framed
from tlog.receipt_file import ReceiptFile

SALT = bytes(range(32))
BODY = json.dumps({"inputText": "Hello"}).encode()
ALICE = PrincipalClaims(
    "123456789012", "one", "arn:aws:iam::123456789012:user/alice", "AIDA", "AKIA", False, 1,
    "us-east-1", "runtime", "t", 0, 60,
)  # fmt: skip
TEXT = echo_manifest("text-v1")


@dataclass
class Request:
    model_id: str = TEXT.model_id
    body: bytes = BODY
    content_type: str = ""
    accept: str = ""
    receipt_salt: bytes = SALT


class Pool:
    """Answers in two pieces, once the intent is durable."""

    def __init__(self) -> None:
        self.asked = 0

    async def complete(self, model_id: str, request: Any, timeout_s: float, admitted: Any) -> TextPiece:
        self.asked += 1
        await admitted()
        return TextPiece("one two", 2, 5, FinishReason.MAX_TOKENS, output_tokens=2)

    async def generate(
        self, model_id: str, request: Any, timeout_s: float, admitted: Any
    ) -> AsyncGenerator[TextPiece, None]:
        self.asked += 1
        await admitted()
        yield TextPiece("one ", 1)
        yield TextPiece("two", 1, 5, FinishReason.END_TURN, output_tokens=2)


class Access:
    """Permits everything but what is denied."""

    def __init__(self) -> None:
        self.denied: set[str] = set()
        self.asked: list[tuple[str, str]] = []

    async def authorize(self, call: CallContext, action: str, resource: str) -> None:
        self.asked.append((action, resource))
        if action in self.denied:
            raise DomainError(ErrorReason.ERROR_REASON_ACCESS_DENIED, "no")

    async def require_model_access(self, call: Any, region: str, model_id: str, eula_sha256: str) -> None:
        return


class Meter:
    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        return


class World:
    """Runtime's use cases with a pool that answers."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.certifier = Certifier(self.clock)
        self.keys = ReceiptKeys(self.certifier, self.clock)
        self.access, self.pool, self.kept = Access(), Pool(), KeptReceipts()
        self.receipts = Receipts(self.keys, self.kept, self.access, self.clock, SystemRandomness())
        self.catalogue = Catalogue([TEXT], frozenset({"us-east-1"}), {TEXT.model_id: "ab" * 32})
        self.invocations = Invocations(
            self,
            self.access,
            {TEXT.provider: self.pool},
            self.clock,
            Meter(),
            self.receipts,  # type: ignore[dict-item]
        )
        self.outcomes: list[Statement | None] = []
        self.durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.durable.set_result(None)

    def current(self) -> Catalogue:
        return self.catalogue

    def call(self, claims: PrincipalClaims = ALICE) -> CallContext:
        call = CallContext("/m", "request-0001", "call", None, principal=claims)

        def conclude() -> "asyncio.Future[None]":
            self.outcomes.append(call.statement)
            self.usage = call.input_tokens, call.output_tokens
            return self.durable

        call.concluder = conclude
        return call

    async def stream(self, request: Request) -> tuple[bytes, SignedReceipt | None]:
        """What a client gathers of a stream, and the receipt that came with its last message."""
        gathered, receipts = b"", []
        async for chunks, _, receipt in self.invocations.invoke_streaming(self.call(), request):
            gathered += b"".join(map(framed, chunks))
            receipts.append(receipt)
        assert not any(receipts[:-1])
        return gathered, receipts[-1]


@pytest.fixture
async def world() -> World:
    made = World()
    await made.keys.renew_if_due()
    return made


def read(signed: SignedReceipt | None) -> Receipt:
    """Verify both signatures."""
    assert signed is not None
    file = ReceiptFile(Note.parse(signed.receipt), Note.parse(signed.certificate))
    return file.verify_signatures(AUTHORITY.key)[0]


async def test_a_whole_answer_has_a_receipt_that_its_event_names(world: World) -> None:
    answer = await world.invocations.invoke(world.call(), Request())
    receipt = read(answer.receipt)
    receipt.verify_request(SALT, BODY)
    receipt.verify_response(SALT, answer.body)
    assert (receipt.model_id, receipt.manifest_sha256, receipt.artifact_sha256) == (
        TEXT.model_id, "ab" * 32, "-",
    )  # fmt: skip
    assert (receipt.input_tokens, receipt.output_tokens, receipt.stop_reason) == (5, 2, "max_tokens")
    assert (receipt.account_id, receipt.region, receipt.request_id) == (
        "123456789012", "us-east-1", "request-0001",
    )  # fmt: skip
    assert world.outcomes == [Statement(str(receipt.event_id), receipt.digest)]
    assert world.usage == (5, 2)


async def test_a_stream_has_one_of_its_chunks(world: World) -> None:
    gathered, signed = await world.stream(Request())
    receipt = read(signed)
    assert receipt.operation == "InvokeModelWithResponseStream"
    receipt.verify_request(SALT, BODY)
    receipt.verify_response(SALT, gathered)
    assert (receipt.output_tokens, receipt.stop_reason) == (2, "end_turn")
    assert world.outcomes == [Statement(str(receipt.event_id), receipt.digest)]
    assert world.usage == (5, 2)


@pytest.mark.parametrize("at_the_end", [True, False])
async def test_a_stream_that_has_its_receipt_ends_well(
    world: World, monkeypatch: pytest.MonkeyPatch, at_the_end: bool
) -> None:
    """Its event says that the call has succeeded: whoever is refused only then has had the answer."""
    monkeypatch.setattr(invocation, "Continuation", partial(Continuation, every_s=0))
    receipts = []

    async def read_slowly() -> None:
        async for _, piece, receipt in world.invocations.invoke_streaming(world.call(), Request()):
            receipts.append(receipt)
            if (piece.finish is not None) is at_the_end:
                world.access.denied.add("bedrock:InvokeModelWithResponseStream")
                await asyncio.sleep(0.01)

    if at_the_end:
        await read_slowly()
        assert read(receipts[-1])
    else:
        with pytest.raises(DomainError):
            await read_slowly()
        assert (receipts, len(world.kept), world.outcomes) == ([None], 0, [])


async def test_a_large_body_is_committed_to_as_well(world: World) -> None:
    body = json.dumps({"inputText": "x" * 300_000}).encode()
    answer = await world.invocations.invoke(world.call(), Request(body=body))
    read(answer.receipt).verify_request(SALT, body)


async def test_who_asks_for_none_needs_no_key(world: World) -> None:
    without = World()
    assert (await without.invocations.invoke(without.call(), Request(receipt_salt=b""))).receipt is None
    assert (await without.stream(Request(receipt_salt=b"")))[1] is None
    assert len(without.kept) == 0
    assert without.outcomes == [None]


async def test_without_a_certified_key_nothing_is_asked_of_the_model() -> None:
    world = World()
    for asking in (world.invocations.invoke(world.call(), Request()), world.stream(Request())):
        with pytest.raises(DomainError) as refused:
            await asking
        assert refused.value.reason_name == "DEPENDENCY_UNAVAILABLE"
    assert world.pool.asked == 0


async def test_no_receipt_leaves_whose_event_is_not_durable(world: World) -> None:
    world.durable = asyncio.get_running_loop().create_future()
    asking = asyncio.create_task(world.invocations.invoke(world.call(), Request()))
    for _ in range(20):
        await asyncio.sleep(0)
    assert world.outcomes
    assert not asking.done()
    assert len(world.kept) == 0
    world.durable.set_exception(DomainError(ErrorReason.ERROR_REASON_AUDIT_UNAVAILABLE, "full"))
    with pytest.raises(DomainError):
        await asking
    assert len(world.kept) == 0


async def test_a_client_that_goes_away_does_not_take_the_record_along(world: World) -> None:
    world.durable = asyncio.get_running_loop().create_future()
    asking = asyncio.create_task(world.invocations.invoke(world.call(), Request()))
    while not world.outcomes:
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not world.durable.cancelled()
    assert len(world.kept) == 0


async def test_its_owner_gets_it_once_more(world: World) -> None:
    _, signed = await world.stream(Request())
    call = world.call()
    assert await world.receipts.find(call, "request-0001") == signed
    arn = f"arn:aws:bedrock:us-east-1::foundation-model/{TEXT.model_id}"
    assert world.access.asked[-1] == ("bedrock:InvokeModelWithResponseStream", arn)
    assert call.resources == [arn]


@pytest.mark.parametrize(
    "change",
    [
        {"account_id": "210987654321"},
        {"account_incarnation": "two"},
        {"principal_id": "AIDAEVE"},
        {"region": "eu-west-1"},
    ],
)
async def test_nobody_else_learns_that_there_is_one(world: World, change: dict[str, str]) -> None:
    await world.stream(Request())
    with pytest.raises(DomainError) as refused:
        await world.receipts.find(world.call(replace(ALICE, **change)), "request-0001")
    with pytest.raises(DomainError) as unknown:
        await world.receipts.find(world.call(), "request-0002")
    assert refused.value.message == unknown.value.message
    assert refused.value.reason_name == "RESOURCE_NOT_FOUND"


async def test_who_may_not_invoke_any_more_does_not_get_it_either(world: World) -> None:
    await world.invocations.invoke(world.call(), Request())
    world.access.denied.add("bedrock:InvokeModel")
    with pytest.raises(DomainError) as refused:
        await world.receipts.find(world.call(), "request-0001")
    assert refused.value.reason_name == "ACCESS_DENIED"
