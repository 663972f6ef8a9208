"""The catalogue: which models exist where, and which pool serves them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.arn import foundation_model_id
from services.chassis.errors import DomainError
from services.chassis.manifest import ModelManifest


@dataclass(frozen=True, slots=True)
class ModelFilter:
    """Unset attributes match everything."""

    provider: str = ""
    customization_type: str = ""
    output_modality: str = ""
    inference_type: str = ""

    def matches(self, model: ModelManifest) -> bool:
        """Whether `model` has every attribute that is asked for."""
        provider = self.provider.lower()
        return (
            (not provider or provider in (model.provider.lower(), model.provider_name.lower()))
            and (not self.customization_type or self.customization_type in model.customizations)
            and (not self.output_modality or self.output_modality in model.output_modalities)
            and (not self.inference_type or self.inference_type in model.inference_types)
        )


class Catalogue:
    """The models of the signed manifests. Immutable: a changed catalogue is a new object."""

    def __init__(
        self,
        manifests: Iterable[ModelManifest],
        regions: frozenset[str],
        manifest_sha256: Mapping[str, str],
    ) -> None:
        """Hold `manifests`; `regions` are those that the installation serves.

        `manifest_sha256` has the digest of each one's signed file (hex), by model id.
        """
        self._manifest_sha256 = manifest_sha256
        self._models: Mapping[str, ModelManifest] = {each.model_id: each for each in manifests}
        self._regions = regions

    def list(self, region: str, wanted: ModelFilter) -> list[ModelManifest]:
        """Return the models of a region that match, by id."""
        self._check_region(region)
        found = [each for each in self._models.values() if each.offered_in(region) and wanted.matches(each)]
        return sorted(found, key=lambda each: each.model_id)

    def find(self, identifier: str, region: str) -> ModelManifest:
        """Return a model by its id, or by the ARN of its foundation model.

        Raises DomainError: UNKNOWN_REGION, INVALID_FIELD for an ARN that no foundation model of this region
        can have, RESOURCE_NOT_FOUND.
        """
        self._check_region(region)
        model_id = model_id_of(identifier, region)
        if not model_id:
            raise DomainError(
                ErrorReason.ERROR_REASON_INVALID_FIELD,
                "The provided model identifier is invalid.",
                field="model_id",
            )
        model = self._models.get(model_id)
        if model is None or not model.offered_in(region):
            raise DomainError(
                ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND,
                "Could not resolve the foundation model from the provided model identifier.",
            )
        return model

    def manifest_sha256(self, model_id: str) -> str:
        """Return the digest of a model's signed manifest. Raises KeyError for a model that there is not."""
        return self._manifest_sha256[model_id]

    def _check_region(self, region: str) -> None:
        if region not in self._regions:
            raise DomainError(
                ErrorReason.ERROR_REASON_UNKNOWN_REGION, "the region is not served by this installation"
            )


def model_id_of(identifier: str, region: str) -> str:
    """Return the model id that `identifier` names: itself, or the last part of a foundation-model ARN.

    Any other ARN, also of another partition or region, names nothing here: "".
    """
    if not identifier.startswith("arn:"):
        return identifier
    try:
        return foundation_model_id(identifier, region)
    except ValueError:
        return ""
