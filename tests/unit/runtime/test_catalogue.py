"""The catalogue: which identifiers name a model in a region, and how the others are refused."""

from pathlib import Path

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.arn import foundation_model_arn
from services.chassis.errors import DomainError
from services.runtime.domain.catalogue import Catalogue, model_id_of
from tests.fakes.echo_manifest import SignedCatalog

MODEL = "craton.echo-v1"
ARN = foundation_model_arn("us-east-1", MODEL)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    signed = SignedCatalog(tmp_path)
    manifests = [signed.publish("echo-v1"), signed.publish("far-v1", regions=["eu-west-1"])]
    return Catalogue(manifests, frozenset({"us-east-1", "eu-west-1"}), {})


@pytest.mark.parametrize("identifier", [MODEL, ARN])
def test_a_model_is_found_by_its_id_and_its_arn(catalogue: Catalogue, identifier: str) -> None:
    assert catalogue.find(identifier, "us-east-1").model_id == MODEL
    assert model_id_of(identifier, "us-east-1") == MODEL


@pytest.mark.parametrize(
    "identifier",
    [
        ARN.replace("arn:aws:", "arn:aws-cn:"),
        ARN.replace("arn:aws:", "arn:aws-us-gov:"),
        ARN.replace("arn:aws:", "arn::"),
        ARN.replace("arn:aws:", "arn:*:"),
        ARN.replace("us-east-1", "eu-west-1"),
        ARN.replace("us-east-1", ""),
        ARN.replace("us-east-1::", "us-east-1:123456789012:"),
        ARN.replace(":bedrock:", ":sagemaker:"),
        ARN.replace("foundation-model", "custom-model"),
        ARN.replace(MODEL, ""),
        ARN + "\n",
        "arn:",
        "",
    ],
)
def test_what_names_no_model_of_this_installation_is_invalid(catalogue: Catalogue, identifier: str) -> None:
    assert model_id_of(identifier, "us-east-1") == ""
    with pytest.raises(DomainError) as caught:
        catalogue.find(identifier, "us-east-1")
    assert caught.value.reason == ErrorReason.ERROR_REASON_INVALID_FIELD
    assert caught.value.message == "The provided model identifier is invalid."


@pytest.mark.parametrize("name", ["craton.nope-v1", "craton.far-v1"])
def test_models_that_are_not_here_are_not_found(catalogue: Catalogue, name: str) -> None:
    for identifier in (name, foundation_model_arn("us-east-1", name)):
        with pytest.raises(DomainError) as caught:
            catalogue.find(identifier, "us-east-1")
        assert caught.value.reason == ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND


def test_regions_that_are_not_served(catalogue: Catalogue) -> None:
    with pytest.raises(DomainError) as caught:
        catalogue.find(MODEL, "ap-south-1")
    assert caught.value.reason == ErrorReason.ERROR_REASON_UNKNOWN_REGION
