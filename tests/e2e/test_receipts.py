"""Receipts by unmodified boto3 and by the command line: asked for, completed, verified offline."""

import base64
import hashlib
import json
import secrets
import time
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import grpc
import pytest
from botocore.exceptions import ClientError
from craton.runtime.v1 import inference_service_pb2 as pb
from craton.runtime.v1.inference_service_pb2_grpc import InferenceServiceStub
from craton.runtime.v1.receipt_service_pb2 import GetReceiptRequest
from craton.runtime.v1.receipt_service_pb2_grpc import ReceiptServiceStub

from cli.output import Exit
from tests.stack_callers import principal_token
from tlog.note import Note
from tlog.receipt import Receipt, framed
from tlog.receipt_file import ReceiptFile

TEXT = "craton.tiny-text-v1"
MEMBER = "290000000029"
EMBED = "sbert.minilm-embed-v1"
ASK, CERTIFICATE = "x-craton-receipt", "x-craton-receipt-certificate"


def body(prompt: str) -> bytes:
    return json.dumps({"inputText": prompt, "textGenerationConfig": {"maxTokenCount": 8}}).encode()


def asking(stack: Any, value: str, **overrides: Any) -> Any:
    """A client of boto3 whose invocations ask for a receipt."""
    client = stack.client("bedrock-runtime", **overrides)

    def ask(params: Any, **_: Any) -> None:
        params["headers"][ASK] = value

    client.meta.events.register("before-call.bedrock-runtime", ask)
    return client


@pytest.fixture(scope="module")
def keys(stack: Any) -> tuple[str, ...]:
    authority = stack.craton_json("receipts", "key")["verifier_key"]
    log = stack.craton_json("audit", "key")["verifier_key"]
    return ("--authority", authority, "--key", log)


@pytest.fixture(scope="module")
def certified(stack: Any) -> None:
    """Runtime has a certified key soon after kms and runtime have both started."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"http://{stack.address}:7202/metrics", timeout=5) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith("craton_receipt_key_seconds ") and float(line.split()[1]) > 0:
                    return
        time.sleep(0.1)
    pytest.fail("runtime got no certified key")


@pytest.fixture(scope="module")
def answered(stack: Any, certified: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the receipt of a whole answer, with request and response."""
    folder, salt, sent = tmp_path_factory.mktemp("receipt"), secrets.token_bytes(32), body("Once upon a time")
    client = asking(stack, base64.b64encode(salt).decode())
    answer = client.invoke_model(modelId=TEXT, body=sent)
    answered = time.monotonic()
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    notes = [Note.parse(base64.b64decode(headers[name])) for name in (ASK, CERTIFICATE)]
    (folder / "receipt.json").write_bytes(bytes(ReceiptFile(notes[0], notes[1], salt)))
    (folder / "request").write_bytes(sent)
    (folder / "response").write_bytes(answer["body"].read())
    stated, _ = ReceiptFile(notes[0], notes[1]).stated()
    assert stated.request_id == answer["ResponseMetadata"]["RequestId"]
    assert str(stated.input_tokens) == headers["x-amzn-bedrock-input-token-count"]
    assert str(stated.output_tokens) == headers["x-amzn-bedrock-output-token-count"]
    done = stack.craton_json("receipts", "complete", str(folder / "receipt.json"))
    print(
        f"complete {time.monotonic() - answered:.2f} s after the answer, {done['seconds']} s of them its own"
    )
    # Two seconds after the answer, on a machine that does nothing else: the log's next checkpoint.
    assert done["seconds"] < 20
    return folder


def contents(folder: Path) -> tuple[str, ...]:
    return ("--request", str(folder / "request"), "--response", str(folder / "response"))


def test_a_receipt_is_verified_by_two_keys_alone(stack: Any, answered: Path, keys: tuple[str, ...]) -> None:
    file = str(answered / "receipt.json")
    verified = stack.craton_json("receipts", "verify", file, *keys, *contents(answered))
    assert (verified["operation"], verified["model"]) == ("InvokeModel", TEXT)
    assert verified["proved"] == ["receipt", "request", "response"]
    assert verified["index"] < verified["size"]
    [event] = stack.craton_json("audit", "lookup", "--event-id", verified["event_id"])
    assert (event["recorder"], event["event_name"], event["status_code"]) == ("runtime", "InvokeModel", "OK")
    assert event["usage"] == {
        "input_tokens": verified["input_tokens"],
        "output_tokens": verified["output_tokens"],
    }
    stated, _ = ReceiptFile.parse((answered / "receipt.json").read_bytes()).stated()
    assert base64.b64decode(event["statement_sha256"]) == stated.digest
    [published] = stack.craton_json("audit", "lookup", "--event-id", verified["key_event_id"])
    assert (published["recorder"], published["event_name"]) == ("kms", "CertifyReceiptKey")
    assert published["caller"] == "spiffe://craton.local/service/runtime"
    [model] = stack.home.glob(f"catalog/craton/{TEXT}/manifest.dsse.json")
    assert verified["manifest_sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()


def test_alterations_are_refused(stack: Any, answered: Path, keys: tuple[str, ...], tmp_path: Path) -> None:
    members = json.loads((answered / "receipt.json").read_text())
    altered = tmp_path / "altered.json"
    cases = {
        "is not signed by": {"receipt": members["receipt"].replace(f"model {TEXT}", "model craton.other-v1")},
        "is of another event": {"receipt_proof": members["certificate_proof"]},
        "is not complete": {},
    }
    for words, change in cases.items():
        found = members | change
        if not change:
            del found["receipt_proof"]
        altered.write_text(json.dumps(found))
        refused = stack.craton("receipts", "verify", str(altered), *keys, check=False)
        # A signature of a known key that does not fit is said so by the note.
        assert refused.returncode == Exit.REFUSED, refused
        assert words in refused.stderr or "signature" in refused.stderr
    swapped = ("--request", str(answered / "response"), "--response", str(answered / "request"))
    file = str(answered / "receipt.json")
    refused = stack.craton("receipts", "verify", file, *keys, *swapped, check=False)
    assert (refused.returncode, "another request" in refused.stderr) == (Exit.REFUSED, True)
    without = stack.craton("receipts", "verify", file, check=False)
    assert (without.returncode, "--authority is missing" in without.stderr) == (2, True)


def test_a_stream_has_its_receipt_afterwards(
    stack: Any, answered: Path, keys: tuple[str, ...], tmp_path: Path
) -> None:
    salt, sent = secrets.token_bytes(32), body("The sea")
    client = asking(stack, base64.b64encode(salt).decode())
    stream = client.invoke_model_with_response_stream(modelId=TEXT, body=sent)
    received = b"".join(framed(event["chunk"]["bytes"]) for event in stream["body"])
    request_id = stream["ResponseMetadata"]["RequestId"]
    own = stack.client("craton-runtime")
    found = own.get_receipt(requestId=request_id)
    file = ReceiptFile(Note.parse(found["receipt"].encode()), Note.parse(found["certificate"].encode()), salt)
    (tmp_path / "receipt.json").write_bytes(bytes(file))
    (tmp_path / "request").write_bytes(sent)
    (tmp_path / "response").write_bytes(received)
    stack.craton("receipts", "complete", str(tmp_path / "receipt.json"))
    verified = stack.craton_json(
        "receipts", "verify", str(tmp_path / "receipt.json"), *keys, *contents(tmp_path)
    )
    assert (verified["operation"], verified["request_id"]) == ("InvokeModelWithResponseStream", request_id)
    with pytest.raises(ClientError) as refused:
        own.get_receipt(requestId="00000000-0000-4000-8000-000000000000")
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_nobody_else_gets_it(stack: Any, certified: None) -> None:
    """Neither an administrator of another account nor another user of the same one."""
    client = asking(stack, base64.b64encode(secrets.token_bytes(32)).decode())
    answer = client.invoke_model(modelId=TEXT, body=body("mine"))
    answer["body"].read()
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert stack.client("craton-runtime").get_receipt(requestId=request_id)["receipt"]
    words = ("accounts", "create", "receipts-member", "--account-id", MEMBER, "--administrator", "boss")
    boss = stack.craton_json(*words)
    iam = stack.client("iam")
    iam.create_user(UserName="receipts-bob")
    policy = "arn:aws:iam::aws:policy/AmazonBedrockFullAccess"
    iam.attach_user_policy(UserName="receipts-bob", PolicyArn=policy)
    bob = iam.create_access_key(UserName="receipts-bob")["AccessKey"]
    for key_id, secret in (
        (boss["access_key_id"], boss["secret_access_key"]),
        (bob["AccessKeyId"], bob["SecretAccessKey"]),
    ):
        other = stack.client("craton-runtime", aws_access_key_id=key_id, aws_secret_access_key=secret)
        with pytest.raises(ClientError) as refused:
            other.get_receipt(requestId=request_id)
        assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_a_salt_that_is_none_is_refused_before_anything_is_done(stack: Any, certified: None) -> None:
    for salt in ("", "none", base64.b64encode(bytes(31)).decode(), base64.b64encode(bytes(33)).decode()):
        with pytest.raises(ClientError) as refused:
            asking(stack, salt).invoke_model(modelId=TEXT, body=body("x"))
        assert refused.value.response["Error"]["Code"] == "ValidationException"
        assert "x-craton-receipt" in refused.value.response["Error"]["Message"]


def test_native_clients_get_it_in_the_last_message(stack: Any, certified: None) -> None:
    salt, sent = secrets.token_bytes(32), body("A ship")
    roots = (stack.home / "pki/ca.pem").read_bytes()
    with grpc.secure_channel(f"{stack.address}:9443", grpc.ssl_channel_credentials(roots)) as channel:
        token = principal_token(channel, f"{stack.address}:9443", "runtime", stack.credentials())
        request_id = str(uuid.uuid4())
        metadata = (*token, ("x-request-id", request_id))
        request = pb.InvokeModelWithResponseStreamRequest(model_id=TEXT, body=sent, receipt_salt=salt)
        stub = InferenceServiceStub(channel)
        messages = list(stub.InvokeModelWithResponseStream(request, metadata=metadata, timeout=30))
        assert not any(each.HasField("receipt") for each in messages[:-1])
        receipt = messages[-1].receipt
        again = ReceiptServiceStub(channel).GetReceipt(
            GetReceiptRequest(request_id=request_id), metadata=token, timeout=30
        )
        assert again.receipt == receipt
        short = pb.InvokeModelRequest(model_id=TEXT, body=sent, receipt_salt=salt[1:])
        with pytest.raises(grpc.RpcError) as refused:
            stub.InvokeModel(short, metadata=token, timeout=30)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    stated = Receipt.parse(Note.parse(receipt.receipt).text)
    stated.verify_request(salt, sent)
    stated.verify_response(salt, b"".join(framed(chunk) for each in messages for chunk in each.chunks))
    assert stated.request_id == request_id


def test_who_asks_for_none_gets_none(stack: Any) -> None:
    answer = stack.client("bedrock-runtime").invoke_model(modelId=TEXT, body=body("x"))
    # To its end: a connection that is thrown away with a client fails whichever test comes then.
    answer["body"].read()
    assert not [name for name in answer["ResponseMetadata"]["HTTPHeaders"] if name.startswith("x-craton")]
    with pytest.raises(ClientError) as refused:
        stack.client("craton-runtime").get_receipt(requestId=answer["ResponseMetadata"]["RequestId"])
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_the_command_line_asks(stack: Any, certified: None, keys: tuple[str, ...], tmp_path: Path) -> None:
    for words in ((TEXT, "Once"), (TEXT, "Once", "--json"), (EMBED, "Once")):
        file = tmp_path / "cli.json"
        stack.craton("invoke", *words, "--receipt", str(file))
        assert file.stat().st_mode & 0o777 == 0o600
        stack.craton("receipts", "complete", str(file))
        given = ("--request", f"{file}.request", "--response", f"{file}.response")
        verified = stack.craton_json("receipts", "verify", str(file), *keys, *given)
        assert verified["model"] == words[0]
