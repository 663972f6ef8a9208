"""Keys that a service manages for an account: alias/aws/bedrock, made when it is first used.

AWS: https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-key
"""

import json
from datetime import timedelta

from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.randomness import Randomness, random_uuid
from services.kms.domain.aliases import Alias
from services.kms.domain.keys import Key, KeyManager, KeyState
from services.kms.domain.names import AliasName
from services.kms.operations.key_making import make_key
from services.kms.operations.key_records import KeyChange, KeyRecords
from services.kms.operations.material_store import MaterialStore

_SERVICES = {"aws/bedrock": "bedrock"}
"""Aliases of the keys that are made, and the services that use them."""
_ROTATION_DAYS = 365
_DESCRIPTION = "Default key that protects my {service} data when no other key is defined"


class ManagedKeys:
    """Makes an account's key of a service."""

    def __init__(
        self,
        records: KeyRecords,
        material: MaterialStore,
        clock: Clock,
        randomness: Randomness,
        partition: str,
    ) -> None:
        """Make keys in `records`."""
        self._records = records
        self._material = material
        self._clock = clock
        self._randomness = randomness
        self._partition = partition

    async def prepare(self, call: CallContext, text: str) -> None:
        """Make the key that `text` means, if it is the alias of one that is not there yet.

        Anybody of the account may cause it, because it gives nobody anything: who may use the key is decided
        afterwards, as with any other.
        """
        if "/aliases/aws/" not in text or call.principal is None:
            return
        try:
            name = AliasName.parse(text)
        except ValueError:
            return
        principal = call.principal
        own = (name.parent.owner, name.parent.region) == (principal.account_id, principal.region)
        if own and name.name in _SERVICES and await self._records.alias(name) is None:
            # An effect before the answer: whoever caused it stands in the log first.
            await call.intended()
            await self._make(name, principal.account_incarnation)

    async def _make(self, name: AliasName, incarnation: str) -> None:
        now, service = self._clock.now(), _SERVICES[name.name]
        key = Key(
            name.parent.key(random_uuid(self._randomness)),
            incarnation,
            KeyState.ENABLED,
            _DESCRIPTION.format(service=service.capitalize()),
            now,
            primary_version=1,
            manager=KeyManager.SERVICE,
            policy=self._policy(name, service),
            rotation_days=_ROTATION_DAYS,
            rotate_at=now + timedelta(days=_ROTATION_DAYS),
        )

        def write(change: KeyChange, placed: Key) -> Key | None:
            existing = change.alias(name)
            if existing is None:
                change.put_alias(Alias(name, placed.name, now, now))
                return None
            return change.key(existing.key)

        await make_key(self._records, self._material, key, self._randomness, write)

    def _policy(self, name: AliasName, service: str) -> str:
        account, region = name.parent.owner, name.parent.region
        use = {
            "Sid": f"Allow access through {service.capitalize()} for all principals in the account that are "
            f"authorized to use {service.capitalize()}",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [
                "kms:Encrypt",
                "kms:Decrypt",
                "kms:ReEncrypt*",
                "kms:GenerateDataKey*",
                "kms:DescribeKey",
            ],
            "Resource": "*",
            "Condition": {
                "StringEquals": {
                    "kms:CallerAccount": account,
                    "kms:ViaService": f"{service}.{region}.amazonaws.com",
                }
            },
        }
        look = {
            "Sid": "Allow direct access to key metadata to the account",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{self._partition}:iam::{account}:root"},
            "Action": ["kms:Describe*", "kms:Get*", "kms:List*"],
            "Resource": "*",
        }
        document = {"Version": "2012-10-17", "Id": f"auto-{service}-1", "Statement": [use, look]}
        return json.dumps(document, indent=2)
