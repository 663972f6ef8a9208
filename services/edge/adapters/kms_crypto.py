"""The operations of KMS that use keys, answered by kms' CryptoService."""

from collections.abc import Mapping
from typing import Any

from craton.kms.v1 import crypto_service_pb2 as pb
from craton.kms.v1 import crypto_service_pb2_grpc as rpc
from google.protobuf.message import Message

from services.chassis.channels import Channel
from services.edge.adapters.kms_calls import Lacking, Mapped, Member, Render, any_key, calls
from services.edge.adapters.kms_values import key_arn, origin, spec_of, specs
from services.edge.domain import model
from services.edge.domain.faults import validation
from services.edge.domain.json_faults import unsupported
from services.edge.domain.kms_names import KmsNames
from services.edge.ports import Operation

_DATA_KEY_BYTES = {"AES_256": 32, "AES_128": 16}
_KEY = {"KeyId": any_key()}
_RECIPIENT = {"Recipient": Lacking()}
"""For attested enclaves, which this installation knows none of."""


def crypto(
    operations: Mapping[str, model.Operation], channel: Channel, partition: str
) -> Mapping[str, Operation]:
    """Return the operations that use keys; `channel` leads to kms."""
    return calls(operations, rpc.CryptoServiceStub(channel), pb, partition, _MAPPED)


def _answers(**members: str) -> Render:
    """Render fields of the answer as members; every key by its ARN, and nothing for an empty text."""

    def render(answer: Message, names: KmsNames, _values: Mapping[str, Any]) -> Mapping[str, Any]:
        return {
            member: key_arn(names, answer, name)
            if name.endswith("key_name")
            else getattr(answer, name) or None
            for member, name in members.items()
        }

    return render


def _with(render: Render, said: Mapping[str, Any], *repeated: str) -> Render:
    """Render besides what is always said, and what the input said."""
    return lambda answer, names, values: {
        **render(answer, names, values),
        **said,
        **{member: values[member] for member in repeated},
    }


def _ciphertext_given(values: Mapping[str, Any]) -> Mapping[str, Any]:
    # The model leaves it open for a kind of dry run that does not exist here.
    if "CiphertextBlob" not in values:
        raise validation(
            "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: "
            "Member must not be null"
        )
    return values


def _length(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Say the length of a data key in bytes, whichever way it was said."""
    if ("KeySpec" in values) == ("NumberOfBytes" in values):
        raise validation("Please specify either number of bytes or key spec.")
    length = values.get("NumberOfBytes") or _DATA_KEY_BYTES[values["KeySpec"]]
    return {**{name: each for name, each in values.items() if name != "KeySpec"}, "NumberOfBytes": length}


def _some_bytes(values: Mapping[str, Any]) -> Mapping[str, Any]:
    if "NumberOfBytes" not in values:
        raise validation("NumberOfBytes is required.")
    return values


def _message_type(value: str, _names: KmsNames) -> str:
    if value not in ("RAW", "DIGEST"):
        raise unsupported(f"This installation does not support messages of the type {value}.")
    return value


def _public_key(answer: pb.GetPublicKeyResponse, names: KmsNames, _values: Any) -> Mapping[str, Any]:
    found = {**specs(answer.key), "KeyId": names.arn(answer.key.name), "PublicKey": answer.public_key}
    # A public key makes no codes.
    return {name: value for name, value in found.items() if name != "MacAlgorithms"}


def _shared_secret(
    answer: pb.DeriveSharedSecretResponse, names: KmsNames, values: Mapping[str, Any]
) -> Mapping[str, Any]:
    return {
        "KeyId": key_arn(names, answer),
        "SharedSecret": answer.shared_secret,
        "KeyAgreementAlgorithm": values["KeyAgreementAlgorithm"],
        "KeyOrigin": origin(answer.origin),
    }


_DATA_KEY = _answers(CiphertextBlob="ciphertext", KeyId="key_name", KeyMaterialId="material_id")
_PAIR = _answers(
    PrivateKeyCiphertextBlob="private_key_ciphertext",
    PublicKey="public_key",
    KeyId="key_name",
    KeyMaterialId="material_id",
)
_SIGNED = {**_KEY, "MessageType": Member("message_type", _message_type)}
_CIPHERTEXT: Mapping[str, Member | Lacking] = {
    "CiphertextBlob": Member("ciphertext"),
    "DryRunModifiers": Lacking(harmless=([],)),
}

_MAPPED: Mapping[str, Mapped] = {
    "Encrypt": Mapped(
        "Encrypt",
        _KEY,
        _answers(CiphertextBlob="ciphertext", KeyId="key_name", EncryptionAlgorithm="encryption_algorithm"),
    ),
    "Decrypt": Mapped(
        "Decrypt",
        {**_KEY, **_CIPHERTEXT, **_RECIPIENT},
        _answers(
            Plaintext="plaintext",
            KeyId="key_name",
            EncryptionAlgorithm="encryption_algorithm",
            KeyMaterialId="material_id",
        ),
        _ciphertext_given,
    ),
    "ReEncrypt": Mapped(
        "ReEncrypt",
        {
            **_CIPHERTEXT,
            "SourceKeyId": any_key("source_key_name"),
            "DestinationKeyId": any_key("destination_key_name"),
        },
        _answers(
            CiphertextBlob="ciphertext",
            SourceKeyId="source_key_name",
            KeyId="destination_key_name",
            SourceEncryptionAlgorithm="source_encryption_algorithm",
            DestinationEncryptionAlgorithm="destination_encryption_algorithm",
            SourceKeyMaterialId="source_material_id",
            DestinationKeyMaterialId="destination_material_id",
        ),
        _ciphertext_given,
    ),
    "GenerateDataKey": Mapped(
        "GenerateDataKey",
        {**_KEY, **_RECIPIENT},
        lambda answer, names, values: {
            **_DATA_KEY(answer, names, values),
            "Plaintext": answer.plaintext,
        },
        _length,
    ),
    "GenerateDataKeyWithoutPlaintext": Mapped("GenerateDataKeyWithoutPlaintext", _KEY, _DATA_KEY, _length),
    "GenerateDataKeyPair": Mapped(
        "GenerateDataKeyPair",
        {**_KEY, **_RECIPIENT, "KeyPairSpec": Member("pair_spec", spec_of)},
        _with(
            lambda answer, names, values: {
                **_PAIR(answer, names, values),
                "PrivateKeyPlaintext": answer.private_key_plaintext,
            },
            {},
            "KeyPairSpec",
        ),
    ),
    "GenerateDataKeyPairWithoutPlaintext": Mapped(
        "GenerateDataKeyPairWithoutPlaintext",
        {**_KEY, "KeyPairSpec": Member("pair_spec", spec_of)},
        _with(_PAIR, {}, "KeyPairSpec"),
    ),
    "GenerateRandom": Mapped("GenerateRandom", _RECIPIENT, _answers(Plaintext="plaintext"), _some_bytes),
    "Sign": Mapped(
        "Sign",
        _SIGNED,
        _answers(Signature="signature", KeyId="key_name", SigningAlgorithm="signing_algorithm"),
    ),
    "Verify": Mapped(
        "Verify",
        _SIGNED,
        # A signature that is wrong is an error.
        _with(_answers(KeyId="key_name", SigningAlgorithm="signing_algorithm"), {"SignatureValid": True}),
    ),
    "GenerateMac": Mapped(
        "GenerateMac", _KEY, _answers(Mac="mac", KeyId="key_name", MacAlgorithm="mac_algorithm")
    ),
    "VerifyMac": Mapped(
        "VerifyMac",
        _KEY,
        _with(_answers(KeyId="key_name", MacAlgorithm="mac_algorithm"), {"MacValid": True}),
    ),
    "GetPublicKey": Mapped("GetPublicKey", _KEY, _public_key),
    "DeriveSharedSecret": Mapped("DeriveSharedSecret", {**_KEY, **_RECIPIENT}, _shared_secret),
}
