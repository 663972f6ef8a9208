"""The operations of KMS on grants, answered by kms' GrantService."""

import re
from collections.abc import Mapping
from typing import Any

from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.kms.v1 import grant_service_pb2 as pb
from craton.kms.v1 import grant_service_pb2_grpc as rpc
from craton.kms.v1 import resources_pb2 as resources

from services.chassis.channels import Channel
from services.chassis.errors import DomainError
from services.edge.adapters.kms_calls import Mapped, Member, Render, calls, key, page
from services.edge.adapters.kms_values import grant, last_part
from services.edge.domain import model
from services.edge.domain.faults import validation
from services.edge.domain.json_faults import unsupported
from services.edge.domain.kms_names import InvalidArnError, KmsNames
from services.edge.ports import Operation

_GRANT_ID = re.compile(r"[0-9a-f]{64}")
_CONSTRAINTS = {
    "EncryptionContextSubset": "encryption_context_subset",
    "EncryptionContextEquals": "encryption_context_equals",
}


def grants(
    operations: Mapping[str, model.Operation], channel: Channel, partition: str
) -> Mapping[str, Operation]:
    """Return the operations on grants; `channel` leads to kms."""
    return calls(operations, rpc.GrantServiceStub(channel), pb, partition, _MAPPED)


def _grant_id(text: str, _names: KmsNames | None = None) -> str:
    if _GRANT_ID.fullmatch(text) is None:
        raise DomainError(
            ErrorReason.ERROR_REASON_INVALID_GRANT_ID, "A grant ID has 64 hexadecimal digits in lower case."
        )
    return text


def _constraints(value: Mapping[str, Any], _names: KmsNames) -> resources.GrantConstraints:
    for member in value.keys() - _CONSTRAINTS.keys():
        raise unsupported(f"This installation does not support the constraint {member}.")
    return resources.GrantConstraints(**{_CONSTRAINTS[member]: each for member, each in value.items()})


def _grantee_given(values: Mapping[str, Any]) -> Mapping[str, Any]:
    # The model leaves it open for grants to services of AWS, which there are none of.
    return _given(values, "GranteePrincipal") if "GranteeServicePrincipal" not in values else values


def _retiring_given(values: Mapping[str, Any]) -> Mapping[str, Any]:
    return _given(values, "RetiringPrincipal") if "RetiringServicePrincipal" not in values else values


def _given(values: Mapping[str, Any], member: str) -> Mapping[str, Any]:
    if member not in values:
        raise validation(
            f"1 validation error detected: Value null at '{member[0].lower()}{member[1:]}' failed to satisfy "
            "constraint: Member must not be null"
        )
    return values


def _one_grant(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Say by one member which grant of which key is meant."""
    rest = {name: each for name, each in values.items() if name not in ("KeyId", "GrantId")}
    return {**rest, "Grant": (values["KeyId"], _grant_id(values["GrantId"]))}


def _retired(values: Mapping[str, Any]) -> Mapping[str, Any]:
    if "GrantToken" in values:
        if "KeyId" in values or "GrantId" in values:
            raise validation(
                "A grant is named by its token, or by the key ARN and the grant ID, not by both."
            )
        return values
    if "KeyId" not in values or "GrantId" not in values:
        raise validation("A grant is named by its token, or by the key ARN and the grant ID.")
    if not values["KeyId"].startswith("arn:"):
        raise InvalidArnError("The key of a grant that is retired is named by its ARN.")
    return _one_grant(values)


def _grant_name(named: tuple[str, str], names: KmsNames) -> str:
    key_id, grant_id = named
    return f"{names.key(key_id)}/grants/{grant_id}"


def _created(answer: pb.CreateGrantResponse, _names: KmsNames, _values: Any) -> Mapping[str, Any]:
    return {"GrantToken": answer.grant_token, "GrantId": last_part(answer.name)}


_LISTED: Render = lambda answer, names, _values: page(  # noqa: E731 (one of a table's renderers)
    "Grants", [grant(each, names) for each in answer.grants], answer.next_page_token
)
_KEY = {"KeyId": key("key_name")}
_GRANT = {"Grant": Member("name", _grant_name)}

_MAPPED: Mapping[str, Mapped] = {
    "CreateGrant": Mapped(
        "CreateGrant",
        {**_KEY, "Name": Member("friendly_name"), "Constraints": Member("constraints", _constraints)},
        _created,
        _grantee_given,
    ),
    "ListGrants": Mapped("ListGrants", {**_KEY, "GrantId": Member("grant_id", _grant_id)}, _LISTED),
    "ListRetirableGrants": Mapped("ListRetirableGrants", {}, _LISTED, _retiring_given),
    "RevokeGrant": Mapped("RevokeGrant", _GRANT, prepare=_one_grant),
    "RetireGrant": Mapped("RetireGrant", _GRANT, prepare=_retired),
}
