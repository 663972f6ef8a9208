"""google.rpc.Status with exactly one ErrorInfo: written by servers, read by clients."""

from typing import Any

import grpc
from craton.common.v1.error_reason_pb2 import ErrorReason
from google.rpc import error_details_pb2, status_pb2

from services.chassis.errors import STATUS_OF_REASON, DomainError

DOMAIN = "craton"
_KEY = "grpc-status-details-bin"


def sendable(text: str) -> str:
    """Return `text` with a question mark for each half of a surrogate pair, which UTF-8 does not hold.

    An error may quote what a client wrote; saying no must not fail over it.
    """
    return text.encode("utf-8", "replace").decode()


def status_details(error: DomainError) -> bytes:
    """Serialise `error` for the trailing metadata key grpc-status-details-bin. Any text will do."""
    message = sendable(error.message)
    status = status_pb2.Status(code=STATUS_OF_REASON[error.reason].value[0], message=message)
    metadata = {sendable(key): sendable(value) for key, value in error.metadata.items()}
    info = error_details_pb2.ErrorInfo(reason=error.reason_name, domain=DOMAIN, metadata=metadata)
    status.details.add().Pack(info)
    if error.field:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=sendable(error.field), description=message
        )
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    if error.retry_after_s is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(int(error.retry_after_s * 1000))
        status.details.add().Pack(retry)
    serialized: bytes = status.SerializeToString()
    return serialized


def from_rpc_error(error: grpc.aio.AioRpcError, upstream: str) -> DomainError:
    """Turn an upstream's refusal back into the DomainError it was.

    An error without our ErrorInfo (a broken connection, a deadline) becomes DEPENDENCY_UNAVAILABLE or
    INTERNAL and names `upstream` alone.
    """
    trailing: Any = error.trailing_metadata() or ()
    for key, value in trailing:
        if key == _KEY and isinstance(value, bytes):
            found = _parse(value)
            if found is not None:
                return found
    if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        return DomainError(
            ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, f"{upstream} did not answer", retry_after_s=1.0
        )
    if error.code() is grpc.StatusCode.CANCELLED:
        return DomainError(ErrorReason.ERROR_REASON_CANCELLED, "the call was cancelled")
    return DomainError(ErrorReason.ERROR_REASON_INTERNAL, f"{upstream} failed")


def _parse(value: bytes) -> DomainError | None:
    status = status_pb2.Status.FromString(value)
    info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    field: str | None = None
    retry_after: float | None = None
    known = False
    for detail in status.details:
        if detail.Unpack(info):
            known = info.domain == DOMAIN
        elif detail.Unpack(bad_request) and bad_request.field_violations:
            field = bad_request.field_violations[0].field
        elif detail.Unpack(retry):
            retry_after = retry.retry_delay.ToMilliseconds() / 1000
    name = f"ERROR_REASON_{info.reason}"
    if not known or name not in ErrorReason.keys():  # noqa: SIM118 - a protobuf enum wrapper, not a dict
        return None
    return DomainError(
        ErrorReason.Value(name),
        status.message,
        metadata=info.metadata,
        field=field,
        retry_after_s=retry_after,
    )
