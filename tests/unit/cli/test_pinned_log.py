"""A customer keeps a log's keys, and remembers how far it came: each lie of the service is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from click.testing import CliRunner

import cli.audit_log
import cli.receipts
from cli.audit import audit
from cli.customer_log import ask_edge
from cli.log_client import NoProofError
from cli.output import CommandError, Exit
from cli.receipts import receipts
from services.audit.domain import cloudtrail
from tests.unit.cli.logs import WITNESS, Log, event, event_id
from tests.unit.tlog.keys import LOG, WITNESSES
from tests.unit.tlog.receipts import AUTHORITY, CERTIFICATE, FILE, RECEIPT
from tlog.checkpoint import Trust
from tlog.event_proof import EventProof
from tlog.note import Note

Ask = Callable[..., Any]


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    file = tmp_path / "log.json"
    printed = {"verifier_key": str(LOG.key), "witness_keys": [str(WITNESS.key)], "size": 5, "root": "00"}
    file.write_text(json.dumps(printed))
    return file


@pytest.fixture
def ask(keys: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run a command of `craton audit` against a log, with the keys."""

    def run(log: Log, *words: str) -> Any:
        monkeypatch.setattr(cli.audit_log, "log_client", lambda *_, **__: log)
        return CliRunner().invoke(audit, [*words, "--as-profile", "--keys", str(keys), "--json"])

    return run


def seen(keys: Path) -> int:
    """The size that is remembered."""
    file = keys.with_name("log.json.seen")
    return Trust(LOG.key).checkpoint(Note.parse(file.read_bytes())).size if file.exists() else 0


def prove(ask: Ask, keys: Path, log: Log, number: int = 1) -> tuple[Any, Path]:
    target = keys.with_name("event.json")
    target.unlink(missing_ok=True)
    return ask(log, "prove", str(event_id(number)), "-o", str(target)), target


def test_a_proof_is_verified_and_the_checkpoint_remembered(ask: Ask, keys: Path) -> None:
    done, target = prove(ask, keys, Log(5))
    assert (done.exit_code, json.loads(done.stdout)["index"]) == (0, 1)
    EventProof.parse(target.read_bytes()).verify(Trust(LOG.key, (WITNESS.key,), 1))
    assert seen(keys) == 5
    assert keys.with_name("log.json.seen").stat().st_mode & 0o777 == 0o600


def test_a_log_that_grows_is_asked_for_the_proof_of_it(ask: Ask, keys: Path) -> None:
    for size, asked in ((3, [(0, 3)]), (3, []), (8, [(3, 8)]), (13, [(8, 13)])):
        log = Log(size)
        done = ask(log, "checkpoint")
        assert done.exit_code == 0, done.stderr
        assert log.asked == asked
        assert (json.loads(done.stdout)["size"], seen(keys)) == (size, size)


LIES = {
    "the entry holds another event": {"entry_of": 2},
    "the entry holds another event ": {"shows": event(1, "Altered")},
    "is of another event": {"answers_with": 2},
    "0 of 1 witnesses have cosigned": {"signers": (LOG,)},
    "0 of 1 witnesses have cosigned ": {"signers": (LOG, WITNESSES[1])},
    "the log has not signed": {"signers": (WITNESS,)},
    "it has 4 entries, and 5 were seen before": {"size": 4},
    "the consistency proof leads to other roots": {"size": 8, "story": "Forked"},
    "two trees of one size have different roots": {"size": 5, "story": "Forked"},
    "the consistency proof is too short": {"size": 8, "hashes": ()},
    "a hash has 32 bytes": {"size": 8, "hashes": (b"x",)},
}


@pytest.mark.parametrize(("why", "lie"), LIES.items())
def test_a_lie_is_refused(ask: Ask, keys: Path, why: str, lie: dict[str, Any]) -> None:
    assert prove(ask, keys, Log(5))[0].exit_code == 0
    done, target = prove(ask, keys, Log(**lie))
    assert (done.exit_code, why.strip() in done.stderr) == (Exit.REFUSED, True), done.stderr
    # Nobody is left with what proves nothing, or has forgotten what was seen.
    assert not target.exists()
    assert seen(keys) == 5


def test_a_place_that_is_not_the_entrys_is_refused(ask: Ask, keys: Path) -> None:
    log = Log(5)
    found = log.event(event_id(1))

    class Moved(Log):
        def event(self, asked: UUID) -> EventProof:
            other = log.event(event_id(3))
            return EventProof(found.entry, found.event, found.salt, other.proof)

    done, target = prove(ask, keys, Moved(5))
    assert (done.exit_code, "leads to another root" in done.stderr) == (Exit.REFUSED, True)
    assert not target.exists()


@pytest.mark.parametrize("lie", [{"size": 4}, {"size": 8, "story": "Forked"}])
def test_what_the_log_signed_against_itself_is_kept(ask: Ask, keys: Path, lie: dict[str, Any]) -> None:
    assert ask(Log(5), "checkpoint").exit_code == 0
    done = ask(Log(**lie), "checkpoint")
    assert (done.exit_code, "log.json.conflict" in done.stderr) == (Exit.REFUSED, True)
    kept = Note.parse(keys.with_name("log.json.conflict").read_bytes())
    assert Trust(LOG.key).checkpoint(kept).size == lie["size"]
    assert seen(keys) == 5


def test_what_came_while_an_older_answer_was_on_its_way_is_no_rollback(ask: Ask, keys: Path) -> None:
    class Slow(Log):
        def event(self, asked: UUID) -> EventProof:
            found = super().event(asked)
            # Another process sees a newer checkpoint meanwhile.
            keys.with_name("log.json.seen").write_bytes(bytes(Log(8).note))
            return found

    assert ask(Log(3), "checkpoint").exit_code == 0
    assert prove(ask, keys, Slow(5))[0].exit_code == 0
    assert seen(keys) == 8


def test_a_memory_that_was_damaged_is_said_and_not_made_anew(ask: Ask, keys: Path) -> None:
    keys.with_name("log.json.seen").write_bytes(bytes(Log(5, signers=(WITNESS,)).note))
    done = ask(Log(5), "checkpoint")
    assert (done.exit_code, "log.json.seen is no checkpoint of the log" in done.stderr) == (
        Exit.REFUSED,
        True,
    )


def test_a_file_of_an_earlier_day_is_verified_offline(ask: Ask, keys: Path, tmp_path: Path) -> None:
    _, target = prove(ask, keys, Log(5))
    assert ask(Log(8), "checkpoint").exit_code == 0

    def verify(*words: str) -> Any:
        return CliRunner().invoke(audit, ["verify", str(target), *words, "--json"])

    assert json.loads(verify("--keys", str(keys)).stdout)["size"] == 5
    # Of the size that was seen last there is one tree.
    keys.with_name("log.json.seen").write_bytes(bytes(Log(5, story="Forked").note))
    done = verify("--keys", str(keys))
    assert (done.exit_code, "Another tree of 5 entries" in done.stderr) == (Exit.REFUSED, True)
    for words in ((), ("--keys", str(keys), "--key", str(LOG.key)), ("--keys", str(tmp_path / "none"))):
        assert verify(*words).exit_code == 2


def test_the_record_that_was_shown_is_the_events(ask: Ask, keys: Path, tmp_path: Path) -> None:
    _, target = prove(ask, keys, Log(5))
    shown = tmp_path / "record.json"
    words = ["verify", str(target), "--keys", str(keys), "--record", str(shown)]
    record = cloudtrail.emit(event(1))
    shown.write_text(json.dumps(record))
    assert CliRunner().invoke(audit, words).exit_code == 0
    for other, why in (
        (record | {"eventName": "DeleteUser"}, "eventName"),
        ({name: value for name, value in record.items() if name != "userIdentity"}, "userIdentity"),
        (record | {"more": None}, "more"),
        ([record], "is no record"),
        ('{"eventName": "a", "eventName": "b"}', "a member stands there twice"),
    ):
        shown.write_text(other if isinstance(other, str) else json.dumps(other))
        done = CliRunner().invoke(audit, words)
        assert (done.exit_code, why in done.stderr) == (Exit.REFUSED, True)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"verifier_key": "x", "witness_keys": []}'])
def test_keys_that_are_none(ask: Ask, keys: Path, content: str) -> None:
    keys.write_text(content)
    done = ask(Log(5), "checkpoint")
    assert (done.exit_code, "has no keys of a log" in done.stderr) == (2, True)


class LogOfReceipts(Log):
    """Has the events of a receipt and of its key; no witness has seen it."""

    def event(self, asked: UUID) -> EventProof:
        proof = {RECEIPT.event_id: FILE.receipt_proof, CERTIFICATE.event_id: FILE.certificate_proof}[asked]
        assert proof is not None
        assert proof.event is not None
        return EventProof(proof.entry, proof.event, proof.salt, proof.proof)


def test_a_receipt_is_completed_with_what_was_verified_alone(
    keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "receipt.json"
    incomplete = bytes(replace(FILE, receipt_proof=None, certificate_proof=None))
    file.write_bytes(incomplete)
    monkeypatch.setattr(cli.receipts, "log_client", lambda *_, **__: LogOfReceipts(4))
    words = ["complete", str(file), "--as-profile", "--keys", str(keys)]
    done = CliRunner().invoke(receipts, words)
    assert (done.exit_code, "0 of 1 witnesses" in done.stderr) == (Exit.REFUSED, True)
    assert file.read_bytes() == incomplete
    keys.write_text(json.dumps({"verifier_key": str(LOG.key), "witness_keys": []}))
    assert CliRunner().invoke(receipts, words).exit_code == 0
    assert file.read_bytes() == bytes(FILE)
    assert seen(keys) == 4
    verified = CliRunner().invoke(
        receipts, ["verify", str(file), "--authority", str(AUTHORITY.key), "--keys", str(keys)]
    )
    assert verified.exit_code == 0


def test_an_event_that_is_not_there_is_told_from_a_refusal() -> None:
    def refusing(error: Exception) -> Callable[..., Any]:
        def operation(**_: Any) -> None:
            raise error

        return operation

    for code, number in (("ResourceNotFoundException", Exit.NOT_FOUND), ("ConflictException", Exit.FAILED)):
        refused = ClientError({"Error": {"Code": code, "Message": "why"}}, "GetEventProof")
        with pytest.raises(NoProofError, match="why") as caught:
            ask_edge(refusing(refused), eventId="x")
        assert caught.value.exit_code == number
    for error, number in (
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetEventProof"), Exit.REFUSED),
        (EndpointConnectionError(endpoint_url="https://nobody"), Exit.UNAVAILABLE),
    ):
        with pytest.raises(CommandError) as denied:
            ask_edge(refusing(error))
        assert (denied.value.exit_code, isinstance(denied.value, NoProofError)) == (number, False)
