"""Grant tokens: they name a grant, and nobody but this key service can make one.

A grant is in force everywhere when it is acknowledged, so that a token gives nothing that the grant does not
give without it; it lets a client retire a grant whose name it does not know, and is checked wherever one is
shown. AWS: https://docs.aws.amazon.com/kms/latest/developerguide/using-grant-token.html
"""

import base64

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes
from services.kms.domain import envelope
from services.kms.domain.ciphertext import Ciphertext
from services.kms.domain.names import GrantName
from services.kms.errors import invalid_grant_token
from services.kms.ports import RecordChange, RecordId, Records

_SECRET = RecordId("secrets", "grant-tokens", "1")
_SECRET_SIZE = 32
_NAME, _VERSION = "grant-tokens", 1


class GrantTokens:
    """Makes and reads tokens."""

    def __init__(self, records: Records, randomness: Randomness) -> None:
        """Keep the secret of all tokens in `records`, which seals it."""
        self._records = records
        self._randomness = randomness

    async def make(self, name: GrantName) -> str:
        """Return a token for a grant; each is another one."""
        secret, plaintext = await self._key(), SecretBytes(str(name).encode())
        sealed = envelope.encrypt(secret, _NAME, _VERSION, plaintext, {}, self._randomness)
        return base64.urlsafe_b64encode(sealed).decode()

    async def read(self, token: str) -> GrantName:
        """Return the grant that a token names, which may have ended. Raises INVALID_GRANT_TOKEN."""
        try:
            ciphertext = Ciphertext.parse(base64.b64decode(token, altchars=b"-_", validate=True))
            opened = envelope.decrypt(await self._key(), ciphertext, {})
            return GrantName.parse(opened.reveal().decode())
        except ValueError:
            raise invalid_grant_token() from None
        except DomainError as error:
            if error.reason != ErrorReason.ERROR_REASON_INVALID_CIPHERTEXT:
                raise
            raise invalid_grant_token() from None

    async def _key(self) -> SecretBytes:
        known = await self._records.get(_SECRET)
        if known is not None:
            return SecretBytes(known.body)
        fresh = SecretBytes(self._randomness.token_bytes(_SECRET_SIZE))

        def work(change: RecordChange) -> SecretBytes:
            first = change.get(_SECRET)
            if first is not None:
                return SecretBytes(first.body)
            change.put(_SECRET, fresh.reveal())
            return fresh

        return await self._records.change(work)
