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
