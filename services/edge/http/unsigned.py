"""Requests of those who have no credentials: the one operation that is there to get some.

AWS: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
Everything is bounded as for every stranger: the body by its own small limit and in the memory that all
strangers share, the calls to auth by their number.
"""

import asyncio
from typing import Any

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis import sigv4
from services.chassis.errors import DomainError
from services.edge.domain.admission import missing_credentials
from services.edge.domain.dialect import REST_JSON, Dialect
from services.edge.domain.faults import Fault
from services.edge.domain.model import Operation, ServiceModel
from services.edge.domain.query import decode_query, encode_result, parse_parameters
from services.edge.domain.recorded import issued_credentials, request_parameters, response_elements
from services.edge.domain.resources import request_resources
from services.edge.domain.response import HttpResponse
from services.edge.events import audited_method, method_name
from services.edge.http.authenticate import Authenticator, client_of, entrance_of
from services.edge.http.body import Receive
from services.edge.http.exchange import Record, Request
from services.edge.ports import UnsignedOperation

OPERATION = "AssumeRoleWithWebIdentity"
BODY_BYTES = 128 * 1024
"""A token of 20,000 characters and a session policy have less, also with every character escaped."""
_CONCURRENT = 32
"""Calls to auth at a time."""
_WAITING = 256
"""Requests that wait for their turn; those beyond are told to come again."""


class UnsignedCalls:
    """Answers AssumeRoleWithWebIdentity without a signature, and nothing else."""

    def __init__(
        self,
        model: ServiceModel,
        dialect: Dialect,
        assume: UnsignedOperation,
        authenticator: Authenticator,
        timeout_s: float,
        partition: str,
    ) -> None:
        """Decode by `model`, which is that of STS, and let `assume` do it."""
        self._model = model
        self._operation: Operation = model.operations[OPERATION]
        self._dialect = dialect
        self._assume = assume
        self._authenticator = authenticator
        self._timeout_s = timeout_s
        self._partition = partition
        self._room = asyncio.Semaphore(_CONCURRENT)
        self._waiting = 0

    @staticmethod
    def takes(request: Request) -> bool:
        """Say whether a request of the query protocol comes without anything that could be a signature."""
        if request.dialect is REST_JSON or request.dialect.service:
            return False
        return b"authorization" not in request.fields

    async def answer(self, request: Request, receive: Receive, record: Record) -> HttpResponse:
        """Answer the operation; any other is refused as one whose credentials are missing.

        Raises DomainError, Fault, ClientGoneError.
        """
        sigv4.refuse_other_forms(request.scope["query_string"], request.fields)
        body = await self._authenticator.read_unsigned(request, receive, BODY_BYTES)
        parameters = self._parameters(request, body)
        # From here on it is STS that answers, also what is refused.
        request.dialect, request.operation = self._dialect, self._operation
        call = record.call
        record.name(method_name(self._operation.service, OPERATION), audited_method(self._operation))
        values = decode_query(self._model, self._operation, parameters)
        call.resources.extend(request_resources(self._operation, values, "", "", self._partition))
        call.request_parameters = request_parameters(self._model, self._operation, values)
        call.deadline = call.started + self._timeout_s
        if self._waiting >= _WAITING:
            raise DomainError(
                ErrorReason.ERROR_REASON_THROTTLED, "Too many requests without a signature. Try again."
            )
        self._waiting += 1
        try:
            async with self._room:
                output, call.principal = await self._assume(
                    values, client_of(request, call), entrance_of(request)
                )
        finally:
            self._waiting -= 1
        call.response_elements = response_elements(self._model, self._operation, output)
        call.issued = issued_credentials(output, call.principal)
        return encode_result(self._model, self._operation, output, call.request_id)

    def _parameters(self, request: Request, body: bytes) -> dict[str, Any]:
        try:
            parameters = parse_parameters(request.scope["method"], request.scope["query_string"], body)
        except Fault:
            # What nobody signed and nobody can read: the first of the two is what AWS would say.
            raise missing_credentials() from None
        if parameters.get("Action") != OPERATION:
            raise missing_credentials()
        return parameters
