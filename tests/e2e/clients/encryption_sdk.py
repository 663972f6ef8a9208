"""A customer's program: Amazon's Encryption SDK, unmodified, over whatever KMS the profile names.

    python encryption_sdk.py

It makes its own keys and prints what came of each step, as JSON. It knows nothing of Craton.
"""

import json
from collections import Counter

import aws_encryption_sdk
import boto3
import botocore.session
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import (
    CreateAwsKmsDiscoveryKeyringInput,
    CreateAwsKmsEcdhKeyringInput,
    CreateAwsKmsKeyringInput,
    CreateAwsKmsRsaKeyringInput,
    CreateMultiKeyringInput,
    DiscoveryFilter,
    KmsEcdhStaticConfigurationsKmsPrivateKeyToStaticPublicKey,
    KmsPrivateKeyToStaticPublicKeyInput,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

PLAINTEXT = b"Nobody else reads this." * 5000
CONTEXT = {"tenant": "blue", "document": "42 \N{SNOWMAN}"}

kms = boto3.client("kms")
calls: Counter[str] = Counter()
refusals: list[str] = []


def noted(parsed, model, **_):
    """Count a call, and remember a refusal."""
    calls[model.name] += 1
    if "Error" in parsed:
        refusals.append(f"{model.name} {parsed['Error']['Code']}")


kms.meta.events.register("after-call.kms", noted)
providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
client = aws_encryption_sdk.EncryptionSDKClient()


def made(**arguments):
    """Make a key and return its ARN."""
    return kms.create_key(Description="a customer's", **arguments)["KeyMetadata"]["Arn"]


def keyring(arn):
    """Return a keyring of one symmetric key."""
    return providers.create_aws_kms_keyring(CreateAwsKmsKeyringInput(kms_key_id=arn, kms_client=kms))


def sealed(ring):
    """Encrypt."""
    return client.encrypt(source=PLAINTEXT, keyring=ring, encryption_context=CONTEXT)[0]


def opened(message, ring, context=CONTEXT):
    """Say what comes of a decryption."""
    try:
        plaintext, _ = client.decrypt(source=message, keyring=ring, encryption_context=context)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "opened" if plaintext == PLAINTEXT else "something else"


def refused(call, **arguments):
    """Return the code of KMS's refusal."""
    try:
        call(**arguments)
    except kms.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return "not refused"


def symmetric_keyrings(first, second):
    """Encrypt under one key, and try what must not open it."""
    message = sealed(keyring(first))
    _, header = client.decrypt(source=message, keyring=keyring(first), encryption_context=CONTEXT)
    (data_key,) = header.encrypted_data_keys
    bound = dict(header.encryption_context)
    result = {
        "round trip": opened(message, keyring(first)),
        "wrong context": opened(message, keyring(first), {**CONTEXT, "tenant": "red"}),
        "wrong key": opened(message, keyring(second)),
        "changed": opened(message[:-1] + bytes([message[-1] ^ 1]), keyring(first)),
        "data key, right context": refused(
            kms.decrypt, CiphertextBlob=data_key.encrypted_data_key, EncryptionContext=bound
        ),
        "data key, wrong context": refused(
            kms.decrypt,
            CiphertextBlob=data_key.encrypted_data_key,
            EncryptionContext={**bound, "tenant": "red"},
        ),
        "data key, wrong key": refused(
            kms.decrypt, CiphertextBlob=data_key.encrypted_data_key, EncryptionContext=bound, KeyId=second
        ),
    }
    kms.rotate_key_on_demand(KeyId=first)
    result["after a rotation"] = opened(message, keyring(first))
    kms.disable_key(KeyId=first)
    refusals.clear()
    result["disabled"] = opened(message, keyring(first))
    try:
        result["encrypting while disabled"] = f"{len(sealed(keyring(first)))} bytes"
    except Exception as error:
        result["encrypting while disabled"] = f"{type(error).__name__}: {error}"
    result["refusals while disabled"] = list(refusals)
    kms.enable_key(KeyId=first)
    result["enabled again"] = opened(message, keyring(first))
    return result


def many_keyrings(first, second):
    """Encrypt under two keys at once; each of them opens, and so does whoever looks for what there is."""
    both = providers.create_multi_keyring(
        CreateMultiKeyringInput(generator=keyring(first), child_keyrings=[keyring(second)])
    )
    message = sealed(both)

    def discovering(account):
        wanted = DiscoveryFilter(account_ids=[account], partition="aws")
        return providers.create_aws_kms_discovery_keyring(
            CreateAwsKmsDiscoveryKeyringInput(kms_client=kms, discovery_filter=wanted)
        )

    return {
        "by the first": opened(message, keyring(first)),
        "by the second": opened(message, keyring(second)),
        "discovered": opened(message, discovering(first.split(":")[4])),
        "discovered of another account": opened(message, discovering("999999999999")),
    }


def asymmetric_keyrings():
    """RSA: the public key is enough to encrypt. ECDH: two keys of KMS agree."""
    rsa = made(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    public = load_der_public_key(kms.get_public_key(KeyId=rsa)["PublicKey"])
    ring = providers.create_aws_kms_rsa_keyring(
        CreateAwsKmsRsaKeyringInput(
            kms_key_id=rsa,
            public_key=public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            encryption_algorithm="RSAES_OAEP_SHA_256",
            kms_client=kms,
        )
    )
    # An RSA keyring cannot sign: the suite must have no signature.
    suite = aws_encryption_sdk.Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY
    message, _ = client.encrypt(source=PLAINTEXT, keyring=ring, encryption_context=CONTEXT, algorithm=suite)
    ours, theirs = (made(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT") for _ in range(2))
    publics = {arn: kms.get_public_key(KeyId=arn)["PublicKey"] for arn in (ours, theirs)}

    def agreeing(own, other):
        scheme = KmsEcdhStaticConfigurationsKmsPrivateKeyToStaticPublicKey(
            KmsPrivateKeyToStaticPublicKeyInput(
                sender_kms_identifier=own, sender_public_key=publics[own], recipient_public_key=publics[other]
            )
        )
        return providers.create_aws_kms_ecdh_keyring(
            CreateAwsKmsEcdhKeyringInput(
                kms_client=kms, curve_spec="ECC_NIST_P256", key_agreement_scheme=scheme
            )
        )

    result = {"rsa": opened(message, ring)}
    agreed = sealed(agreeing(ours, theirs))
    result["ecdh, the other side"] = opened(agreed, agreeing(theirs, ours))
    for arn in (rsa, ours, theirs):
        kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    refusals.clear()
    result["rsa, pending deletion"] = opened(message, ring)
    result["refusals while pending deletion"] = list(refusals)
    return result


def caching(arn):
    """Encrypt and decrypt five times with one call to KMS each."""
    session = botocore.session.get_session()
    master = aws_encryption_sdk.StrictAwsKmsMasterKeyProvider(key_ids=[arn], botocore_session=session)
    counted: Counter[str] = Counter()
    # The provider makes a client of its own for the region.
    master.add_regional_client(arn.split(":")[3])
    for each in master._regional_clients.values():
        each.meta.events.register("before-call.kms", lambda model, **_: counted.update([model.name]))
    manager = aws_encryption_sdk.CachingCryptoMaterialsManager(
        master_key_provider=master,
        cache=aws_encryption_sdk.LocalCryptoMaterialsCache(capacity=10),
        max_age=60.0,
        max_messages_encrypted=10,
    )
    plaintexts = set()
    for _ in range(5):
        message, _ = client.encrypt(source=b"small", materials_manager=manager, encryption_context=CONTEXT)
        plaintexts.add(client.decrypt(source=message, materials_manager=manager)[0])
    other, _ = client.encrypt(
        source=b"small", materials_manager=manager, encryption_context={"tenant": "red"}
    )
    return {"opened": plaintexts == {b"small"}, "calls": dict(counted), "another context": len(other) > 0}


def main():
    """Do everything and print it."""
    first, second = made(), made()
    result = {
        "keys": [first, second],
        "symmetric": symmetric_keyrings(first, second),
        "many": many_keyrings(first, second),
        "asymmetric": asymmetric_keyrings(),
        "caching": caching(first),
        "calls": dict(calls),
    }
    for arn in (first, second):
        kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    print(json.dumps(result, indent=1))


main()
