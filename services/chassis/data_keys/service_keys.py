"""What a service needs to use data keys under its own key of kms."""

from collections.abc import Mapping, Sequence
from typing import Any

import grpc
from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.kms.v1 import key_lease_service_pb2 as leases_pb
from craton.kms.v1 import key_lease_service_pb2_grpc, service_key_service_pb2_grpc
from craton.kms.v1 import service_key_service_pb2 as keys_pb

from services.chassis.channels import Channel
from services.chassis.clock import Clock
from services.chassis.data_keys.cache import DataKey, DataKeyCache
from services.chassis.data_keys.leases import KeyLeaseAnswer, KeyLeases, KeyUse
from services.chassis.errors import DomainError
from services.chassis.randomness import Randomness
from services.chassis.revocation import KEYS
from services.chassis.revocation_ear import CONFIRM_TIMEOUT_S, ConfirmingEar, Host, new_instance_id
from services.chassis.rich_status import from_rpc_error
from services.chassis.secret import SecretBytes
from services.chassis.settings import RedisSettings

_LEASE_TIMEOUT_S = 1.5
"""Renewals that take longer would come too late for what they renew."""
_KMS = "the key service"
_ACCOUNT = "accounts/"


def account_key(account_id: str) -> str:
    """Name the service's own key for an account, which ends with the account, for DataKeyCache."""
    return f"{_ACCOUNT}{account_id}"


def use_message(use: KeyUse) -> leases_pb.KeyUse:
    """Write a use as the contract has it."""
    return leases_pb.KeyUse(
        key_name=use.key_name, operation=use.operation, encryption_context=dict(use.context)
    )


class RemoteKeyLeases:
    """A KeyLeaseSource over kms.v1.KeyLeaseService."""

    def __init__(self, channel: Any, instance_id: str) -> None:
        """Ask over `channel`, a channel to kms, as the process of this id."""
        self._instance_id = instance_id
        stub: Any = key_lease_service_pb2_grpc.KeyLeaseServiceStub(channel)
        self._get = stub.GetKeyLeases
        self._confirm = stub.ConfirmKeyRevocations

    async def fetch(self, uses: Sequence[KeyUse]) -> Sequence[KeyLeaseAnswer]:
        """Ask kms, as KeyLeaseSource says."""
        request = leases_pb.GetKeyLeasesRequest(instance_id=self._instance_id, uses=map(use_message, uses))
        try:
            response = await self._get(request, timeout=_LEASE_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, _KMS) from error
        if len(response.leases) != len(uses):
            raise DomainError(ErrorReason.ERROR_REASON_INTERNAL, f"{_KMS} answered for other uses")
        return [
            KeyLeaseAnswer(each.refusal, each.epoch, each.lease.ToMilliseconds() / 1000)
            for each in response.leases
        ]

    async def confirm(self, revocations: Sequence[tuple[str, int]]) -> None:
        """Tell kms that nothing is used any more that was opened before these. Raises AioRpcError."""
        request = leases_pb.ConfirmKeyRevocationsRequest(
            instance_id=self._instance_id,
            revocations=[
                leases_pb.KeyRevocation(key_name=key_name, epoch=epoch) for key_name, epoch in revocations
            ],
        )
        await self._confirm(request, timeout=CONFIRM_TIMEOUT_S)


class ServiceDataKeys:
    """A DataKeySource over kms.v1.ServiceKeyService: which key is used follows from our certificate alone."""

    def __init__(self, channel: Any, timeout_s: float) -> None:
        """Ask over `channel`, a channel to kms with the service's own certificate."""
        stub: Any = service_key_service_pb2_grpc.ServiceKeyServiceStub(channel)
        self._generate = stub.GenerateServiceDataKey
        self._decrypt = stub.DecryptWithServiceKey
        self._timeout_s = timeout_s

    async def generate(self, key_name: str, context: Mapping[str, str]) -> DataKey:
        """Call GenerateServiceDataKey.

        The service's own key is meant, or with `account_key` its key for an account. Raises ValueError when
        any other is named.
        """
        if key_name and not key_name.startswith(_ACCOUNT):
            raise ValueError("a service's own key is never named")
        request = keys_pb.GenerateServiceDataKeyRequest(
            encryption_context=context, account_id=key_name.removeprefix(_ACCOUNT)
        )
        try:
            response = await self._generate(request, timeout=self._timeout_s)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, _KMS) from error
        return DataKey(SecretBytes(response.plaintext), response.ciphertext, _own(response.key_name))

    async def open(self, ciphertext: bytes, context: Mapping[str, str]) -> DataKey:
        """Call DecryptWithServiceKey."""
        request = keys_pb.DecryptWithServiceKeyRequest(ciphertext=ciphertext, encryption_context=context)
        try:
            response = await self._decrypt(request, timeout=self._timeout_s)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, _KMS) from error
        return DataKey(SecretBytes(response.plaintext), ciphertext, _own(response.key_name))


class ServiceKeys:
    """Data keys under the service's own key, cached under a lease that ends with it."""

    def __init__(
        self,
        kms: Channel,
        redis: RedisSettings | None,
        clock: Clock,
        randomness: Randomness,
        timeout_s: float = 2.0,
    ) -> None:
        """Ask over `kms`, for `timeout_s` at most; without `redis` revocations just end the leases."""
        remote = RemoteKeyLeases(kms, new_instance_id(randomness))
        self._leases = KeyLeases(remote, clock)
        self.cache = DataKeyCache(ServiceDataKeys(kms, timeout_s), self._leases, clock)
        self._ear = ConfirmingEar(KEYS, redis, remote.confirm, self._leases.revoke, self._leases.revoke_all)

    def attach(self, server: Host) -> None:
        """Renew, listen and confirm for the life of the server."""
        server.add_task("key leases", self._leases.run)
        self._ear.attach(server)


def _own(key_name: str) -> KeyUse:
    # Of its own key a service may have everything or nothing: one lease says it.
    return KeyUse(key_name, "Decrypt")
