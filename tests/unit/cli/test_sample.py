"""The sample of `craton up` shows the outcome of everybody who records its call."""

from typing import Any, cast

import pytest

import cli.sample
from cli.output import CommandError
from cli.session import Session
from tests.unit.cli.stacks import Time

_SESSION = cast("Session", None)


def event(recorder: str, phase: str) -> dict[str, Any]:
    return {"recorder": recorder, "phase": f"EVENT_PHASE_{phase}"}


EDGE, RUNTIME = event("edge", "OUTCOME"), event("runtime", "OUTCOME")
BEGUN = [event("runtime", "INTENT"), event("edge", "INTENT")]


class Looks:
    """The log at one look after the other; the last one lasts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *looks: list[dict[str, Any]]) -> None:
        self._looks = list(looks)
        self.time = Time()
        monkeypatch.setattr(cli.sample, "time", self.time)
        monkeypatch.setattr(cli.sample, "find_events", lambda *_: self._next())

    def _next(self) -> list[dict[str, Any]]:
        return self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]


@pytest.mark.parametrize(
    "looks",
    [
        ([], [RUNTIME, *BEGUN], [EDGE, RUNTIME, *BEGUN]),
        ([EDGE, *BEGUN], [EDGE, RUNTIME, *BEGUN]),
        # What a spool has shipped says nothing of what another one still holds.
        ([RUNTIME, BEGUN[0]], [EDGE, RUNTIME, *BEGUN]),
        (
            [EDGE, RUNTIME, event("other", "INTENT"), *BEGUN],
            [event("other", "OUTCOME"), EDGE, RUNTIME, event("other", "INTENT"), *BEGUN],
        ),
    ],
)
def test_it_waits_for_the_outcome_of_every_recorder(
    monkeypatch: pytest.MonkeyPatch, looks: tuple[list[dict[str, Any]], ...]
) -> None:
    log = Looks(monkeypatch, *looks)
    assert cli.sample._records(_SESSION, "an id") == looks[-1]
    assert log.time.now == pytest.approx(0.1 * (len(looks) - 1))


def test_an_outcome_that_does_not_come_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Looks(monkeypatch, [RUNTIME, *BEGUN])
    with pytest.raises(CommandError, match="no outcome of request an id from edge within 15 s"):
        cli.sample._records(_SESSION, "an id")
    assert 15 < log.time.now < 16
