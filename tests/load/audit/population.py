"""The events of a log that is looked up in: what each is follows from its number alone."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from craton.audit.v1 import resources_pb2 as pb

CALLS_OF_A_ROUND = 1024
"""Of each call edge records an outcome, the record; runtime an intent and an outcome."""
EVENTS_OF_A_CALL = 3
EVENTS_OF_A_ROUND = CALLS_OF_A_ROUND * EVENTS_OF_A_CALL
BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
"""A call a second from then on, so that ten million events are those of 38 days."""
EDGE, RUNTIME = "service/edge", "service/runtime"
SPOOLS = {EDGE: "ed" * 16, RUNTIME: "ab" * 16}
_ACCOUNTS, _USERS, _MODELS, _KEYS = 100, 20, 50, 1_000
_RARELY, _SELDOM = 1_000, 50
_CLIENT = "Boto3/1.44.5 md/Botocore#1.44.5"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a client's."""

    number: int
    account_id: str
    user: str
    event_source: str
    event_name: str
    resource: str

    @property
    def arn(self) -> str:
        """Of its principal."""
        return f"arn:aws:iam::{self.account_id}:user/{self.user}"

    @property
    def access_key_id(self) -> str:
        """Of its principal."""
        return f"AKIA{self.account_id[-6:]}{self.user[5:]:0>10}"

    @property
    def request_id(self) -> str:
        """As the client got it."""
        return _ordered(self.time, f"request {self.number}")

    @property
    def time(self) -> datetime:
        """When it came."""
        return BEGAN + timedelta(seconds=self.number)


def call(number: int) -> Call:
    """Return a call: mostly an invocation, one of 50 a use of a key, one of 1,000 a change."""
    drawn = int.from_bytes(hashlib.blake2b(f"call {number}".encode(), digest_size=8).digest())
    drawn, account = divmod(drawn, _ACCOUNTS)
    drawn, user = divmod(drawn, _USERS)
    account_id = f"{100_000_000_000 + account}"
    source, name = "bedrock.amazonaws.com", "InvokeModel"
    resource = f"arn:aws:bedrock:us-east-1::foundation-model/craton.model-{drawn % _MODELS}-v1"
    if drawn % _RARELY == 0:
        name = "DeleteProvisionedModelThroughput"
        resource = f"arn:aws:bedrock:us-east-1:{account_id}:provisioned-model/{drawn % 4096:012x}"
    elif drawn % _SELDOM == 0:
        source, name = "kms.amazonaws.com", "Decrypt"
        key = _uuid(f"key {account} {drawn // _SELDOM % (_KEYS // _ACCOUNTS)}")
        resource = f"arn:aws:kms:us-east-1:{account_id}:key/{key}"
    return Call(number, account_id, f"user-{user}", source, name, resource)


def event_id(made: Call, recorder: str, phase: pb.EventPhase) -> str:
    """Return the id of an event."""
    return _ordered(made.time, f"event {made.number} {recorder} {phase}")


def event(made: Call, recorder: str, phase: pb.EventPhase) -> pb.Event:
    """Return what `recorder` has to say of a call, with all that a real event has."""
    found = pb.Event(
        event_id=event_id(made, recorder, phase),
        call_id=_ordered(made.time, f"call at {recorder} {made.number}"),
        request_id=made.request_id,
        phase=phase,
        recorder=recorder,
        event_source=made.event_source,
        event_name=made.event_name,
        account_id=made.account_id,
        count=1,
        resources=[made.resource],
    )
    found.event_time.FromDatetime(made.time)
    if phase == pb.EVENT_PHASE_OUTCOME:
        found.status_code, found.duration_us = "OK", 2_345
    if recorder == "runtime":
        found.caller = "spiffe://craton.local/service/edge"
    found.principal.account_id = made.account_id
    found.principal.account_incarnation = "f81d4fae7dec"
    found.principal.arn = made.arn
    found.principal.principal_id = f"AIDA{made.account_id[-6:]}{made.user[5:]:0>11}"
    found.principal.access_key_id = made.access_key_id
    seen = found.audit_context
    seen.source_ip, seen.user_agent = "192.0.2.7", _CLIENT
    seen.tls_version, seen.tls_cipher = "TLSv1.3", "TLS_AES_128_GCM_SHA256"
    seen.endpoint, seen.region = "bedrock-runtime.us-east-1.example.com", "us-east-1"
    return found


def rounds_of(events: int) -> int:
    """Return how many rounds have at least so many events."""
    return -(-events // EVENTS_OF_A_ROUND)


def calls_of(events: int) -> int:
    """Return how many calls a log of at least so many events has."""
    return rounds_of(events) * CALLS_OF_A_ROUND


def events_of_edge(round_number: int) -> list[pb.Event]:
    """Return the batch of edge's spool."""
    return [event(call(number), "edge", pb.EVENT_PHASE_OUTCOME) for number in _numbers(round_number)]


def events_of_runtime(round_number: int) -> list[pb.Event]:
    """Return what runtime's spool has of a round: as many as two batches hold."""
    phases = (pb.EVENT_PHASE_INTENT, pb.EVENT_PHASE_OUTCOME)
    calls = map(call, _numbers(round_number))
    return [event(made, "runtime", phase) for made in calls for phase in phases]


def _numbers(round_number: int) -> range:
    return range(round_number * CALLS_OF_A_ROUND, (round_number + 1) * CALLS_OF_A_ROUND)


def _ordered(at: datetime, text: str) -> str:
    """Return an id in the form that services make them in: OrderedUuids."""
    drawn = bytearray(hashlib.blake2b(text.encode(), digest_size=10).digest())
    drawn[0], drawn[2] = 0x70 | drawn[0] & 0x0F, 0x80 | drawn[2] & 0x3F
    return str(UUID(bytes=int(at.timestamp() * 1000).to_bytes(6) + drawn))


def _uuid(text: str) -> UUID:
    return UUID(bytes=hashlib.blake2b(text.encode(), digest_size=16).digest())
