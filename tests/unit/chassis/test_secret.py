"""Secrets do not show by accident."""

import copy
import pickle
from pathlib import Path

import pytest

from services.chassis.secret import SecretBytes

VALUE = b"correct horse battery staple"


@pytest.mark.parametrize("render", [repr, str, lambda s: f"{s}", lambda s: f"{s:>40}", "{}".format])
def test_no_rendering_shows_it(render: object) -> None:
    assert b"horse" not in render(SecretBytes(VALUE)).encode()  # type: ignore[operator]


@pytest.mark.parametrize("way_out", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_cannot_be_copied_out(way_out: object) -> None:
    with pytest.raises(TypeError):
        way_out(SecretBytes(VALUE))  # type: ignore[operator]


def test_comparison() -> None:
    secret = SecretBytes(VALUE)
    assert secret.equals(VALUE)
    assert secret == SecretBytes(VALUE)
    assert secret != VALUE
    assert not secret.equals(VALUE + b"r")
    assert secret.reveal() == VALUE
    with pytest.raises(TypeError):
        hash(secret)


def test_line_ends_of_files_are_not_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(VALUE + b"\n")
    assert SecretBytes.from_file(path).equals(VALUE)
