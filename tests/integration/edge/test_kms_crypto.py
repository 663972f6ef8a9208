"""What keys of KMS do through an unmodified boto3 client."""

from typing import Any

from craton.kms.v1 import (
    crypto_service_pb2,
    resources_pb2,
)

from tests.integration.edge.kms_requests import (
    ACCOUNT,
    ARN,
    ID,
    MATERIAL,
    NAME,
    OTHER,
    PARENT,
    a_key,
    call,
    refusal,
)


async def test_encrypt_and_decrypt(stack: Any) -> None:
    stack.kms.answers["Encrypt"] = crypto_service_pb2.EncryptResponse(
        ciphertext=b"\0c", key_name=NAME, encryption_algorithm="SYMMETRIC_DEFAULT", material_id=MATERIAL
    )
    answer = await call(
        stack, "encrypt", KeyId=OTHER, Plaintext=b"\xff", EncryptionContext={"a": "b"}, GrantTokens=["t"]
    )
    assert answer == {"CiphertextBlob": b"\0c", "KeyId": ARN, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}
    assert stack.kms.requests[0][0] == crypto_service_pb2.EncryptRequest(
        key_name=NAME.replace(ACCOUNT, "210987654321"),
        plaintext=b"\xff",
        encryption_context={"a": "b"},
        grant_tokens=["t"],
    )
    stack.kms.answers["Decrypt"] = crypto_service_pb2.DecryptResponse(
        plaintext=b"\xff", key_name=NAME, encryption_algorithm="SYMMETRIC_DEFAULT", material_id=MATERIAL
    )
    answer = await call(stack, "decrypt", CiphertextBlob=b"\0c", EncryptionContext={"a": "b"})
    assert answer == {
        "Plaintext": b"\xff",
        "KeyId": ARN,
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "KeyMaterialId": MATERIAL,
    }
    assert stack.kms.requests[1][0] == crypto_service_pb2.DecryptRequest(
        ciphertext=b"\0c", encryption_context={"a": "b"}
    )
    null = "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: "
    assert await refusal(stack, "decrypt") == ("ValidationException", f"{null}Member must not be null")
    document = {"AttestationDocument": b"a", "KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    for arguments in ({"Recipient": document}, {"DryRunModifiers": ["IGNORE_CIPHERTEXT"]}):
        code, _ = await refusal(stack, "decrypt", CiphertextBlob=b"c", **arguments)
        assert code == "UnsupportedOperationException"
    assert len(stack.kms.requests) == 2


async def test_re_encrypt(stack: Any) -> None:
    stack.kms.answers["ReEncrypt"] = crypto_service_pb2.ReEncryptResponse(
        ciphertext=b"d",
        source_key_name=NAME,
        destination_key_name=NAME,
        source_encryption_algorithm="SYMMETRIC_DEFAULT",
        destination_encryption_algorithm="RSAES_OAEP_SHA_256",
        source_material_id=MATERIAL,
    )
    answer = await call(
        stack,
        "re_encrypt",
        CiphertextBlob=b"c",
        SourceEncryptionContext={"a": "b"},
        SourceKeyId="alias/s",
        SourceEncryptionAlgorithm="SYMMETRIC_DEFAULT",
        DestinationKeyId="alias/d",
        DestinationEncryptionContext={"c": "d"},
        DestinationEncryptionAlgorithm="RSAES_OAEP_SHA_256",
        DryRun=False,
    )
    assert stack.kms.requests[0][0] == crypto_service_pb2.ReEncryptRequest(
        ciphertext=b"c",
        source_encryption_context={"a": "b"},
        source_key_name=f"{PARENT}/aliases/s",
        source_encryption_algorithm="SYMMETRIC_DEFAULT",
        destination_key_name=f"{PARENT}/aliases/d",
        destination_encryption_context={"c": "d"},
        destination_encryption_algorithm="RSAES_OAEP_SHA_256",
    )
    assert answer == {
        "CiphertextBlob": b"d",
        "SourceKeyId": ARN,
        "KeyId": ARN,
        "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DestinationEncryptionAlgorithm": "RSAES_OAEP_SHA_256",
        "SourceKeyMaterialId": MATERIAL,
    }


async def test_data_keys(stack: Any) -> None:
    stack.kms.answers["GenerateDataKey"] = crypto_service_pb2.GenerateDataKeyResponse(
        plaintext=b"p", ciphertext=b"c", key_name=NAME, material_id=MATERIAL
    )
    stack.kms.answers["GenerateDataKeyWithoutPlaintext"] = (
        crypto_service_pb2.GenerateDataKeyWithoutPlaintextResponse(
            ciphertext=b"c", key_name=NAME, material_id=MATERIAL
        )
    )
    without = {"CiphertextBlob": b"c", "KeyId": ARN, "KeyMaterialId": MATERIAL}
    lengths: dict[int, dict[str, Any]] = {
        32: {"KeySpec": "AES_256"},
        16: {"KeySpec": "AES_128"},
        7: {"NumberOfBytes": 7},
    }
    for length, arguments in lengths.items():
        assert await call(stack, "generate_data_key", KeyId=ID, **arguments) == {**without, "Plaintext": b"p"}
        assert await call(stack, "generate_data_key_without_plaintext", KeyId=ID, **arguments) == without
        for request, _ in stack.kms.requests[-2:]:
            assert (request.key_name, request.number_of_bytes) == (NAME, length)
    for arguments in ({}, {"KeySpec": "AES_256", "NumberOfBytes": 32}):
        assert await refusal(stack, "generate_data_key", KeyId=ID, **arguments) == (
            "ValidationException",
            "Please specify either number of bytes or key spec.",
        )


async def test_key_pairs(stack: Any) -> None:
    stack.kms.answers["GenerateDataKeyPair"] = crypto_service_pb2.GenerateDataKeyPairResponse(
        private_key_plaintext=b"p", private_key_ciphertext=b"c", public_key=b"k", key_name=NAME
    )
    stack.kms.answers["GenerateDataKeyPairWithoutPlaintext"] = (
        crypto_service_pb2.GenerateDataKeyPairWithoutPlaintextResponse(
            private_key_ciphertext=b"c", public_key=b"k", key_name=NAME, material_id=MATERIAL
        )
    )
    arguments = {"KeyId": ID, "KeyPairSpec": "ECC_NIST_EDWARDS25519"}
    without = {
        "PrivateKeyCiphertextBlob": b"c",
        "PublicKey": b"k",
        "KeyId": ARN,
        "KeyPairSpec": "ECC_NIST_EDWARDS25519",
    }
    answer = await call(stack, "generate_data_key_pair", **arguments)
    assert answer == {**without, "PrivateKeyPlaintext": b"p"}
    answer = await call(stack, "generate_data_key_pair_without_plaintext", **arguments)
    assert answer == {**without, "KeyMaterialId": MATERIAL}
    assert stack.kms.requests[0][0].pair_spec == resources_pb2.KEY_SPEC_ECC_NIST_EDWARDS25519
    arguments["KeyPairSpec"] = "SM2"
    code, _ = await refusal(stack, "generate_data_key_pair", **arguments)
    assert code == "UnsupportedOperationException"


async def test_random_bytes(stack: Any) -> None:
    stack.kms.answers["GenerateRandom"] = crypto_service_pb2.GenerateRandomResponse(plaintext=b"r")
    assert await call(stack, "generate_random", NumberOfBytes=1) == {"Plaintext": b"r"}
    assert await refusal(stack, "generate_random") == ("ValidationException", "NumberOfBytes is required.")
    code, _ = await refusal(stack, "generate_random", NumberOfBytes=1, CustomKeyStoreId="c")
    assert code == "UnsupportedOperationException"


async def test_signatures_and_codes(stack: Any) -> None:
    kms = stack.kms.answers
    kms["Sign"] = crypto_service_pb2.SignResponse(
        signature=b"s", key_name=NAME, signing_algorithm="ECDSA_SHA_256"
    )
    kms["Verify"] = crypto_service_pb2.VerifyResponse(key_name=NAME, signing_algorithm="ECDSA_SHA_256")
    kms["GenerateMac"] = crypto_service_pb2.GenerateMacResponse(
        mac=b"m", key_name=NAME, mac_algorithm="HMAC_SHA_256"
    )
    kms["VerifyMac"] = crypto_service_pb2.VerifyMacResponse(key_name=NAME, mac_algorithm="HMAC_SHA_256")
    signed = {
        "KeyId": "alias/a",
        "Message": b"x",
        "MessageType": "DIGEST",
        "SigningAlgorithm": "ECDSA_SHA_256",
    }
    told = {"KeyId": ARN, "SigningAlgorithm": "ECDSA_SHA_256"}
    assert await call(stack, "sign", **signed) == {**told, "Signature": b"s"}
    assert await call(stack, "verify", **signed, Signature=b"s") == {**told, "SignatureValid": True}
    assert stack.kms.requests[1][0] == crypto_service_pb2.VerifyRequest(
        key_name=f"{PARENT}/aliases/a",
        message=b"x",
        message_type="DIGEST",
        signature=b"s",
        signing_algorithm="ECDSA_SHA_256",
    )
    coded = {"KeyId": ID, "Message": b"x", "MacAlgorithm": "HMAC_SHA_256"}
    told = {"KeyId": ARN, "MacAlgorithm": "HMAC_SHA_256"}
    assert await call(stack, "generate_mac", **coded) == {**told, "Mac": b"m"}
    assert await call(stack, "verify_mac", **coded, Mac=b"m") == {**told, "MacValid": True}
    signed["MessageType"] = "EXTERNAL_MU"
    assert (await refusal(stack, "sign", **signed))[0] == "UnsupportedOperationException"


async def test_public_keys_and_secrets(stack: Any) -> None:
    key = a_key(
        spec=resources_pb2.KEY_SPEC_ECC_NIST_P256,
        usage=resources_pb2.KEY_USAGE_KEY_AGREEMENT,
        encryption_algorithms=[],
        key_agreement_algorithms=["ECDH"],
    )
    stack.kms.answers["GetPublicKey"] = crypto_service_pb2.GetPublicKeyResponse(public_key=b"k", key=key)
    stack.kms.answers["DeriveSharedSecret"] = crypto_service_pb2.DeriveSharedSecretResponse(
        shared_secret=b"s", key_name=NAME, origin=resources_pb2.KEY_ORIGIN_EXTERNAL
    )
    assert await call(stack, "get_public_key", KeyId=ID) == {
        "KeyId": ARN,
        "PublicKey": b"k",
        "CustomerMasterKeySpec": "ECC_NIST_P256",
        "KeySpec": "ECC_NIST_P256",
        "KeyUsage": "KEY_AGREEMENT",
        "KeyAgreementAlgorithms": ["ECDH"],
    }
    assert await call(
        stack, "derive_shared_secret", KeyId=ID, KeyAgreementAlgorithm="ECDH", PublicKey=b"k"
    ) == {"KeyId": ARN, "SharedSecret": b"s", "KeyAgreementAlgorithm": "ECDH", "KeyOrigin": "EXTERNAL"}
