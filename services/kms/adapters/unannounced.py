"""Revocations that nobody hears of, for an installation without Redis."""


class Unannounced:
    """A KeyAnnouncer that says nothing: every revocation waits for leases to end."""

    async def publish(self, subject: str, epoch: int) -> None:
        """Say nothing."""
