"""The list of summarised methods is complete, reasoned and enforced."""

import importlib
from pathlib import Path

import pytest

import services
from services.chassis.audit.ports import AuditedMethod, Recording
from services.chassis.audit.summarised import SummarisedError, check_summarised, load_summarised
from services.chassis.health import HEALTH_CHECK as HEALTH
from services.chassis.health import HEALTH_EVENT


def method(recording: Recording) -> AuditedMethod:
    return AuditedMethod("s", "n", recording)


def test_the_shipped_list_has_a_reason_a_line():
    listed = load_summarised()
    assert HEALTH in listed
    assert all(len(reason) > 20 for reason in listed.values())


def test_a_summarised_method_must_be_listed():
    with pytest.raises(SummarisedError, match="listed"):
        check_summarised({"/craton.x.v1.X/Y": method(Recording.SUMMARY)}, load_summarised())


def test_a_listed_method_must_be_summarised():
    with pytest.raises(SummarisedError, match="recorded one by one"):
        check_summarised({HEALTH: method(Recording.READ)}, load_summarised())


def described() -> dict[str, AuditedMethod]:
    """The methods of every service, as their events.py describe them."""
    found = {HEALTH: HEALTH_EVENT}
    for file in sorted(Path(services.__file__).parent.glob("*/events.py")):
        module = importlib.import_module(f"services.{file.parent.name}.events")
        found |= module.EVENTS
    return found


def test_every_service_agrees_with_the_list():
    events, listed = described(), load_summarised()
    assert len(events) > 20
    check_summarised(events, listed)
    assert listed.keys() <= events.keys(), "a line names a method that no service has"


def test_others_need_no_line():
    check_summarised({"/craton.x.v1.X/Y": method(Recording.EFFECT)}, load_summarised())


def test_a_reason_is_required(tmp_path):
    file = tmp_path / "summarised.toml"
    file.write_text('[methods]\n"/x.v1.X/Y" = " "\n')
    with pytest.raises(SummarisedError):
        load_summarised(file)
