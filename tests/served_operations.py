"""What is known of the operations that edge serves, besides what services/edge/events.py says."""

from collections.abc import Mapping

from services.edge.events import SERVED, Key

_ANSWERED_BY: Mapping[Key, str] = {
    # The same list, told at greater length.
    ("cloudtrail", "DescribeTrails"): "ListTrails",
}


def name_behind(key: Key) -> str:
    """Return the name under which the service that answers an operation records it, nearly always its own."""
    return _ANSWERED_BY.get(key, SERVED[key].audited.event_name)
