"""The operations of KMS that this installation serves."""

from collections.abc import Mapping

from services.chassis.channels import Channel
from services.edge.adapters.kms_crypto import crypto
from services.edge.adapters.kms_grants import grants
from services.edge.adapters.kms_keys import keys
from services.edge.adapters.kms_material import material
from services.edge.domain.model import ServiceModel
from services.edge.ports import Operation


def kms(model: ServiceModel, channel: Channel, partition: str) -> Mapping[str, Operation]:
    """Return the served operations of KMS; `channel` leads to kms, ARNs are of `partition`."""
    return {
        name: operation
        for make in (keys, crypto, material, grants)
        for name, operation in make(model.operations, channel, partition).items()
    }
