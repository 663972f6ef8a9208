"""How the methods of kms appear in the audit log."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.chassis.audit.ports import AuditedMethod, Recording
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.kms.domain.ciphertext import Ciphertext
from services.kms.domain.keys import KeyName
from services.kms.operations.keyring import named_key
from services.kms.operations.service_keys import service_key_name

_AWS = "kms.amazonaws.com"
_CRATON = "kms.craton"


def _field(name: str) -> Callable[[Any, CallContext], Sequence[str]]:
    def resources(request: Any, _call: CallContext) -> Sequence[str]:
        text = getattr(request, name)
        try:
            return (KeyName.parse(text).displayed,)
        except ValueError:
            # A parent of keys, or no name at all: recorded as it was asked for.
            return (text,)

    return resources


def _key_of_ciphertext(request: Any, _call: CallContext) -> Sequence[str]:
    # What an unopened ciphertext claims is recorded as what was asked for; the outcome says the rest.
    try:
        return (named_key(Ciphertext.parse(request.ciphertext)).displayed,)
    except DomainError:
        return ()


def _service_key(_request: Any, call: CallContext) -> Sequence[str]:
    try:
        return (service_key_name(call.caller).displayed,)
    except DomainError:
        return ()


def _effect(source: str, name: str, resources: Callable[[Any, CallContext], Sequence[str]]) -> AuditedMethod:
    return AuditedMethod(source, name, Recording.EFFECT, resources)


def _read(name: str, field: str) -> AuditedMethod:
    return AuditedMethod(_AWS, name, Recording.READ, _field(field))


EVENTS: Mapping[str, AuditedMethod] = {
    # Releasing a secret is an effect: its intent is durable before the secret leaves.
    "/craton.kms.v1.ServiceKeyService/EncryptWithServiceKey": _effect(
        _CRATON, "EncryptWithServiceKey", _service_key
    ),
    "/craton.kms.v1.ServiceKeyService/DecryptWithServiceKey": _effect(
        _CRATON, "DecryptWithServiceKey", _service_key
    ),
    "/craton.kms.v1.ServiceKeyService/GenerateServiceDataKey": _effect(
        _CRATON, "GenerateServiceDataKey", _service_key
    ),
    "/craton.kms.v1.ModelKeyService/GenerateModelDataKey": _effect(
        _CRATON, "GenerateModelDataKey", _field("key_name")
    ),
    "/craton.kms.v1.ModelKeyService/OpenModelDataKey": _effect(
        _CRATON, "OpenModelDataKey", _key_of_ciphertext
    ),
    "/craton.kms.v1.CryptoService/Encrypt": _effect(_AWS, "Encrypt", _field("key_name")),
    "/craton.kms.v1.CryptoService/Decrypt": _effect(_AWS, "Decrypt", _key_of_ciphertext),
    "/craton.kms.v1.CryptoService/GenerateDataKey": _effect(_AWS, "GenerateDataKey", _field("key_name")),
    "/craton.kms.v1.KeyAdminService/CreateKey": _effect(_AWS, "CreateKey", _field("parent")),
    "/craton.kms.v1.KeyAdminService/GetKey": _read("DescribeKey", "name"),
    "/craton.kms.v1.KeyAdminService/ListKeys": _read("ListKeys", "parent"),
    "/craton.kms.v1.KeyAdminService/EnableKey": _effect(_AWS, "EnableKey", _field("name")),
    "/craton.kms.v1.KeyAdminService/DisableKey": _effect(_AWS, "DisableKey", _field("name")),
}
