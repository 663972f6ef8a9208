"""The hunter finds what it should find; else its silence would mean nothing."""

import base64
import gzip
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.security.hunt import Hunter

CANARY = "k7Qp2Zr9Lm4Xw8Vt1Bn6"


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_found_at_any_offset_in_base64(before: bytes, after: bytes) -> None:
    encoded = base64.b64encode(before + CANARY.encode() + after)
    assert Hunter(CANARY).in_bytes(b"..." + encoded, "x")


# Named, and gzip without its clock: an id made of the bytes would differ between two workers that collect it.
@pytest.mark.parametrize(
    "leak",
    [
        pytest.param(CANARY.encode(), id="plain"),
        pytest.param(CANARY.encode("utf-16-be"), id="utf-16"),
        pytest.param(CANARY.encode().hex().encode(), id="hexadecimal"),
        pytest.param(gzip.compress(b"log line " + CANARY.encode() + b"\n", mtime=0), id="gzip"),
        pytest.param(zlib.compress(CANARY.encode() * 3), id="zlib"),
        pytest.param(b'{"prompt": "' + CANARY.encode() + b'"}', id="json"),
    ],
)
def test_every_form_is_found(leak: bytes) -> None:
    assert Hunter(CANARY).in_bytes(leak, "x")


def test_nothing_is_found_where_nothing_is() -> None:
    assert not Hunter(CANARY).in_bytes(os.urandom(1_000_000), "x")


def test_files_and_names_are_searched_across_chunks(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/large").write_bytes(b"\0" * (8 * 1024 * 1024 - 7) + CANARY.encode() + b"\0" * 100)
    (tmp_path / f"log-{CANARY}").write_bytes(b"")
    places = [hit.place for hit in Hunter(CANARY).in_tree(tmp_path)]
    assert len(places) == 2


def test_memory_of_a_process_is_searched() -> None:
    program = "import sys; held = sys.stdin.readline(); print(len(held), flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(CANARY + "\n")
        child.stdin.flush()
        child.stdout.readline()
        assert Hunter(CANARY).in_memory(child.pid)
        child.stdin.close()
