"""Private keys that were loaded a moment ago.

Loading one costs as much as a signature with it, because its public half is computed or checked. Nothing else
of key material outlives the operation that it was unwrapped for.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from services.chassis.clock import Clock
from services.kms.domain.keys import Key, KeyVersion
from services.kms.domain.material import PrivateKey
from services.kms.domain.names import KeyName

LOADED_S = 5.0
"""How long a private key stays loaded, used or not: as long as a lease at most."""
_MOST = 1_024


@dataclass(frozen=True, slots=True)
class _Loaded:
    name: KeyName
    private_key: PrivateKey
    until: float

    def __repr__(self) -> str:
        return f"_Loaded({self.name})"


class LoadedKeys:
    """At most 1,024 of them, each for LOADED_S, found by the wrapped material that they were loaded from.

    Wrapped material begins with a random salt: what is wrapped again, after a deletion on its page, or
    imported again, is not found. Whoever asks has the key's record, verified, and has looked at its state.
    """

    def __init__(self, clock: Clock) -> None:
        """Begin without any."""
        self._clock = clock
        self._loaded: OrderedDict[bytes, _Loaded] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def get(self, key: Key, version: KeyVersion) -> PrivateKey | None:
        """Return the private key of a version, if it is loaded."""
        found = self._loaded.get(version.wrapped)
        if found is None or self._clock.boottime() >= found.until:
            return None
        if found.name is not key.name and found.name != key.name:
            return None
        return found.private_key

    def put(self, key: Key, version: KeyVersion, private_key: PrivateKey) -> None:
        """Keep it for LOADED_S."""
        self._loaded.pop(version.wrapped, None)
        self._loaded[version.wrapped] = _Loaded(key.name, private_key, self._clock.boottime() + LOADED_S)
        if len(self._loaded) > _MOST:
            self._loaded.popitem(last=False)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOADED_S, self._sweep)

    def forget(self, name: KeyName | None = None) -> None:
        """Let go of one key's, or of all."""
        gone = [wrapped for wrapped, each in self._loaded.items() if name in (None, each.name)]
        for wrapped in gone:
            del self._loaded[wrapped]

    def _sweep(self) -> None:
        """Let go of those whose time is over, the longest loaded first."""
        now, self._timer = self._clock.boottime(), None
        while self._loaded:
            wrapped, first = next(iter(self._loaded.items()))
            if now < first.until:
                self._timer = asyncio.get_running_loop().call_later(first.until - now, self._sweep)
                return
            del self._loaded[wrapped]
