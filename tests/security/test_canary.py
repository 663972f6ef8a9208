"""A prompt leaves nothing behind: a random canary, sent in calls that succeed and in every error, is
looked for under var/, in Redis, logs, traces, metrics, the audit log, the host's /dev/shm and, through
/proc/PID/root, in what every pool process sees."""

import base64
import json
import os
import secrets
import socket
import ssl
import string
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.fakes.another_user import as_user
from tests.security.hunt import Hit, Hunter
from tests.stack_processes import processes

CALLS = 200
CONCURRENT = 32
SHORT_REQUESTS = 100
SETTLE_S = 5
TEXT = "craton.tiny-text-v1"
CHAT = "craton.tiny-chat-v1"
EMBED = "sbert.minilm-embed-v1"
METRICS_PORTS = (7201, 7202, 7203, 7204, 7205, 7206, 7211, 7212)
POOL_PROGRAMS = ("services.pool", "tritonserver", "triton_python_backend_stub", "bwrap")


def _canary() -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(24))


def _titan(text: str, **configuration: Any) -> str:
    return json.dumps({"inputText": text, "textGenerationConfig": {"maxTokenCount": 8, **configuration}})


def _chat(text: str, **more: Any) -> str:
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 8,
        "messages": [{"role": "user", "content": text}],
    }
    return json.dumps(body | more)


def _calls(stack: Any, canary: str) -> Iterator[Any]:
    """Yield every kind of call that can carry a prompt; some succeed, most are refused."""
    client = stack.client("bedrock-runtime")
    wrong = stack.client("bedrock-runtime", aws_secret_access_key="x" * 40)
    unknown = stack.client("bedrock-runtime", aws_access_key_id="AKIAIOSFODNN7EXAMPLE")
    mars = stack.client("bedrock-runtime", region_name="mars-north-1")
    elsewhere = stack.client("bedrock-runtime", region_name="eu-west-1")
    text = f"Once upon a time {canary}"

    def stream(model: str, body: str) -> None:
        for _ in client.invoke_model_with_response_stream(modelId=model, body=body)["body"]:
            pass

    def with_receipt() -> Any:
        # The salt is as secret as the prompt: with both, the receipt says what was asked.
        salt = base64.b64encode(canary.encode().ljust(32)).decode()
        answered = asking(salt).invoke_model(modelId=TEXT, body=_titan(text))
        answered["body"].read()
        streamed = asking(salt).invoke_model_with_response_stream(modelId=CHAT, body=_chat(text))
        for _ in streamed["body"]:
            pass
        own.get_receipt(requestId=streamed["ResponseMetadata"]["RequestId"])

    def asking(salt: str) -> Any:
        asks = stack.client("bedrock-runtime")
        asks.meta.events.register(
            "before-call.bedrock-runtime",
            lambda params, **_: params["headers"].update({"x-craton-receipt": salt}),
        )
        return asks

    own = stack.client("craton-runtime")

    def abandoned() -> None:
        body = _chat(text, max_tokens=64)
        stream_body = client.invoke_model_with_response_stream(modelId=CHAT, body=body)["body"]
        next(iter(stream_body))
        stream_body.close()

    while True:
        yield lambda: client.invoke_model(modelId=TEXT, body=_titan(text))["body"].read()
        yield lambda: client.invoke_model(modelId=CHAT, body=_chat(text))["body"].read()
        yield lambda: client.invoke_model(modelId=CHAT, body=_chat("Hi", system=canary))["body"].read()
        yield lambda: client.invoke_model(modelId=EMBED, body=json.dumps({"inputText": text}))["body"].read()
        yield lambda: stream(TEXT, _titan(text))
        yield lambda: stream(CHAT, _chat(text))
        yield lambda: client.invoke_model(modelId=TEXT, body=_titan("x", stopSequences=[canary]))
        yield abandoned
        yield with_receipt
        yield lambda: asking(canary).invoke_model(modelId=TEXT, body=_titan(text))
        yield lambda: own.get_receipt(requestId=canary)
        yield lambda: wrong.invoke_model(modelId=TEXT, body=_titan(text))
        yield lambda: unknown.invoke_model(modelId=TEXT, body=_titan(text))
        yield lambda: mars.invoke_model(modelId=TEXT, body=_titan(text))
        yield lambda: elsewhere.invoke_model(modelId=TEXT, body=_titan(text))
        yield lambda: client.invoke_model(modelId="craton.none-v1", body=_titan(text))
        yield lambda: client.invoke_model(modelId=TEXT, body=canary)
        yield lambda: client.invoke_model(modelId=TEXT, body=json.dumps({canary: 1}))
        yield lambda: client.invoke_model(modelId=TEXT, body=json.dumps({"inputText": [canary]}))
        yield lambda: client.invoke_model(modelId=TEXT, body=_titan(text, temperature=canary))
        yield lambda: client.invoke_model(modelId=TEXT, body=_titan(text, maxTokenCount=10**9))
        yield lambda: client.invoke_model(modelId=TEXT, body=_titan(f"{canary} " * 4000))
        yield lambda: client.invoke_model(modelId=CHAT, body=_chat(text, tools=[{"name": canary}]))
        yield lambda: client.invoke_model(modelId=CHAT, body=_chat(text, anthropic_version=canary))
        yield lambda: client.invoke_model(
            modelId=EMBED, body=json.dumps({"inputText": text, "dimensions": 3})
        )
        yield lambda: stream(EMBED, json.dumps({"inputText": text}))
        yield lambda: client.invoke_model(modelId=TEXT, body=_titan(text), contentType="text/plain")
        yield lambda: client.invoke_model(modelId=TEXT, body=(canary * 1_100_000)[:26_000_000])
        yield lambda: _broken_off(stack, canary)


def _broken_off(stack: Any, canary: str) -> None:
    """Send half of a request and hang up."""
    context = ssl.create_default_context(cafile=str(stack.home / "pki/ca.pem"))
    with (
        socket.create_connection((stack.address, 8443), timeout=5) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as connection,
    ):
        head = f"POST /model/{TEXT}/invoke HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n"
        connection.sendall(head.encode() + canary.encode() * 20)


def _drive(stack: Any, canary: str, calls: int) -> dict[str, int]:
    outcomes: dict[str, int] = {}
    source = _calls(stack, canary)
    for _ in range(calls):
        try:
            next(source)()
            outcome = "ok"
        except ClientError as error:
            outcome = error.response["Error"]["Code"]
        except (BotoCoreError, OSError) as error:
            outcome = type(error).__name__
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    return outcomes


def _mounts(pid: str) -> str:
    """Name of a process' mount namespace."""
    return str(Path(f"/proc/{pid}/ns/mnt").readlink())


def _hunt(stack: Any, collector: Any, hunter: Hunter) -> tuple[list[Hit], dict[str, int]]:
    """Search every place; also say how much was searched, so that an empty hunt is noticed."""
    hits = hunter.in_tree(stack.home) + hunter.in_tree(Path("/dev/shm"))  # noqa: S108 - searched, not written
    searched = {"pool processes": 0, "sandboxes": 0, "metrics": 0, "redis": 0}
    spaces = {_mounts("self"), _mounts((stack.home / "run/supervisord.pid").read_text().strip())}
    for process in processes(stack.home):
        try:
            words = " ".join(process.cmdline())
        except psutil.Error:
            continue
        hits += hunter.in_bytes(words.encode(), f"command line of pid {process.pid}")
        if any(name in words for name in POOL_PROGRAMS):
            searched["pool processes"] += 1
            # What the launcher and the agent see is the host's and was searched; a sandbox once is enough.
            space = _mounts(str(process.pid))
            if space not in spaces:
                spaces.add(space)
                searched["sandboxes"] += 1
                hits += hunter.in_mounts_of(process.pid)
        if "redis-server" in words:
            # Stronger than a dump: all of its memory, with what it has freed.
            hits += hunter.in_memory(process.pid)
            searched["redis"] += 1
    for port in METRICS_PORTS:
        with urllib.request.urlopen(f"http://{stack.address}:{port}/metrics", timeout=5) as answer:
            hits += hunter.in_bytes(answer.read(), f"metrics on port {port}")
            searched["metrics"] += 1
    hits += hunter.in_bytes(collector.received(), "traces")
    searched["spans"] = len(collector.names())
    events = stack.craton("audit", "lookup", "--max", "100000", "--json").stdout
    hits += hunter.in_bytes(events.encode(), "audit events")
    searched["audit bytes"] = len(events)
    return hits, searched


@pytest.mark.timeout(600)
def test_prompts_leave_nothing_behind(stack: Any, collector: Any) -> None:
    canary = _canary()
    outcomes = _drive(stack, canary, CALLS)
    assert outcomes.get("ok", 0) >= CALLS // 5, outcomes
    refusals = {"InvalidSignatureException", "UnrecognizedClientException", "ValidationException"}
    assert refusals | {"AccessDeniedException"} <= outcomes.keys(), outcomes
    client = stack.client("bedrock-runtime")
    with ThreadPoolExecutor(CONCURRENT) as threads:
        body = _chat(f"Tell me about {canary}", max_tokens=32)
        list(
            threads.map(
                lambda _: client.invoke_model(modelId=CHAT, body=body)["body"].read(), range(CONCURRENT)
            )
        )
    for _ in range(SHORT_REQUESTS):
        client.invoke_model(modelId=TEXT, body=_titan("Hi"))["body"].read()
    time.sleep(SETTLE_S)
    hits, searched = _hunt(stack, collector, Hunter(canary))
    print(f"{CALLS} calls, outcomes {outcomes}; searched {searched}")
    assert searched["pool processes"] >= 6
    assert searched["sandboxes"] >= 2
    assert searched["metrics"] == len(METRICS_PORTS)
    assert searched["redis"] == 1
    assert searched["spans"] > 0
    assert searched["audit bytes"] > 1000
    assert not hits


def test_planted_leaks_are_found(stack: Any, collector: Any) -> None:
    canary = _canary()
    log = stack.home / "log/planted.log"
    log.write_text(json.dumps({"event": "oops", "prompt": canary}) + "\n")
    stub = next(
        process
        for process in processes(stack.home)
        if process.cmdline() and "triton_python_backend_stub" in process.cmdline()[0]
    )
    _plant_in_sandbox(stub, "dev/shm", "planted", canary)
    try:
        hits, _ = _hunt(stack, collector, Hunter(canary))
    finally:
        log.unlink()
        _remove_from_sandbox(stub, "dev/shm", "planted")
    places = {hit.place.split("/")[-1] for hit in hits}
    assert {"planted.log", "planted"} <= places


def _plant_in_sandbox(process: psutil.Process, folder: str, name: str, canary: str) -> None:
    _as_sandbox(process, folder, f"open({name!r}, 'wb').write({canary.encode('utf-16-le')!r})")


def _remove_from_sandbox(process: psutil.Process, folder: str, name: str) -> None:
    _as_sandbox(process, folder, f"os.unlink({name!r})")


def _as_sandbox(process: psutil.Process, folder: str, statement: str) -> None:
    """Run a statement in a folder of the sandbox, as its uid: the sandbox knows no other, not even root."""
    uid = process.uids().real
    descriptor = os.open(f"/proc/{process.pid}/root/{folder}", os.O_PATH | os.O_DIRECTORY)
    try:
        subprocess.run(
            [*as_user(uid), "/usr/bin/python3", "-c", f"import os; os.fchdir({descriptor}); {statement}"],
            pass_fds=(descriptor,),
            cwd="/",
            check=True,
        )
    finally:
        os.close(descriptor)
