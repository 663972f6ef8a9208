"""Deletions in the audit log."""

import hashlib

from services.chassis.audit.ports import AuditedMethod, AuditRecorder, Recording
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.identity import WorkloadId
from services.chassis.randomness import Randomness, random_uuid
from services.kms.domain.names import KeyClass, KeyName

_METHOD = AuditedMethod("kms.amazonaws.com", "DeleteKey", Recording.EFFECT)
"""AWS: https://docs.aws.amazon.com/kms/latest/developerguide/ct-delete-key.html"""


class RecordedDeletions:
    """A DeletionAudit: intent and outcome of a call that kms makes itself, also in the account's own log."""

    def __init__(
        self, recorder: AuditRecorder, workload: WorkloadId, clock: Clock, randomness: Randomness
    ) -> None:
        """Record by `recorder`, as the workload kms."""
        self._recorder = recorder
        self._workload = workload
        self._clock = clock
        self._randomness = randomness
        self._calls: dict[KeyName, CallContext] = {}

    async def intend(self, name: KeyName) -> None:
        """Write the intent."""
        call = CallContext(
            method="kms.DeleteKey",
            request_id=random_uuid(self._randomness),
            call_id=random_uuid(self._randomness),
            caller=self._workload,
            started=self._clock.boottime(),
        )
        call.resources.append(name.displayed)
        if name.parent.key_class is KeyClass.CUSTOMER:
            call.recipients.append(name.parent.owner)
        self._calls[name] = call
        await self._recorder.intent(call, _METHOD)

    async def deleted(self, name: KeyName, certificate: bytes) -> None:
        """Write the outcome, with the digest of the certificate."""
        call = self._calls.pop(name)
        call.resources.append(f"urn:sha256:{hashlib.sha256(certificate).hexdigest()}")
        await self._recorder.outcome(call, _METHOD, "OK", "")

    async def spared(self, name: KeyName) -> None:
        """Write the outcome of an intent that came to nothing."""
        call = self._calls.pop(name)
        await self._recorder.outcome(call, _METHOD, "FAILED_PRECONDITION", "RESOURCE_STATE")
