"""Routing: every operation is found by its path, and nothing else is."""

import pytest

from services.edge.domain.model import OWN_SERVICES, SERVICES, Operation, ServiceModel
from services.edge.domain.route import Router

OPERATIONS = [op for name in SERVICES for op in ServiceModel.load(name).operations.values()]
ROUTER = Router(OPERATIONS)


@pytest.mark.parametrize("op", OPERATIONS, ids=lambda op: f"{op.service}-{op.name}")
def test_every_operation_is_found(op: Operation) -> None:
    segments = [
        b"arn%3Aaws%3Ax%2Fy" if segment.startswith("{") else segment.encode()
        for segment in op.path.split("/")
    ]
    route = ROUTER.find(op.method, b"/".join(segments))
    assert route is not None
    assert route.operation == op
    assert all(value == "arn:aws:x/y" for _, value in route.labels)
    assert len(route.labels) == op.path.count("{")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", b"/"),
        ("GET", b""),
        ("GET", b"foundation-models"),
        ("GET", b"/foundation-models/"),
        ("PATCH", b"/foundation-models"),
        ("POST", b"/model//invoke"),
        ("POST", b"/model/a/b/invoke"),
        ("POST", b"/model/a/invoke/"),
        ("POST", b"/model/%ff/invoke"),
        ("GET", b"/Foundation-Models"),
    ],
)
def test_everything_else_is_not(method: str, path: bytes) -> None:
    assert ROUTER.find(method, path) is None


def test_equal_routes_are_refused() -> None:
    with pytest.raises(ValueError):
        Router([OPERATIONS[0], OPERATIONS[0]])


def test_our_own_operations_have_paths_that_aws_has_not() -> None:
    own = [op for name in OWN_SERVICES for op in ServiceModel.load(name).operations.values()]
    assert {op.path.split("/")[1] for op in own} == {"craton"}
    assert "craton" not in {op.path.split("/")[1] for op in OPERATIONS}
    router = Router([*OPERATIONS, *own])
    assert router.find("GET", b"/craton/log/events/1/proof") is not None
    found = router.find("GET", b"/craton/receipts/request-0001")
    assert found is not None
    assert (found.operation.name, found.labels) == ("GetReceipt", (("requestId", "request-0001"),))
