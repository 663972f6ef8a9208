"""A clone below a closed folder is found by other uids inside the view, and by nobody outside."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.stack import DEFINITION, Definition, Stack
from deploy.local.view import enter, inside
from services.chassis.config import load
from tests.fakes.another_user import as_user

ROOT = Path(__file__).resolve().parents[3]
UID = 20001

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="separate uids need root"),
    pytest.mark.skipif(ROOT.is_relative_to("/run/craton"), reason="these tests run inside a view already"),
]


@pytest.fixture
def closed() -> Iterator[Stack]:
    """A stack below a folder of mode 0700, with the real interpreter and this very code."""
    base = Path(tempfile.mkdtemp(prefix="craton-view-"))
    place = base / "clone"
    place.mkdir()
    (place / "file").write_text("found")
    for name in (".venv", "deploy", "services"):
        (place / name).symlink_to(ROOT / name)
    (place / "var").mkdir()
    stack = Stack(load(DEFINITION, Definition), place, place / "var", "127.0.0.1", separate_uids=True)
    yield stack
    shutil.rmtree(base)


def read_as_service(prefix: list[str], path: Path) -> subprocess.CompletedProcess[str]:
    command = [*prefix, *as_user(UID), "/usr/bin/cat", str(path)]
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)


def test_services_find_the_clone_in_the_view(closed: Stack) -> None:
    seen = inside(closed)
    assert seen.root != closed.root
    assert seen.home == seen.root / "var"
    assert read_as_service([], closed.root / "file").returncode != 0
    inside_view = read_as_service(enter(closed, seen), seen.root / "file")
    assert inside_view.stdout == "found", inside_view.stderr
    assert not (seen.root / "file").exists()
    assert str(seen.root) not in Path("/proc/self/mountinfo").read_text()


def test_nothing_is_seen_outside(closed: Stack) -> None:
    seen = inside(closed)
    read_as_service(enter(closed, seen), seen.root / "file")
    assert not seen.root.exists()
    assert not seen.home.exists()


def test_a_reachable_clone_needs_no_view(closed: Stack) -> None:
    closed.root.parent.chmod(0o711)
    assert inside(closed) == closed
    assert enter(closed, closed) == []
