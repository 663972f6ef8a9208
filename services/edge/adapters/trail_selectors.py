"""Event selectors, as clients write them and as audit has them."""

from collections.abc import Mapping
from typing import Any

from craton.audit.v1 import trail_service_pb2 as pb

from services.edge.domain.trail_faults import TrailProblem

_OPERATORS = {
    "Equals": "equals",
    "StartsWith": "starts_with",
    "EndsWith": "ends_with",
    "NotEquals": "not_equals",
    "NotStartsWith": "not_starts_with",
    "NotEndsWith": "not_ends_with",
}


def selectors_of(values: Mapping[str, Any]) -> Any:
    """Return the selectors of PutEventSelectors' input. Raises Fault for what could choose nothing."""
    for each in values.get("EventSelectors", ()):
        if each.get("DataResources"):
            raise TrailProblem.SELECTORS.fault(
                "DataResources names nothing here: everything that is recorded is a management event."
            )
    return pb.EventSelectors(
        basic=[
            pb.EventSelector(
                read_write_type=each.get("ReadWriteType", "All"),
                management_events=each.get("IncludeManagementEvents", True),
                excluded_sources=each.get("ExcludeManagementEventSources", ()),
            )
            for each in values.get("EventSelectors", ())
        ],
        advanced=[
            pb.AdvancedEventSelector(
                name=each.get("Name", ""),
                fields=[
                    pb.FieldSelector(
                        field=field["Field"],
                        **{ours: field.get(theirs, ()) for theirs, ours in _OPERATORS.items()},
                    )
                    for field in each["FieldSelectors"]
                ],
            )
            for each in values.get("AdvancedEventSelectors", ())
        ],
    )


def told(selectors: Any) -> Mapping[str, Any]:
    """Return selectors as clients read them."""
    if selectors.advanced:
        return {"AdvancedEventSelectors": [_advanced(each) for each in selectors.advanced]}
    return {
        "EventSelectors": [
            {
                "ReadWriteType": each.read_write_type,
                "IncludeManagementEvents": each.management_events,
                "DataResources": [],
                "ExcludeManagementEventSources": list(each.excluded_sources),
            }
            for each in selectors.basic
        ]
    }


def _advanced(selector: Any) -> Mapping[str, Any]:
    return {
        "Name": selector.name or None,
        "FieldSelectors": [
            {
                "Field": field.field,
                **{
                    theirs: list(getattr(field, ours))
                    for theirs, ours in _OPERATORS.items()
                    if getattr(field, ours)
                },
            }
            for field in selector.fields
        ],
    }
