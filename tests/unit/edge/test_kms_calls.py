"""What kms refuses reaches a client in the words that the client used."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.edge.adapters.kms_grants import grants
from services.edge.adapters.kms_keys import keys
from services.edge.adapters.kms_material import material
from services.edge.domain.faults import Fault
from services.edge.domain.model import ServiceModel
from services.edge.ports import Caller, Operation

_MODEL = ServiceModel.load("kms")
_KEY = "11111111-2222-3333-4444-555555555555"
_CALLER = cast(
    "Caller", SimpleNamespace(claims=SimpleNamespace(account_id="1" * 12, region="us-east-1"), metadata=())
)


class _Refusing:
    """A channel to a kms that finds every request wrong."""

    def __init__(self, error: DomainError) -> None:
        self._error = error

    def unary_unary(self, *_: Any, **__: Any) -> Any:
        async def refuse(_request: Any, metadata: Any) -> None:
            raise self._error

        return refuse


async def _told(make: Any, name: str, field: str, **values: Any) -> Exception:
    refused = DomainError(ErrorReason.ERROR_REASON_INVALID_FIELD, f"{field}: so it is", field=field)
    operation: Operation = make(_MODEL.operations, _Refusing(refused), "aws")[name]
    with pytest.raises((Fault, DomainError)) as caught:
        await operation(values, _CALLER)
    return caught.value


@pytest.mark.parametrize(
    ("make", "name", "field", "values", "member"),
    [
        (keys, "CreateAlias", "key_name", {"AliasName": "alias/a", "TargetKeyId": _KEY}, "TargetKeyId"),
        (keys, "CreateAlias", "request_id", {"AliasName": "alias/a", "TargetKeyId": _KEY}, "RequestId"),
        (keys, "CreateKey", "spec", {"CustomerMasterKeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"},
         "CustomerMasterKeySpec"),
        (keys, "CreateKey", "spec", {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}, "KeySpec"),
        (keys, "TagResource", "tags[3].key", {"KeyId": _KEY, "Tags": []}, "Tags[3].Key"),
        (material, "EnableKeyRotation", "period_days", {"KeyId": _KEY}, "RotationPeriodInDays"),
        (grants, "CreateGrant", "constraints.encryption_context_equals",
         {"KeyId": _KEY, "GranteePrincipal": "x", "Operations": []}, "Constraints.EncryptionContextEquals"),
    ],
)  # fmt: skip
async def test_a_field_is_called_by_the_member_that_it_came_from(
    make: Any, name: str, field: str, values: dict[str, Any], member: str
) -> None:
    told = await _told(make, name, field, **values)

    assert isinstance(told, Fault)
    assert (told.code, told.message) == ("ValidationException", f"{member}: so it is")


async def test_a_text_that_names_no_field_stays_as_it_is() -> None:
    error = DomainError(ErrorReason.ERROR_REASON_INVALID_FIELD, "AWS says: this", field="usage")
    operation = keys(_MODEL.operations, cast("Any", _Refusing(error)), "aws")["CreateKey"]

    with pytest.raises(DomainError) as caught:
        await operation({}, _CALLER)

    assert caught.value is error
