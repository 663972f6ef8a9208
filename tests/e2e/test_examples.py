"""What documents tell people to run runs, and they show what runs."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "docs/examples/first_call.py": "README.md",
    "docs/examples/first_rpc.py": "README.md",
    "docs/examples/event_proof.py": "docs/proofs.md",
    "docs/examples/receipt.py": "docs/receipts.md",
    "docs/examples/team_role.py": "docs/identity.md",
    "docs/examples/kms_envelope.py": "docs/kms.md",
    "docs/examples/kms_encryption_sdk.py": "docs/kms.md",
    "docs/examples/open_log_files.py": "docs/trails.md",
    "docs/examples/trail_key_policy.json": "docs/trails.md",
}
"""Examples, and the page that shows each."""
OF_CUSTOMERS = {"docs/examples/kms_encryption_sdk.py": str(ROOT / ".venv/clients/bin/python")}
"""Those that need libraries of customers' programs, and the interpreter that has them."""
FROM_THE_ROOT = {"docs/examples/receipt.py"}
"""Those that name a file of the repository; all others run in whatever folder their reader is."""
ELSEWHERE = {
    "docs/examples/event_proof.py",
    "docs/examples/open_log_files.py",
    "docs/examples/trail_key_policy.json",
}
"""Those that tests/e2e/test_customers_proofs.py and tests/e2e/trails run, and look at what comes of it."""


@pytest.mark.parametrize("example", sorted(PAGES.keys() - ELSEWHERE))
def test_it_answers(stack: Any, tmp_path: Path, example: str) -> None:
    done = subprocess.run(
        [OF_CUSTOMERS.get(example, sys.executable), str(ROOT / example)],
        cwd=ROOT if example in FROM_THE_ROOT else tmp_path,
        env=stack.environment,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(done.stdout.split()) > 3, "it prints what it did"


@pytest.mark.parametrize(("example", "page"), PAGES.items())
def test_its_page_shows_it(example: str, page: str) -> None:
    shown = re.search(
        rf"<!-- {re.escape(example)} -->\n```(?:python|json)\n(.*?)```", (ROOT / page).read_text(), re.DOTALL
    )
    assert shown is not None
    assert shown[1] == (ROOT / example).read_text()
