"""KMS by the AWS CLI and boto3, between two accounts, with openssl outside; what the audit log says of it."""

import base64
import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from Crypto.Hash import SHA256
from Crypto.PublicKey import ECC, RSA
from Crypto.Signature import DSS, eddsa, pss

from tests.fakes import begun

ACCOUNT = "123456789012"
MEMBER = f"4{uuid.uuid4().int % 10**11:011d}"
"""Another one with every run: accounts stay."""
SECRET = b"a plaintext that stands in no log 7c1e6d"
CONTEXT = {"tenant": "blue", "document": "42"}
Aws = Callable[..., Any]


@pytest.fixture
def aws(stack: Any, tmp_path: Path) -> Aws:
    """The AWS CLI as the administrator: words to what it printed; raises CalledProcessError."""

    def run(*words: str) -> Any:
        arguments = ("kms", *words, "--output", "json")
        done = begun.aws().run(begun.AWS, arguments, cwd=tmp_path, env=stack.environment, check=True)
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


@pytest.fixture(scope="module")
def member(stack: Any) -> Any:
    """KMS as the administrator of another account."""
    words = ("accounts", "create", "kms-member", "--account-id", MEMBER, "--administrator", "boss")
    made = stack.craton_json(*words)
    return stack.client(
        "kms",
        aws_access_key_id=made["access_key_id"],
        aws_secret_access_key=made["secret_access_key"],
    )


@pytest.fixture
def kms(stack: Any) -> Any:
    return stack.client("kms")


def code_of(call: Any, **arguments: Any) -> str:
    """Return the code of a refusal."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return str(refused.value.response["Error"]["Code"])


def file(path: Path, content: bytes) -> str:
    """Write a file and name it as the AWS CLI wants it."""
    path.write_bytes(content)
    return f"fileb://{path}"


def openssl(*words: str, folder: Path) -> bytes:
    """Run openssl."""
    return subprocess.run(["openssl", *words], cwd=folder, capture_output=True, timeout=60, check=True).stdout


def recorded(stack: Any, request_id: str) -> dict[str, Any]:
    """Return the outcome of a call of KMS from the audit log."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for event in stack.craton_json("audit", "lookup", "--request-id", request_id):
            if event["recorder"] == "kms" and event["phase"] == "EVENT_PHASE_OUTCOME":
                return dict(event)
        time.sleep(0.3)
    raise AssertionError(f"{request_id} is not in the log")


def test_a_life_of_a_key_by_the_command_line(aws: Aws, tmp_path: Path) -> None:
    made = aws("create-key", "--description", "documents", "--tags", "TagKey=team,TagValue=red")
    key_id = made["KeyMetadata"]["KeyId"]
    alias = f"alias/e2e-{uuid.uuid4()}"
    aws("create-alias", "--alias-name", alias, "--target-key-id", key_id)
    plaintext, context = file(tmp_path / "plain", SECRET), ",".join(f"{k}={v}" for k, v in CONTEXT.items())
    words = ("--key-id", alias, "--plaintext", plaintext, "--encryption-context", context)
    first = file(tmp_path / "first", base64.b64decode(aws("encrypt", *words)["CiphertextBlob"]))
    aws("rotate-key-on-demand", "--key-id", key_id)
    second = file(tmp_path / "second", base64.b64decode(aws("encrypt", *words)["CiphertextBlob"]))
    opening = ("--encryption-context", context)
    for blob in (first, second):
        opened = aws("decrypt", "--ciphertext-blob", blob, *opening)
        assert base64.b64decode(opened["Plaintext"]) == SECRET
        assert opened["KeyId"] == made["KeyMetadata"]["Arn"]
    assert len(aws("list-key-rotations", "--key-id", key_id)["Rotations"]) == 1

    def refusal(*words: str) -> str:
        with pytest.raises(subprocess.CalledProcessError) as refused:
            aws(*words)
        return str(refused.value.stderr)

    assert "InvalidCiphertextException" in refusal("decrypt", "--ciphertext-blob", first)
    aws("disable-key", "--key-id", key_id)
    assert "DisabledException" in refusal("decrypt", "--ciphertext-blob", first, *opening)
    aws("enable-key", "--key-id", key_id)
    aws("schedule-key-deletion", "--key-id", key_id, "--pending-window-in-days", "7")
    assert "KMSInvalidStateException" in refusal("decrypt", "--ciphertext-blob", first, *opening)
    described = aws("describe-key", "--key-id", alias)["KeyMetadata"]
    assert (described["KeyState"], "DeletionDate" in described) == ("PendingDeletion", True)
    aws("cancel-key-deletion", "--key-id", key_id)
    assert aws("describe-key", "--key-id", key_id)["KeyMetadata"]["KeyState"] == "Disabled"
    aws("enable-key", "--key-id", key_id)
    opened = aws("decrypt", "--ciphertext-blob", first, *opening)
    assert base64.b64decode(opened["Plaintext"]) == SECRET
    aws("delete-alias", "--alias-name", alias)
    aws("schedule-key-deletion", "--key-id", key_id, "--pending-window-in-days", "7")


def test_a_key_between_two_accounts(stack: Any, kms: Any, member: Any) -> None:
    """The other account's user needs both: the key's policy, or a grant; and its own account's word."""
    key = kms.create_key(Description="shared")["KeyMetadata"]
    arn, key_id = key["Arn"], key["KeyId"]
    own = json.loads(kms.get_key_policy(KeyId=key_id)["Policy"])
    blob = kms.encrypt(KeyId=key_id, Plaintext=SECRET, EncryptionContext=CONTEXT)["CiphertextBlob"]
    opening = {"CiphertextBlob": blob, "EncryptionContext": CONTEXT, "KeyId": arn}
    assert code_of(member.decrypt, **opening) == "AccessDeniedException"
    assert code_of(member.describe_key, KeyId=arn) == "AccessDeniedException"

    shared = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{MEMBER}:root"},
        "Action": ["kms:Decrypt", "kms:DescribeKey"],
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:EncryptionContext:tenant": "blue"}},
    }
    kms.put_key_policy(KeyId=key_id, Policy=json.dumps({**own, "Statement": [*own["Statement"], shared]}))
    assert member.decrypt(**opening)["Plaintext"] == SECRET
    assert code_of(member.encrypt, KeyId=arn, Plaintext=SECRET) == "AccessDeniedException"
    red = kms.encrypt(KeyId=key_id, Plaintext=SECRET, EncryptionContext={"tenant": "red"})["CiphertextBlob"]
    refused = code_of(member.decrypt, CiphertextBlob=red, EncryptionContext={"tenant": "red"})
    assert refused == "AccessDeniedException"
    kms.put_key_policy(KeyId=key_id, Policy=json.dumps(own))
    assert code_of(member.decrypt, **opening) == "AccessDeniedException"

    granted = kms.create_grant(
        KeyId=key_id,
        GranteePrincipal=f"arn:aws:iam::{MEMBER}:user/boss",
        Operations=["Decrypt"],
        Constraints={"EncryptionContextSubset": {"tenant": "blue"}},
    )
    assert member.decrypt(**opening)["Plaintext"] == SECRET
    assert code_of(member.decrypt, CiphertextBlob=red, EncryptionContext={"tenant": "red"}) == refused
    kms.revoke_grant(KeyId=key_id, GrantId=granted["GrantId"])
    assert code_of(member.decrypt, **opening) == "AccessDeniedException"
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)


def test_material_that_openssl_wraps(aws: Aws, kms: Any, tmp_path: Path) -> None:
    key_id = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["KeyId"]
    words = ("--wrapping-algorithm", "RSAES_OAEP_SHA_256", "--wrapping-key-spec", "RSA_3072")
    parameters = aws("get-parameters-for-import", "--key-id", key_id, *words)
    (tmp_path / "public").write_bytes(base64.b64decode(parameters["PublicKey"]))
    token = file(tmp_path / "token", base64.b64decode(parameters["ImportToken"]))
    (tmp_path / "material").write_bytes(os.urandom(32))
    options = ("rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256")
    padding = [word for option in options for word in ("-pkeyopt", option)]
    openssl(
        *("pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", "public"),
        *(*padding, "-in", "material", "-out", "wrapped"),
        folder=tmp_path,
    )
    importing = ("import-key-material", "--key-id", key_id, "--import-token", token)
    aws(
        *(*importing, "--encrypted-key-material", f"fileb://{tmp_path}/wrapped"),
        *("--expiration-model", "KEY_MATERIAL_DOES_NOT_EXPIRE"),
    )
    blob = kms.encrypt(KeyId=key_id, Plaintext=SECRET)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == SECRET
    aws("delete-imported-key-material", "--key-id", key_id)
    assert code_of(kms.decrypt, CiphertextBlob=blob) == "KMSInvalidStateException"
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)


def test_an_hmac_key_of_ours_makes_openssls_codes(kms: Any, tmp_path: Path) -> None:
    """Imported by RSA and AES-KWP, both of openssl: then both sides have the key."""
    made = kms.create_key(Origin="EXTERNAL", KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    key_id = made["KeyMetadata"]["KeyId"]
    parameters = kms.get_parameters_for_import(
        KeyId=key_id, WrappingAlgorithm="RSA_AES_KEY_WRAP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    material, wrapping = os.urandom(32), os.urandom(32)
    (tmp_path / "public").write_bytes(parameters["PublicKey"])
    (tmp_path / "material").write_bytes(material)
    (tmp_path / "wrapping").write_bytes(wrapping)
    wrapped = openssl(
        *("enc", "-id-aes256-wrap-pad", "-K", wrapping.hex(), "-iv", "A65959A6", "-in", "material"),
        folder=tmp_path,
    )
    options = ("rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256")
    padding = [word for option in options for word in ("-pkeyopt", option)]
    sealed = openssl(
        *(
            "pkeyutl",
            "-encrypt",
            "-pubin",
            "-keyform",
            "DER",
            "-inkey",
            "public",
            *padding,
            "-in",
            "wrapping",
        ),
        folder=tmp_path,
    )
    kms.import_key_material(
        KeyId=key_id,
        ImportToken=parameters["ImportToken"],
        EncryptedKeyMaterial=sealed + wrapped,
        ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
    )
    mac = kms.generate_mac(KeyId=key_id, Message=SECRET, MacAlgorithm="HMAC_SHA_256")["Mac"]
    (tmp_path / "message").write_bytes(SECRET)
    outside = openssl(
        *("dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{material.hex()}", "-binary", "message"),
        folder=tmp_path,
    )
    assert mac == outside
    assert kms.verify_mac(KeyId=key_id, Message=SECRET, MacAlgorithm="HMAC_SHA_256", Mac=outside)["MacValid"]
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)


@pytest.mark.parametrize(
    ("spec", "algorithm"),
    [
        ("RSA_2048", "RSASSA_PSS_SHA_256"),
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256"),
        ("ECC_NIST_P256", "ECDSA_SHA_256"),
        ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
        ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512"),
    ],
)
def test_signatures_are_verified_outside(kms: Any, tmp_path: Path, spec: str, algorithm: str) -> None:
    """By openssl, and by pycryptodome where it knows the curve."""
    key_id = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    signed = kms.sign(KeyId=key_id, Message=SECRET, SigningAlgorithm=algorithm, MessageType="RAW")
    signature, public = signed["Signature"], kms.get_public_key(KeyId=key_id)["PublicKey"]
    asked = {"KeyId": key_id, "SigningAlgorithm": algorithm, "MessageType": "RAW"}
    assert kms.verify(Message=SECRET, Signature=signature, **asked)["SignatureValid"] is True
    refused = code_of(kms.verify, Message=SECRET + b".", Signature=signature, **asked)
    assert refused == "KMSInvalidSignatureException"
    for name, content in (("public", public), ("signature", signature), ("message", SECRET)):
        (tmp_path / name).write_bytes(content)
    key = (
        "-pubin",
        "-keyform",
        "DER",
        "-inkey",
        "public",
        "-sigfile",
        "signature",
        "-rawin",
        "-in",
        "message",
    )
    pads = (
        ("-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:32") if "PSS" in algorithm else ()
    )
    digest = () if "ED25519" in algorithm else ("-digest", "sha256")
    openssl("pkeyutl", "-verify", *key, *digest, *pads, folder=tmp_path)
    if "PSS" in algorithm:
        pss.new(RSA.import_key(public)).verify(SHA256.new(SECRET), signature)
    elif spec == "ECC_NIST_P256":
        DSS.new(ECC.import_key(public), "fips-186-3", "der").verify(SHA256.new(SECRET), signature)
    elif "ED25519" in algorithm:
        eddsa.new(ECC.import_key(public), "rfc8032").verify(SECRET, signature)
    (tmp_path / "message").write_bytes(SECRET + b".")
    with pytest.raises(subprocess.CalledProcessError):
        openssl("pkeyutl", "-verify", *key, *digest, *pads, folder=tmp_path)
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)


def test_every_call_is_in_the_audit_log_and_no_plaintext_is(stack: Any, kms: Any) -> None:
    made = kms.create_key(Description="audited")
    arn, key_id = made["KeyMetadata"]["Arn"], made["KeyMetadata"]["KeyId"]
    calls = {"CreateKey": made}
    calls["Encrypt"] = kms.encrypt(KeyId=key_id, Plaintext=SECRET, EncryptionContext=CONTEXT)
    blob = calls["Encrypt"]["CiphertextBlob"]
    calls["Decrypt"] = kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)
    calls["GenerateDataKey"] = kms.generate_data_key(KeyId=key_id, KeySpec="AES_256")
    calls["ReEncrypt"] = kms.re_encrypt(
        CiphertextBlob=blob, SourceEncryptionContext=CONTEXT, DestinationKeyId=key_id
    )
    calls["RotateKeyOnDemand"] = kms.rotate_key_on_demand(KeyId=key_id)
    calls["DisableKey"] = kms.disable_key(KeyId=key_id)
    calls["ScheduleKeyDeletion"] = kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    secrets = [SECRET, calls["GenerateDataKey"]["Plaintext"]]
    forms = [form for secret in secrets for form in (base64.b64encode(secret).decode(), secret.hex())]
    forms.append(SECRET.decode())
    for name, answer in calls.items():
        event = recorded(stack, answer["ResponseMetadata"]["RequestId"])
        assert event["event_name"] == name
        assert event["principal"]["arn"] == f"arn:aws:iam::{ACCOUNT}:user/admin"
        assert event["status_code"] == "OK"
        assert arn in event["resources"], name
        assert not [form for form in forms if form in json.dumps(event)], name


def test_refused_calls_are_in_the_audit_log(stack: Any, kms: Any) -> None:
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key_id, Plaintext=SECRET, EncryptionContext=CONTEXT)["CiphertextBlob"]
    with pytest.raises(ClientError) as refused:
        kms.decrypt(CiphertextBlob=blob)
    event = recorded(stack, refused.value.response["ResponseMetadata"]["RequestId"])
    assert (event["event_name"], event["error_reason"]) == ("Decrypt", "INVALID_CIPHERTEXT")
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)


def test_no_file_of_the_stack_holds_a_plaintext(stack: Any, kms: Any) -> None:
    """After all of the above: neither databases, nor spools, nor logs."""
    canary = f"canary-{uuid.uuid4()}".encode()
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key_id, Plaintext=canary)["CiphertextBlob"]
    request_id = kms.decrypt(CiphertextBlob=blob)["ResponseMetadata"]["RequestId"]
    recorded(stack, request_id)
    looked = 0
    forms = (canary, base64.b64encode(canary), canary.hex().encode())
    for path in stack.home.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            looked += 1
            assert not any(form in content for form in forms), path.name
    assert looked > 20
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
