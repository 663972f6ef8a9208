"""What a trail's status says of its delivery."""

from dataclasses import replace
from typing import Any

from services.audit.domain.trail import Trail
from services.audit.ports import TrailStore


async def note(trails: TrailStore, trail: Trail, **changes: Any) -> None:
    """Change fields of a trail's status, on the trail as it is now.

    When somebody changes it at the same moment, nothing is noted: the next round says it again.
    """
    now = await trails.get(trail.name)
    if now is not None and now.trail_id == trail.trail_id:
        await trails.replace(replace(now, status=replace(now.status, **changes)))
