"""The echo model on a running stack: it gives back what it is sent, in as many pieces as are asked for."""

import json
import subprocess
import time
from pathlib import Path

from tests.running_stack import RunningStack

MODEL = "craton.echo-v1"
_READY_S = 300.0
_FOLDER = Path(__file__).resolve().parent / "load/echo"


def publish(running: RunningStack) -> None:
    """Publish it, accept its licence, and wait until it answers. Raises SubprocessError."""
    deadline = time.monotonic() + _READY_S
    manifest = str(_FOLDER / "manifest.toml")
    for words in (
        ("models", "publish", str(_FOLDER), "--provider", "craton", "--manifest", manifest),
        ("models", "access", "accept", MODEL),
        ("invoke", MODEL, "hello"),
    ):
        while (done := running.craton(*words, check=False)).returncode != 0:
            if time.monotonic() > deadline:
                raise subprocess.SubprocessError(f"the model does not answer: {done.stderr[-500:]}")
            time.sleep(1)


def body(text: str, pieces: int) -> bytes:
    """Return a request for an answer of `text` in at most so many pieces."""
    configuration = {"maxTokenCount": pieces, "temperature": 0}
    return json.dumps({"inputText": text, "textGenerationConfig": configuration}).encode()
