"""The states of a purge: every step from every state, and who may take it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.auth.domain.purges import WAIT, AccountPurge, Deed, Profile, PurgeState, requested
from services.chassis.errors import DomainError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADMIN, APPROVER = Deed("operator/admin", NOW, "e1"), Deed("operator/approver", NOW + timedelta(hours=1), "e2")
STEPS: dict[str, Callable[[AccountPurge], AccountPurge]] = {
    "approve": lambda purge: purge.approve(APPROVER),
    "cancel": lambda purge: purge.cancel(),
    "begin": lambda purge: purge.begun(),
}
ALLOWED = {
    ("requested", "approve"): PurgeState.WAITING,
    ("requested", "cancel"): PurgeState.CANCELLED,
    ("waiting", "cancel"): PurgeState.CANCELLED,
    ("waiting", "begin"): PurgeState.PURGING,
}


def asked(profile: Profile = Profile.PRODUCTION, *, keep: bool = False) -> AccountPurge:
    return requested("p", "210987654321", "i", profile, keep=keep, deed=ADMIN)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("state", PurgeState)
def test_every_step_from_every_state(state: PurgeState, step: str) -> None:
    purge = replace(asked(), state=state)
    wanted = ALLOWED.get((state.value, step))
    if wanted is not None:
        assert STEPS[step](purge).state is wanted
        return
    with pytest.raises(DomainError) as refused:
        STEPS[step](purge)
    assert refused.value.reason_name == "RESOURCE_STATE"
    assert state.value in refused.value.message


def test_whoever_asked_cannot_approve() -> None:
    with pytest.raises(DomainError) as refused:
        asked().approve(replace(ADMIN, event_id="e2"))
    assert refused.value.reason_name == "ACCESS_DENIED"


def test_it_waits_for_seven_days_from_approval() -> None:
    purge = asked()
    assert not purge.is_due(NOW + timedelta(days=1000))
    waiting = purge.approve(APPROVER)
    assert waiting.due == APPROVER.at + timedelta(days=7) == APPROVER.at + WAIT
    assert not waiting.is_due(APPROVER.at + WAIT - timedelta(microseconds=1))
    assert waiting.is_due(APPROVER.at + WAIT)
    assert not waiting.cancel().is_due(APPROVER.at + WAIT)


def test_in_development_it_is_due_at_once() -> None:
    purge = asked(Profile.DEVELOPMENT)
    assert (purge.state, purge.is_due(NOW)) == (PurgeState.WAITING, True)


@pytest.mark.parametrize(
    ("profile", "keep", "continues"),
    [
        (Profile.PRODUCTION, False, False),
        (Profile.PRODUCTION, True, True),
        (Profile.DEVELOPMENT, False, True),
        (Profile.DEVELOPMENT, True, True),
    ],
)
def test_an_id_goes_on_in_development_or_with_its_principals(
    profile: Profile, keep: bool, continues: bool
) -> None:
    assert asked(profile, keep=keep).continues is continues
