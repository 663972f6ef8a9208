"""A verifier in JavaScript, written from docs/audit-format.md alone, agrees with ours.

Both judge the same logs and proofs, whole ones and more than a thousand altered ones; what one believes, the
other believes, and what it says of it is the same.
"""

import base64
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.unit.tlog.json_files import read_differently, signed_by
from tests.unit.tlog.keys import LOG, WITNESSES, Signer
from tests.unit.tlog.trees import path
from tests.verifier.javascript import ManyCommands, javascript
from tlog.checkpoint import Checkpoint, Trust
from tlog.errors import TlogError
from tlog.event_proof import EventProof
from tlog.fsck import check
from tlog.hashing import EMPTY_ROOT
from tlog.inclusion import InclusionProof
from tlog.leaf import LeafHeader, commit
from tlog.note import Note, Signature, SignatureType, VerifierKey
from tlog.tiles import CHECKPOINT_PATH
from tlog.tree import EMPTY, grow

ROOT = Path(__file__).resolve().parents[3]
TIME_S = 1_700_000_000
TRUST = Trust(LOG.key, (WITNESSES[0].key,), quorum=1)
KEYS = ("--key", str(LOG.key), "--witness", str(WITNESSES[0].key))
COSIGNED = [{"witness": WITNESSES[0].key.name, "time": TIME_S}]
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def verifier() -> Iterator[ManyCommands]:
    started = ManyCommands()
    yield started
    started.close()


def event(number: int) -> tuple[bytes, bytes]:
    """An event and its salt."""
    return b"what happened %d" % number, sha256(b"salt %d" % number).digest()


@cache
def entry(number: int) -> bytes:
    content, salt = event(number)
    header = LeafHeader(number.to_bytes(16, "big"), 7_000_000 * number, b"k" * 16, commit(content, salt))
    sealed = random.Random(number).randbytes(12 + len(salt) + len(content) + 16 + number % 40)
    return bytes(header) + sealed


def entries(size: int) -> list[bytes]:
    return [entry(number) for number in range(size)]


def signed(checkpoint: Checkpoint) -> Note:
    """By the log and two witnesses, of which one is nobody's that is asked for here."""
    note = LOG.sign(Note(checkpoint.text, ()))
    for witness in WITNESSES[:2]:
        note = witness.sign(note, TIME_S)
    return note


@cache
def log(size: int, steps: tuple[int, ...] = ()) -> tuple[Files, Checkpoint]:
    """A log's files, as they are after it has grown by steps."""
    edge, files = EMPTY, {}
    for end in (*steps, size):
        growth = grow(edge, entries(end)[edge.bundle_start :])
        edge = growth.edge
        files |= growth.files
    checkpoint = Checkpoint(LOG.key.name, size, edge.root)
    return files | {CHECKPOINT_PATH: bytes(signed(checkpoint))}, checkpoint


def written(files: Files, folder: Path) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


async def ours(folder: Path) -> dict[str, Any] | None:
    """What `craton audit fsck --json` says of a log, and who has cosigned it; None when it is damaged."""

    async def read(name: str) -> bytes | None:
        return (folder / name).read_bytes() if (folder / name).is_file() else None

    try:
        done = await check(read, TRUST)
    except TlogError:
        return None
    found = done.checkpoint
    return {
        "log": found.origin,
        "entries": found.size,
        "files": done.files,
        "root": found.root.hex(),
        "cosigned": COSIGNED,
    }


def proof_of(index: int, size: int) -> EventProof:
    content, salt = event(index)
    hashes = tuple(path(index, entries(size)))
    return EventProof(entry(index), content, salt, InclusionProof(index, hashes, signed(log(size)[1])))


def proved(content: bytes) -> dict[str, Any] | None:
    """What a proof has shown; None when that is nothing."""
    try:
        read = EventProof.parse(content)
        found = read.verify(TRUST)
    except TlogError:
        return None
    return {
        "log": found.checkpoint.origin,
        "index": found.index,
        "size": found.checkpoint.size,
        "root": found.checkpoint.root.hex(),
        "event_id": re.sub(
            r"^(.{8})(.{4})(.{4})(.{4})(.{12})$", r"\1-\2-\3-\4-\5", found.header.event_id.hex()
        ),
        "time_us": found.header.time_us,
        "event": base64.b64encode(read.event).decode(),
        "cosigned": COSIGNED,
    }


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 513, 1_000, 65_536, 70_000])
async def test_whole_logs(verifier: ManyCommands, size: int, tmp_path: Path) -> None:
    folder = written(log(size)[0], tmp_path)
    code, shown = verifier.run("log", str(folder), *KEYS)
    assert (code, shown) == (0, await ours(folder))
    assert shown["entries"] == size


@pytest.mark.parametrize("gone", [False, True])
async def test_partial_files_of_smaller_trees(verifier: ManyCommands, gone: bool, tmp_path: Path) -> None:
    """They may lie there still; or be gone, and the full ones are there for them."""
    files = log(900, (1, 200, 300, 700))[0] | {CHECKPOINT_PATH: log(300)[0][CHECKPOINT_PATH]}
    partial = {name for name in files if name.partition(".p/")[0] in files and ".p/" in name}
    assert {"tile/0/001.p/44", "tile/entries/001.p/44"} <= partial
    kept = {name: content for name, content in files.items() if not (gone and name in partial)}
    # The tile of the tree of 900 is partial, as that of 300 is.
    kept |= {"tile/1/000.p/1": files["tile/1/000.p/1"]}
    folder = written(kept, tmp_path)
    code, shown = verifier.run("log", str(folder), *KEYS)
    assert (code, shown) == (0, await ours(folder))
    assert shown["entries"] == 300


Alter = Callable[[random.Random, bytes], bytes]


def flipped(chance: random.Random, content: bytes) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + bytes((content[at] ^ 1 << chance.randrange(8),)) + content[at + 1 :]


def shortened(chance: random.Random, content: bytes) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + content[at + chance.choice((1, 32, len(content))) :]


def lengthened(chance: random.Random, content: bytes) -> bytes:
    at = chance.randrange(len(content) + 1)
    return content[:at] + chance.choice((b"\0", b"\n", content[:40], content)) + content[at:]


def line_moved(chance: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    line = lines.pop(chance.randrange(len(lines)))
    for _ in range(chance.randrange(3)):
        lines.insert(chance.randrange(len(lines) + 1), line)
    return b"\n".join(lines)


ALTERATIONS: tuple[Alter, ...] = (flipped, flipped, flipped, shortened, lengthened)


async def test_altered_files_of_logs(verifier: ManyCommands, tmp_path: Path) -> None:
    """Every file of a log with full and partial ones in turn; what is believed is what is proved."""
    chance, believed = random.Random(1), 0
    folder = written(log(600)[0], tmp_path)
    whole = await ours(folder)
    for number in range(400):
        name = list(log(600)[0])[number % len(log(600)[0])]
        content = (folder / name).read_bytes()
        altered = chance.choice((*ALTERATIONS, line_moved))(chance, content)
        if altered == content:
            continue
        (folder / name).write_bytes(altered)
        code, shown = verifier.run("log", str(folder), *KEYS)
        assert (shown if code == 0 else None) == await ours(folder), (number, name, altered)
        # Only the line of the witness that nobody asks for, and the order of the lines, may be another.
        assert code == 1 or (name == CHECKPOINT_PATH and shown == whole)
        believed += code == 0
        (folder / name).write_bytes(content)
    assert 0 < believed < 40


async def test_missing_files_of_logs(verifier: ManyCommands, tmp_path: Path) -> None:
    folder = written(log(600)[0], tmp_path)
    for name, content in log(600)[0].items():
        (folder / name).unlink()
        assert verifier.run("log", str(folder), *KEYS)[0] == 1
        assert await ours(folder) is None
        (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    "others",
    [
        [*entries(300), entry(7), *entries(400)[300:]],
        [*entries(300), b"no entry", *entries(400)[300:]],
        [*entries(300), entry(300)[: 73 + 12 + 32 + 16], *entries(400)[301:]],
        [*entries(300), b"\3" + entry(300)[1:], *entries(400)[301:]],
    ],
)
async def test_entries_that_an_honest_log_never_has(
    verifier: ManyCommands, others: list[bytes], tmp_path: Path
) -> None:
    """An event twice, and what is no entry: also where the log has signed it."""
    growth = grow(EMPTY, others)
    checkpoint = signed(Checkpoint(LOG.key.name, len(others), growth.edge.root))
    folder = written({**growth.files, CHECKPOINT_PATH: bytes(checkpoint)}, tmp_path)
    assert verifier.run("log", str(folder), *KEYS)[0] == 1
    assert await ours(folder) is None


@pytest.mark.parametrize(
    "others",
    [
        [*entries(300), entry(700), *entries(600)[301:]],
        [*entries(300), entry(301), entry(300), *entries(600)[302:]],
        [*entries(599), entry(700)],
        [entry(700), *entries(600)[1:]],
    ],
)
async def test_a_log_that_was_rewritten(verifier: ManyCommands, others: list[bytes], tmp_path: Path) -> None:
    """All files fit each other; only the root that was signed is that of other entries."""
    checkpoint = {CHECKPOINT_PATH: log(600)[0][CHECKPOINT_PATH]}
    folder = written({**grow(EMPTY, others).files, **checkpoint}, tmp_path)
    code, shown = verifier.run("log", str(folder), *KEYS)
    assert (code, shown) == (1, "not proved: the entries have another root than the checkpoint")
    assert await ours(folder) is None


@pytest.mark.parametrize(
    "name", ["tile/entries/000", "tile/entries/002.p/88", "tile/0/000", "tile/1/000.p/2"]
)
async def test_files_that_go_on_after_their_end(verifier: ManyCommands, name: str, tmp_path: Path) -> None:
    folder = written(log(600)[0], tmp_path)
    content = (folder / name).read_bytes()
    for more in (b"\0", b"\0\0", b"\0\1", content[:32], len(entry(700)).to_bytes(2, "big") + entry(700)):
        (folder / name).write_bytes(content + more)
        assert verifier.run("log", str(folder), *KEYS)[0] == 1
        assert await ours(folder) is None


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 1_000, 70_000])
def test_proofs(verifier: ManyCommands, size: int, tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    drawn = random.Random(size).sample(range(size), min(size, 3 if size > 1_000 else 20))
    for index in {0, size - 1, *drawn}:
        file.write_bytes(bytes(proof_of(index, size)))
        code, shown = verifier.run("verify", str(file), *KEYS)
        assert (code, shown) == (0, proved(file.read_bytes()))
        assert (shown["index"], shown["size"]) == (index, size)


@pytest.mark.parametrize(("index", "size"), [(0, 1), (255, 257), (256, 257), (37, 1_000)])
def test_altered_proofs(verifier: ManyCommands, index: int, size: int, tmp_path: Path) -> None:
    """Every member in turn: its bytes, and for those in base64 also its text."""
    chance, believed, file = random.Random(index), 0, tmp_path / "event.json"
    members = json.loads(bytes(proof_of(index, size)))
    whole = proved(bytes(proof_of(index, size)))
    for number in range(300):
        name = ("entry", "event", "salt", "proof", "proof")[number % 5]
        if name == "proof":
            alter = chance.choice((*ALTERATIONS, line_moved, line_moved))
            altered = alter(chance, members[name].encode()).decode("utf-8", "replace")
        elif number % 2:
            altered = chance.choice(ALTERATIONS)(chance, members[name].encode()).decode("utf-8", "replace")
        else:
            alter = chance.choice(ALTERATIONS)
            altered = base64.b64encode(alter(chance, base64.b64decode(members[name]))).decode()
        if altered == members[name]:
            continue
        file.write_text(json.dumps(members | {name: altered}))
        code, shown = verifier.run("verify", str(file), *KEYS)
        assert (shown if code == 0 else None) == proved(file.read_bytes()), (number, name, altered)
        # Only the line of the witness that nobody asks for, and the order of the lines, may be another.
        assert code == 1 or (name == "proof" and shown == whole)
        believed += code == 0
    assert 0 < believed < 60


@pytest.mark.parametrize(("size", "index"), [(1, 0), (7, 6), (256, 100)])
def test_another_index(verifier: ManyCommands, size: int, index: int, tmp_path: Path) -> None:
    """Also one beyond the tree, to which hashes may seem to lead; and other forms of the right one."""
    members, file = json.loads(bytes(proof_of(index, size))), tmp_path / "event.json"
    others = {0, size, size + index, 2**63 - 1, 2**63, *range(300)} - {index}
    for other in (
        *others,
        -index,
        -1,
        f"0{index}",
        f"+{index}",
        f"{index} ",
        f" {index}",
        f"{index}.0",
        "",
        "x",
    ):
        if str(other) == str(index):
            continue
        changed = members["proof"].replace(f"index {index}", f"index {other}", 1)
        file.write_text(json.dumps(members | {"proof": changed}))
        assert verifier.run("verify", str(file), *KEYS)[0] == 1, other
        assert proved(file.read_bytes()) is None


def test_how_long_a_file_may_be(verifier: ManyCommands, tmp_path: Path) -> None:
    content, file = bytes(proof_of(3, 5)), tmp_path / "event.json"
    for length, code in ((2**20, 0), (2**20 + 1, 1)):
        file.write_bytes(content.ljust(length))
        assert verifier.run("verify", str(file), *KEYS)[0] == code
        assert (proved(file.read_bytes()) is None) is bool(code)


def test_the_beginning_of_an_event_is_no_salt(verifier: ManyCommands, tmp_path: Path) -> None:
    content, salt = event(3)
    moved = replace(proof_of(3, 5), event=content[1:], salt=salt + content[:1])
    (tmp_path / "event.json").write_bytes(bytes(moved))
    assert verifier.run("verify", str(tmp_path / "event.json"), *KEYS)[0] == 1
    assert proved(bytes(moved)) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        b" " * 2_000_000,
        b'{"entry": 1, "event": "", "salt": "", "proof": ""}',
        b'{"entry": "", "event": "", "salt": "", "proof": ""}',
        b'{"entry": "", "event": "", "salt": "", "proof": "", "__proto__": ""}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_proof(verifier: ManyCommands, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_bytes(content)
    assert verifier.run("verify", str(tmp_path / "event.json"), *KEYS)[0] == 1
    assert proved(content) is None


@pytest.mark.parametrize("content", read_differently(bytes(proof_of(3, 7))))
def test_files_that_can_be_read_differently(verifier: ManyCommands, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_bytes(content)
    assert verifier.run("verify", str(tmp_path / "event.json"), *KEYS)[0] == 1
    assert proved(content) is None


@pytest.mark.parametrize("name", ["n", "\U0001f511", "x\u200by", "\ufeff"])
def test_files_that_are_written_otherwise(verifier: ManyCommands, name: str, tmp_path: Path) -> None:
    """Who signs besides may have any name, escaped or not."""
    escaped = signed_by(bytes(proof_of(3, 7)), name).replace(b'"entry"', b'"\\u0065ntry"')
    for content in (escaped, json.dumps(json.loads(escaped), ensure_ascii=False).encode()):
        (tmp_path / "event.json").write_bytes(content)
        assert verifier.run("verify", str(tmp_path / "event.json"), *KEYS) == (0, proved(content))


def log_of(note: Note, folder: Path) -> str:
    return str(written({CHECKPOINT_PATH: bytes(note)}, folder))


EMPTY_LOG = Checkpoint(LOG.key.name, 0, EMPTY_ROOT)


def test_who_must_have_signed(verifier: ManyCommands, tmp_path: Path) -> None:
    """The log by all means, and every witness that is asked for, once and rightly."""
    by_log = LOG.sign(Note(EMPTY_LOG.text, ()))
    cosigned = WITNESSES[0].sign(by_log, TIME_S)
    assert verifier.run("log", log_of(by_log, tmp_path), *KEYS[:2])[0] == 0
    assert verifier.run("log", log_of(by_log, tmp_path), *KEYS)[0] == 1
    assert verifier.run("log", log_of(cosigned, tmp_path), *KEYS)[0] == 0
    without_log = WITNESSES[0].sign(Note(EMPTY_LOG.text, ()), TIME_S)
    assert verifier.run("log", log_of(without_log, tmp_path), *KEYS)[0] == 1
    twice = Note(cosigned.text, (*cosigned.signatures, cosigned.signatures[-1]))
    assert verifier.run("log", log_of(twice, tmp_path), *KEYS)[0] == 1
    assert verifier.run("log", log_of(twice, tmp_path), *KEYS[:2])[0] == 0
    [*_, signature] = cosigned.signatures
    later = replace(signature, value=(TIME_S + 1).to_bytes(8, "big") + signature.value[8:])
    assert verifier.run("log", log_of(by_log.signed(later), tmp_path), *KEYS)[0] == 1
    for value in (b"s", signature.value[:7], signature.value[:-1], signature.value + b"s"):
        short_or_long = by_log.signed(replace(signature, value=value))
        assert verifier.run("log", log_of(short_or_long, tmp_path), *KEYS)[0] == 1
    never = WITNESSES[0].sign(by_log, 2**63)
    assert verifier.run("log", log_of(never, tmp_path), *KEYS)[0] == 1


def test_checkpoints_of_others(verifier: ManyCommands, tmp_path: Path) -> None:
    other = Signer("other.example/log", SignatureType.NOTE)
    signed_by_other = log_of(other.sign(Note(EMPTY_LOG.text, ())), tmp_path)
    assert verifier.run("log", signed_by_other, *KEYS[:2])[0] == 1
    # A signature over another log's checkpoint by this log's key, and of another key under this log's name.
    of_other = log_of(LOG.sign(Note(replace(EMPTY_LOG, origin="other.example/log").text, ())), tmp_path)
    assert verifier.run("log", of_other, *KEYS[:2])[0] == 1
    not_empty = log_of(LOG.sign(Note(replace(EMPTY_LOG, root=bytes(32)).text, ())), tmp_path)
    assert verifier.run("log", not_empty, *KEYS[:2])[0] == 1


def test_extension_lines(verifier: ManyCommands, tmp_path: Path) -> None:
    """Our logs have none. Who reads C2SP's format skips them; they are signed as the other lines are."""
    extended = WITNESSES[0].sign(LOG.sign(Note(EMPTY_LOG.text + "more\nand more\n", ())), TIME_S)
    assert verifier.run("log", log_of(extended, tmp_path), *KEYS)[0] == 0
    other = Note(extended.text.replace("more", "less"), extended.signatures)
    assert verifier.run("log", log_of(other, tmp_path), *KEYS)[0] == 1
    for text in (f"{EMPTY_LOG.text}\n", f"{EMPTY_LOG.text}\nmore\n", EMPTY_LOG.text.split("\n")[0] + "\n0\n"):
        malformed = LOG.sign(Note(text, ()))
        assert verifier.run("log", log_of(malformed, tmp_path), *KEYS[:2])[0] == 1


@pytest.mark.parametrize(
    ("count", "length", "believed"), [(63, 68, True), (64, 68, False), (50, 900, True), (50, 1_000, False)]
)
async def test_how_long_a_note_may_be(
    verifier: ManyCommands, count: int, length: int, believed: bool, tmp_path: Path
) -> None:
    others = [Signature("other.example/w", b"%04d" % number, bytes(length - 4)) for number in range(count)]
    note = LOG.sign(Note(EMPTY_LOG.text, tuple(others)))
    assert (verifier.run("log", log_of(note, tmp_path), *KEYS[:2])[0] == 0) is believed
    if believed:
        assert Trust(LOG.key).checkpoint(Note.parse(bytes(note))) == EMPTY_LOG
    else:
        with pytest.raises(TlogError):
            Note.parse(bytes(note))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"witness.example/1", b"witness.example/\x01"),
        (b"witness.example/1", b"witness.example/\t"),
        (b"witness.example/1", b"witness.example/\xff"),
        (b"witness.example/1", b"witness+example/1"),
        ("— witness.example/1".encode(), b"- witness.example/1"),
        (b"witness.example/1 ", b"witness.example/1 AAAA\n"),
        (b"witness.example/1 ", b"witness.example/1  "),
        (b"witness.example/1 ", "witness.example/1 AAAAAA==\n— witness.example/1 ".encode()),
        (b"\n\n", b"\n"),
        (b"\n", b"\r\n"),
        (LOG.key.name.encode() + b"\n", b"\xef\xbb\xbf" + LOG.key.name.encode() + b"\n"),
    ],
)
def test_what_is_no_note(verifier: ManyCommands, old: bytes, new: bytes, tmp_path: Path) -> None:
    """The whole note is refused for a malformed line, also for one that nobody asks for."""
    content = bytes(signed(EMPTY_LOG)).replace(old, new)
    assert content != bytes(signed(EMPTY_LOG))
    whole = bytes(signed(EMPTY_LOG))
    for altered in (content, whole[:-1], whole[:-1] + b"x", whole + b"\n"):
        (tmp_path / CHECKPOINT_PATH).write_bytes(altered)
        assert verifier.run("log", str(tmp_path), *KEYS)[0] == 1
        with pytest.raises(TlogError):
            TRUST.checkpoint(Note.parse(altered))


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "a\u00a0b", "a\x01b"])
def test_names_that_no_key_has(verifier: ManyCommands, name: str, tmp_path: Path) -> None:
    key = b"\1" + LOG.key.public_key
    key_id = sha256(name.encode() + b"\n" + key).digest()[:4]
    text = f"{name}+{key_id.hex()}+{base64.b64encode(key).decode()}"
    assert verifier.run("log", str(tmp_path), "--key", text)[0] == 2
    with pytest.raises(TlogError):
        VerifierKey.parse(text)


def test_the_documented_example_and_exit_codes(tmp_path: Path) -> None:
    example = str(ROOT / "docs/examples/audit_log/event.json")
    [key] = re.findall(r"craton\.example/audit\+\S+", (ROOT / "docs/audit-format.md").read_text())
    done = javascript("verify", example, "--key", key)
    assert (done.returncode, done.stderr) == (0, "")
    shown = json.loads(done.stdout)
    assert (shown["log"], shown["index"], shown["size"]) == ("craton.example/audit", 4, 7)
    assert b"InvokeModel" in base64.b64decode(shown["event"])
    refused = javascript("verify", example, *KEYS[:2])
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "not proved: audit.example/log has not signed" in refused.stderr
    for words in (
        (),
        ("verify", example),
        ("check", example, "--key", key),
        ("verify", example, "--key", key, "--loudly"),
        ("verify", example, "--key", key[:-1]),
        ("verify", example, "--key", key.replace("+7", "+8", 1)),
        ("verify", example, "--key", str(WITNESSES[0].key)),
        ("verify", example, "--key", key, "--witness", str(LOG.key)),
        ("verify", example, "--key", key, *(2 * KEYS[2:])),
        ("verify", str(tmp_path / "missing.json"), "--key", key),
        ("verify", str(tmp_path), "--key", key),
        ("log", example, "--key", key),
        ("log", str(tmp_path / "missing"), "--key", key),
    ):
        wrong = javascript(*words)
        assert (wrong.returncode, wrong.stdout) == (2, ""), words
        assert wrong.stderr.count("\n") == 1
