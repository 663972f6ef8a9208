"""Values of AWS's shapes in XML: what the query protocol puts into answers.

Written by hand because an answer must never break its reader: every character that XML 1.0 cannot carry, not
even by a reference, becomes U+FFFD, and a carriage return a reference, which a reader would else turn into a
newline. Names of elements come from the service models and from nowhere else.
https://www.w3.org/TR/xml/#charsets, https://www.w3.org/TR/xml/#sec-line-ends
"""

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from services.edge.domain.form_values import is_flattened, wire_name
from services.edge.domain.model import ServiceModel

_SPECIAL = re.compile("[&<>\r]|[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"}


def escape(text: str) -> str:
    """Return a text as it may stand between two tags."""
    return _SPECIAL.sub(lambda found: _ESCAPES.get(found[0], "\ufffd"), text)


def element(name: str, text: str) -> str:
    """Return an element that holds a text."""
    return f"<{name}>{escape(text)}</{name}>"


def encode_members(model: ServiceModel, shape_name: str, value: Mapping[str, Any], out: list[str]) -> None:
    """Write the members of a structure. Raises KeyError for a member that the shape lacks."""
    members = model.shapes[shape_name]["members"]
    for member, each in value.items():
        target = members[member]
        if each is not None:
            _encode(model, target, wire_name(model, member, target), each, out)


def _encode(model: ServiceModel, target: Mapping[str, Any], name: str, value: Any, out: list[str]) -> None:
    shape = model.shapes[target["shape"]]
    kind = shape["type"]
    if kind == "structure":
        out.append(f"<{name}>")
        encode_members(model, target["shape"], value, out)
        out.append(f"</{name}>")
    elif kind == "list":
        flat = is_flattened(model, target)
        item_name = name if flat else shape["member"].get("locationName", "member")
        items = [(item_name, shape["member"], each) for each in value]
        _encode_items(model, name, items, out, flat=flat)
    elif kind == "map":
        flat = is_flattened(model, target)
        out.append("" if flat else f"<{name}>")
        around = name if flat else "entry"
        for key, each in value.items():
            pair = [
                (shape["key"].get("locationName", "key"), shape["key"], key),
                (shape["value"].get("locationName", "value"), shape["value"], each),
            ]
            _encode_items(model, around, pair, out, flat=False)
        out.append("" if flat else f"</{name}>")
    else:
        out.append(element(name, _text(kind, value)))


def _encode_items(
    model: ServiceModel,
    name: str,
    items: list[tuple[str, Mapping[str, Any], Any]],
    out: list[str],
    *,
    flat: bool,
) -> None:
    out.append("" if flat else f"<{name}>")
    for item_name, target, value in items:
        _encode(model, target, item_name, value, out)
    out.append("" if flat else f"</{name}>")


def _text(kind: str, value: Any) -> str:
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        return _timestamp(value)
    if kind == "blob":
        return base64.b64encode(value).decode()
    return str(value)


def _timestamp(moment: datetime) -> str:
    """Write a time to the second, as AWS does, or to the millisecond where it has a fraction."""
    precision = "milliseconds" if moment.microsecond else "seconds"
    return moment.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")
