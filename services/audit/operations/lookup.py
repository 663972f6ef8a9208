"""Answering questions about past events."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from craton.audit.v1 import resources_pb2 as pb
from google.protobuf.message import DecodeError

from services.audit.domain import leaf
from services.audit.domain.entry import Index, index_of
from services.audit.domain.index_rows import COLUMNS
from services.audit.domain.query import DEFAULT_PAGE_SIZE, Place, Query
from services.audit.errors import damaged, foreign_account
from services.audit.operations.account_keys import AccountKeys
from services.audit.ports import Authorization, EventStore, StoredEntry
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.logs import Log
from services.chassis.pipeline import require_principal

_ACTION = "cloudtrail:LookupEvents"
_KEYS_AT_ONCE = 16
"""Keys of a page that are opened at the same time: one page must not keep kms from everybody else."""

_log = Log("audit")


@dataclass(frozen=True, slots=True)
class Found:
    """One page of answers."""

    events: Sequence[pb.Event]
    next_page_token: str


class Lookup:
    """Finds events, opens them and checks that they are what the index says."""

    def __init__(self, store: EventStore, keys: AccountKeys, authorization: Authorization) -> None:
        """Search `store`, open with `keys`, ask `authorization` about principals."""
        self._store = store
        self._keys = keys
        self._authorization = authorization

    async def find(self, call: CallContext, query: Query, page_size: int, page_token: str) -> Found:
        """Return one page, newest first.

        A principal sees its own account when its policies allow; an operator without a principal sees
        every account. Raises DomainError.
        """
        query = await self._permitted(call, query)
        after = Place.of_token(page_token, query)
        size = page_size or DEFAULT_PAGE_SIZE
        # One more than asked for tells whether there is a next page.
        rows = await self._store.find(query, after, size + 1)
        await self._open_keys(rows[:size])
        matches = query.matcher()
        events = [await self._answer(row, matches) for row in rows[:size]]
        token = ""
        if len(rows) > size:
            last = rows[size - 1]
            token = Place(last.time_us, last.sequence).token(query)
        return Found(events, token)

    async def account_of(self, call: CallContext) -> str | None:
        """Return the account whose events the caller may see, None for all of them.

        Raises DomainError: ACCESS_DENIED, and what deciding raises.
        """
        if call.principal is None and call.caller is not None and call.caller.kind == "operator":
            return None
        claims = require_principal(call)
        await self._authorization.authorize(call, _ACTION, "*")
        return claims.account_id

    async def open(self, row: StoredEntry) -> leaf.OpenedLeaf:
        """Open an entry and compare it with the row it stood in. Raises DomainError(INTERNAL) for damage."""
        return (await self._opened(row))[0]

    async def event(self, row: StoredEntry) -> pb.Event:
        """Return the event of an entry. Raises as `open`."""
        return (await self._opened(row))[1]

    async def _answer(self, row: StoredEntry, matches: Callable[[Index], bool]) -> pb.Event:
        """Return an event that was found; the rows of its resources were not read, so it is asked itself."""
        _, event, index = await self._opened(row)
        if not matches(index):
            raise self._damaged(row)
        return event

    async def _permitted(self, call: CallContext, query: Query) -> Query:
        account_id = await self.account_of(call)
        if account_id is None:
            return query
        if query.account_id not in (None, account_id):
            raise foreign_account()
        return replace(query, account_id=account_id)

    async def _open_keys(self, rows: Sequence[StoredEntry]) -> None:
        """Have the keys of a page opened side by side: those of old events are not in memory.

        What fails is asked for again with its event, and raises there.
        """
        wanted: dict[bytes, None] = {}
        for row in rows:
            with contextlib.suppress(leaf.LeafDamagedError):
                wanted[leaf.parse_leaf(row.leaf).key_id] = None
        key_ids = list(wanted)
        for start in range(0, len(key_ids) if len(key_ids) > 1 else 0, _KEYS_AT_ONCE):
            part = key_ids[start : start + _KEYS_AT_ONCE]
            await asyncio.gather(*map(self._keys.for_opening, part), return_exceptions=True)

    async def _opened(self, row: StoredEntry) -> tuple[leaf.OpenedLeaf, pb.Event, Index]:
        try:
            key = await self._keys.for_opening(leaf.parse_leaf(row.leaf).key_id)
            if key is None:
                raise self._damaged(row)
            opened = leaf.open_leaf(row.leaf, row.account_id, key.cipher)
            event = pb.Event.FromString(opened.event)
            index = index_of(event)
        except (leaf.LeafDamagedError, DecodeError) as error:
            raise self._damaged(row) from error
        # The header is authenticated with the event; the row around the leaf is not, so it is compared.
        header = opened.header
        if (header.event_id, header.time_us) != (row.event_id, row.time_us) or _said(index) != _said(row):
            raise self._damaged(row)
        return opened, event, index

    def _damaged(self, row: StoredEntry) -> DomainError:
        _log.error("audit_entry_damaged", count=row.sequence)
        # The entry's own word, where it can be read: the row's may be what is wrong.
        event_id = row.event_id
        with contextlib.suppress(leaf.LeafDamagedError):
            event_id = leaf.parse_leaf(row.leaf).event_id
        return damaged(row.sequence, event_id)


_said = attrgetter(*COLUMNS)
"""What the columns of a row and the event itself both say."""
