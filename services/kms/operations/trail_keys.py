"""Data keys of log files that trails deliver, under keys of customers: made here, and never opened.

AWS: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.chassis.arn import arn_of
from services.chassis.context import CallContext
from services.kms.domain.keys import Key
from services.kms.domain.names import KeyName
from services.kms.domain.request_facts import RequestFacts
from services.kms.domain.specs import Algorithm
from services.kms.domain.usage import require_algorithm
from services.kms.errors import invalid_field
from services.kms.operations.keys import require_enabled
from services.kms.operations.service_access import ServiceAccess
from services.kms.operations.workload_keys import WorkloadDataKey, WorkloadKeys
from services.kms.ports import WorkingService

TRAIL_SERVICE = "cloudtrail.amazonaws.com"
"""What policies of keys call whoever delivers for trails."""
_GENERATE = "kms:GenerateDataKey"


@dataclass(frozen=True, slots=True)
class TrailFile:
    """What a data key is for."""

    trail: str
    """Resource name."""
    place: str
    """Bucket and key of the object."""

    def encryption_context(self, partition: str) -> dict[str, str]:
        """The pairs that the encrypted data key is bound to: CloudTrail's own, both of them."""
        return {
            "aws:cloudtrail:arn": arn_of(self.trail, partition),
            "aws:s3:arn": f"arn:{partition}:s3:::{self.place}",
        }


@dataclass(frozen=True, slots=True)
class TrailDataKey:
    """A data key for one file."""

    key_name: KeyName
    forms: WorkloadDataKey
    context: Mapping[str, str]
    """Encryption context."""


class TrailKeys:
    """Makes data keys for trails where the policy of the key that a trail names lets them."""

    def __init__(self, keys: WorkloadKeys, access: ServiceAccess, partition: str) -> None:
        """Use these keys as `access` permits."""
        self._keys = keys
        self._access = access
        self._partition = partition

    async def resolve(self, call: CallContext, file: TrailFile, key_name: str) -> KeyName:
        """Return the key that a name means, if trails can use it (kms:DescribeKey, kms:GenerateDataKey).

        Raises DomainError: RESOURCE_NOT_FOUND, ACCESS_DENIED; KEY_DISABLED, RESOURCE_STATE and
        INVALID_KEY_USAGE for a key that cannot be used.
        """
        working = self._working(call, file)
        action = "kms:DescribeKey"
        key = await self._access.find(working, key_name, action)
        await self._access.admit(call, working, key, action, RequestFacts())
        if key.name.displayed not in call.resources:
            # An alias was named: the log says which key it means.
            call.resources.append(key.name.displayed)
        await self._admit(call, working, file, key)
        # What would be asked for is there: its present material.
        await self._keys.primary(key.name)
        return key.name

    async def generate(self, call: CallContext, file: TrailFile, key_name: str) -> TrailDataKey:
        """Make a data key of 32 bytes for a file (kms:GenerateDataKey). Raises as `resolve`."""
        working = self._working(call, file)
        key = await self._access.find(working, key_name, _GENERATE)
        await self._admit(call, working, file, key)
        context = file.encryption_context(self._partition)
        return TrailDataKey(key.name, await self._keys.generate_data_key(key.name, context), context)

    async def _admit(self, call: CallContext, working: WorkingService, file: TrailFile, key: Key) -> None:
        facts = RequestFacts(
            encryption_context=file.encryption_context(self._partition),
            encryption_algorithm=Algorithm.SYMMETRIC_DEFAULT.value,
        )
        await self._access.admit(call, working, key, _GENERATE, facts)
        require_enabled(key)
        require_algorithm(key.spec, key.usage, Algorithm.SYMMETRIC_DEFAULT)

    def _working(self, call: CallContext, file: TrailFile) -> WorkingService:
        call.invoked_by = TRAIL_SERVICE
        try:
            arn = arn_of(file.trail, self._partition)
        except ValueError:
            raise invalid_field("trail", "it is not the resource name of a trail") from None
        return WorkingService(TRAIL_SERVICE, arn)
