"""Events as CloudTrail's records: whatever stands in an event comes back from its record."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any
from unittest.mock import patch

from craton.audit.v1 import resources_pb2 as pb

from services.audit.domain import cloudtrail
from services.chassis.audit.parameters import canonical
from tests.campaigns.campaign import Campaign, Finding
from tests.unit.audit.test_cloudtrail import HOSTILE

_EVENTS = 100
_SECONDS = (0, 1, 1_772_366_400, 253_402_300_799, -1, -62_135_596_800, 253_402_300_800, 2**62, -(2**62))
_NANOS = (0, 0, 1, 1000, 999_999_999, -1, 1_000_000_000, 2**31 - 1)
_NUMBERS = (0, 1, 2, 255, 2**31, 2**32 - 1)
_PARTS = (
    "arn:",
    "aws",
    ":iam:",
    ":sts:",
    ":",
    "123456789012",
    "root",
    "user/",
    "assumed-role/",
    "a",
    "/",
    "_",
    "B",
)


class RecordsCampaign(Campaign):
    """One case is a hundred events, drawn field by field."""

    name = "records"
    summary = (
        "Events of any fields, hostile strings and impossible times among them, are written as CloudTrail's "
        "records, as JSON, and read again: each is what it was."
    )
    fault = "records that leave out what they have no member for."
    sources = (
        "services/audit/domain/cloudtrail.py",
        "services/audit/domain/user_identity.py",
        "services/chassis/audit/parameters.py",
        "tests/campaigns/records.py",
        "tests/unit/audit/test_cloudtrail.py",
    )
    units = (_EVENTS, "events")

    def case(self, seed: int, index: int) -> None:
        """Draw, write, read, compare."""
        random = self.random(seed, index)
        for number in range(_EVENTS):
            event = pb.Event(**_values(pb.Event.DESCRIPTOR, random))
            if cloudtrail.parse(json.loads(json.dumps(cloudtrail.emit(event)))) != event:
                raise Finding(f"event {number} came back as another")

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Believe every record to say all of its event."""
        original = cloudtrail.emit

        def emit(event: pb.Event) -> cloudtrail.Record:
            record = original(event)
            record["additionalEventData"].pop("exactly", None)
            return record

        with patch.object(cloudtrail, "emit", emit):
            yield


def _values(descriptor: Any, random: Random) -> dict[str, Any]:
    share = random.choice((0.1, 0.5, 0.9))
    return {field.name: _value(field, random) for field in descriptor.fields if random.random() < share}


def _value(field: Any, random: Random) -> Any:
    if field.is_repeated:
        return [_text(random) for _ in range(random.randrange(4))]
    if field.message_type is not None:
        if field.message_type.full_name == "google.protobuf.Timestamp":
            return {"seconds": random.choice(_SECONDS), "nanos": random.choice(_NANOS)}
        return _values(field.message_type, random)
    if field.type == field.TYPE_STRING:
        return _text(random)
    if field.type == field.TYPE_BYTES:
        return random.randbytes(random.choice((0, 1, 32, 64)))
    if field.type == field.TYPE_BOOL:
        return random.random() < 0.5
    return random.randrange(9) if field.type == field.TYPE_ENUM else random.choice(_NUMBERS)


def _object(random: Random, levels: int) -> dict[str, Any]:
    """Draw what may be recorded of a request."""
    return {_plain(random): _json(random, levels) for _ in range(random.randrange(4))}


def _json(random: Random, levels: int) -> Any:
    if levels and random.random() < 0.3:
        return _object(random, levels - 1)
    if levels and random.random() < 0.3:
        return [_json(random, levels - 1) for _ in range(random.randrange(4))]
    return random.choice((None, True, False, 0, -1, 2**63, 1e-7, 0.5, 1e300, _plain(random)))


def _text(random: Random) -> str:
    return canonical(_object(random, 3)) if random.random() < 0.2 else _plain(random)


def _plain(random: Random) -> str:
    kind = random.randrange(4)
    if kind == 0:
        return random.choice(HOSTILE)
    if kind == 1:
        return "".join(random.choices(_PARTS, k=random.randrange(9)))
    if kind == 2:
        return "_".join(random.choices(("ACCESS", "DENIED", "A", "", "b"), k=random.randrange(5)))
    ranges = ((0, 128), (0, 0xD800), (0xE000, 0x110000))
    return "".join(chr(random.randrange(*random.choice(ranges))) for _ in range(random.randrange(20)))
