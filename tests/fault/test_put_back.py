"""The key store and the audit log put back together: only a witness remembers, and that is enough."""

import contextlib
import subprocess
import xmlrpc.client
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from deploy.local.supervisor import Supervisor
from tests.eventually import eventually

BOTH = ("kms", "audit")


def said(stack: Any) -> str:
    """What kms has logged so far."""
    return (stack.home / "log/kms.log").read_text(errors="replace")


def cosigned(stack: Any, key_id: str) -> None:
    """Return when a key's creation is in a checkpoint, which the witness has seen by then."""

    def proved() -> bool:
        # Others may be newer, and it may be on its way: an older one would prove nothing.
        events = stack.craton_json("audit", "lookup", "--event-name", "CreateKey", "--max", "50")
        found = [each for each in events if any(key_id in name for name in each.get("resources", ()))]
        if not found:
            return False
        words = ("audit", "prove", found[0]["event_id"], "-o", str(stack.home / "proof.json"))
        return bool(stack.craton(*words, check=False).returncode == 0)

    eventually(proved, "the log has no creation of the key")


def asked(call: Callable[..., Any], **arguments: Any) -> Any:
    """Return an answer of kms, None while it refuses."""
    try:
        return call(**arguments)["KeyMetadata"]["KeyId"]
    except (BotoCoreError, ClientError):
        return None


@pytest.mark.timeout(400)
def test_a_key_store_and_a_log_that_are_put_back_together(stack: Any) -> None:
    supervisor = Supervisor(stack.local)
    kms, state, copies = stack.client("kms"), stack.home / "state", stack.home / "copies"
    copies.mkdir()

    def stop() -> None:
        for name in BOTH:
            # A program that has given up is not running.
            with contextlib.suppress(xmlrpc.client.Fault):
                supervisor.stop_program(name)

    def start() -> None:
        for name in reversed(BOTH):
            supervisor.start_program(name)

    def copy(source: Path, target: Path) -> None:
        """Make folders what others are, owners and all."""
        for name in BOTH:
            subprocess.run(["rm", "-rf", str(target / name)], check=True)
            subprocess.run(["cp", "-a", str(source / name), str(target / name)], check=True)

    cosigned(stack, kms.create_key(Description="before")["KeyMetadata"]["KeyId"])
    stop()
    copy(state, copies)
    start()
    later = eventually(lambda: asked(kms.create_key, Description="after"), "kms did not come back")
    cosigned(stack, later)
    newest = stack.home / "newest"
    newest.mkdir()
    stop()
    copy(state, newest)
    copy(copies, state)
    before = len(said(stack))
    start()
    try:
        eventually(lambda: "audit_log_was_put_back" in said(stack)[before:], "kms did not notice")
        assert asked(kms.describe_key, KeyId=later) is None
        assert asked(kms.create_key) is None
    finally:
        stop()
        copy(newest, state)
        start()
    eventually(lambda: asked(kms.describe_key, KeyId=later), "the newest state did not come back")
