"""Whether a record of CloudTrail's form, as LookupEvents shows it, says what an event says."""

import json
from pathlib import Path

from craton.audit.v1 import resources_pb2 as pb

from cli.output import CommandError, Exit
from services.audit.domain import cloudtrail
from tlog import strict_json
from tlog.errors import TlogError


def compare_record(file: Path, event: pb.Event) -> None:
    """Refuse a record that says anything else than the event. Raises CommandError."""
    try:
        shown = strict_json.parse(file.read_bytes())
    except TlogError as error:
        raise CommandError(f"{file} is no record: {error}.", Exit.REFUSED) from error
    said = json.loads(json.dumps(cloudtrail.emit(event)))
    if not isinstance(shown, dict):
        raise CommandError(f"{file} is no record.", Exit.REFUSED)
    other = sorted(
        name
        for name in shown.keys() | said.keys()
        if name not in shown or name not in said or shown[name] != said[name]
    )
    if other:
        raise CommandError(
            f"{file} is not the record of this event. What differs: {', '.join(other)}.", Exit.REFUSED
        )
