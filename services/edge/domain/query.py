"""The query protocol: forms to inputs, outputs and errors to XML.

Generic over every operation of the service models; nothing here knows a particular one.
AWS: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from collections.abc import Mapping
from typing import Any

from services.edge.domain.constraints import Violations
from services.edge.domain.faults import Fault
from services.edge.domain.form import Node, parse_form
from services.edge.domain.form_values import decode_structure
from services.edge.domain.model import NOTHING, Operation, ServiceModel
from services.edge.domain.query_faults import (
    malformed_query,
    missing_action,
    unknown_action,
    validation_error,
)
from services.edge.domain.response import HttpResponse
from services.edge.domain.xml_values import element, encode_members

METHODS = frozenset({"GET", "POST"})
"""AWS takes both: the parameters of a POST are its body, those of a GET its query string."""
XML = b"text/xml"
NO_SERVICE = "http://webservices.amazon.com/AWSFault/2005-15-09"
"""The name space of an error that no service answers."""


def parse_parameters(method: str, raw_query: bytes, body: bytes) -> dict[str, Node]:
    """Return the parameters of a request, which stand in one place and not in two. Raises Fault."""
    if method == "GET":
        if body:
            raise malformed_query("The parameters of a GET stand in its query string; it has no body.")
        return parse_form(raw_query, plus_is_space=False)
    if raw_query:
        raise malformed_query("The parameters of a POST stand in its body; it has no query string.")
    return parse_form(body, plus_is_space=True)


def find_operation(model: ServiceModel, parameters: Mapping[str, Node]) -> Operation:
    """Return the operation that the parameter Action names. Raises Fault."""
    action = parameters.get("Action", "")
    if not action:
        raise missing_action()
    operation = model.operations.get(action) if isinstance(action, str) else None
    if operation is None:
        raise unknown_action(model.version)
    return operation


def decode_query(model: ServiceModel, operation: Operation, parameters: Mapping[str, Node]) -> dict[str, Any]:
    """Return the operation's input by member names, checked against every constraint. Raises Fault."""
    if parameters.get("Version") != model.version:
        raise unknown_action(model.version)
    inputs = {name: node for name, node in parameters.items() if name not in ("Action", "Version")}
    found = Violations()
    values = decode_structure(model, operation.input.shape, inputs, "", found)
    problem = found.message()
    if problem is not None:
        raise validation_error(problem)
    return values


def encode_result(
    model: ServiceModel, operation: Operation, output: Mapping[str, Any], request_id: str
) -> HttpResponse:
    """Render an output."""
    out = [f'<{operation.name}Response xmlns="{model.namespace}">']
    wrapped = operation.output.shape != NOTHING
    out.append(f"<{operation.result_wrapper}>" if wrapped else "")
    encode_members(model, operation.output.shape, output, out)
    out.append(f"</{operation.result_wrapper}>" if wrapped else "")
    out.append(f"<ResponseMetadata>{element('RequestId', request_id)}</ResponseMetadata>")
    out.append(f"</{operation.name}Response>")
    return _response(operation.success_status, "".join(out))


def encode_error(namespace: str, fault: Fault, request_id: str) -> HttpResponse:
    """Render an error; whose it is says the status, as AWS counts: 5xx are the receiver's."""
    kind = "Receiver" if fault.status >= 500 else "Sender"
    inside = element("Type", kind) + element("Code", fault.code) + element("Message", fault.message)
    return _response(
        fault.status,
        f'<ErrorResponse xmlns="{namespace}"><Error>{inside}</Error>'
        f"{element('RequestId', request_id)}</ErrorResponse>",
    )


def _response(status: int, text: str) -> HttpResponse:
    return HttpResponse(status, ((b"content-type", XML),), text.encode())
