"""The recorder: which fields reach an event, which budget pays, and what is counted instead."""

import asyncio
import contextlib
import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest
from craton.audit.v1 import resources_pb2 as pb
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.audit.budget import SpoolLimits
from services.chassis.audit.ports import AuditedMethod, Recording
from services.chassis.audit.reader import SpoolReader
from services.chassis.audit.recorder import SpoolRecorder
from services.chassis.audit.segment import Lane, frame
from services.chassis.audit.spool import Spool
from services.chassis.audit.summaries import Row, SummaryTable
from services.chassis.context import CallContext, IssuedCredentials, Statement
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.principal import BearerTokenType, FederatedUser
from services.chassis.randomness import SystemRandomness
from tests.fakes import principals

EFFECT = AuditedMethod("bedrock.amazonaws.com", "InvokeModel", Recording.EFFECT)
READ = AuditedMethod("bedrock.amazonaws.com", "GetFoundationModel", Recording.READ)
HEALTH = AuditedMethod("health.craton", "Check", Recording.SUMMARY)
EDGE = WorkloadId("craton.local", "service", "edge")
ALICE = dataclasses.replace(
    principals.ALICE,
    account_incarnation="inc-1",
    policy_epoch=3,
    region="eu-central-1",
    client=principals.ALICE.client._replace(user_agent="boto3/1.44", endpoint="localhost:8443"),
)


class FixedClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)
        self.boot = 1000.0

    def now(self) -> datetime:
        return self.wall

    def boottime(self) -> float:
        return self.boot


class Audit:
    """A recorder with its spool."""

    def __init__(self, folder: Path, **limits: int) -> None:
        self.clock = FixedClock()
        self.spool = Spool(folder, randomness=SystemRandomness(), limits=SpoolLimits(**limits))
        self.recorder = SpoolRecorder(self.spool, "runtime", self.clock, SystemRandomness())

    def events(self) -> list[pb.Event]:
        reader, position, found = SpoolReader(), self.spool.first_position, []
        while position < self.spool.durable_position:
            batch = reader.read(self.spool.segments(), position, 1000)
            found += [pb.Event.FromString(payload) for payload in batch]
            position += len(batch)
        return found


@pytest.fixture
async def audit(tmp_path):
    audit = Audit(tmp_path)
    yield audit
    await audit.spool.close()


def call(number: int = 0, **changes) -> CallContext:
    values = {
        "method": "/craton.runtime.v1.InferenceService/InvokeModel",
        "request_id": "request-1",
        "call_id": f"call-{number}",
        "caller": EDGE,
        "principal": ALICE,
        "resources": ["arn:aws:bedrock:eu-central-1::foundation-model/craton.tiny-text-v1"],
    }
    return CallContext(**{**values, **changes})


@pytest.mark.parametrize("bearer", [None, *BearerTokenType])
async def test_calls_with_api_keys_are_marked_and_name_the_credential(audit, bearer):
    served = call()
    served.principal = dataclasses.replace(ALICE, bearer=bearer)
    await audit.recorder.outcome(served, EFFECT, "OK", "")
    (event,) = audit.events()
    assert event.call_with_bearer_token is (bearer is not None)
    long_term = bearer is BearerTokenType.LONG_TERM
    named = ("", "AKIAALICE") if long_term else ("AKIAALICE", "")
    assert (event.principal.access_key_id, event.principal.credential_id) == named


async def test_the_outcome_is_the_event_that_a_statement_names_and_no_other_is(audit):
    served = call()
    await audit.recorder.intent(served, EFFECT)
    named = "0f6c2f6e-1d2a-4b7e-9c3d-5a6b7c8d9e0f"
    served.statement = Statement(named, b"d" * 32)
    await audit.recorder.outcome(served, EFFECT, "OK", "")
    await audit.recorder.outcome(served, EFFECT, "CANCELLED", "CANCELLED")
    intent, outcome, correction = audit.events()
    assert (outcome.event_id, outcome.statement_sha256) == (named, b"d" * 32)
    for other in (intent, correction):
        assert other.event_id != named
        assert other.statement_sha256 == b""


async def test_intent_and_outcome_say_who_what_where_and_how_it_ended(audit):
    served = call()
    await audit.recorder.intent(served, EFFECT)
    audit.clock.boot += 0.0125
    served.input_tokens, served.output_tokens = 11, 22
    await audit.recorder.outcome(served, EFFECT, "OK", "")
    intent, outcome = audit.events()
    assert intent.phase == pb.EVENT_PHASE_INTENT
    assert outcome.phase == pb.EVENT_PHASE_OUTCOME
    for event in (intent, outcome):
        assert (event.call_id, event.request_id, event.recorder) == ("call-0", "request-1", "runtime")
        assert (event.event_source, event.event_name) == ("bedrock.amazonaws.com", "InvokeModel")
        assert event.event_time.ToDatetime(UTC) == audit.clock.wall
        assert event.caller == "spiffe://craton.local/service/edge"
        assert event.principal.arn == ALICE.arn
        assert event.principal.account_incarnation == "inc-1"
        assert event.principal.access_key_id == "AKIAALICE"
        assert event.account_id == "123456789012"
        assert event.audit_context.source_ip == "192.0.2.7"
        assert event.audit_context.tls_cipher == "TLS_AES_128_GCM_SHA256"
        assert event.audit_context.region == "eu-central-1"
        assert list(event.resources) == served.resources
        assert event.count == 1
        assert event.read_only, "as AWS has it, although an intent was needed"
    assert intent.event_id != outcome.event_id
    assert (outcome.status_code, outcome.error_reason, outcome.duration_us) == ("OK", "", 12_500)
    assert (outcome.usage.input_tokens, outcome.usage.output_tokens) == (11, 22)


async def test_who_acts_for_a_principal_and_whom_a_session_acts_for(audit):
    direct = dataclasses.replace(ALICE, session_issued_at=1_700_000_000, source_identity="carol")
    passed_on = dataclasses.replace(direct, via=("bedrock.amazonaws.com", "kms.amazonaws.com"))
    passed_to = dataclasses.replace(direct, invoked_by="bedrock.amazonaws.com")
    for claims in (ALICE, direct, passed_on, passed_to):
        await audit.recorder.outcome(call(principal=claims), READ, "OK", "")
    long_term, *temporary = audit.events()
    assert not long_term.HasField("session_context")
    for event in temporary:
        assert event.session_context.create_time.seconds == 1_700_000_000
        assert event.session_context.source_identity == "carol"
    assert [event.invoked_by for event in temporary] == ["", "kms.amazonaws.com", "bedrock.amazonaws.com"]


async def test_what_was_given_out_is_named_without_its_secrets(audit):
    issued = IssuedCredentials("ASIAX", "arn:aws:sts::1:assumed-role/r/s", "AROAR:s", audit.clock.wall)
    served = call(issued=issued)
    await audit.recorder.intent(served, EFFECT)
    await audit.recorder.outcome(served, EFFECT, "OK", "")
    intent, outcome = audit.events()
    assert not intent.HasField("issued_credentials")
    named = outcome.issued_credentials
    assert (named.access_key_id, named.principal_arn, named.principal_id) == (
        "ASIAX",
        "arn:aws:sts::1:assumed-role/r/s",
        "AROAR:s",
    )
    assert named.expire_time.ToDatetime(UTC) == audit.clock.wall


async def test_the_owner_of_what_was_used_has_a_copy(audit):
    """It says who came, and nothing of how they are known at home."""
    claims = dataclasses.replace(ALICE, via=("bedrock.amazonaws.com",))
    served = call(principal=claims, recipients=["2" * 12, "3" * 12, "2" * 12])
    await audit.recorder.intent(served, EFFECT)
    await audit.recorder.outcome(served, EFFECT, "OK", "")
    intent, own, *copies = audit.events()
    assert intent.shared_event_id == ""
    assert (own.account_id, own.principal.arn) == ("123456789012", ALICE.arn)
    assert [copy.account_id for copy in copies] == ["2" * 12, "3" * 12]
    assert len({own.event_id, *(copy.event_id for copy in copies)}) == 3
    for copy in copies:
        assert copy.shared_event_id == own.shared_event_id != ""
        assert copy.principal.account_id == "123456789012"
        assert copy.principal.principal_id == "AIDAALICE"
        assert (copy.principal.arn, copy.principal.access_key_id) == ("", "")
        assert copy.invoked_by == own.invoked_by == "bedrock.amazonaws.com"
        assert (copy.event_name, copy.status_code) == (own.event_name, own.status_code)
        assert copy.resources == own.resources
        assert copy.audit_context == own.audit_context


async def test_a_call_of_a_service_without_a_principal_is_copied_too(audit):
    served = call(principal=None, recipients=["2" * 12], invoked_by="bedrock.amazonaws.com")
    await audit.recorder.outcome(served, EFFECT, "OK", "")
    own, copy = audit.events()
    assert (own.account_id, copy.account_id) == ("", "2" * 12)
    assert not copy.HasField("principal")
    assert own.invoked_by == copy.invoked_by == "bedrock.amazonaws.com"


async def test_a_read_is_one_event_with_its_duration(audit):
    audit.clock.boot = 1000.5
    await audit.recorder.outcome(call(started=1000.0), READ, "NOT_FOUND", "RESOURCE_NOT_FOUND")
    (event,) = audit.events()
    assert event.read_only
    assert (event.status_code, event.error_reason) == ("NOT_FOUND", "RESOURCE_NOT_FOUND")
    assert event.duration_us == 500_000


async def test_the_servicer_may_name_the_operation(audit):
    await audit.recorder.outcome(call(event_name="Converse"), EFFECT, "OK", "")
    assert audit.events()[0].event_name == "Converse"


async def test_every_event_has_an_id_of_its_own(audit):
    await asyncio.gather(*(audit.recorder.outcome(call(i), READ, "OK", "") for i in range(600)))
    assert len({event.event_id for event in audit.events()}) == 600


async def test_no_message_field_is_read(audit):
    """The context carries the token; nothing of it, and no unnamed attribute, reaches an event."""
    served = call(principal_token="eyJhbGciOi-CANARY", traceparent="00-CANARY-01", peer="CANARY:1")
    await audit.recorder.intent(served, EFFECT)
    await audit.recorder.outcome(served, EFFECT, "OK", "")
    for event in audit.events():
        assert b"CANARY" not in event.SerializeToString()


async def test_each_event_has_its_own_callers_principal(audit):
    """The serialised part of a principal is kept, and must never stand in another's event."""
    for number in range(3_000):
        claims = dataclasses.replace(ALICE, arn=f"arn:aws:iam::123456789012:user/{number}")
        event = audit.recorder._event(call(number), READ, pb.EVENT_PHASE_OUTCOME)
        written = pb.Event.FromString(audit.recorder._serialised(event, call(number, principal=claims)))
        assert written.principal.arn == claims.arn
    assert len(audit.recorder._principals) <= 1024


HOSTILE = st.text(alphabet=st.characters(), max_size=3000)  # lone surrogates included


@settings(max_examples=25, deadline=None)
@given(agent=HOSTILE, resource=HOSTILE)
def test_hostile_strings_make_a_valid_bounded_event(tmp_path_factory, agent, resource):
    audit = Audit(tmp_path_factory.mktemp("spool"))

    async def record() -> None:
        claims = dataclasses.replace(ALICE, client=ALICE.client._replace(user_agent=agent))
        await audit.recorder.outcome(call(principal=claims, resources=[resource] * 100), READ, "OK", "")
        await audit.spool.close()

    events = audit.events
    asyncio.run(record())
    (event,) = events()
    assert len(event.audit_context.user_agent) <= 256
    assert len(event.resources) == 64
    assert event.audit_context.user_agent == _held(agent[:256])
    assert event.resources[0] == _held(resource[:2048])


def _held(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


async def test_a_text_that_is_a_frame_does_not_vouch_for_the_record_that_it_stands_in(tmp_path):
    """A power cut tears the record of a call whose client has chosen its words with care: the spool opens."""
    for number in range(10_000):
        with contextlib.suppress(UnicodeDecodeError):
            hostile = frame(5, 2**62, Lane.EVENT, b"%d" % number).decode()
            break
    wrong = {"error_code": hostile, "error_message": hostile, "event_name": hostile}
    for fields in ({"resources": [hostile + "z" * 200]}, wrong):
        audit = Audit(tmp_path / str(len(fields)))
        await audit.recorder.outcome(call(1), READ, "OK", "")
        await audit.recorder.outcome(call(2, **fields), READ, "UNKNOWN", "INTERNAL")
        await audit.spool.close()
        [segment] = (tmp_path / str(len(fields))).glob("*.seg")
        whole = segment.read_bytes().rstrip(b"\0")
        segment.write_bytes(whole[:-10])
        assert Audit(tmp_path / str(len(fields))).spool.durable_position == 1


async def test_a_refused_intent_leaves_its_outcome_no_reserve(tmp_path):
    """Else a full log would spend the reserve of admitted calls on refusals."""
    audit = Audit(tmp_path, max_bytes=40_000, segment_bytes=10_000, summary_bytes=5_000, outcome_bytes=15_000)
    admitted = call(1)
    await audit.recorder.intent(admitted, EFFECT)
    refused = 0
    for number in range(100, 300):
        other = call(number)
        try:
            await audit.recorder.intent(other, EFFECT)
        except DomainError:
            refused += 1
            with pytest.raises(DomainError):
                await audit.recorder.outcome(other, EFFECT, "UNAVAILABLE", "AUDIT_UNAVAILABLE")
    assert refused > 50
    await audit.recorder.outcome(admitted, EFFECT, "OK", "")
    assert audit.events()[-1].call_id == "call-1"
    await audit.spool.close()


async def test_a_stranger_cannot_close_the_log(tmp_path):
    """Calls without certificate and token are charged to the budget of summaries, whatever they do."""
    audit = Audit(tmp_path, max_bytes=40_000, segment_bytes=10_000, summary_bytes=5_000, outcome_bytes=5_000)
    refused = 0
    for number in range(500):
        stranger = call(number, caller=None, principal=None)
        audit.recorder.summarise(stranger, READ, "UNAUTHENTICATED", "MISSING_CREDENTIALS")
        try:
            await audit.recorder.intent(stranger, EFFECT)
        except DomainError:
            refused += 1
    assert refused > 400
    assert audit.spool.used_bytes < 6_000
    await audit.recorder.intent(call(1000), EFFECT)
    await audit.recorder.outcome(call(1000), EFFECT, "OK", "")
    await audit.spool.close()


async def test_summaries_count_by_caller_method_and_outcome(audit):
    for number in range(10):
        audit.recorder.summarise(call(number), HEALTH, "OK", "")
    stranger = call(caller=None, principal=None)
    for _ in range(3):
        audit.recorder.summarise(stranger, READ, "UNAUTHENTICATED", "INVALID_TOKEN")
    await audit.recorder.flush_summaries(60.0)
    rows = {(event.caller, event.event_name, event.status_code): event for event in audit.events()}
    health = rows["spiffe://craton.local/service/edge", "Check", "OK"]
    assert health.phase == pb.EVENT_PHASE_SUMMARY
    assert (health.count, health.duration_us) == (10, 60_000_000)
    assert rows["", "GetFoundationModel", "UNAUTHENTICATED"].count == 3
    await audit.recorder.flush_summaries(60.0)
    assert len(audit.events()) == 2


async def test_summaries_that_find_no_room_go_on_counting(tmp_path):
    audit = Audit(tmp_path, max_bytes=40_000, segment_bytes=10_000, summary_bytes=1_000, outcome_bytes=5_000)
    total = 0
    for _ in range(20):
        for _ in range(50):
            audit.recorder.summarise(call(caller=None, principal=None), READ, "UNAUTHENTICATED", "")
            total += 1
        await audit.recorder.flush_summaries(60.0)
    written = sum(event.count for event in audit.events())
    assert 0 < written < total
    for segment in audit.spool.segments():
        assert segment.summary_bytes <= 1_000
    # Shipped: the next flush writes all that was counted meanwhile.
    filler = pb.Event(event_name="x" * 9_000).SerializeToString()
    await audit.spool.append(filler, Lane.EVENT)
    await audit.spool.append(filler, Lane.EVENT)
    audit.spool.trim(audit.spool.durable_position)
    before = len(audit.events())
    await audit.recorder.flush_summaries(60.0)
    assert written + sum(event.count for event in audit.events()[before:]) == total
    await audit.spool.close()


def test_the_summary_table_is_bounded():
    table = SummaryTable(rows=100)
    for number in range(10_000):
        table.count(Row("", "source", f"method-{number}", "UNAUTHENTICATED", ""))
    assert len(table) <= 101
    counts = table.take()
    assert sum(counts.values()) == 10_000
    assert counts[Row("other", "other", "other", "UNAUTHENTICATED", "")] == 9_900
    assert len(table) == 0


LOGIN = AuditedMethod("sts.amazonaws.com", "AssumeRoleWithWebIdentity", Recording.ADMITTED)
PROVIDER = "arn:aws:iam::123456789012:oidc-provider/token.example.com"
WEB_USER = dataclasses.replace(
    ALICE,
    arn="",
    principal_id=f"{PROVIDER}:app:alice",
    access_key_id="",
    federated=FederatedUser(PROVIDER, "alice"),
)


async def test_whom_an_identity_provider_vouched_for_is_named_by_it(audit):
    assert await audit.recorder.note(call(principal=WEB_USER), LOGIN, "PERMISSION_DENIED", "ACCESS_DENIED")
    (event,) = audit.events()
    principal = event.principal
    assert (principal.type, principal.user_name) == ("WebIdentityUser", "alice")
    assert (principal.identity_provider, principal.principal_id) == (PROVIDER, f"{PROVIDER}:app:alice")
    assert (event.account_id, event.error_reason, event.read_only) == (
        ALICE.account_id,
        "ACCESS_DENIED",
        False,
    )


async def test_events_about_strangers_are_few_and_use_up_no_others_room(tmp_path):
    audit = Audit(tmp_path)
    written = [await audit.recorder.note(call(number), LOGIN, "OK", "") for number in range(601)]
    assert written == [True] * 600 + [False]
    assert len(audit.events()) == 600
    await audit.recorder.flush_summaries(60.0)
    assert await audit.recorder.note(call(601), LOGIN, "OK", "")
    await audit.spool.close()
    small = Audit(tmp_path / "small", summary_bytes=1024)
    written = [await small.recorder.note(call(number), LOGIN, "OK", "") for number in range(10)]
    assert written[0]
    assert not written[-1]
    await small.recorder.intent(call(11), EFFECT)
    await small.spool.close()


@pytest.mark.parametrize(
    ("source", "name", "recording", "read_only"),
    [
        ("bedrock.amazonaws.com", "InvokeModelWithResponseStream", Recording.GATED, True),
        ("kms.amazonaws.com", "GenerateDataKey", Recording.EFFECT, True),
        ("kms.amazonaws.com", "CreateGrant", Recording.EFFECT, False),
        ("kms.craton", "Decrypt", Recording.EFFECT, False),
        ("kms.amazonaws.com", "DescribeKey", Recording.READ, True),
    ],
)
def test_read_only_is_what_aws_calls_so(
    source: str, name: str, recording: Recording, read_only: bool
) -> None:
    assert AuditedMethod(source, name, recording).read_only == read_only
