"""Which records event selectors choose, and which selectors are refused."""

from typing import Any

import pytest

from services.audit.domain.selectors import (
    DEFAULT,
    AdvancedSelector,
    BasicSelector,
    FieldSelector,
    Selectors,
)
from services.chassis.errors import DomainError

KEY = "arn:aws:kms:us-east-1:123456789012:key/1"


def record(**changes: Any) -> dict[str, Any]:
    return {
        "eventCategory": "Management",
        "eventName": "Encrypt",
        "eventSource": "kms.amazonaws.com",
        "eventType": "AwsApiCall",
        "readOnly": False,
        "resources": [{"ARN": KEY, "type": "AWS::KMS::Key"}, {"name": "accounts/1"}],
        "userIdentity": {"arn": "arn:aws:iam::123456789012:user/alice"},
        **changes,
    }


def advanced(*fields: FieldSelector, category: str = "Management") -> Selectors:
    return Selectors((), (AdvancedSelector("", (FieldSelector("eventCategory", (category,)), *fields)),))


def test_by_default_everything_is_chosen() -> None:
    assert DEFAULT.checked().choose(record())
    assert DEFAULT.choose(record(readOnly=True, resources=[], userIdentity={}))


@pytest.mark.parametrize(
    ("selector", "reads", "writes"),
    [
        (BasicSelector("ReadOnly"), True, False),
        (BasicSelector("WriteOnly"), False, True),
        (BasicSelector("All"), True, True),
        (BasicSelector("All", management_events=False), False, False),
        (BasicSelector("All", excluded_sources=("kms.amazonaws.com",)), False, False),
        (BasicSelector("All", excluded_sources=("rdsdata.amazonaws.com",)), True, True),
    ],
)
def test_plain_selectors(selector: BasicSelector, reads: bool, writes: bool) -> None:
    chosen = Selectors((selector,)).checked()
    assert (chosen.choose(record(readOnly=True)), chosen.choose(record())) == (reads, writes)


def test_one_that_chooses_is_enough() -> None:
    chosen = Selectors((BasicSelector("ReadOnly"), BasicSelector("WriteOnly")))
    assert chosen.choose(record())
    assert chosen.choose(record(readOnly=True))


@pytest.mark.parametrize(
    ("field", "chosen"),
    [
        (FieldSelector("eventName", equals=("Decrypt", "Encrypt")), True),
        (FieldSelector("eventName", equals=("Decrypt",)), False),
        (FieldSelector("eventName", starts_with=("En",), ends_with=("pt",)), True),
        (FieldSelector("eventName", starts_with=("En",), ends_with=("x",)), False),
        (FieldSelector("eventName", not_equals=("Encrypt",)), False),
        (FieldSelector("eventName", not_equals=("Decrypt",)), True),
        (FieldSelector("eventName", not_starts_with=("En",)), False),
        (FieldSelector("eventName", not_ends_with=("pt",)), False),
        (FieldSelector("readOnly", equals=("false",)), True),
        (FieldSelector("readOnly", equals=("true",)), False),
        (FieldSelector("resources.ARN", equals=(KEY,)), True),
        (FieldSelector("resources.ARN", starts_with=("arn:aws:s3",)), False),
        (FieldSelector("resources.type", equals=("AWS::KMS::Key",)), True),
        (FieldSelector("resources.type", not_equals=("AWS::KMS::Key",)), False),
        (FieldSelector("userIdentity.arn", ends_with=("/alice",)), True),
        (FieldSelector("eventSource", not_equals=("iam.amazonaws.com",)), True),
        (FieldSelector("eventType", equals=("AwsServiceEvent",)), False),
    ],
)
def test_fields(field: FieldSelector, chosen: bool) -> None:
    assert advanced(field).checked().choose(record()) is chosen


def test_data_events_are_not_there() -> None:
    assert not advanced(category="Data").checked().choose(record())


@pytest.mark.parametrize(
    "wrong",
    [
        Selectors(),
        Selectors((BasicSelector(),), advanced().advanced),
        Selectors((BasicSelector(),) * 6),
        Selectors((BasicSelector("Some"),)),
        Selectors((BasicSelector(excluded_sources=("iam.amazonaws.com",)),)),
        Selectors((), (AdvancedSelector("", ()),)),
        Selectors((), (AdvancedSelector("", (FieldSelector("eventName", ("x",)),)),)),
        advanced(category="Gossip"),
        advanced(FieldSelector("mood", ("good",))),
        advanced(FieldSelector("eventName")),
        advanced(FieldSelector("eventName", ("x",)), FieldSelector("eventName", ("y",))),
        advanced(FieldSelector("eventName", tuple(map(str, range(500))))),
    ],
)
def test_what_is_refused(wrong: Selectors) -> None:
    with pytest.raises(DomainError) as refusal:
        wrong.checked()
    assert (refusal.value.reason_name, refusal.value.field) == ("INVALID_FIELD", "selectors")
