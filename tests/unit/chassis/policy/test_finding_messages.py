"""Findings as messages: where in a document each one is."""

from services.chassis.policy.finding_messages import finding_message
from services.chassis.policy.findings import Finding, IssueCode, Location
from services.chassis.policy.positions import Position, Span

SPAN = Span(Position(4, 3, 90), Position(4, 19, 106))
CONDITION = ("Statement", 0, "Condition", "StringEquals", "sts:ExternalId")


def test_the_names_on_the_way_are_members_and_the_last_one_may_be_meant_itself() -> None:
    for last in ("key", "value"):
        place = Location(CONDITION, SPAN, key=last == "key")
        (location,) = finding_message(Finding(IssueCode.INVALID_ACTION, "Why.", (place,))).locations
        *way, end = location.path
        assert [each.WhichOneof("element") for each in way] == ["value", "index", "value", "value"]
        assert [each.value or each.index for each in way] == ["Statement", 0, "Condition", "StringEquals"]
        assert end.WhichOneof("element") == last
        assert getattr(end, last) == "sts:ExternalId"
        assert (location.start.line, location.start.column, location.start.offset) == (4, 3, 90)
        assert (location.end.line, location.end.column, location.end.offset) == (4, 19, 106)
