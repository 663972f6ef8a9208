"""`craton accounts purge` asks for nothing that it could not end, and says what is left to do."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from click.testing import CliRunner
from craton.auth.v1 import account_purge_service_pb2 as pb
from craton.auth.v1 import resources_pb2
from craton.purge.v1.resources_pb2 import LogEntry

import cli.account_purges
import cli.purge_command
from cli.main import main
from cli.output import Exit

ACCOUNT = "210987654321"
PURGE_ID = "0e1b6a52-8a2c-4f0e-9a53-0d3c1a2b3c4d"
CERTIFICATE = b"signed"


class Refused(grpc.RpcError):
    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__()
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "the message"

    def trailing_metadata(self) -> Any:
        return []


class FakeSession:
    """Answers as auth does in development; `refuses` says which methods it refuses, and how."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.refuses: dict[str, BaseException] = {}
        self.state = pb.ACCOUNT_PURGE_STATE_DONE

    def channel(self, _service: str) -> "FakeSession":
        return self

    def unary_unary(self, path: str, **_: Any) -> str:
        return path.rsplit("/", 1)[1]

    def call(self, method: str, request: Any) -> Any:
        self.called.append(method)
        if method in self.refuses:
            raise self.refuses[method]
        if method == "CreatePurgedAccountKey":
            assert request.purge_id == PURGE_ID
            key = resources_pb2.AccessKey(access_key_id="AKIA")
            return pb.CreatePurgedAccountKeyResponse(access_key=key, secret_access_key="secret")
        if method == "RequestAccountPurge":
            return pb.RequestAccountPurgeResponse(purge=self.purge(pb.ACCOUNT_PURGE_STATE_WAITING))
        return pb.GetAccountPurgeResponse(purge=self.purge(self.state))

    def purge(self, state: pb.AccountPurgeState) -> pb.AccountPurge:
        done = state == pb.ACCOUNT_PURGE_STATE_DONE
        return pb.AccountPurge(
            purge_id=PURGE_ID,
            account_id=ACCOUNT,
            state=state,
            continues=True,
            entries=[LogEntry(about="requested", event_id="e", index=7 if done else 0)],
            certificate=CERTIFICATE if done else b"",
        )


@pytest.fixture
def auth(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeSession]:
    session = FakeSession()
    for module in (cli.account_purges, cli.purge_command):
        monkeypatch.setattr(module, "Session", lambda _stack, name: session)
    monkeypatch.chdir(tmp_path)
    return session


def accounts(*words: str) -> Any:
    return CliRunner().invoke(main, ["accounts", *words])


def purge(*words: str) -> Any:
    return accounts("purge", ACCOUNT, "--yes", *words)


def test_it_ends_with_certificate_and_key(auth: FakeSession) -> None:
    done = purge("--certificate", "c.json", "--json")
    assert done.exit_code == 0, done.output
    assert Path("c.json").read_bytes() == CERTIFICATE
    said = json.loads(done.stdout)
    assert (said["access_key_id"], said["secret_access_key"]) == ("AKIA", "secret")


@pytest.mark.parametrize("words", [("--certificate", "none/c.json"), ("--certificate", "there"), ()])
def test_nothing_is_asked_for_when_the_certificate_could_not_be_kept(
    auth: FakeSession, words: tuple[str, ...]
) -> None:
    Path("there").touch()
    Path(f"purge-{ACCOUNT}.json").touch()
    done = purge(*words)
    assert (done.exit_code, auth.called) == (2, []), done.output
    assert "no folder that you may write to" in done.stderr or "exists: name another file" in done.stderr
    if words:
        assert accounts("purges", "status", PURGE_ID, *words).exit_code == 2
        assert auth.called == []


def test_a_folder_that_goes_away_meanwhile_leaves_two_things_to_do(
    auth: FakeSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("f").mkdir()
    monkeypatch.setattr("cli.purge_command.time.sleep", lambda _s: Path("f").rmdir())
    done = purge("--certificate", "f/c.json")
    assert done.exit_code == Exit.FAILED
    assert "f/c.json cannot be written" in done.stderr
    assert f"craton accounts purges status {PURGE_ID} --certificate f/c.json" in done.stderr
    assert f"craton accounts purges key {PURGE_ID}" in done.stderr


@pytest.mark.parametrize(
    ("method", "error", "code"),
    [
        ("GetAccountPurge", Refused(grpc.StatusCode.UNAVAILABLE), Exit.UNAVAILABLE),
        ("GetAccountPurge", KeyboardInterrupt(), 1),
        ("CreatePurgedAccountKey", Refused(grpc.StatusCode.UNAVAILABLE), Exit.UNAVAILABLE),
    ],
)
def test_what_is_left_is_named_when_it_ends_between(
    auth: FakeSession, method: str, error: BaseException, code: int
) -> None:
    auth.refuses[method] = error
    done = purge("--certificate", "c.json")
    assert done.exit_code == code
    assert f"craton accounts purges key {PURGE_ID}" in done.stderr
    assert ("craton accounts purges status" in done.stderr) is not Path("c.json").exists()


def test_the_key_of_a_finished_purge(auth: FakeSession) -> None:
    done = accounts("purges", "key", PURGE_ID, "--json")
    assert json.loads(done.stdout) == {"access_key_id": "AKIA", "secret_access_key": "secret"}
    auth.refuses["CreatePurgedAccountKey"] = Refused(grpc.StatusCode.FAILED_PRECONDITION)
    assert accounts("purges", "key", PURGE_ID).exit_code == Exit.REFUSED


def test_a_purge_that_is_refused_says_so(auth: FakeSession) -> None:
    auth.refuses["RequestAccountPurge"] = Refused(grpc.StatusCode.FAILED_PRECONDITION)
    done = purge()
    assert (done.exit_code, "goes on" in done.stderr) == (Exit.REFUSED, False)


def test_entries_have_an_index_when_the_log_has_them(auth: FakeSession) -> None:
    for state, index in ((pb.ACCOUNT_PURGE_STATE_WAITING, None), (pb.ACCOUNT_PURGE_STATE_DONE, 7)):
        auth.state = state
        said = json.loads(accounts("purges", "status", PURGE_ID, "--json").stdout)
        assert [each["index"] for each in said["entries"]] == [index]


@pytest.mark.parametrize(
    "words",
    [
        ("purge", "12345", "--yes"),
        ("purge", f"{ACCOUNT}\n", "--yes"),
        ("create", "Research", "--account-id", "12"),
        ("purges", "list", "--account", "12"),
        *(("purges", command, "12") for command in ("approve", "cancel", "status", "key")),
    ],
)
def test_ids_that_are_none_are_a_usage_error(auth: FakeSession, words: tuple[str, ...]) -> None:
    assert (accounts(*words).exit_code, auth.called) == (2, [])


@pytest.mark.parametrize("name", ["../../x", "a/b", "", "Admin", "-a", "a" * 33, "admin\n"])
def test_operators_have_names_and_no_paths(name: str) -> None:
    for words in (("purge", ACCOUNT, "--yes"), ("purges", "list"), ("purges", "key", PURGE_ID)):
        done = accounts(*words, "--operator", name)
        assert (done.exit_code, "Invalid value for '--operator'" in done.stderr) == (2, True)


@pytest.mark.parametrize("key", ["AAAA", "no base64!", "", "ä"])
def test_a_key_that_is_none_is_a_usage_error(tmp_path: Path, key: str) -> None:
    file = tmp_path / "c.json"
    file.write_text("{}")
    assert accounts("purges", "check", str(file), "--key", key).exit_code == 2
    right = base64.b64encode(bytes(range(32))).decode()
    assert accounts("purges", "check", str(file), "--key", right).exit_code == Exit.REFUSED
