"""What the README tells people to run runs, and the README shows what runs."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ("docs/examples/first_call.py", "docs/examples/first_rpc.py")


@pytest.mark.parametrize("example", EXAMPLES)
def test_it_answers(stack: Any, example: str) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / example)],
        cwd=ROOT,
        env=stack.environment,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(done.stdout.split()) > 5


@pytest.mark.parametrize("example", EXAMPLES)
def test_readme_shows_it(example: str) -> None:
    shown = re.search(
        rf"<!-- {re.escape(example)} -->\n```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
    )
    assert shown is not None
    assert shown[1] == (ROOT / example).read_text()
