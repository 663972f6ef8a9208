"""A log that is known by its keys in a file, and remembered by the newest checkpoint of it that was seen.

Keys alone show that a checkpoint is the log's. That the log is still the one of yesterday, and has only
grown, is known to who remembers: beside the file of the keys lies the newest checkpoint, as `<file>.seen`.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from cli.log_client import LogClient
from cli.output import CommandError, Exit
from cli.verifier_keys import trust_of
from deploy.pki.store import write_private
from tlog import strict_json
from tlog.checkpoint import Checkpoint, Trust
from tlog.errors import TlogError
from tlog.event_proof import EventProof
from tlog.leaf import verify_event
from tlog.note import Note, VerifierKey
from tlog.witness import NOTHING, ForkError, Seen, judge

_MAX_BYTES = 65_536
Consistency = Callable[[int, int], Sequence[bytes]]


class PinnedLog:
    """Whose signatures to demand, and what was seen."""

    def __init__(self, file: Path) -> None:
        """Read the keys, as `craton audit key --json` prints them. Raises TlogError."""
        self._seen = file.with_name(f"{file.name}.seen")
        self._conflict = file.with_name(f"{file.name}.conflict")
        try:
            members = strict_json.parse(file.read_bytes()[:_MAX_BYTES])
            key = VerifierKey.parse(members["verifier_key"])
            witnesses = tuple(map(VerifierKey.parse, members["witness_keys"]))
        except (OSError, KeyError, TypeError, AttributeError, TlogError) as error:
            raise TlogError(
                f"{file} has no keys of a log, as `craton audit key --json` prints them"
            ) from error
        self.trust = trust_of(key, witnesses)

    def seen(self) -> Seen:
        """Return what was seen of the log. Raises CommandError when the file of that is damaged."""
        try:
            note = Note.parse(self._seen.read_bytes()[: _MAX_BYTES + 1])
            # Witnesses may have changed since; the log has not.
            checkpoint = Trust(self.trust.log).checkpoint(note)
        except FileNotFoundError:
            return NOTHING
        except (OSError, TlogError) as error:
            raise CommandError(
                f"{self._seen} is no checkpoint of the log: {error}. Without it nobody notices that the log "
                "was put back: remove it only if you know what became of it.",
                Exit.REFUSED,
            ) from error
        return Seen(checkpoint.size, checkpoint.root)

    def admit(self, note: Note, before: Seen, consistency: Consistency) -> Checkpoint:
        """Return what a checkpoint says once it is shown to continue what was seen `before` it was asked for.

        It is remembered then. Raises CommandError.
        """
        checkpoint = self._believed(note)
        if checkpoint.size < before.size:
            raise self._accusation(
                note, f"it has {checkpoint.size} entries, and {before.size} were seen before"
            )
        try:
            hashes = consistency(before.size, checkpoint.size) if before.size < checkpoint.size else ()
            judge(before, self.trust, note, before.size, hashes)
        except ForkError as error:
            raise self._accusation(note, str(error)) from error
        if checkpoint.size > self.seen().size:
            write_private(self._seen, bytes(note), os.getuid())
        return checkpoint

    def compare(self, checkpoint: Checkpoint) -> None:
        """Refuse another tree of the size that was seen: all that can be said without asking the log."""
        seen = self.seen()
        if checkpoint.size == seen.size and checkpoint.root != seen.root:
            raise CommandError(
                f"Another tree of {seen.size} entries was seen before ({self._seen}): the log shows "
                "different people different entries.",
                Exit.REFUSED,
            )

    def _believed(self, note: Note) -> Checkpoint:
        try:
            return self.trust.checkpoint(note)
        except TlogError as error:
            raise CommandError(
                f"The log's checkpoint is not to be believed: {error}.", Exit.REFUSED
            ) from error

    def _accusation(self, note: Note, why: str) -> CommandError:
        write_private(self._conflict, bytes(note), os.getuid())
        return CommandError(
            f"The log was put back, or shows different people different entries: {why}. The log has signed "
            f"both: keep {self._seen} and {self._conflict}.",
            Exit.REFUSED,
        )


class CheckedLog:
    """Asks a log, and believes nothing of what it answers that does not prove itself."""

    def __init__(self, log: LogClient, pinned: PinnedLog | None) -> None:
        """Check against `pinned`; without it no more than that an answer is of what was asked for."""
        self._log = log
        self._pinned = pinned

    def event(self, event_id: UUID) -> EventProof:
        """Return the proof of an event. Raises NoProofError, CommandError."""
        before = NOTHING if self._pinned is None else self._pinned.seen()
        found = self._log.event(event_id)
        try:
            header = verify_event(found.entry, found.event, found.salt)
            if self._pinned is not None:
                found.verify(self._pinned.trust)
        except TlogError as error:
            raise CommandError(f"The service's answer proves nothing: {error}.", Exit.REFUSED) from error
        if header.event_id != event_id.bytes:
            raise CommandError("The service's answer is of another event.", Exit.REFUSED)
        if self._pinned is not None:
            self._pinned.admit(found.proof.checkpoint, before, self._log.consistency)
        return found


class PinnedLogType(click.ParamType[PinnedLog]):
    """A file with the keys of a log."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> PinnedLog:
        """Return the log. Raises click.UsageError."""
        try:
            return PinnedLog(Path(value))
        except TlogError as error:
            self.fail(f"{error}.", param, ctx)


def keys_option(*, required: bool = False) -> Callable[[Any], Any]:
    """Return what adds --keys to a command."""
    return click.option(
        "--keys",
        "pinned",
        type=PinnedLogType(),
        metavar="FILE",
        required=required,
        help="What `craton audit key --json` has printed once: the log's key and its witnesses', all of "
        "which must have signed. The newest checkpoint that was seen is kept beside it, as FILE.seen.",
    )


def trust_of_options(
    key: VerifierKey | None, witnesses: tuple[VerifierKey, ...], pinned: PinnedLog | None
) -> Trust:
    """Return whom to believe: keys that were named, or those of a file. Raises click.UsageError."""
    if pinned is not None:
        if key is not None or witnesses:
            raise click.UsageError("--keys says it all: leave out --key and --witness.")
        return pinned.trust
    if key is None:
        raise click.UsageError("--key is missing: `craton audit key` prints it; keep it from then on.")
    return trust_of(key, witnesses)
