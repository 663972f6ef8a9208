"""What administrators do: IAM and Organizations over gRPC, under the operator's certificate."""

import asyncio
import math
import time
from typing import Any

import grpc
from craton.auth.v1 import (
    access_key_service_pb2,
    access_key_service_pb2_grpc,
    account_service_pb2,
    account_service_pb2_grpc,
    group_service_pb2,
    group_service_pb2_grpc,
    managed_policy_service_pb2,
    managed_policy_service_pb2_grpc,
    model_access_service_pb2,
    model_access_service_pb2_grpc,
    organization_policy_service_pb2,
    organization_policy_service_pb2_grpc,
    organization_service_pb2,
    organization_service_pb2_grpc,
    policy_service_pb2,
    policy_service_pb2_grpc,
    role_service_pb2,
    role_service_pb2_grpc,
    session_service_pb2,
    session_service_pb2_grpc,
    user_service_pb2,
    user_service_pb2_grpc,
)
from craton.kms.v1 import (
    crypto_service_pb2,
    crypto_service_pb2_grpc,
    key_admin_service_pb2,
    key_admin_service_pb2_grpc,
)

from services.chassis.channels import Channel
from tests.load.revocation.principals import REGION, Key, Principal
from tests.load.revocation.ways import get_token

_TOKEN_AGE_S = 30.0
_LIMIT_S = 20.0
"""An acknowledgement takes five seconds when an enforcement point stands still."""
_PAUSE_S = 0.2


def _methods(channel: Channel, *pairs: tuple[Any, Any]) -> dict[str, tuple[Any, Any]]:
    """Return message class and callable of every method of some services, by name."""
    found = {}
    for messages, stubs in pairs:
        for service in messages.DESCRIPTOR.services_by_name.values():
            stub = getattr(stubs, f"{service.name}Stub")(channel)
            for name in service.methods_by_name:
                found[name] = (getattr(messages, f"{name}Request"), getattr(stub, name))
    return found


class Caller:
    """Calls auth with one access key."""

    def __init__(self, auth: Channel, key: Key, account_id: str) -> None:
        """Call over `auth`, a channel of the operator."""
        self._auth = auth
        self.account_id = account_id
        self._as = Principal("administrator", account_id, key, b"")
        self._methods = _methods(
            auth,
            (access_key_service_pb2, access_key_service_pb2_grpc),
            (account_service_pb2, account_service_pb2_grpc),
            (group_service_pb2, group_service_pb2_grpc),
            (managed_policy_service_pb2, managed_policy_service_pb2_grpc),
            (model_access_service_pb2, model_access_service_pb2_grpc),
            (organization_policy_service_pb2, organization_policy_service_pb2_grpc),
            (organization_service_pb2, organization_service_pb2_grpc),
            (policy_service_pb2, policy_service_pb2_grpc),
            (role_service_pb2, role_service_pb2_grpc),
            (session_service_pb2, session_service_pb2_grpc),
            (user_service_pb2, user_service_pb2_grpc),
        )

    async def __call__(self, method: str, /, **fields: Any) -> Any:
        """Call a method by its name. Raises grpc.aio.AioRpcError.

        What could not be begun, because a disk stood still and nothing could be recorded, is tried again, as
        any administrator would: nothing of it was acknowledged.
        """
        message, call = self._methods[method]
        deadline = time.monotonic() + _LIMIT_S
        while True:
            try:
                return await call(message(**fields), metadata=await self.metadata("auth"), timeout=_LIMIT_S)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_PAUSE_S)

    async def renew(self) -> None:
        """Get a new token now, to need none for half a minute: it cannot be had while kms stands still."""
        self._as.tokens_at = -math.inf
        await self.metadata("auth")

    async def metadata(self, audience: str) -> tuple[tuple[str, str], ...]:
        """Return metadata with a token, for an audience."""
        if time.monotonic() - self._as.tokens_at > _TOKEN_AGE_S:
            self._as.tokens.clear()
            self._as.tokens_at = time.monotonic()
        if audience not in self._as.tokens:
            token = await get_token(self._auth, self._as, "auth.craton.internal", audience)
            self._as.tokens[audience] = token
        return (("authorization", f"Bearer {self._as.tokens[audience]}"),)


class Account(Caller):
    """A member account, by its administrator."""

    ciphertext: bytes
    """Under a key of the account."""
    allow: str
    deny: str
    elsewhere: str
    """ARNs of managed policies."""

    async def prepare(self, kms: Channel, documents: dict[str, str], model_id: str) -> None:
        """Make a key, managed policies, and accept a model."""
        for name, document in documents.items():
            made = await self("CreatePolicy", policy_name=name, document=document)
            setattr(self, name, made.policy.arn)
        keys = key_admin_service_pb2_grpc.KeyAdminServiceStub(kms)
        crypto = crypto_service_pb2_grpc.CryptoServiceStub(kms)
        metadata = await self.metadata("kms")
        parent = f"accounts/{self.account_id}/regions/{REGION}"
        key = (
            await keys.CreateKey(
                key_admin_service_pb2.CreateKeyRequest(parent=parent), metadata=metadata, timeout=_LIMIT_S
            )
        ).key
        request = crypto_service_pb2.EncryptRequest(key_name=key.name, plaintext=b"a secret")
        self.ciphertext = (await crypto.Encrypt(request, metadata=metadata, timeout=_LIMIT_S)).ciphertext
        await self.accept(model_id)

    async def accept(self, model_id: str) -> None:
        """Accept the current offer of a model."""
        offers = (await self("ListFoundationModelAgreementOffers", model_id=model_id)).offers
        await self("CreateFoundationModelAgreement", model_id=model_id, offer_token=offers[0].offer_token)

    async def assume(self, role_name: str) -> Key:
        """Return credentials of a role of the account."""
        arn = f"arn:aws:iam::{self.account_id}:role/{role_name}"
        return _key(await self("AssumeRole", role_arn=arn, role_session_name="load"))

    async def session(self, key: Key) -> Key:
        """Return temporary credentials of a user."""
        return _key(await Caller(self._auth, key, self.account_id)("GetSessionToken"))


class Organization(Caller):
    """The management account, by its administrator."""

    deny: str
    elsewhere: str
    """Ids of service control policies."""

    async def prepare(self, documents: dict[str, str]) -> None:
        """Make service control policies, and a unit that is closed by one."""
        for name, content in documents.items():
            made = await self(
                "CreateOrganizationPolicy",
                policy_type="ORGANIZATION_POLICY_TYPE_SERVICE_CONTROL_POLICY",
                name=f"{name} {time.time():.0f}",
                content=content,
            )
            setattr(self, name, made.policy.policy_id)
        self._root = (await self("ListRoots")).roots[0].root_id
        unit = await self("CreateOrganizationalUnit", parent_id=self._root, name=f"closed {time.time():.0f}")
        self._closed = unit.organizational_unit.organizational_unit_id
        await self.attach(self.deny, self._closed)

    async def account(self, name: str) -> Account:
        """Make a member account."""
        made = await self("CreateAccount", display_name=name, administrator_user_name="administrator")
        key = Key(made.access_key.access_key_id, made.secret_access_key)
        return Account(self._auth, key, made.account.account_id)

    async def attach(self, policy_id: str, target_id: str) -> None:
        """Attach a service control policy."""
        await self("AttachOrganizationPolicy", policy_id=policy_id, target_id=target_id)

    async def detach(self, policy_id: str, target_id: str) -> None:
        """Detach a service control policy."""
        await self("DetachOrganizationPolicy", policy_id=policy_id, target_id=target_id)

    async def move(self, account_id: str, *, closed: bool) -> None:
        """Move an account below the closed unit, or back below the root."""
        places = (self._root, self._closed) if closed else (self._closed, self._root)
        await self(
            "MoveAccount",
            account_id=account_id,
            source_parent_id=places[0],
            destination_parent_id=places[1],
        )


def _key(answer: Any) -> Key:
    made = answer.credentials
    return Key(made.access_key_id, made.secret_access_key, made.session_token)
