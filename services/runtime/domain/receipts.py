"""Signed receipts, and which of them are kept for a while."""

from collections import OrderedDict
from dataclasses import dataclass

LIFE_S = 900.0
"""How long a receipt is kept after its answer."""
PER_ACCOUNT = 1000
"""Of one account; then its oldest one makes room."""
TOTAL = 10_000
"""Of all accounts: below 32 MiB, because neither part of a receipt has more than 1.5 KiB. Then the oldest one
of the account with the most makes room, so that nobody pushes out the receipts of others."""
_SWEEP_S = 60.0


@dataclass(frozen=True, slots=True)
class SignedReceipt:
    """A receipt and the certificate of the key that signed it: signed notes both."""

    receipt: bytes
    certificate: bytes


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose answer it was."""

    account_id: str
    account_incarnation: str
    principal_id: str
    region: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A receipt, and what must be permitted to get it once more."""

    signed: SignedReceipt
    action: str
    resource: str


class KeptReceipts:
    """Receipts of the last minutes, by whose they are and the ids of their requests."""

    def __init__(self) -> None:
        """Hold none."""
        self._accounts: dict[str, OrderedDict[tuple[Owner, str], tuple[float, Kept]]] = {}
        self._count = 0
        self._swept = 0.0

    def __len__(self) -> int:
        """Count those that are held."""
        return self._count

    def put(self, owner: Owner, request_id: str, kept: Kept, now: float) -> None:
        """Keep a receipt; the newest one of a request id counts.

        `now` is in seconds, of a clock that never jumps.
        """
        if now - self._swept >= _SWEEP_S:
            self._sweep(now)
        mine = self._accounts.setdefault(owner.account_id, OrderedDict())
        key = owner, request_id
        self._count += key not in mine
        mine[key] = now, kept
        mine.move_to_end(key)
        if len(mine) > PER_ACCOUNT:
            self._drop_oldest(owner.account_id)
        elif self._count > TOTAL:
            self._drop_oldest(max(self._accounts, key=lambda account_id: len(self._accounts[account_id])))

    def get(self, owner: Owner, request_id: str, now: float) -> Kept | None:
        """Return the receipt of this principal's request, None when none is kept."""
        mine = self._accounts.get(owner.account_id)
        found = None if mine is None else mine.get((owner, request_id))
        return None if found is None or now - found[0] >= LIFE_S else found[1]

    def _drop_oldest(self, account_id: str) -> None:
        held = self._accounts[account_id]
        held.popitem(last=False)
        self._count -= 1
        if not held:
            del self._accounts[account_id]

    def _sweep(self, now: float) -> None:
        self._swept = now
        for account_id in list(self._accounts):
            while (held := self._accounts.get(account_id)) and now - next(iter(held.values()))[0] >= LIFE_S:
                self._drop_oldest(account_id)
