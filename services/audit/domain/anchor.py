"""Anchors: how far another service's store has come."""

import hmac
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Anchor:
    """A state of a store."""

    store_id: str
    epoch: int
    """Number of changes that the store has seen."""
    digest: bytes
    """32 bytes over everything in it, keyed by its owner."""

    def may_follow(self, newest: "Anchor | None") -> bool:
        """Say whether this state may be remembered when `newest` was the last one.

        A newer one may, and the same one again, because its sender may not have heard the answer. An older
        one, or another one of the same epoch, is a store that was put back or has forked.
        """
        if newest is None or self.epoch > newest.epoch:
            return True
        return self.epoch == newest.epoch and hmac.compare_digest(self.digest, newest.digest)


def state_name(store_id: str, epoch: int) -> str:
    """Return how the log names a state of a store, among the resources of the event about it."""
    return f"stores/{store_id}/epochs/{epoch}"


def noted_epoch(name: str, store_id: str) -> int:
    """Return the epoch of a state of this store by its name in the log, 0 for another name."""
    before = state_name(store_id, 0).removesuffix("0")
    epoch = name.removeprefix(before)
    written = name.startswith(before) and epoch.isascii() and epoch.isdigit() and len(epoch) < 20
    return int(epoch) if written else 0
