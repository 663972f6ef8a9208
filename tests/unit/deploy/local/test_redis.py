"""Redis' configuration: TLS only, no default user, hashes instead of passwords."""

import hashlib
from pathlib import Path

import pytest

from deploy.local.redis import configure, password_file
from deploy.local.stack import DEFINITION, Definition, Stack
from services.chassis.config import load


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    home = tmp_path / "var"
    (home / "run/redis").mkdir(parents=True)
    return Stack(load(DEFINITION, Definition), tmp_path, home, "127.0.0.1", separate_uids=False)


def test_only_tls_and_no_default_user(stack: Stack) -> None:
    lines = configure(stack).read_text().splitlines()
    assert "port 0" in lines
    assert "tls-port 7379" in lines
    assert "tls-protocols TLSv1.3" in lines
    assert any(line.startswith("user default off") for line in lines)
    assert 'save ""' in lines
    assert "appendonly no" in lines


def test_every_account_starts_from_nothing(stack: Stack) -> None:
    users = [line for line in configure(stack).read_text().splitlines() if line.startswith("user ")]
    assert len(users) == len(stack.definition.redis.roles) + 1
    assert all("resetchannels -@all" in line for line in users)
    assert not any("+@all" in line or "allkeys" in line or "~*" in line for line in users)
    kms = next(line for line in users if line.startswith("user kms"))
    accounts, _, keys = kms.partition("(")
    assert "+publish" not in accounts, "of accounts kms only hears"
    assert keys == "&craton:revocations:keys +publish)"
    assert "~" not in kms
    auth = next(line for line in users if line.startswith("user auth"))
    assert auth.endswith("(&craton:revocations:keys +subscribe +unsubscribe)"), "of keys auth only hears"


def test_passwords_are_private_differ_and_stay(stack: Stack) -> None:
    configuration = configure(stack).read_text()
    passwords = {name: password_file(stack, name).read_text() for name in stack.definition.redis.roles}
    assert len(set(passwords.values())) == len(passwords)
    assert all(len(each) >= 43 for each in passwords.values())
    assert not any(each in configuration for each in passwords.values())
    assert {password_file(stack, name).stat().st_mode & 0o777 for name in passwords} == {0o600}
    configure(stack)
    assert passwords == {name: password_file(stack, name).read_text() for name in passwords}


@pytest.mark.parametrize("left", [b"", b"cut"])
def test_a_password_that_was_cut_short_is_made_anew(stack: Stack, left: bytes) -> None:
    before = configure(stack).read_text()
    path = password_file(stack, "edge")
    path.write_bytes(left)
    after = configure(stack).read_text()
    assert len(path.read_bytes()) == 43
    assert hashlib.sha256(path.read_bytes()).hexdigest() in after
    assert hashlib.sha256(left).hexdigest() not in after
    changed = set(before.splitlines()) ^ set(after.splitlines())
    assert {line.split()[1] for line in changed} == {"edge"}
