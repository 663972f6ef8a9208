"""Seal and unseal: whether this process may use keys, and what it must open and forget when that changes."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.chassis.logs import Log
from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes
from services.kms.errors import custody_refused, custody_unavailable, sealed, store_opening, wrong_passphrase
from services.kms.operations.installation import change_root, open_installation
from services.kms.ports import (
    CustodyError,
    CustodyUnavailableError,
    Installations,
    PassphraseError,
    RecordStore,
    RootCustody,
    WrapKind,
)

P = ParamSpec("P")
T = TypeVar("T")

_log = Log("custody")

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0
"""Between attempts to open the store at start, while whoever holds its anchor is away."""

_NO_PASSPHRASE = SecretBytes(b"")


@dataclass(frozen=True, slots=True)
class Opened:
    """The store, open."""

    store_id: str
    records: RecordStore


@dataclass(frozen=True, slots=True)
class CustodyStatus:
    """What an operator may know of custody."""

    sealed: bool
    kind: str
    store_id: str
    root_generation: int = 0
    """0 while sealed, as the rest."""
    shred_generation: int = 0
    epoch: int = 0
    anchored_epoch: int = 0


class Seal:
    """The one seal of the process. Everything that uses keys asks it for the open store.

    Sealed is how it begins, and how it ends up whenever unsealing fails half-way.
    """

    def __init__(
        self,
        custody: RootCustody,
        installations: Installations,
        records: RecordStore,
        randomness: Randomness,
    ) -> None:
        """Open `records` with the key that `custody` unwraps of `installations`."""
        self._custody = custody
        self._installations = installations
        self._records = records
        self._randomness = randomness
        self._opened: Opened | None = None
        self._at_unseal: list[Callable[[], Awaitable[None]]] = []
        self._at_seal: list[Callable[[], None]] = []
        # Unsealing, sealing and changing the root key exclude each other, and attempts at a passphrase too.
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()

    def on_unseal(self, hook: Callable[[], Awaitable[None]]) -> None:
        """Await `hook` when the store was opened, before anybody may use it; in the order of these calls."""
        self._at_unseal.append(hook)

    def on_seal(self, hook: Callable[[], None]) -> None:
        """Call `hook` when the store is no longer to be used, or was not opened after all; the last first."""
        self._at_seal.append(hook)

    @property
    def sealed(self) -> bool:
        """True while no key can be used."""
        return self._opened is None

    def require(self) -> Opened:
        """Return the open store. Raises DomainError(SEALED), DEPENDENCY_UNAVAILABLE while it opens."""
        if self._opened is None:
            raise sealed() if self._custody.sealed else store_opening()
        return self._opened

    def check(self) -> None:
        """Hold custody and store against each other, before anything listens. Blocks.

        Raises CustodyError when they do not belong together. A sealed custody is checked when it is unsealed.
        """
        if not self._custody.sealed:
            open_installation(self._custody, self._installations, self._randomness)

    async def unseal(self, passphrase: SecretBytes) -> None:
        """Open custody, then the store. Raises DomainError: ACCESS_DENIED when the passphrase is wrong.

        RESOURCE_STATE when custody and store do not belong together, DEPENDENCY_UNAVAILABLE when the device
        or the anchor is away. A passphrase is verified even when nothing is sealed any more.
        """
        await self._alone(self._unseal(passphrase))

    async def seal(self) -> None:
        """Forget every key. Calls that are under way fail, or end with what they have already read."""
        await self._alone(self._close())
        _log.info("sealed")

    async def rotate_root(self) -> int:
        """Change the root key and return its generation. Raises DomainError(SEALED)."""
        generation = await self._alone(self._rotate_root())
        _log.info("root_key_changed", generation=generation)
        return generation

    async def change_passphrase(self, passphrase: SecretBytes, new: SecretBytes) -> None:
        """Put custody under another passphrase. It may be sealed, and stays as it is.

        Raises DomainError: ACCESS_DENIED when the present one is wrong, RESOURCE_STATE where there is none.
        """
        await self._alone(_asked(self._custody.change_passphrase, passphrase, new))
        _log.info("passphrase_changed")

    async def status(self) -> CustodyStatus:
        """Say how custody is."""
        custody, records = self._custody, self._records
        if self._opened is None:
            return CustodyStatus(True, custody.kind, custody.store_id)
        root = (await _asked(custody.generations, WrapKind.ROOT))[-1]
        shred = (await _asked(custody.generations, WrapKind.SHRED))[-1]
        return CustodyStatus(
            False, custody.kind, custody.store_id, root, shred, records.epoch, records.anchored_epoch
        )

    async def run(self) -> None:
        """Open the store at start, if custody is open; then wait for ever.

        For a background task of the server: what raises here ends the process.
        """
        pause_s = _FIRST_PAUSE_S
        while not self._custody.sealed:
            try:
                await self._alone(self._open_again())
                break
            except DomainError as error:
                if error.reason != ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE:
                    raise
                _log.warning("store_waits", reason=error.reason_name)
            # Jitter, not a secret: several services may wait for the same one.
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        await asyncio.Event().wait()

    async def ready(self) -> bool:
        """Whether keys can be used, for the server's health."""
        return self._opened is not None

    async def close(self) -> None:
        """Forget every key at the end of the process."""
        await self._alone(self._close())

    async def _alone(self, work: Coroutine[Any, Any, T]) -> T:
        """Do one thing after the other, each to its end, whether or not the caller still waits.

        A caller's deadline must not leave custody open while the process takes itself for sealed.
        """

        async def in_turn() -> T:
            async with self._turn:
                return await work

        task = asyncio.create_task(in_turn())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _unseal(self, passphrase: SecretBytes) -> None:
        await _asked(self._custody.unseal, passphrase)
        if self._opened is not None:
            return
        try:
            await self._open()
        except BaseException:
            await self._close()
            raise

    async def _open_again(self) -> None:
        """Open the store with a custody that is open and stays so, whatever comes of it."""
        if self._custody.sealed or self._opened is not None:
            return
        try:
            await self._open()
        except BaseException:
            await self._forget()
            raise

    async def _open(self) -> None:
        key = await _asked(open_installation, self._custody, self._installations, self._randomness)
        first_boot = self._custody.first_boot
        await self._records.open(key, first_boot=first_boot)
        if first_boot:
            await _asked(self._custody.complete_first_boot)
        for hook in self._at_unseal:
            with _told():
                await hook()
        self._opened = Opened(self._custody.store_id, self._records)
        _log.info("unsealed")

    async def _rotate_root(self) -> int:
        self.require()
        return await _asked(change_root, self._custody, self._installations)

    async def _close(self) -> None:
        await self._forget()
        await asyncio.to_thread(self._custody.seal)

    async def _forget(self) -> None:
        self._opened = None
        for hook in reversed(self._at_seal):
            hook()
        await self._records.close()


async def _asked(ask: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
    """Ask custody on another thread. Its refusals are an operator's to read."""
    with _told():
        return await asyncio.to_thread(ask, *arguments, **keywords)


@contextmanager
def _told() -> Iterator[None]:
    """Turn refusals of custody into what operators are told."""
    try:
        yield
    except PassphraseError:
        raise wrong_passphrase() from None
    except CustodyUnavailableError:
        raise custody_unavailable() from None
    except CustodyError as error:
        raise custody_refused(str(error)) from None
