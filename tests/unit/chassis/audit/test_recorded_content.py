"""What was asked, answered and refused, as the recorder writes it into events."""

import json
from typing import Any

import pytest
from craton.audit.v1 import resources_pb2 as pb

from services.audit.domain.leaf import MAX_EVENT_BYTES
from services.chassis.audit.parameters import MAX_BYTES, recorded
from services.chassis.audit.ports import AuditedMethod, Recording
from tests.unit.chassis.audit.test_recorder import READ, call
from tests.unit.chassis.audit.test_recorder import audit as audit

CREATE = AuditedMethod("kms.amazonaws.com", "CreateKey", Recording.EFFECT)
ASKED, ANSWERED = recorded({"description": "a"}), recorded({"keyId": "k"})


async def test_what_was_asked_is_in_both_events_and_what_was_answered_in_the_outcome(audit: Any) -> None:
    served = call(request_parameters=ASKED)
    await audit.recorder.intent(served, CREATE)
    served.response_elements = ANSWERED
    await audit.recorder.outcome(served, CREATE, "OK", "")
    intent, outcome = audit.events()
    assert (intent.request_parameters_json, intent.response_elements_json) == (ASKED, "")
    assert (outcome.request_parameters_json, outcome.response_elements_json) == (ASKED, ANSWERED)
    assert (outcome.error_code, outcome.error_message) == ("", "")


async def test_of_reading_the_answer_is_not_recorded(audit: Any) -> None:
    await audit.recorder.outcome(call(response_elements=ANSWERED), READ, "OK", "")
    assert audit.events()[0].response_elements_json == ""


async def test_an_error_stands_in_the_place_of_the_answer(audit: Any) -> None:
    served = call(
        response_elements=ANSWERED,
        error_code="AccessDeniedException" * 9,
        error_message="\ud800" + "ü" * 2000,
    )
    await audit.recorder.outcome(served, CREATE, "PERMISSION_DENIED", "ACCESS_DENIED")
    (event,) = audit.events()
    assert event.response_elements_json == ""
    assert event.error_code == ("AccessDeniedException" * 9)[:128]
    assert event.error_message == "?" + "ü" * 511
    assert len(event.error_message.encode()) <= 1024


async def test_without_a_reason_there_was_no_error(audit: Any) -> None:
    await audit.recorder.outcome(call(error_code="X", error_message="y"), CREATE, "OK", "")
    assert audit.events()[0].error_code == ""


async def test_strangers_write_nothing_into_the_log(audit: Any) -> None:
    stranger = call(principal=None, request_parameters=ASKED, error_code="X")
    assert await audit.recorder.note(stranger, CREATE, "PERMISSION_DENIED", "ACCESS_DENIED")
    (event,) = audit.events()
    assert (event.request_parameters_json, event.error_code) == ("", "")


async def test_copies_in_other_accounts_say_it_too(audit: Any) -> None:
    served = call(request_parameters=ASKED, response_elements=ANSWERED, recipients=["444455556666"])
    await audit.recorder.outcome(served, CREATE, "OK", "")
    own, copy = audit.events()
    assert copy.account_id == "444455556666"
    assert (copy.request_parameters_json, copy.response_elements_json) == (ASKED, ANSWERED)
    assert own.shared_event_id == copy.shared_event_id == served.shared_event_id != ""


async def test_who_passes_a_call_on_shares_the_id_of_the_copies(audit: Any) -> None:
    await audit.recorder.outcome(call(shared_event_id="of-auth"), CREATE, "OK", "")
    assert audit.events()[0].shared_event_id == "of-auth"


async def test_a_process_that_ended_leaves_what_was_asked(audit: Any) -> None:
    await audit.recorder.intent(call(request_parameters=ASKED), CREATE)
    await audit.recorder.close_unfinished(audit.events())
    assert audit.events()[-1].request_parameters_json == ASKED
    assert audit.events()[-1].phase == pb.EVENT_PHASE_OUTCOME


@pytest.mark.parametrize("reason", ["", "ACCESS_DENIED"])
async def test_the_longest_event_has_room_in_the_log(audit: Any, reason: str) -> None:
    full = recorded({"a": "b" * (MAX_BYTES - len('{"a":""}'))})
    assert len(full) == MAX_BYTES
    served = call(
        request_parameters=full,
        response_elements=full,
        error_code="c" * 9999,
        error_message="m" * 9999,
        resources=["r" * 2048] * 64,
    )
    await audit.recorder.outcome(served, CREATE, "PERMISSION_DENIED" if reason else "OK", reason)
    (event,) = audit.events()
    assert len(event.SerializeToString()) < MAX_EVENT_BYTES - 8 * 1024
    assert json.loads(event.request_parameters_json) == {"a": "b" * (MAX_BYTES - 8)}
