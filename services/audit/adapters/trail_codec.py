"""Trails as they stand in a database: two JSON documents."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from services.audit.domain.selectors import AdvancedSelector, BasicSelector, FieldSelector, Selectors
from services.audit.domain.trail import Pending, Settings, Status, Target, Trail, TrailName


def settings_text(settings: Settings) -> str:
    """Return settings as JSON."""
    return json.dumps(asdict(settings), ensure_ascii=False)


def state_text(trail: Trail) -> str:
    """Return what goes on with a trail as JSON."""
    return json.dumps(
        {
            "created_us": trail.created_us,
            "logging": trail.logging,
            "started_us": trail.started_us,
            "stopped_us": trail.stopped_us,
            "delivered": trail.delivered,
            "until": trail.until,
            "pauses": trail.pauses,
            "pending": None if trail.pending is None else asdict(trail.pending),
            "chain_us": trail.chain_us,
            "status": asdict(trail.status),
        }
    )


def trail_of(row: Any) -> Trail:
    """Return the trail of a row."""
    state: dict[str, Any] = json.loads(row.state)
    pending = state.pop("pending")
    status = state.pop("status")
    return Trail(
        trail_id=row.trail_id,
        name=TrailName(row.account_id, row.region, row.trail),
        settings=_settings(json.loads(row.settings)),
        pending=None if pending is None else _pending(pending),
        pauses=tuple((first, last) for first, last in state.pop("pauses")),
        status=Status(**status),
        revision=row.revision,
        **state,
    )


def _pending(values: Mapping[str, Any]) -> Pending:
    return Pending(**{**values, "settings": _settings(values["settings"])})


def _settings(values: Mapping[str, Any]) -> Settings:
    chosen = values["selectors"]
    return Settings(
        **{
            **values,
            "target": Target(**values["target"]),
            "selectors": Selectors(
                tuple(BasicSelector(**_tuples(each)) for each in chosen["basic"]),
                tuple(
                    AdvancedSelector(
                        each["name"], tuple(FieldSelector(**_tuples(field)) for field in each["fields"])
                    )
                    for each in chosen["advanced"]
                ),
            ),
        }
    )


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(each) if isinstance(each, list) else each for name, each in values.items()}
