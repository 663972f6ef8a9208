"""AWS JSON 1.1: requests to inputs, outputs and errors to HTTP responses.

Generic over every operation of the service models; nothing here knows a particular one. A header names the
operation, the body is the input. Unlike AWS this refuses a member that the operation does not have: what a
newer client restricts by it (a constraint of a grant, say) must not be left out silently.
AWS: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
"""

import re
from collections.abc import Mapping
from typing import Any

from services.edge.domain.constraints import Violations, spelled
from services.edge.domain.faults import Fault, serialization
from services.edge.domain.json_faults import unknown_target, unsupported
from services.edge.domain.json_services import JSON_FAULTS
from services.edge.domain.json_values import decode, dump, encode, epoch_seconds, parse
from services.edge.domain.model import NOTHING, Operation, ServiceModel
from services.edge.domain.response import HttpResponse

MEDIA_TYPE = b"application/x-amz-json-1.1"
TARGET = b"x-amz-target"
"""The header that names the operation: "TrentService.Encrypt"."""
_MEMBER = re.compile(r"[A-Za-z0-9]{1,64}")
_HEADERS = ((b"content-type", MEDIA_TYPE),)


class _SpelledViolations(Violations):
    """Violations whose places are written as AWS writes them: "tags.1.member.tagKey"."""

    def add(self, where: str, constraint: str, *, missing: bool = False) -> None:
        """Note that the value at `where` breaks `constraint`."""
        self.first = self.first or where.partition(".")[0]
        super().add(".".join(spelled(part) for part in where.split(".")), constraint, missing=missing)


def find_target(model: ServiceModel, fields: Mapping[bytes, bytes]) -> Operation | None:
    """Return the operation that the headers name, None when it is not one of `model`."""
    prefix, _, name = fields.get(TARGET, b"").decode("latin-1").rpartition(".")
    return model.operations.get(name) if prefix == model.target_prefix else None


def decode_input(
    model: ServiceModel, operation: Operation, fields: Mapping[bytes, bytes], body: bytes
) -> dict[str, Any]:
    """Return the operation's input by member names, checked against every constraint. Raises Fault."""
    media_type = fields.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type != MEDIA_TYPE:
        raise unknown_target()
    parsed = parse(body) if body else {}
    shape = operation.input.shape
    if not isinstance(parsed, dict):
        raise serialization("The body must be a JSON object.")
    found = _SpelledViolations()
    values: dict[str, Any] = decode(model, shape, parsed, "", found)
    _refuse_unknown(model, operation, shape, parsed)
    problem = found.message()
    if problem is not None:
        raise JSON_FAULTS[model.service].violation_of(found.first, problem, operation)
    return values


def _refuse_unknown(model: ServiceModel, operation: Operation, shape_name: str, value: Any) -> None:
    """Refuse members that no shape has; `value` has the types of its shape. Raises Fault."""
    shape = model.shapes[shape_name]
    kind = shape["type"]
    if kind == "structure":
        members = shape["members"]
        for name, each in value.items():
            if name not in members:
                # What a client calls its members may be anything: only what looks like a name is repeated.
                named = f"the member {name}" if _MEMBER.fullmatch(name) else "one of the request's members"
                raise unsupported(f"{operation.name} does not know {named} here.")
            if each is not None:
                _refuse_unknown(model, operation, members[name]["shape"], each)
    elif kind == "list":
        for each in value:
            _refuse_unknown(model, operation, shape["member"]["shape"], each)
    elif kind == "map":
        for each in value.values():
            _refuse_unknown(model, operation, shape["value"]["shape"], each)


def encode_output(model: ServiceModel, operation: Operation, output: Mapping[str, Any]) -> HttpResponse:
    """Render an output. An operation without one is answered by an empty body, as at AWS."""
    shape = operation.output.shape
    if shape == NOTHING and not output:
        return HttpResponse(operation.success_status, _HEADERS, b"")
    return HttpResponse(operation.success_status, _HEADERS, dump(encode(model, shape, output, epoch_seconds)))


def encode_exception(fault: Fault) -> HttpResponse:
    """Render an exception: SDKs read its name in the body, some of them in the header."""
    body = {"__type": fault.code, "message": fault.message, **fault.members}
    headers = (*_HEADERS, (b"x-amzn-errortype", fault.code.encode()))
    return HttpResponse(fault.status, headers, dump(body))
