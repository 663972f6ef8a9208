"""Errors keep their reason across a hop and never gain anything on the way."""

import grpc
import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import STATUS_OF_REASON, DomainError
from services.chassis.rich_status import from_rpc_error, sendable, status_details


def _over_the_wire(error: DomainError) -> DomainError:
    metadata = grpc.aio.Metadata(("grpc-status-details-bin", status_details(error)))
    rpc_error = grpc.aio.AioRpcError(
        STATUS_OF_REASON[error.reason], grpc.aio.Metadata(), metadata, details=error.message
    )
    return from_rpc_error(rpc_error, "auth")


def test_every_reason_has_a_status() -> None:
    assert set(STATUS_OF_REASON) == set(ErrorReason.values())


@pytest.mark.parametrize("reason", ErrorReason.values()[1:])
def test_every_reason_survives_a_hop(reason: int) -> None:
    error = DomainError(reason, "why", metadata={"model_id": "m"}, field="a.b", retry_after_s=1.5)
    again = _over_the_wire(error)
    assert (again.reason, again.message, again.metadata) == (reason, "why", {"model_id": "m"})
    assert (again.field, again.retry_after_s) == ("a.b", 1.5)


@pytest.mark.parametrize("text", ["a\ud800b", "\udfff", "\udc80" * 3, "plain \U0001f98a\0\n"])
def test_any_text_can_be_sent(text: str) -> None:
    error = DomainError(
        ErrorReason.ERROR_REASON_INVALID_FIELD, text, metadata={f"k{text}": text}, field=f"f{text}"
    )
    again = _over_the_wire(error)
    expected = "".join("?" if "\ud800" <= each <= "\udfff" else each for each in text)
    assert sendable(text) == again.message == expected
    assert again.metadata == {f"k{expected}": expected}
    assert again.field == f"f{expected}"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE),
        (grpc.StatusCode.DEADLINE_EXCEEDED, ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE),
        (grpc.StatusCode.CANCELLED, ErrorReason.ERROR_REASON_CANCELLED),
        (grpc.StatusCode.UNKNOWN, ErrorReason.ERROR_REASON_INTERNAL),
    ],
)
def test_foreign_errors_keep_their_text_to_themselves(code: grpc.StatusCode, reason: int) -> None:
    foreign = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details="canary-9 /path")
    ours = from_rpc_error(foreign, "auth")
    assert ours.reason == reason
    assert "canary-9" not in ours.message


def test_details_that_are_not_ours_are_not_believed() -> None:
    metadata = grpc.aio.Metadata(("grpc-status-details-bin", b"\x08\x05"))
    foreign = grpc.aio.AioRpcError(grpc.StatusCode.UNKNOWN, grpc.aio.Metadata(), metadata)
    assert from_rpc_error(foreign, "auth").reason == ErrorReason.ERROR_REASON_INTERNAL
