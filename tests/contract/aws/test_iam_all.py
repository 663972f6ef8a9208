"""Every operation of IAM's service model is answered, or refused as one that is not supported."""

from collections.abc import Mapping
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.session import get_session

from services.edge.events import SERVED
from tests.fakes.service_inputs import example_input

MODEL = get_session().get_service_model("iam")
SERVED_HERE = {name for service, name in SERVED if service == "iam"}


def outcome(iam: Any, name: str, arguments: Mapping[str, Any]) -> str:
    """Return the code with which an operation is refused, "" when it is not."""
    try:
        getattr(iam, xform_name(name))(**arguments)
    except ClientError as error:
        response = error.response
        unsupported = f"This installation does not support {name}."
        assert (response["Error"]["Message"] == unsupported) is (name not in SERVED_HERE), response["Error"]
        return str(response["Error"]["Code"])
    assert name in SERVED_HERE
    return ""


# What the examples would really do: the tests of these operations are elsewhere.
CREATES = {name for name in SERVED_HERE if name.startswith("Create")}


def test_the_model_has_the_operations_that_are_counted_here() -> None:
    assert len(MODEL.operation_names) == 180
    assert set(MODEL.operation_names) >= SERVED_HERE


@pytest.mark.parametrize("name", sorted(set(MODEL.operation_names) - CREATES))
def test_an_operation_is_answered_or_not_supported(iam: Any, name: str) -> None:
    shape = MODEL.operation_model(name).input_shape
    arguments = {} if shape is None else example_input(shape)
    if name in ("DeleteUser", "UpdateUser", "DeleteUserPermissionsBoundary"):
        arguments["UserName"] = "nobody-of-this-name"
    code = outcome(iam, name, arguments)
    if name not in SERVED_HERE:
        assert code == "InvalidAction"
    else:
        # It reached what answers it: nothing there is unknown to the edge, or broken.
        assert code not in ("InvalidAction", "InternalFailure", "ServiceFailure", "MalformedInput")
