"""Where a stack lies and listens: what cannot work is refused at once, in words that say what to do."""

import dataclasses
import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import cli.start
from cli import running
from cli.main import main
from cli.output import CommandError, Exit
from cli.running import elsewhere
from cli.start import _say_where, start
from cli.status import custody
from deploy.local.stack import DEFINITION, Definition, Stack
from deploy.local.supervisor import Supervisor
from services.chassis.config import ConfigError, load

_ROOT = Path(DEFINITION).parents[2]


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    home = tmp_path / "var"
    return Stack(load(DEFINITION, Definition), tmp_path, home, "127.0.0.2", separate_uids=False)


@pytest.mark.parametrize(
    "address", ["foo", "", "8.8.8.8", "0.0.0.0", "::1", "localhost", "127.0.0", "127.0.0.1 "]
)
def test_only_loopback_addresses_of_ipv4(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRATON_ADDRESS", address)
    result = CliRunner().invoke(main, ["up"])
    assert result.exit_code == 2
    assert f"CRATON_ADDRESS: {address!r} is not an IPv4 address of 127.0.0.0/8" in result.output


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.25", "127.200.3.4"])
def test_every_loopback_address_is_taken(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRATON_ADDRESS", address)
    assert Stack.here().address == address


@pytest.mark.parametrize(("name", "character"), [("a b", " "), ("100%", "%"), ("a;b", ";"), ("ä", "ä")])
def test_a_home_that_not_every_program_takes_is_refused(
    name: str, character: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRATON_HOME", str(tmp_path / name))
    with pytest.raises(ConfigError, match="has the character"):
        Stack.here()
    result = CliRunner().invoke(main, ["up"])
    assert result.exit_code == 2
    assert f"has the character {character!r}" in result.output
    assert not (tmp_path / name).exists()


def test_an_ordinary_home_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRATON_HOME", str(tmp_path / "My_stack-2.0~x@home"))
    assert Stack.here().home == tmp_path / "My_stack-2.0~x@home"


def test_up_notices_that_its_stack_runs_under_another_address(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Supervisor, "address", lambda _self: "127.0.0.1")
    touched: list[Stack] = []
    monkeypatch.setattr(cli.start, "_prepare", touched.append)
    with pytest.raises(CommandError, match=r"runs under 127\.0\.0\.1, not 127\.0\.0\.2.*CRATON_ADDRESS=127"):
        start(stack, sample=False, as_json=False)
    assert not touched


def test_the_same_address_and_no_stack_are_fine(stack: Stack) -> None:
    assert elsewhere(stack, "127.0.0.2") is None
    assert elsewhere(stack, None) is None


def test_a_stack_that_does_not_run_has_no_address(stack: Stack) -> None:
    assert Supervisor(stack).address() is None
    unavailable = running.stopped(stack)
    assert unavailable is not None
    assert unavailable.exit_code == Exit.UNAVAILABLE


def test_the_address_is_that_of_the_process(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        ["/bin/cat"], env={"CRATON_ADDRESS": "127.0.0.77"}, stdin=pipe, stdout=pipe
    ) as child:
        # Its answer shows that it runs: before, the kernel may not show its environment yet.
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"there\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"there\n"
        monkeypatch.setattr(Supervisor, "_call", lambda _self, _method: child.pid)
        assert Supervisor(stack).address() == "127.0.0.77"
        child.kill()


def test_another_users_control_socket_is_not_a_stack_that_is_down(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Supervisor, "_call", closed)
    monkeypatch.setenv("CRATON_HOME", str(stack.home))
    for command in ("status", "down"):
        result = CliRunner().invoke(main, [command])
        assert result.exit_code == Exit.REFUSED
        assert "the control socket: Permission denied" in result.output


@pytest.mark.parametrize("separate_uids", [False, True])
def test_another_users_stack_is_refused_untouched(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, separate_uids: bool
) -> None:
    """As root it would give the folders to uids that their programs do not run under."""
    stack.home.mkdir()
    (stack.home / "up.lock").touch()
    before = stack.home.stat()
    monkeypatch.setattr("deploy.local.install.os.geteuid", lambda: os.getuid() + 1)
    monkeypatch.setattr(cli.start, "_prepare", lambda _stack: pytest.fail("touched"))
    with pytest.raises(CommandError, match="holds the stack of") as caught:
        start(dataclasses.replace(stack, separate_uids=separate_uids), sample=False, as_json=False)
    assert caught.value.exit_code == Exit.REFUSED
    assert [path.name for path in stack.home.iterdir()] == ["up.lock"]
    assert stack.home.stat() == before


def test_another_users_home_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def refuse(path: Path, *arguments: Any, **keywords: Any) -> Any:
        if path.name == "up.lock":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return opened(path, *arguments, **keywords)

    monkeypatch.setenv("CRATON_HOME", str(tmp_path))
    monkeypatch.setattr(Path, "open", refuse)
    result = CliRunner().invoke(main, ["up"])
    assert result.exit_code == Exit.REFUSED
    assert f"{tmp_path}/up.lock: Permission denied. Is this stack another user's?" in result.output


def test_usage_lines_name_the_program() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "cli.main", "users"], cwd=_ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "Usage: craton users" in result.stdout + result.stderr


def test_help_names_the_addresses() -> None:
    assert isinstance(main, click.Group)
    assert "127.0.0.0/8" in CliRunner().invoke(main, ["--help"]).output


def test_the_root_keys_custody_is_told_as_it_is() -> None:
    assert "kms's own uid" in custody(separate_uids=True)
    assert "own uid" not in custody(separate_uids=False)
    assert "the one uid that every program has" in custody(separate_uids=False)


def test_what_wins_over_the_profile_is_said(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in cli.start._OVERRIDING:
        monkeypatch.delenv(name, raising=False)
    _say_where(stack)
    assert "unset" not in capsys.readouterr().out
    monkeypatch.setenv("AWS_CA_BUNDLE", "/etc/ssl/other.pem")
    _say_where(stack)
    printed = capsys.readouterr().out
    assert "unset AWS_CA_BUNDLE " in printed
    assert "export AWS_PROFILE=craton" in printed


@pytest.mark.parametrize(
    ("address", "known", "host"),
    [
        ("127.0.0.1", True, "localhost"),
        ("127.0.0.1", False, "127.0.0.1"),
        ("127.0.0.2", True, "127.0.0.2"),
    ],
)
def test_clients_are_told_a_name_that_they_can_resolve(
    monkeypatch: pytest.MonkeyPatch, address: str, known: bool, host: str
) -> None:
    """A minimal Debian has no /etc/hosts."""

    def look_up(name: str, *_: object, **__: object) -> list[object]:
        if not known:
            raise OSError("Name or service not known")
        return [(2, 1, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr("deploy.local.stack.socket.getaddrinfo", look_up)
    monkeypatch.setenv("CRATON_ADDRESS", address)
    assert Stack.here().endpoint == f"https://{host}:8443"
