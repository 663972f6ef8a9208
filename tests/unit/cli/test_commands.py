"""Every command explains itself, and says in its exit code what happened."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import grpc
import pytest
from click.testing import CliRunner
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from cli.main import main
from cli.output import CommandError, Exit, emit, grpc_errors, reason_of
from cli.session import chosen_role


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its full name."""
    yield " ".join(path), command
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            for name in command.list_commands(context):
                child = command.get_command(context, name)
                assert child is not None
                yield from commands(child, (*path, name))


EVERY = dict(commands(main))
LEAVES = {name: each for name, each in EVERY.items() if not isinstance(each, click.Group)}


@pytest.mark.parametrize("name", EVERY)
def test_help_has_an_example(name: str) -> None:
    result = CliRunner().invoke(main, [*name.split(), "--help"])
    assert result.exit_code == 0
    assert "Example:" in result.output
    assert "craton" in result.output.split("Example:")[1]


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_can_print_json(name: str) -> None:
    assert "--json" in {option for parameter in LEAVES[name].params for option in parameter.opts}


@pytest.mark.parametrize("name", EVERY)
def test_every_option_says_what_it_is_for(name: str) -> None:
    options = [each for each in EVERY[name].params if isinstance(each, click.Option)]
    assert [each.opts for each in options if not each.help] == []


def test_the_commands_that_operators_need_are_there() -> None:
    wanted = {
        *("up", "down", "status", "invoke", "models list", "models publish", "models access accept"),
        *("accounts create", "accounts list", "users create", "keys create", "policies put", "audit lookup"),
        *("pki list", "pki renew"),
        *("whoami", "roles create", "roles trust", "roles assume", "roles policies put", "roles bound"),
        *("groups create", "groups add", "groups members", "groups policies put", "users tag", "users bound"),
        *("policies managed create", "policies managed update", "policies attach", "policies attached"),
        *("kms status", "kms unseal", "kms seal", "kms rotate-root", "kms change-passphrase"),
        *("organization tree", "organization create-ou", "organization policies attach"),
    }
    assert wanted <= EVERY.keys()


def test_the_role_before_a_command_is_whom_it_acts_as(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Seen(Exception):  # noqa: N818 - nothing is wrong
        """The command has come as far as to ask who it is."""

    def look(*_arguments: Any) -> None:
        seen.append(chosen_role())
        raise Seen

    monkeypatch.setattr("cli.whoami.Session", look)
    arn = "arn:aws:iam::123456789012:role/reader"
    for words in (["--role", arn, "whoami"], ["whoami"]):
        CliRunner().invoke(main, words)
    assert seen == [arn, ""]
    assert chosen_role() == ""


def test_a_wrong_word_is_a_usage_error() -> None:
    assert CliRunner().invoke(main, ["no-such-command"]).exit_code == 2
    assert CliRunner().invoke(main, ["keys", "update", "alice", "AKIA", "asleep"]).exit_code == 2
    for command in (["users", "tag", "alice"], ["roles", "tag", "reader"]):
        assert CliRunner().invoke(main, [*command, "team"]).exit_code == 2
    assert CliRunner().invoke(main, ["roles", "assume", "arn", "--tag", "team"]).exit_code == 2
    assert CliRunner().invoke(main, ["roles", "update", "reader"]).exit_code == 2
    for names in ([], ["--user", "a", "--group", "b"]):
        assert CliRunner().invoke(main, ["policies", "attach", "arn", *names]).exit_code == 2


def test_without_a_stack_there_is_one_clear_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRATON_HOME", str(tmp_path / "var"))
    for command in (["status"], ["users", "list"], ["audit", "lookup"], ["invoke", "craton.x-v1", "hi"]):
        result = CliRunner().invoke(main, command)
        assert result.exit_code == Exit.UNAVAILABLE
        assert result.output == "Error: the stack is not running: `craton up` starts it\n"


def test_clean_removes_only_what_looks_like_a_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letter").write_text("dear")
    monkeypatch.setenv("CRATON_HOME", str(precious))
    result = CliRunner().invoke(main, ["clean", "--yes"])
    assert result.exit_code == Exit.FAILED
    assert (precious / "letter").exists()


def test_clean_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "var/run").mkdir(parents=True)
    monkeypatch.setenv("CRATON_HOME", str(tmp_path / "var"))
    assert CliRunner().invoke(main, ["clean"], input="n\n").exit_code == 1
    assert (tmp_path / "var").exists()
    result = CliRunner().invoke(main, ["clean", "--json"], input="y\n")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"home": str(tmp_path / "var"), "removed": True}
    assert not (tmp_path / "var").exists()
    again = CliRunner().invoke(main, ["clean", "--json"])
    assert (again.exit_code, json.loads(again.output)["removed"]) == (0, False)


class FakeError(grpc.RpcError):
    """What a stub raises."""

    def __init__(self, code: grpc.StatusCode, reason: str = "") -> None:
        super().__init__()
        self._code = code
        self._reason = reason

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "the message"

    def trailing_metadata(self) -> Any:
        if not self._reason:
            return []
        detail = any_pb2.Any()
        detail.Pack(error_details_pb2.ErrorInfo(reason=self._reason, domain="craton"))
        return [("grpc-status-details-bin", status_pb2.Status(details=[detail]).SerializeToString())]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, Exit.REFUSED),
        (grpc.StatusCode.UNAUTHENTICATED, Exit.REFUSED),
        (grpc.StatusCode.NOT_FOUND, Exit.NOT_FOUND),
        (grpc.StatusCode.UNAVAILABLE, Exit.UNAVAILABLE),
        (grpc.StatusCode.INVALID_ARGUMENT, Exit.FAILED),
    ],
)
def test_exit_codes_tell_refusals_from_failures(code: grpc.StatusCode, expected: Exit) -> None:
    @grpc_errors
    def command() -> None:
        raise FakeError(code, "SOME_REASON")

    with pytest.raises(CommandError, match="SOME_REASON: the message") as caught:
        command()
    assert caught.value.exit_code == expected


def test_the_reason_is_read_from_the_details() -> None:
    assert reason_of(FakeError(grpc.StatusCode.UNKNOWN, "RESOURCE_EXISTS")) == "RESOURCE_EXISTS"
    assert reason_of(FakeError(grpc.StatusCode.UNKNOWN)) == ""


def test_json_and_tables_show_the_same_rows(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[dict[str, Any]] = [{"name": "a [b]", "size": 1}, {"name": "c", "size": 2}]
    emit(rows, as_json=True)
    assert json.loads(capsys.readouterr().out) == rows
    emit(rows, as_json=False, columns=("name", "size"))
    table = capsys.readouterr().out
    assert "a [b]" in table
    assert len(table.splitlines()) == 3


def test_a_row_is_one_line_where_stdout_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    row = {f"column_{number}": f"{number}-" + "wide" * 20 for number in range(8)}
    emit([row], as_json=False, columns=tuple(row))
    line = capsys.readouterr().out.splitlines()[1]
    assert line.split() == list(row.values())
