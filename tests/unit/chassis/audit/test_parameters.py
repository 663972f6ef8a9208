"""What stands in events of requests: one form of JSON, of bounded size, of fields that somebody chose."""

import importlib
import json
import pkgutil
from collections.abc import Mapping
from typing import Any

import craton
import pytest
from craton.common.v1 import options_pb2
from craton.kms.v1 import crypto_service_pb2, grant_service_pb2, key_admin_service_pb2
from google.protobuf import descriptor_pool, message_factory
from hypothesis import given
from hypothesis import strategies as st

from services.auth.events import EVENTS as AUTH
from services.chassis.audit.fields import NamedFields
from services.chassis.audit.parameters import MAX_BYTES, canonical, model_parameters, recorded
from services.chassis.audit.ports import AuditedMethod
from services.kms.events import EVENTS as KMS
from tests.unit.chassis.audit.test_recorder import call

for _package in ("auth", "kms"):
    _found = importlib.import_module(f"craton.{_package}.v1")
    for _module in pkgutil.iter_modules(_found.__path__):
        importlib.import_module(f"{craton.__name__}.{_package}.v1.{_module.name}")

METHODS: Mapping[str, AuditedMethod] = {
    name: method for name, method in (AUTH | KMS).items() if isinstance(method.parameters, NamedFields)
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def test_nothing_is_nothing() -> None:
    assert recorded({}) == ""


def test_one_form() -> None:
    assert recorded({"b": [1, None], "a": "ü\n"}) == '{"a":"ü\\n","b":[1,null]}'
    assert recorded({"a": "\ud800"}) == '{"a":"?"}'
    with pytest.raises(ValueError, match="JSON compliant"):
        recorded({"a": float("nan")})


def test_the_largest_members_give_way() -> None:
    policy, more = "ü" * MAX_BYTES, "b" * 5000
    told = json.loads(recorded({"keyId": "k", "policy": policy, "description": more}))
    assert (told["keyId"], told["description"]) == ("k", more)
    assert (told["policy"]["omitted"], told["policy"]["originalSize"]) == (True, 2 * MAX_BYTES + 2)
    told = json.loads(recorded({"keyId": "k", "policy": policy, "description": "b" * 8190}))
    assert told["keyId"] == "k"
    assert told["policy"]["omitted"] is told["description"]["omitted"] is True


def test_too_many_members_are_left_out_together() -> None:
    values = {f"member{number}": number for number in range(10_000)}
    told = json.loads(recorded(values))
    assert told["omitted"] is True
    assert told["originalSize"] == len(canonical(values))


def test_what_just_fits_stays_as_it_is() -> None:
    fits = "a" * (MAX_BYTES - len('{"a":""}'))
    assert len(recorded({"a": fits})) == MAX_BYTES
    assert json.loads(recorded({"a": fits})) == {"a": fits}
    assert json.loads(recorded({"a": fits + "a"}))["a"]["omitted"] is True


@given(st.dictionaries(st.text(), JSON, max_size=4), st.integers(0, 3), st.sampled_from("aü\0😀"))
def test_always_bounded_and_canonical(values: dict[str, Any], long: int, letter: str) -> None:
    values |= {f"long{number}": letter * 5000 for number in range(long)}
    text = recorded(values)
    assert len(text.encode()) <= MAX_BYTES
    assert text == (canonical(json.loads(text)) if text else "")


def test_a_model_is_named_and_no_more() -> None:
    assert model_parameters("craton.tiny-text-v1") == '{"modelId":"craton.tiny-text-v1"}'


def request_of(name: str) -> Any:
    service, method = name[1:].split("/")
    described = descriptor_pool.Default().FindMethodByName(f"{service}.{method}")  # type: ignore[no-untyped-call]
    return message_factory.GetMessageClass(described.input_type)


def filled(message: Any, canaries: dict[str, Any]) -> Any:
    """Set every field; texts and bytes are canaries of their own, whose fields `canaries` gets."""
    for field in message.DESCRIPTOR.fields:
        value: Any
        if field.message_type is not None:
            if field.message_type.GetOptions().map_entry:
                entries = getattr(message, field.name)
                entries[canary(canaries, field)] = canary(canaries, field)
            elif field.message_type.full_name.startswith("google.protobuf."):
                getattr(message, field.name).seconds = 7
            else:
                part = getattr(message, field.name)
                filled(part.add() if field.is_repeated else part, canaries)
            continue
        if field.type in (field.TYPE_STRING, field.TYPE_BYTES):
            value = canary(canaries, field)
            value = value.encode() if field.type == field.TYPE_BYTES else value
        else:
            value = 1
        if field.is_repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)
    return message


def canary(canaries: dict[str, Any], field: Any) -> str:
    made = f"canary{len(canaries)}x"
    canaries[made] = field
    return made


@pytest.mark.parametrize("name", sorted(METHODS))
def test_only_chosen_fields_are_recorded_and_none_that_is_sensitive(name: str) -> None:
    canaries: dict[str, Any] = {}
    message = filled(request_of(name)(), canaries)
    text = METHODS[name].parameters(message, call())
    table = METHODS[name].parameters._table  # type: ignore[attr-defined]
    for made, field in canaries.items():
        if made in text:
            chosen = field if not field.containing_type.GetOptions().map_entry else None
            assert chosen is None or chosen.name in table, field.full_name
            assert field.type != field.TYPE_BYTES
            assert not field.GetOptions().Extensions[options_pb2.sensitive], field.full_name
            assert "token" not in field.name
            assert "secret" not in field.name


def test_every_entry_of_a_table_is_a_field_of_something() -> None:
    for parameters in {id(each.parameters): each.parameters for each in METHODS.values()}.values():
        used: set[str] = set()
        for name, method in METHODS.items():
            if method.parameters is parameters:
                used |= fields_of(request_of(name).DESCRIPTOR)
        assert set(parameters._table) <= used  # type: ignore[attr-defined]


def fields_of(descriptor: Any) -> set[str]:
    found = {field.name for field in descriptor.fields}
    for field in descriptor.fields:
        if field.message_type is not None:
            found |= fields_of(field.message_type)
    return found


def told(name: str, request: Any) -> Any:
    text = KMS[f"/craton.kms.v1.{name}"].parameters(request, call())
    return json.loads(text) if text else None


def test_a_use_of_a_key_says_its_context() -> None:
    key = "accounts/123456789012/regions/us-east-1/keys/k"
    context = {"tenant": "blue"}
    asked = crypto_service_pb2.EncryptRequest(key_name=key, plaintext=b"p", encryption_context=context)
    arn = "arn:aws:kms:us-east-1:123456789012:key/k"
    assert told("CryptoService/Encrypt", asked) == {"keyId": arn, "encryptionContext": context}
    opened = crypto_service_pb2.DecryptRequest(
        ciphertext=b"c", encryption_context=context, grant_tokens=["t"], dry_run=True
    )
    assert told("CryptoService/Decrypt", opened) == {"encryptionContext": context, "dryRun": True}


def test_enumerations_and_messages_are_written_as_aws_has_them() -> None:
    made = key_admin_service_pb2.CreateKeyRequest(spec=2, usage=1, origin=1, request_id="r")
    made.tags.add(key="team", value="red")
    assert told("KeyAdminService/CreateKey", made) == {
        "keySpec": "RSA_2048",
        "keyUsage": "ENCRYPT_DECRYPT",
        "origin": "AWS_KMS",
        "tags": [{"tagKey": "team", "tagValue": "red"}],
    }
    granted = grant_service_pb2.CreateGrantRequest(operations=["Encrypt"])
    granted.constraints.encryption_context_subset["tenant"] = "blue"
    assert told("GrantService/CreateGrant", granted) == {
        "operations": ["Encrypt"],
        "constraints": {"encryptionContextSubset": {"tenant": "blue"}},
    }


def test_no_table_can_ask_for_bytes_or_for_what_is_sensitive() -> None:
    careless = NamedFields(
        {"plaintext": "plaintext", "web_identity_token": "token", "key_name": "keyId", "role_arn": "roleArn"}
    )
    sealed = crypto_service_pb2.EncryptRequest(key_name="k", plaintext=b"p")
    assert careless(sealed, call()) == '{"keyId":"k"}'
    shown = request_of("/craton.auth.v1.WebIdentityService/AssumeRoleWithWebIdentity")(
        role_arn="r", web_identity_token="t"
    )
    assert careless(shown, call()) == '{"roleArn":"r"}'
