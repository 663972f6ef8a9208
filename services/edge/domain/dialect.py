"""How a request is admitted and refused, by the protocol that it is written in."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from services.edge.domain.aws_json import TARGET, encode_exception
from services.edge.domain.faults import Fault, fault_of, validation
from services.edge.domain.json_faults import request_entity_too_large
from services.edge.domain.json_services import JSON_FAULTS
from services.edge.domain.model import JSON_SERVICES, QUERY_SERVICES, Operation, ServiceModel
from services.edge.domain.query import METHODS, NO_SERVICE, encode_error
from services.edge.domain.query_faults import query_fault_of, request_too_large
from services.edge.domain.response import HttpResponse
from services.edge.domain.rest_json import encode_fault

REST_BODY_BYTES = 25_000_000
"""Bedrock's limit of one request body."""
QUERY_BODY_BYTES = 1024 * 1024
"""Policies of 131,072 characters, of which each may be escaped in three bytes, are the largest parameters."""
JSON_BODY_BYTES = 1024 * 1024
"""A key policy of 131,072 characters, each of which may be escaped in six bytes, is the largest input."""

_SCOPED_SERVICE = re.compile(rb"Credential=[^/,\s]*/[^/,\s]*/[^/,\s]*/([a-z0-9-]{1,64})/")
_FORM = b"application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Dialect:
    """One protocol, and in those that have one path for everything one service of it."""

    service: str
    """The service model of such a service; empty where the path decides, or nothing does."""
    signing_names: tuple[str, ...]
    """Which credential scopes are right."""
    max_body_bytes: int
    fault_of: Callable[[int, str, Operation | None], Fault]
    """From a reason and a message to the error that an operation declares for them."""
    too_large: Callable[[], Fault]
    encode_fault: Callable[[Fault, str], HttpResponse]
    """Render an error of the request with this id."""


def _too_large() -> Fault:
    return validation(
        "1 validation error detected: Value at 'body' failed to satisfy constraint: "
        f"Member must have length less than or equal to {REST_BODY_BYTES}"
    )


REST_JSON = Dialect(
    service="",
    # bedrock and bedrock-runtime share one signing name; path and method tell them apart.
    signing_names=("bedrock",),
    max_body_bytes=REST_BODY_BYTES,
    fault_of=fault_of,
    too_large=_too_large,
    encode_fault=lambda fault, _request_id: encode_fault(fault),
)


AUDIT_JSON = replace(REST_JSON, service="craton-audit", signing_names=("cloudtrail",))
"""What proves records is signed as what shows them; API keys, which are for bedrock alone, do not count."""
_AUDIT_PATHS = b"/craton/log/"
ROUTED = (REST_JSON, AUDIT_JSON)
"""Dialects in which method and path say which operation is meant."""


def _query(service: str, signing_names: tuple[str, ...], namespace: str) -> Dialect:
    return Dialect(
        service=service,
        signing_names=signing_names,
        max_body_bytes=QUERY_BODY_BYTES,
        fault_of=query_fault_of,
        too_large=request_too_large,
        encode_fault=partial(encode_error, namespace),
    )


def _json(service: str) -> Dialect:
    return Dialect(
        service=service,
        signing_names=(service,),
        max_body_bytes=JSON_BODY_BYTES,
        fault_of=JSON_FAULTS[service].fault_of,
        too_large=request_entity_too_large,
        encode_fault=lambda fault, _request_id: encode_exception(fault),
    )


class Dialects:
    """Chooses the dialect of a request from what stands in its head."""

    def __init__(self, models: Mapping[str, ServiceModel]) -> None:
        """Know the services among `models` that have one path for everything."""
        self._services = {
            name.encode(): _query(name, (name,), model.namespace)
            for name, model in sorted(models.items())
            if name in QUERY_SERVICES
        }
        written_in_json = {name: _json(name) for name in sorted(models) if name in JSON_SERVICES}
        self._services |= {name.encode(): dialect for name, dialect in written_in_json.items()}
        self._targets = {
            models[name].target_prefix.encode(): dialect for name, dialect in written_in_json.items()
        }
        # For forms whose credentials name no query service: none of them is right.
        self._nobody = _query("", (), NO_SERVICE)

    def of(self, service: str) -> Dialect:
        """Return the dialect of a service that has one path for everything."""
        return self._services[service.encode()]

    def choose(
        self, method: str, raw_path: bytes, raw_query: bytes, fields: Mapping[bytes, bytes]
    ) -> Dialect:
        """Return the dialect in which a request is answered.

        Paths say it, where there are any. The query protocol and AWS JSON have one path, and the credential
        scope says which service is meant. It is only looked at here: `admit` reads the header strictly, and
        refuses what this took for something else. Where it says nothing, X-Amz-Target tells AWS JSON; the
        host is never asked.
        """
        if raw_path.startswith(_AUDIT_PATHS):
            return AUDIT_JSON
        if raw_path != b"/" or method not in METHODS:
            return REST_JSON
        scope = _SCOPED_SERVICE.search(fields.get(b"authorization", b""))
        chosen = None if scope is None else self._services.get(scope[1])
        if chosen is not None:
            return chosen
        chosen = self._targets.get(fields.get(TARGET, b"").rpartition(b".")[0])
        if chosen is not None:
            return chosen
        form = fields.get(b"content-type", b"").startswith(_FORM) or b"Action=" in raw_query
        return self._nobody if form else REST_JSON
