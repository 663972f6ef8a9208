"""Keys that sign, authenticate and agree, for whoever is admitted.

AWS: https://docs.aws.amazon.com/kms/latest/developerguide/symmetric-asymmetric.html
"""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import NamedTuple

from services.chassis.context import CallContext
from services.chassis.secret import SecretBytes
from services.kms.domain import agreement, macs
from services.kms.domain import signing as signatures
from services.kms.domain.keys import Key, KeyVersion
from services.kms.domain.material import load_public_key
from services.kms.domain.request_facts import RequestFacts
from services.kms.domain.signing import MessageType
from services.kms.domain.specs import Algorithm, KeyUsage
from services.kms.domain.usage import permitted_algorithm, require_usage
from services.kms.errors import unsupported
from services.kms.operations.access import Access
from services.kms.operations.key_records import KeyRecords
from services.kms.operations.keys import Keys, end_dry_run, require_enabled
from services.kms.operations.material_store import MaterialStore


class AskedOf(NamedTuple):
    """What a request says besides its bytes. A tuple, because every request makes one."""

    key: str
    """Resource name of a key or an alias."""
    algorithm: str
    """By AWS's name."""
    message_type: str = ""
    """Of signatures: "RAW" or "DIGEST"; empty for RAW."""
    grant_tokens: Sequence[str] = ()
    dry_run: bool = False


class _Admitted(NamedTuple):
    key: Key
    version: KeyVersion
    algorithm: Algorithm


class Signing:
    """Signs and verifies, makes and verifies codes, agrees on secrets, and shows public keys."""

    def __init__(self, records: KeyRecords, material: MaterialStore, access: Access) -> None:
        """Use the keys of `records` as `access` permits."""
        self._keys = Keys(records, access)
        self._material = material

    async def sign(self, call: CallContext, asked: AskedOf, message: bytes) -> tuple[bytes, Key]:
        """Sign (kms:Sign)."""
        found = await self._signer(call, asked, "Sign")
        kind = _message_type(asked)
        private_key = await self._material.private_key(found.key, found.version)
        asked_for = found.key.spec, private_key, found.algorithm, message, kind
        if found.key.spec.rsa_bits:
            # RSA takes milliseconds: not on the event loop.
            signature = await asyncio.to_thread(signatures.sign, *asked_for)
        else:
            signature = signatures.sign(*asked_for)
        end_dry_run(asked)
        return signature, found.key

    async def verify(self, call: CallContext, asked: AskedOf, message: bytes, signature: bytes) -> Key:
        """Verify (kms:Verify). Raises DomainError(INVALID_SIGNATURE)."""
        found = await self._signer(call, asked, "Verify")
        spec = found.key.spec
        public_key = load_public_key(spec, found.version.public_key)
        kind = _message_type(asked)
        signatures.verify(spec, public_key, found.algorithm, message, kind, signature)
        end_dry_run(asked)
        return found.key

    async def generate_mac(self, call: CallContext, asked: AskedOf, message: bytes) -> tuple[bytes, Key]:
        """Make a code (kms:GenerateMac)."""
        found = await self._coder(call, asked, "GenerateMac")
        secret = await self._material.unwrap(found.key, found.version)
        mac = macs.generate_mac(found.key.spec, secret, found.algorithm, message)
        end_dry_run(asked)
        return mac, found.key

    async def verify_mac(self, call: CallContext, asked: AskedOf, message: bytes, mac: bytes) -> Key:
        """Verify a code (kms:VerifyMac). Raises DomainError(INVALID_MAC)."""
        found = await self._coder(call, asked, "VerifyMac")
        secret = await self._material.unwrap(found.key, found.version)
        macs.verify_mac(found.key.spec, secret, found.algorithm, message, mac)
        end_dry_run(asked)
        return found.key

    async def public_key(
        self, call: CallContext, text: str, grant_tokens: Sequence[str]
    ) -> tuple[bytes, Key]:
        """Return a public key, SubjectPublicKeyInfo in DER (kms:GetPublicKey)."""
        key = await self._keys.admit(call, text, "kms:GetPublicKey", grant_tokens=grant_tokens)
        if not key.spec.asymmetric:
            raise unsupported(f"{key.name.displayed} is not an asymmetric key: it has no public key.")
        require_enabled(key)
        return (await self._keys.primary(key)).public_key, key

    async def derive_shared_secret(
        self, call: CallContext, asked: AskedOf, peer: bytes
    ) -> tuple[SecretBytes, Key]:
        """Agree on a secret with the holder of `peer`, a public key in DER (kms:DeriveSharedSecret)."""
        facts = RequestFacts(key_agreement_algorithm=asked.algorithm)
        found = await self._admit(
            call, asked, "DeriveSharedSecret", facts, KeyUsage.KEY_AGREEMENT, "key_agreement_algorithm"
        )
        private_key = await self._material.private_key(found.key, found.version)
        shared = agreement.derive_shared_secret(found.key.spec, private_key, found.algorithm, peer)
        end_dry_run(asked)
        return shared, found.key

    def _signer(self, call: CallContext, asked: AskedOf, operation: str) -> Awaitable[_Admitted]:
        facts = RequestFacts(
            signing_algorithm=asked.algorithm, message_type=asked.message_type or MessageType.RAW.value
        )
        usage = KeyUsage.SIGN_VERIFY
        return self._admit(call, asked, operation, facts, usage, "signing_algorithm")

    def _coder(self, call: CallContext, asked: AskedOf, operation: str) -> Awaitable[_Admitted]:
        facts = RequestFacts(mac_algorithm=asked.algorithm)
        usage = KeyUsage.GENERATE_VERIFY_MAC
        return self._admit(call, asked, operation, facts, usage, "mac_algorithm")

    async def _admit(
        self,
        call: CallContext,
        asked: AskedOf,
        operation: str,
        facts: RequestFacts,
        usage: KeyUsage,
        field: str,
    ) -> _Admitted:
        key = await self._keys.admit(call, asked.key, f"kms:{operation}", facts, asked.grant_tokens)
        require_enabled(key)
        require_usage(key.name, key.usage, usage, operation)
        algorithm = permitted_algorithm(key.spec, usage, asked.algorithm, field)
        return _Admitted(key, await self._keys.primary(key), algorithm)


def _message_type(asked: AskedOf) -> MessageType:
    return MessageType(asked.message_type or MessageType.RAW.value)
