"""What is asked of a measured service: each asking makes one call and says whether it was answered."""

import random
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from craton.audit.v1 import (
    ingest_service_pb2,
    ingest_service_pb2_grpc,
    log_service_pb2,
    log_service_pb2_grpc,
    lookup_service_pb2,
    lookup_service_pb2_grpc,
)
from craton.audit.v1 import resources_pb2 as pb
from craton.kms.v1 import crypto_service_pb2, crypto_service_pb2_grpc

from services.chassis.clock import SystemClock
from services.chassis.randomness import OrderedUuids, SystemRandomness
from tests.load.audit import population
from tests.load.audit.population import Call

Ask = Callable[[], Awaitable[int]]
"""Makes one call, and returns of how many events it tells; raises when it was not answered."""
PAGES = 3
"""That a question is followed for, newest first."""
SHIPPED = 64
"""Events that a shipper has collected while the last batch travelled."""
CALL_LIMIT_S = 60.0
_KEY = "accounts/123456789012/regions/us-east-1/keys/00000000-0000-4000-8000-000000000000"


class Asking(Protocol):
    """One kind of load."""

    def writer(self, channel: Any, events: int, metadata: Any) -> Ask:
        """Return what one of those in flight does again and again, on a log of so many events."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call of the server that answers at once."""

    method: str
    request: Any
    records: int

    def writer(self, channel: Any, events: int, metadata: Any) -> Ask:
        """Ask with the token of a user."""
        call: Any = getattr(crypto_service_pb2_grpc.CryptoServiceStub(channel), self.method)

        async def ask() -> int:
            await call(self.request, metadata=metadata, timeout=CALL_LIMIT_S)
            return self.records

        return ask


@dataclass(frozen=True, slots=True)
class Shipping:
    """A shipper of runtime with a spool of its own."""

    at_once: int

    def writer(self, channel: Any, events: int, metadata: Any) -> Ask:
        """Ship the next events, which are new."""
        append: Any = ingest_service_pb2_grpc.IngestServiceStub(channel).AppendEvents
        spool, first = uuid.uuid4().hex, 0
        ids = OrderedUuids(SystemClock(), SystemRandomness())
        numbers = (random.randrange(population.calls_of(events)) for _ in range(self.at_once))
        made = [
            population.event(population.call(number), "runtime", pb.EVENT_PHASE_INTENT) for number in numbers
        ]

        async def ask() -> int:
            nonlocal first
            for each in made:
                each.event_id = ids.next()
            request = ingest_service_pb2.AppendEventsRequest(
                spool_id=spool, first_position=first, events=made
            )
            answer = await append(request, timeout=CALL_LIMIT_S)
            if answer.next_position != first + self.at_once:
                raise ValueError(f"{answer.next_position} was answered")
            # What was refused is brought again, as shippers do.
            first = answer.next_position
            return self.at_once

        return ask


@dataclass(frozen=True, slots=True)
class Looking:
    """A question about some call, followed for a few pages; each page is a lookup."""

    attributes: Callable[[Call], Mapping[str, Any]]
    hours: float = 0.0
    """Of the time range that ends with the call, 0 for none."""
    always: bool = True
    """Whether there is something to be found, in any account."""

    def writer(self, channel: Any, events: int, metadata: Any) -> Ask:
        """Ask for the next page."""
        lookup: Any = lookup_service_pb2_grpc.LookupServiceStub(channel).LookupEvents
        calls = population.calls_of(events)
        request, pages = lookup_service_pb2.LookupEventsRequest(), 0

        async def ask() -> int:
            nonlocal request, pages
            if not request.page_token:
                made, pages = population.call(random.randrange(calls)), 0
                request = lookup_service_pb2.LookupEventsRequest(**self.attributes(made))
                if self.hours:
                    request.start_time.FromDatetime(made.time - timedelta(hours=self.hours))
                    request.end_time.FromDatetime(made.time + timedelta(seconds=1))
            answer = await lookup(request, timeout=CALL_LIMIT_S)
            if self.always and not answer.events and not pages:
                raise ValueError("nothing was found")
            pages += 1
            request.page_token = answer.next_page_token if pages < PAGES else ""
            return len(answer.events)

        return ask


class Proving:
    """An inclusion proof of some event, as `craton audit prove` asks for it."""

    def writer(self, channel: Any, events: int, metadata: Any) -> Ask:
        """Ask for the proof."""
        prove: Any = log_service_pb2_grpc.LogServiceStub(channel).GetEventProof
        calls = population.calls_of(events)

        async def ask() -> int:
            made = population.call(random.randrange(calls))
            wanted = population.event_id(made, "edge", pb.EVENT_PHASE_OUTCOME)
            answer = await prove(log_service_pb2.GetEventProofRequest(event_id=wanted), timeout=CALL_LIMIT_S)
            if pb.Event.FromString(answer.event).event_id != wanted or not answer.proof:
                raise ValueError("another event was proved")
            return 1

        return ask


class Growing:
    """A consistency proof between two sizes that the log has had."""

    def writer(self, channel: Any, events: int, metadata: Any) -> Ask:
        """Ask for the proof."""
        prove: Any = log_service_pb2_grpc.LogServiceStub(channel).GetConsistencyProof
        size = population.rounds_of(events) * population.EVENTS_OF_A_ROUND

        async def ask() -> int:
            first, second = sorted(random.sample(range(1, size + 1), 2))
            request = log_service_pb2.GetConsistencyProofRequest(first_size=first, second_size=second)
            if not (await prove(request, timeout=CALL_LIMIT_S)).hashes:
                raise ValueError("no hashes")
            return 0

        return ask


def _seldom(_: Call) -> Mapping[str, Any]:
    return {"event_name": "DeleteProvisionedModelThroughput"}


RECORDED: Mapping[str, Asking] = {
    "a read: one event": Recorded("GetPublicKey", crypto_service_pb2.GetPublicKeyRequest(key_name=_KEY), 1),
    "an effect: two events": Recorded(
        "Sign",
        crypto_service_pb2.SignRequest(
            key_name=_KEY, message=b"m" * 256, signing_algorithm="ED25519_SHA_512"
        ),
        2,
    ),
}
SHIPPINGS: Mapping[str, Asking] = {
    "one event a batch": Shipping(1),
    f"{SHIPPED} events a batch": Shipping(SHIPPED),
}
LOOKUPS: Mapping[str, Asking] = {
    "newest of all": Looking(lambda _: {}),
    "hour of all": Looking(lambda _: {}, hours=1),
    "account": Looking(lambda call: {"account_id": call.account_id}),
    "account, hour": Looking(lambda call: {"account_id": call.account_id}, hours=1),
    "principal": Looking(lambda call: {"principal_arn": call.arn}),
    "event name of an account": Looking(
        lambda call: {"account_id": call.account_id, "event_name": call.event_name}
    ),
    "event name of all": Looking(lambda call: {"event_name": call.event_name}),
    "seldom event name of all": Looking(_seldom),
    "resource of an account": Looking(
        lambda call: {"account_id": call.account_id, "resource": call.resource}
    ),
    "resource of all": Looking(lambda call: {"resource": call.resource}),
    "request id": Looking(lambda call: {"request_id": call.request_id}),
    "event id": Looking(lambda call: {"event_id": population.event_id(call, "edge", pb.EVENT_PHASE_OUTCOME)}),
    "records of an account": Looking(lambda call: {"account_id": call.account_id, "records_only": True}),
    "records, event source": Looking(
        lambda call: {
            "account_id": call.account_id,
            "event_source": call.event_source,
            "records_only": True,
        }
    ),
    "records, user name": Looking(
        lambda call: {"account_id": call.account_id, "user_name": call.user, "records_only": True}
    ),
    "records, access key": Looking(
        lambda call: {
            "account_id": call.account_id,
            "access_key_id": call.access_key_id,
            "records_only": True,
        }
    ),
    "records, read or write": Looking(
        lambda call: {"account_id": call.account_id, "read_only": False, "records_only": True}
    ),
    "records, resource type": Looking(
        lambda call: {
            "account_id": call.account_id,
            "resource_type": "AWS::KMS::Key",
            "records_only": True,
        },
        always=False,
    ),
    "records of all, resource type": Looking(
        lambda _: {"resource_type": "AWS::KMS::Key", "records_only": True}
    ),
    "records of all, access key": Looking(
        lambda call: {"access_key_id": call.access_key_id, "records_only": True}
    ),
    "user name, not of records alone": Looking(lambda call: {"user_name": call.user}),
    "access key, not of records alone": Looking(lambda call: {"access_key_id": call.access_key_id}),
}
PROOFS: Mapping[str, Asking] = {"inclusion proof": Proving(), "consistency proof": Growing()}
ASKINGS: Mapping[str, Asking] = {**RECORDED, **SHIPPINGS, **LOOKUPS, **PROOFS}
"""By the names of the tables."""
