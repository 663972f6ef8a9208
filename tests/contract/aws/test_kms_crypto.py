"""Using keys of KMS by an unmodified boto3, against the whole stack; `cryptography` is the other side."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from tests.contract.aws.answers import refused

Make = Callable[..., dict[str, Any]]
CONTEXT = {"team": "blue", "é": "中"}
HASHES: dict[str, Any] = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
INVALID = ("InvalidCiphertextException", 400)


def test_encrypt_and_decrypt(kms: Any, make_key: Make) -> None:
    key = make_key()
    answer = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"\0secret\xff", EncryptionContext=CONTEXT)
    blob = answer["CiphertextBlob"]
    assert (answer["KeyId"], answer["EncryptionAlgorithm"]) == (key["Arn"], "SYMMETRIC_DEFAULT")
    # The ciphertext names its key; whoever wants to may name it too.
    for named in ({}, {"KeyId": key["Arn"]}, {"EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}):
        opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT, **named)
        assert opened["Plaintext"] == b"\0secret\xff"
        assert (opened["KeyId"], opened["KeyMaterialId"]) == (key["Arn"], key["CurrentKeyMaterialId"])
    again = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"\0secret\xff", EncryptionContext=CONTEXT)
    assert again["CiphertextBlob"] != blob
    for size in (1, 4096):
        sealed = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x" * size)["CiphertextBlob"]
        assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"x" * size
    assert refused(kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x" * 4097) == ("ValidationException", 400)
    assert refused(kms.encrypt, KeyId=key["KeyId"], Plaintext=b"") == ("ValidationException", 400)


def test_ciphertexts_that_do_not_open(kms: Any, make_key: Make) -> None:
    key, other = make_key(), make_key()
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext=CONTEXT)["CiphertextBlob"]
    for context in ({}, {"team": "red"}, {**CONTEXT, "more": "1"}, {"team": "blue"}):
        assert refused(kms.decrypt, CiphertextBlob=blob, EncryptionContext=context) == INVALID
    damaged = [blob[:-1], blob + b"\0", b"\0" * 64, b"x", bytes([blob[0] ^ 1]) + blob[1:]]
    damaged += [blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :] for at in (len(blob) // 2, len(blob) - 1)]
    for each in damaged:
        # Where the damage hits the name of the key, it is a key that nobody knows.
        code, status = refused(kms.decrypt, CiphertextBlob=each, EncryptionContext=CONTEXT)
        assert code in ("InvalidCiphertextException", "AccessDeniedException")
        assert status == 400
    named = refused(kms.decrypt, CiphertextBlob=blob, EncryptionContext=CONTEXT, KeyId=other["KeyId"])
    assert named == ("IncorrectKeyException", 400)
    for unknown in (
        "11111111-2222-3333-4444-555555555555",
        "alias/nobody-has-this",
        "alias/aws/bedrock-none",
    ):
        named = refused(kms.decrypt, CiphertextBlob=blob, EncryptionContext=CONTEXT, KeyId=unknown)
        assert named == ("NotFoundException", 400)


def test_re_encrypt(kms: Any, make_key: Make) -> None:
    source, destination = make_key(), make_key()
    blob = kms.encrypt(KeyId=source["KeyId"], Plaintext=b"x", EncryptionContext=CONTEXT)["CiphertextBlob"]
    arguments = {"SourceEncryptionContext": CONTEXT, "DestinationEncryptionContext": {"new": "1"}}
    answer = kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=destination["Arn"], **arguments)
    assert (answer["SourceKeyId"], answer["KeyId"]) == (source["Arn"], destination["Arn"])
    assert (
        answer["SourceEncryptionAlgorithm"] == answer["DestinationEncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
    )
    assert answer["SourceKeyMaterialId"] == source["CurrentKeyMaterialId"]
    assert answer["DestinationKeyMaterialId"] == destination["CurrentKeyMaterialId"]
    opened = kms.decrypt(CiphertextBlob=answer["CiphertextBlob"], EncryptionContext={"new": "1"})
    assert (opened["Plaintext"], opened["KeyId"]) == (b"x", destination["Arn"])
    assert refused(kms.re_encrypt, CiphertextBlob=blob, DestinationKeyId=destination["KeyId"]) == INVALID
    wrong = {**arguments, "SourceKeyId": destination["KeyId"]}
    code = refused(kms.re_encrypt, CiphertextBlob=blob, DestinationKeyId=destination["KeyId"], **wrong)
    assert code == ("IncorrectKeyException", 400)


def test_a_policy_about_the_alias_of_a_request_counts_where_the_ciphertext_names_the_key(
    kms: Any, make_key: Make
) -> None:
    key = make_key()
    key_id, alias = key["KeyId"], f"alias/{key['KeyId']}"
    kms.create_alias(AliasName=alias, TargetKeyId=key_id)
    blob = kms.encrypt(KeyId=key_id, Plaintext=b"x")["CiphertextBlob"]
    policy = json.loads(kms.get_key_policy(KeyId=key_id)["Policy"])
    denied = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["kms:Decrypt", "kms:ReEncryptFrom"],
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:RequestAlias": alias}},
    }
    policy["Statement"].append(denied)
    kms.put_key_policy(KeyId=key_id, Policy=json.dumps(policy))
    refusals = [
        refused(kms.decrypt, CiphertextBlob=blob, KeyId=alias),
        refused(kms.re_encrypt, CiphertextBlob=blob, SourceKeyId=alias, DestinationKeyId=key_id),
    ]
    assert refusals == [("AccessDeniedException", 400)] * 2
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert kms.decrypt(CiphertextBlob=blob, KeyId=key_id)["Plaintext"] == b"x"
    kms.delete_alias(AliasName=alias)


def test_data_keys(kms: Any, make_key: Make) -> None:
    key = make_key()
    for wanted, length in (
        ({"KeySpec": "AES_256"}, 32),
        ({"KeySpec": "AES_128"}, 16),
        ({"NumberOfBytes": 1024}, 1024),
    ):
        made = kms.generate_data_key(KeyId=key["KeyId"], EncryptionContext=CONTEXT, **wanted)
        assert (len(made["Plaintext"]), made["KeyId"]) == (length, key["Arn"])
        assert made["KeyMaterialId"] == key["CurrentKeyMaterialId"]
        opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)
        assert opened["Plaintext"] == made["Plaintext"]
        hidden = kms.generate_data_key_without_plaintext(KeyId=key["KeyId"], **wanted)
        assert "Plaintext" not in hidden
        assert len(kms.decrypt(CiphertextBlob=hidden["CiphertextBlob"])["Plaintext"]) == length
    assert refused(kms.generate_data_key, KeyId=key["KeyId"]) == ("ValidationException", 400)
    mac = make_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyId"]
    code = refused(kms.generate_data_key, KeyId=mac, KeySpec="AES_256")
    assert code == ("InvalidKeyUsageException", 400)


@pytest.mark.parametrize(
    "spec",
    [
        "RSA_2048",
        "ECC_NIST_P256",
        "ECC_NIST_P384",
        "ECC_NIST_P521",
        "ECC_SECG_P256K1",
        "ECC_NIST_EDWARDS25519",
    ],
)
def test_key_pairs(kms: Any, make_key: Make, spec: str) -> None:
    key = make_key()
    made = kms.generate_data_key_pair(KeyId=key["KeyId"], KeyPairSpec=spec, EncryptionContext=CONTEXT)
    assert (made["KeyPairSpec"], made["KeyId"]) == (spec, key["Arn"])
    private = serialization.load_der_private_key(made["PrivateKeyPlaintext"], None)
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert public == made["PublicKey"]
    opened = kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"], EncryptionContext=CONTEXT)
    assert opened["Plaintext"] == made["PrivateKeyPlaintext"]
    hidden = kms.generate_data_key_pair_without_plaintext(KeyId=key["KeyId"], KeyPairSpec=spec)
    assert "PrivateKeyPlaintext" not in hidden
    assert kms.decrypt(CiphertextBlob=hidden["PrivateKeyCiphertextBlob"])["Plaintext"]


def test_key_pairs_that_cannot_be(kms: Any, make_key: Make) -> None:
    key = make_key()["KeyId"]
    code = refused(kms.generate_data_key_pair, KeyId=key, KeyPairSpec="SM2")
    assert code == ("UnsupportedOperationException", 400)
    signing = make_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyId"]
    code = refused(kms.generate_data_key_pair, KeyId=signing, KeyPairSpec="ECC_NIST_P256")
    assert code == ("InvalidKeyUsageException", 400)


def test_random_bytes(kms: Any) -> None:
    found = {kms.generate_random(NumberOfBytes=32)["Plaintext"] for _ in range(3)}
    assert {len(each) for each in found} == {32}
    assert len(found) == 3
    assert len(kms.generate_random(NumberOfBytes=1024)["Plaintext"]) == 1024
    for arguments in ({}, {"NumberOfBytes": 1025}):
        assert refused(kms.generate_random, **arguments) == ("ValidationException", 400)


def _public(kms: Any, key: dict[str, Any]) -> Any:
    answer = kms.get_public_key(KeyId=key["KeyId"])
    assert (answer["KeyId"], answer["KeySpec"], answer["KeyUsage"]) == (
        key["Arn"],
        key["KeySpec"],
        key["KeyUsage"],
    )
    for member in ("EncryptionAlgorithms", "SigningAlgorithms", "KeyAgreementAlgorithms"):
        assert answer.get(member) == key.get(member)
    return serialization.load_der_public_key(answer["PublicKey"])


def _verify(public: Any, algorithm: str, signature: bytes, message: bytes) -> None:
    if isinstance(public, ed25519.Ed25519PublicKey):
        public.verify(signature, message)
        return
    digest = HASHES[algorithm[-3:]]()
    if isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, message, ec.ECDSA(digest))
    else:
        scheme: Any = padding.PKCS1v15()
        if "PSS" in algorithm:
            scheme = padding.PSS(padding.MGF1(digest), digest.digest_size)
        public.verify(signature, message, scheme, digest)


@pytest.mark.parametrize(
    "spec",
    [
        "RSA_2048",
        "ECC_NIST_P256",
        "ECC_NIST_P384",
        "ECC_NIST_P521",
        "ECC_SECG_P256K1",
        "ECC_NIST_EDWARDS25519",
    ],
)
def test_signatures(kms: Any, make_key: Make, spec: str) -> None:
    key = make_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")
    public = _public(kms, key)
    for algorithm in key["SigningAlgorithms"]:
        named = {"KeyId": key["KeyId"], "SigningAlgorithm": algorithm}
        signed = kms.sign(Message=b"message", **named)
        assert (signed["KeyId"], signed["SigningAlgorithm"]) == (key["Arn"], algorithm)
        signature = signed["Signature"]
        _verify(public, algorithm, signature, b"message")
        with pytest.raises(InvalidSignature):
            _verify(public, algorithm, signature, b"another")
        assert kms.verify(Message=b"message", Signature=signature, **named)["SignatureValid"] is True
        wrong = bytes([signature[0], signature[1] ^ 1]) + signature[2:]
        for arguments in (
            {"Message": b"another", "Signature": signature},
            {"Message": b"message", "Signature": wrong},
            {"Message": b"message", "Signature": signature[:-1]},
        ):
            assert refused(kms.verify, **arguments, **named) == ("KMSInvalidSignatureException", 400)
        if spec != "ECC_NIST_EDWARDS25519":
            digest = hashlib.new(f"sha{algorithm[-3:]}", b"message").digest()
            given = {**named, "Message": digest, "MessageType": "DIGEST"}
            assert kms.verify(Signature=kms.sign(**given)["Signature"], **given)["SignatureValid"] is True
            given["Message"] = digest[:-1]
            assert refused(kms.sign, **given) == ("ValidationException", 400)
    other = "ECDSA_SHA_384" if spec != "ECC_NIST_P384" else "ECDSA_SHA_256"
    code = refused(kms.sign, KeyId=key["KeyId"], Message=b"x", SigningAlgorithm=other)
    assert code == ("InvalidKeyUsageException", 400)


def test_signing_with_keys_of_other_usages(kms: Any, make_key: Make) -> None:
    for key in (make_key(), make_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")):
        code = refused(kms.sign, KeyId=key["KeyId"], Message=b"x", SigningAlgorithm="ECDSA_SHA_256")
        assert code == ("InvalidKeyUsageException", 400)


@pytest.mark.parametrize("size", ["224", "256", "384", "512"])
def test_codes(kms: Any, make_key: Make, size: str) -> None:
    key = make_key(KeySpec=f"HMAC_{size}", KeyUsage="GENERATE_VERIFY_MAC")
    named = {"KeyId": key["KeyId"], "MacAlgorithm": f"HMAC_SHA_{size}"}
    made = kms.generate_mac(Message=b"message", **named)
    assert (len(made["Mac"]), made["KeyId"]) == (int(size) // 8, key["Arn"])
    assert kms.verify_mac(Message=b"message", Mac=made["Mac"], **named)["MacValid"] is True
    wrong = made["Mac"][:-1] + bytes([made["Mac"][-1] ^ 1])
    for arguments in (
        {"Message": b"another", "Mac": made["Mac"]},
        {"Message": b"message", "Mac": wrong},
        {"Message": b"message", "Mac": made["Mac"][:-1]},
    ):
        assert refused(kms.verify_mac, **arguments, **named) == ("KMSInvalidMacException", 400)
    named["MacAlgorithm"] = "HMAC_SHA_512" if size == "256" else "HMAC_SHA_256"
    assert refused(kms.generate_mac, Message=b"x", **named) == ("InvalidKeyUsageException", 400)


def test_rsa_encryption(kms: Any, make_key: Make) -> None:
    key = make_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    public = _public(kms, key)
    assert isinstance(public, rsa.RSAPublicKey)
    for algorithm, digest, most in (
        ("RSAES_OAEP_SHA_1", hashes.SHA1(), 214),  # noqa: S303 - what AWS offers
        ("RSAES_OAEP_SHA_256", hashes.SHA256(), 190),
    ):
        named = {"KeyId": key["KeyId"], "EncryptionAlgorithm": algorithm}
        blob = kms.encrypt(Plaintext=b"x" * most, **named)["CiphertextBlob"]
        assert kms.decrypt(CiphertextBlob=blob, **named)["Plaintext"] == b"x" * most
        outside = public.encrypt(b"from outside", padding.OAEP(padding.MGF1(digest), digest, None))
        assert kms.decrypt(CiphertextBlob=outside, **named)["Plaintext"] == b"from outside"
        assert refused(kms.encrypt, Plaintext=b"x" * (most + 1), **named) == ("ValidationException", 400)
        damaged = outside[:-1] + bytes([outside[-1] ^ 1])
        assert refused(kms.decrypt, CiphertextBlob=damaged, **named) == INVALID
        # Encryption contexts are for symmetric keys.
        code = refused(kms.encrypt, Plaintext=b"x", EncryptionContext=CONTEXT, **named)
        assert code == ("ValidationException", 400)
    code = refused(kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x")
    assert code == ("InvalidKeyUsageException", 400)


@pytest.mark.parametrize(
    ("spec", "curve"), [("ECC_NIST_P256", ec.SECP256R1()), ("ECC_NIST_P384", ec.SECP384R1())]
)
def test_shared_secrets(kms: Any, make_key: Make, spec: str, curve: Any) -> None:
    key = make_key(KeySpec=spec, KeyUsage="KEY_AGREEMENT")
    own = ec.generate_private_key(curve)
    sent = own.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    named = {"KeyId": key["KeyId"], "KeyAgreementAlgorithm": "ECDH"}
    answer = kms.derive_shared_secret(PublicKey=sent, **named)
    assert (answer["KeyId"], answer["KeyOrigin"]) == (key["Arn"], "AWS_KMS")
    assert hmac.compare_digest(answer["SharedSecret"], own.exchange(ec.ECDH(), _public(kms, key)))
    foreign = ec.generate_private_key(ec.SECP521R1()).public_key()
    foreign_sent = foreign.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for public in (foreign_sent, sent[:-1], b"x"):
        assert refused(kms.derive_shared_secret, PublicKey=public, **named) == ("ValidationException", 400)
    signing = make_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")
    named["KeyId"] = signing["KeyId"]
    code = refused(kms.derive_shared_secret, PublicKey=sent, **named)
    assert code == ("InvalidKeyUsageException", 400)


def test_there_is_no_public_key_of_symmetric_ones(kms: Any, make_key: Make) -> None:
    code, status = refused(kms.get_public_key, KeyId=make_key()["KeyId"])
    assert code in ("UnsupportedOperationException", "InvalidKeyUsageException")
    assert status == 400
