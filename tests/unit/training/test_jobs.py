"""Words and positions of customisation jobs."""

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.errors import DomainError
from services.training.domain.jobs import JobStatus, Position


@given(st.integers(0, 10**18 - 1), st.text(min_size=1))
def test_a_position_survives_its_token(microseconds: int, job_id: str) -> None:
    position = Position(microseconds, job_id)
    assert Position.parse(str(position)) == position


@pytest.mark.parametrize("text", ["", "1", "1 ", " x", "-1 x", "x y", "1" * 19 + " x", "\u0661 x"])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(DomainError) as caught:
        Position.parse(text)
    assert caught.value.reason == ErrorReason.ERROR_REASON_INVALID_FIELD
    assert caught.value.field == "page_token"


def test_states_are_the_words_of_the_api() -> None:
    assert JobStatus.parse("Stopping") is JobStatus.STOPPING
    with pytest.raises(DomainError) as caught:
        JobStatus.parse("stopping")
    assert caught.value.field == "status_equals"
    assert "InProgress, Completed, Failed, Stopping, Stopped" in caught.value.message
