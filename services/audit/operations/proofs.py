"""Proofs about the log: that an event is in it, and that it has only grown."""

from collections.abc import Sequence

from services.audit.domain.published import CERTIFICATION, INSTALLATION, is_certificate
from services.audit.domain.purged import PURGED
from services.audit.errors import (
    damaged_log,
    files_away,
    invalid_field,
    no_checkpoint_yet,
    no_such_file,
    not_in_the_log_yet,
    purged_event,
    unknown_event,
)
from services.audit.operations.cosigning import Cosigning
from services.audit.operations.lookup import Lookup
from services.audit.operations.nodes import Nodes
from services.audit.ports import EventStore, Head, HeadStore, LogFiles, LogSigner, StoredEntry
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.logs import Log as ServiceLog
from tlog.checkpoint import Trust
from tlog.errors import TlogError
from tlog.event_proof import EventProof
from tlog.inclusion import InclusionProof
from tlog.note import Note, VerifierKey
from tlog.proofs import Range, consistency_ranges, inclusion_ranges
from tlog.tiles import CHECKPOINT_PATH, parse_path

_log = ServiceLog("log")


class Proofs:
    """Proves to whoever may see an event, or asks about the log as a whole."""

    def __init__(
        self,
        events: EventStore,
        heads: HeadStore,
        files: LogFiles,
        nodes: Nodes,
        signer: LogSigner,
        cosigning: Cosigning,
        lookup: Lookup,
    ) -> None:
        """Read from these; `lookup` says who may see which events."""
        self._events = events
        self._heads = heads
        self._files = files
        self._nodes = nodes
        self._signer = signer
        self._cosigning = cosigning
        self._lookup = lookup

    async def permit(self, call: CallContext) -> None:
        """Refuse who may not look events up: checkpoints say how many events all accounts have.

        Raises DomainError: ACCESS_DENIED, and what deciding raises.
        """
        await self._lookup.account_of(call)

    async def verifier_key(self) -> VerifierKey:
        """Return the log's public key. Raises DomainError while kms is away and has not been asked yet."""
        return await self._signer.verifier_key()

    async def witness_keys(self) -> Sequence[VerifierKey]:
        """Return the public keys of the witnesses that answer."""
        return await self._cosigning.keys()

    async def checkpoint(self) -> bytes:
        """Return the newest checkpoint. Raises DomainError(RESOURCE_STATE) before the first one."""
        return (await self._head()).note

    async def event(self, call: CallContext, event_id: bytes) -> EventProof:
        """Prove an event that the caller may look up, or one that publishes the key of receipts.

        Any other one is not there, whosever it is.

        Raises DomainError: RESOURCE_NOT_FOUND, RESOURCE_STATE for one that no checkpoint covers yet, or that
        was purged with its account,
        DEPENDENCY_UNAVAILABLE while the files are away, and what looking it up raises.
        """
        account_id = await self._lookup.account_of(call)
        row = await self._events.by_id(event_id, account_id)
        if row is None and account_id is not None:
            row = await self._published(event_id)
        if row is None:
            raise unknown_event()
        if row.account_id == PURGED:
            raise purged_event(row.sequence)
        head = await self._head()
        if row.sequence >= head.size:
            raise not_in_the_log_yet()
        opened = await self._lookup.open(row)
        hashes = await self._roots(inclusion_ranges(row.sequence, head.size), head.size)
        try:
            proof = InclusionProof(row.sequence, tuple(hashes), Note.parse(head.note))
            proved = EventProof(row.leaf, opened.event, opened.salt, proof)
            proved.verify(Trust(await self._signer.verifier_key()))
        except TlogError as error:
            # Files and database have become two logs: better no proof than one that is none.
            _log.error("log_proof_fails", reason=str(error))
            raise damaged_log() from error
        return proved

    async def consistency(self, first: int, second: int) -> Sequence[bytes]:
        """Prove that the tree of `second` leaves begins with that of `first`.

        Raises DomainError: INVALID_FIELD unless the log has had both sizes, the first no later;
        DEPENDENCY_UNAVAILABLE.
        """
        size = (await self._head()).size
        if not 0 <= first <= second <= size:
            raise invalid_field("second_size", "it is at least the first size, and at most the log's")
        # Subtrees are the same in a larger tree, whose partial tiles are there for certain.
        return await self._roots(consistency_ranges(first, second), size)

    async def file(self, path: str) -> bytes:
        """Return a file. Raises DomainError: INVALID_FIELD, RESOURCE_NOT_FOUND, DEPENDENCY_UNAVAILABLE."""
        if path != CHECKPOINT_PATH:
            try:
                parse_path(path)
            except TlogError as error:
                raise invalid_field("path", str(error)) from error
        try:
            content = await self._files.get(path)
        except OSError as error:
            raise _away(error) from error
        if content is None:
            raise no_such_file()
        return content

    async def _published(self, event_id: bytes) -> StoredEntry | None:
        # Others are told by their names and not opened: nothing that takes time, or fails, is to say of one
        # that it is there.
        row = await self._events.by_id(event_id, INSTALLATION)
        if row is None or row.event_name != CERTIFICATION:
            return None
        return row if is_certificate(await self._lookup.event(row)) else None

    async def _head(self) -> Head:
        head = await self._heads.newest()
        if head is None:
            raise no_checkpoint_yet()
        return head

    async def _roots(self, ranges: Sequence[Range], size: int) -> Sequence[bytes]:
        try:
            return await self._nodes.roots(ranges, size)
        except OSError as error:
            raise _away(error) from error
        except TlogError as error:
            # A file is missing or of another length: what is altered is for those to find who verify.
            _log.error("log_file_damaged", reason=str(error))
            raise damaged_log() from error


def _away(error: OSError) -> DomainError:
    _log.warning("log_files_away", error_type=type(error).__name__)
    return files_away()
