"""The evidence file of a campaign: what was run, as tables that people read and the next run goes on from.

There is no other state. The cases of a seed run in order from 0, so that the number of cases that were run
is the index of the next one, and writing it once more counts nothing twice. A process that is killed loses
what it ran since the last write; those cases run again.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from tests.campaigns.source import ROOT


class EvidenceError(Exception):
    """The file is not what this module writes; the message says where."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one seed has behind it, under the current digest."""

    seed: int
    cases: int
    """Cases run, which is the index of the next one."""
    seconds: int
    """Time they took, over all runs of the seed."""
    first: str
    """Date of the first case, ISO 8601."""
    last: str
    planted_after: int
    """The last run found the planted fault in so many cases."""
    machine: str


@dataclass(frozen=True, slots=True)
class Found:
    """A finding. It stays, whatever digest comes after it."""

    digest: str
    seed: int
    case: int
    date: str
    what: str


@dataclass(frozen=True, slots=True)
class Past:
    """What a seed had behind it under a digest that is no longer the current one."""

    digest: str
    run: Run


@dataclass(frozen=True, slots=True)
class Measure:
    """A line that one run measured, beside its counts."""

    digest: str
    seed: int
    cases: str
    """The first and the last case of the run."""
    date: str
    what: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """The whole file."""

    digest: str = ""
    runs: tuple[Run, ...] = ()
    findings: tuple[Found, ...] = ()
    history: tuple[Past, ...] = ()
    measures: tuple[Measure, ...] = ()

    @property
    def cases(self) -> int:
        """Cases under the current digest."""
        return sum(run.cases for run in self.runs)

    def run_of(self, seed: int) -> Run | None:
        """Return what a seed has behind it."""
        return next((run for run in self.runs if run.seed == seed), None)

    def findings_of(self, digest: str) -> tuple[Found, ...]:
        """Return the findings made under a digest."""
        return tuple(each for each in self.findings if each.digest == digest)

    def under(self, digest: str) -> "Evidence":
        """Return the evidence for modules of this digest.

        The counts of another become history. Those of a digest that comes back go on: were they to begin
        again, the same cases would stand in the file twice.
        """
        if digest == self.digest:
            return self
        history = [past for past in self.history if past.digest != digest]
        history += [Past(self.digest, run) for run in self.runs]
        runs = tuple(past.run for past in self.history if past.digest == digest)
        return replace(self, digest=digest, runs=runs, history=tuple(history))

    def with_run(self, run: Run) -> "Evidence":
        """Return the evidence with a seed's line replaced or added."""
        others = [each for each in self.runs if each.seed != run.seed]
        return replace(self, runs=tuple(sorted([*others, run], key=lambda each: each.seed)))

    def with_finding(self, found: Found) -> "Evidence":
        """Return the evidence with a finding added, once however often its case is run again."""
        key = (found.digest, found.seed, found.case)
        if any((each.digest, each.seed, each.case) == key for each in self.findings):
            return self
        return replace(self, findings=(*self.findings, found))

    def with_measures(self, first: int, measures: tuple[Measure, ...]) -> "Evidence":
        """Return the evidence with what a run measured, whose first case was `first`."""
        if not measures:
            return self
        digest, seed = measures[0].digest, measures[0].seed
        others = tuple(
            each
            for each in self.measures
            if (each.digest, each.seed) != (digest, seed) or not each.cases.startswith(f"{first} to ")
        )
        return replace(self, measures=(*others, *measures))


@dataclass(frozen=True, slots=True)
class Subject:
    """What the file says about its campaign, besides the counts."""

    name: str
    summary: str
    fault: str
    sources: tuple[str, ...]
    units: tuple[int, str] = (1, "")
    """As the campaign has it."""


_RUNS = ("seed", "cases", "seconds", "first", "last", "planted fault found", "machine")
_FINDINGS = ("digest", "seed", "case", "date", "what")
_HISTORY = ("digest", *_RUNS)
_MEASURES = ("digest", "seed", "cases", "date", "measured")
_DIGEST = re.compile(r"^Digest: `([0-9a-f]{64})`$", re.MULTILINE)
_PLANTED = re.compile(r"after (\d+) cases?")


def render(subject: Subject, evidence: Evidence) -> str:
    """Write the file's text."""
    open_findings = len(evidence.findings_of(evidence.digest))
    seeds, found = _count(len(evidence.runs), "seed"), _count(open_findings, "finding")
    total = f"{evidence.cases} cases over {seeds}, {found}."
    if evidence.cases and not open_findings:
        bound = 3 / evidence.cases
        total += f" A zero in {evidence.cases} cases bounds the share of bad ones by {bound:.1e} at 95 %."
    each, unit = subject.units
    if unit:
        total += f" {evidence.cases * each} {unit}."
    parts = [
        f"# Campaign `{subject.name}`",
        subject.summary,
        f"Planted fault, which every run must find before it counts anything: {subject.fault}",
        f"`make campaign NAME={subject.name} SEED=… MINUTES=…` goes on where a seed's line ends; with "
        "`CASE=…` it runs that case alone.\nWritten by the campaign; the counts hold for the modules of this "
        "digest alone.",
        "## Counts",
        f"Digest: `{evidence.digest}`",
        "SHA-256 over " + ", ".join(f"`{source}`" for source in subject.sources) + ".",
        total,
        _table(_RUNS, [_run_row(run) for run in evidence.runs]),
        "## Findings",
        _table(
            _FINDINGS,
            [(each.digest, each.seed, each.case, each.date, each.what) for each in evidence.findings],
        ),
        "## Earlier digests",
        _table(_HISTORY, [(past.digest, *_run_row(past.run)) for past in evidence.history]),
    ]
    if evidence.measures:
        parts += ["## Measured", _table(_MEASURES, [astuple(each) for each in evidence.measures])]
    return "\n\n".join(parts) + "\n"


def parse(text: str) -> Evidence:
    """Read a file's tables. Raises EvidenceError."""
    digest = _DIGEST.search(text)
    if digest is None:
        raise EvidenceError("there is no line with the digest")
    try:
        return Evidence(
            digest[1],
            tuple(_run_of(row) for row in _rows(text, _RUNS)),
            tuple(Found(row[0], int(row[1]), int(row[2]), row[3], row[4]) for row in _rows(text, _FINDINGS)),
            tuple(Past(row[0], _run_of(row[1:])) for row in _rows(text, _HISTORY)),
            tuple(Measure(row[0], int(row[1]), row[2], row[3], row[4]) for row in _rows(text, _MEASURES)),
        )
    except ValueError as error:
        raise EvidenceError(f"a table holds what no campaign writes: {error}") from error


def cell(text: str) -> str:
    """Return a text as one cell holds it: printable ASCII on one line, no bar, 300 characters at most.

    Where this repository lies is nobody's business, and another place for every reader.
    """
    plain = (
        " ".join(text.replace(f"{ROOT}/", "").split())
        .replace("|", "/")
        .encode("ascii", "backslashreplace")
        .decode()
    )
    plain = "".join(character if character.isprintable() else "?" for character in plain)
    return plain if len(plain) <= 300 else plain[:297] + "..."


class EvidenceFile:
    """One campaign's file. Several processes may run seeds of the same campaign at the same time."""

    def __init__(self, path: Path, locks: Path, subject: Subject) -> None:
        """Keep the evidence at `path`, and locks below the folder `locks`."""
        self._path = path
        self._locks = locks
        self._subject = subject

    def read(self) -> Evidence:
        """Return what the file says; empty evidence when there is none. Raises EvidenceError, OSError."""
        try:
            return parse(self._path.read_text())
        except FileNotFoundError:
            return Evidence()
        except EvidenceError as error:
            raise EvidenceError(f"{self._path}: {error}") from error

    @contextmanager
    def seed(self, seed: int) -> Iterator[None]:
        """Hold a seed for one process. Raises BlockingIOError when another one runs it."""
        with self._lock(f"{self._subject.name}.{seed}.lock", fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield

    @contextmanager
    def change(self) -> Iterator["_Change"]:
        """Hold the file, and write at the end what the caller has put into the change. Raises as `read`."""
        with self._lock(f"{self._subject.name}.lock", fcntl.LOCK_EX):
            change = _Change(self.read())
            yield change
            self._write(render(self._subject, change.evidence))

    @contextmanager
    def _lock(self, name: str, how: int) -> Iterator[None]:
        self._locks.mkdir(parents=True, exist_ok=True)
        with (self._locks / name).open("w") as file:
            fcntl.flock(file, how)
            yield

    def _write(self, text: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_name(f".{self._path.name}.new")
        with temporary.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)


@dataclass(slots=True)
class _Change:
    evidence: Evidence


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _planted(text: str) -> int:
    match = _PLANTED.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} does not say after how many cases the planted fault was found")
    return int(match[1])


def _run_row(run: Run) -> tuple[object, ...]:
    planted = f"after {_count(run.planted_after, 'case')}"
    return (run.seed, run.cases, run.seconds, run.first, run.last, planted, run.machine)


def _run_of(row: list[str]) -> Run:
    return Run(int(row[0]), int(row[1]), int(row[2]), row[3], row[4], _planted(row[5]), row[6])


def _table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    if not rows:
        return "None."
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _rows(text: str, head: tuple[str, ...]) -> list[list[str]]:
    lines = text.splitlines()
    title = "| " + " | ".join(head) + " |"
    if title not in lines:
        return []
    rows = []
    for line in lines[lines.index(title) + 2 :]:
        if not line.startswith("|"):
            break
        cells = [each.strip() for each in line.strip("|").split(" | ")]
        if len(cells) != len(head):
            raise ValueError(f"a row of {len(cells)} cells where {len(head)} are expected")
        rows.append(cells)
    return rows
