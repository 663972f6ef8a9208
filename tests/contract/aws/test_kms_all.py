"""Every operation of KMS' service model is answered, or refused as one that is not supported."""

from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.session import get_session

from services.edge.events import SERVED
from tests.fakes.service_inputs import example_input

MODEL = get_session().get_service_model("kms")
SERVED_HERE = {name for service, name in SERVED if service == "kms"}
# What the examples would really do: the tests of these operations are elsewhere.
CREATES = {"CreateKey", "CreateAlias"}
UNSUPPORTED = "UnsupportedOperationException"


def test_the_model_has_the_operations_that_are_counted_here() -> None:
    assert len(MODEL.operation_names) == 56
    assert set(MODEL.operation_names) >= SERVED_HERE
    assert len(SERVED_HERE) == 45


@pytest.mark.parametrize("name", sorted(set(MODEL.operation_names) - CREATES))
def test_an_operation_is_answered_or_not_supported(kms: Any, name: str) -> None:
    arguments = example_input(MODEL.operation_model(name).input_shape)
    if "Limit" in arguments:
        del arguments["Limit"]
    try:
        getattr(kms, xform_name(name))(**arguments)
    except ClientError as error:
        found = error.response["Error"]
        unsupported = (found["Code"], found["Message"]) == (
            UNSUPPORTED,
            f"This installation does not support {name}.",
        )
        assert unsupported is (name not in SERVED_HERE), found
        # It reached what answers it: nothing there is unknown to the edge, or broken.
        assert found["Code"] not in (
            "UnknownOperationException",
            "KMSInternalException",
            "SerializationException",
        )
    else:
        assert name in SERVED_HERE
