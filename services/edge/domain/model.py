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
"""The rest-json services: folders and API versions; the pinned botocore must carry exactly these."""
QUERY_SERVICES = {"iam": "2010-05-08", "sts": "2011-06-15"}
"""The services of the query protocol, likewise. Their folders are named as they sign."""
JSON_SERVICES = {"cloudtrail": "2013-11-01", "kms": "2014-11-01"}
"""The services of AWS JSON 1.1, likewise. Their folders are named as they sign."""
OWN_SERVICES = {"craton-audit": "2026-11-22", "craton-runtime": "2026-11-22"}
"""What Craton offers beside AWS's operations, in models of the same form, which AWS's SDKs can load."""
ENDPOINTS = {"craton-audit": "cloudtrail", "craton-runtime": "bedrock-runtime"}
"""Services that are reached by the endpoint of another one."""
OWN_MODELS = Path(__file__).parents[1] / "models"
"""Where these lie, in the folders that SDKs look for."""
NOTHING = ""
"""The shape of an input or output that an operation does not have: a structure without members."""


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
    """Codes of the exceptions that this operation declares; in rest-json a code is the shape's name."""
    result_wrapper: str = ""
    """The element around the members of the output (query protocol); empty when there is no output."""


class ServiceModel:
    """The shapes and operations of one service."""

    def __init__(self, service: str, document: Mapping[str, Any]) -> None:
        """Index a parsed service-2.json document."""
        self.service = service
        self.version: str = document["metadata"]["apiVersion"]
        self.namespace: str = document["metadata"].get("xmlNamespace", "")
        """Of the answers in XML; empty where answers are JSON."""
        self.target_prefix: str = document["metadata"].get("targetPrefix", "")
        """What stands before an operation's name in X-Amz-Target; empty where the path names operations."""
        self._json_errors: bool = document["metadata"].get("protocol") == "json"
        self.shapes: Mapping[str, Mapping[str, Any]] = {
            **document["shapes"],
            NOTHING: {"type": "structure", "members": {}},
        }
        self.operations = {
            name: self._operation(name, description) for name, description in document["operations"].items()
        }

    @classmethod
    def load(cls, service: str) -> "ServiceModel":
        """Read the model of `service`, from the installed botocore unless it is one of ours.

        Raises FileNotFoundError, KeyError.
        """
        if service in OWN_SERVICES:
            path = OWN_MODELS / service / OWN_SERVICES[service] / "service-2.json"
            return cls(service, json.loads(path.read_bytes()))
        found = importlib.util.find_spec("botocore")
        if found is None or found.origin is None:
            raise FileNotFoundError("botocore is not installed: its service models are the wire contract")
        version = (SERVICES | QUERY_SERVICES | JSON_SERVICES)[service]
        path = Path(found.origin).parent / "data" / service / version / "service-2.json.gz"
        return cls(service, json.loads(gzip.decompress(path.read_bytes())))

    def error_status(self, exception: str) -> int | None:
        """Return the HTTP status of an exception shape, None when the model does not have it."""
        shape = self.shapes.get(exception)
        if shape is None or not shape.get("exception"):
            return None
        if self._json_errors:
            # This protocol's models say no more than whose fault it is.
            return 500 if shape.get("fault") else 400
        status: int | None = shape.get("error", {}).get("httpStatusCode")
        return status

    def error_code(self, exception: str) -> str:
        """Return the code under which an exception shape travels, for example NoSuchEntity."""
        code: str = self.shapes[exception].get("error", {}).get("code", exception)
        return code

    def _operation(self, name: str, description: Mapping[str, Any]) -> Operation:
        http = description["http"]
        output = description.get("output", {})
        return Operation(
            service=self.service,
            name=name,
            method=http["method"],
            path=http["requestUri"],
            success_status=http.get("responseCode", 200),
            input=self._message(description.get("input", {}).get("shape", NOTHING)),
            output=self._message(output.get("shape", NOTHING)),
            errors=frozenset(self.error_code(error["shape"]) for error in description.get("errors", ())),
            result_wrapper=output.get("resultWrapper", ""),
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
