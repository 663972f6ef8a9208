"""AWS's own service models, as botocore ships them, are the contract that the edge serves.

They are read directly: importing botocore.session would load a client library to parse a JSON file.
"""

import gzip
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SERVICES = {"bedrock": "2023-04-20", "bedrock-runtime": "2023-09-30"}
"""Service folders and API versions; the pinned botocore must carry exactly these."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Where one member of an input or output travels, when it is not in the JSON body."""

    member: str
    wire_name: str
    shape: str


@dataclass(frozen=True, slots=True)
class Message:
    """An input or output: what is in the path, query and headers, and what the body is."""

    shape: str
    uri: tuple[Binding, ...]
    query: tuple[Binding, ...]
    headers: tuple[Binding, ...]
    body: tuple[str, ...]
    """Members of the JSON body."""
    payload: str | None
    """The member that is the whole body, if there is one."""
    required: frozenset[str]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API, for example InvokeModel."""

    service: str
    name: str
    method: str
    path: str
    """URI template, for example "/model/{modelId}/invoke"."""
    success_status: int
    input: Message
    output: Message
    errors: frozenset[str]
    """Names of the exceptions that this operation declares."""


class ServiceModel:
    """The shapes and operations of one service."""

    def __init__(self, service: str, document: Mapping[str, Any]) -> None:
        """Index a parsed service-2.json document."""
        self.service = service
        self.shapes: Mapping[str, Mapping[str, Any]] = document["shapes"]
        self.operations = {
            name: self._operation(name, description) for name, description in document["operations"].items()
        }

    @classmethod
    def load(cls, service: str) -> "ServiceModel":
        """Read the model of `service` from the installed botocore. Raises FileNotFoundError, KeyError."""
        found = importlib.util.find_spec("botocore")
        if found is None or found.origin is None:
            raise FileNotFoundError("botocore is not installed: its service models are the wire contract")
        path = Path(found.origin).parent / "data" / service / SERVICES[service] / "service-2.json.gz"
        return cls(service, json.loads(gzip.decompress(path.read_bytes())))

    def error_status(self, exception: str) -> int | None:
        """Return the HTTP status of an exception shape, None when the service has no such exception."""
        shape = self.shapes.get(exception)
        if shape is None or not shape.get("exception"):
            return None
        status: int = shape["error"]["httpStatusCode"]
        return status

    def _operation(self, name: str, description: Mapping[str, Any]) -> Operation:
        http = description["http"]
        return Operation(
            service=self.service,
            name=name,
            method=http["method"],
            path=http["requestUri"],
            success_status=http["responseCode"],
            input=self._message(description["input"]["shape"]),
            output=self._message(description["output"]["shape"]),
            errors=frozenset(error["shape"] for error in description["errors"]),
        )

    def _message(self, name: str) -> Message:
        shape = self.shapes[name]
        located: dict[str, list[Binding]] = {"uri": [], "querystring": [], "header": []}
        body = []
        for member, target in shape["members"].items():
            location = target.get("location")
            wire_name = target.get("locationName", member)
            if location is None:
                body.append(member)
            else:
                wire_name = wire_name.lower() if location == "header" else wire_name
                located[location].append(Binding(member, wire_name, target["shape"]))
        payload = shape.get("payload")
        return Message(
            shape=name,
            uri=tuple(located["uri"]),
            query=tuple(located["querystring"]),
            headers=tuple(located["header"]),
            body=() if payload else tuple(body),
            payload=payload,
            required=frozenset(shape.get("required", ())),
        )
