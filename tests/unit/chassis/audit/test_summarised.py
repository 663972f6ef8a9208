"""The list of summarised methods is complete, reasoned and enforced."""

import pytest

from services.chassis.audit.ports import AuditedMethod, Recording
from services.chassis.audit.summarised import SummarisedError, check_summarised, load_summarised

HEALTH = "/grpc.health.v1.Health/Check"


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


def test_others_need_no_line():
    check_summarised({"/craton.x.v1.X/Y": method(Recording.EFFECT)}, load_summarised())


def test_a_reason_is_required(tmp_path):
    file = tmp_path / "summarised.toml"
    file.write_text('[methods]\n"/x.v1.X/Y" = " "\n')
    with pytest.raises(SummarisedError):
        load_summarised(file)
