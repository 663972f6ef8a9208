"""Service-specific credentials: the long-term API keys of users, as the caller's own policies allow."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from services.auth.domain.identity import Entity, EntityKind
from services.auth.domain.ids import new_api_key_secret, new_credential_id
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import KeyStatus, ServiceCredential
from services.auth.operations.entities import IdentityAdmission
from services.auth.ports.directory import DirectoryStore
from services.auth.ports.revocation import Revocations
from services.auth.ports.service_credentials import ServiceCredentialStore
from services.chassis.api_keys import long_term
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pages import Page
from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes

_MAX_CREDENTIALS = 2
"""For one user and service: one in use and one to rotate to, as at AWS."""


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A credential with its API key, which is shown once."""

    credential: ServiceCredential
    api_key: SecretBytes


@dataclass(frozen=True, slots=True)
class ServiceCredentials:
    """Manages the service-specific credentials of users."""

    store: ServiceCredentialStore
    directory: DirectoryStore
    admission: IdentityAdmission
    revocations: Revocations
    clock: Clock
    randomness: Randomness

    async def create(
        self, call: CallContext, user_name: str, service_name: str, age_days: int | None
    ) -> NewApiKey:
        """Create a credential (iam:CreateServiceSpecificCredential) that ends after `age_days`, or never."""
        asked: dict[str, str] = {"iam:ServiceSpecificCredentialServiceName": service_name}
        if age_days is not None:
            asked["iam:ServiceSpecificCredentialAgeDays"] = str(age_days)
        entity, action = Entity(EntityKind.USER, user_name), "iam:CreateServiceSpecificCredential"
        caller = await self.admission.admit(call, action, entity, asked)
        user = await self.directory.user(caller.account_id, user_name)
        secret, now = new_api_key_secret(self.randomness), self.clock.now()
        credential, epoch = await self.store.create(
            new_credential_id(self.randomness),
            user,
            service_name,
            _digest(secret),
            now,
            None if age_days is None else now + timedelta(days=age_days),
            _MAX_CREDENTIALS,
        )
        await self.revocations.publish(caller.account_id, epoch)
        return NewApiKey(credential, long_term(credential.alias, secret))

    async def list(
        self, call: CallContext, user_name: str | None, service_name: str, request: PageRequest
    ) -> Page[ServiceCredential]:
        """List the credentials of a user, or of all of the account (iam:ListServiceSpecificCredentials)."""
        # For all, AWS checks the action against the path of all users.
        entity = Entity(EntityKind.USER, user_name or "")
        caller = await self.admission.admit(call, "iam:ListServiceSpecificCredentials", entity)
        return await self.store.credentials(caller.account_id, user_name, service_name, request)

    async def update(
        self, call: CallContext, user_name: str, credential_id: str, status: KeyStatus
    ) -> ServiceCredential:
        """Activate or deactivate a credential (iam:UpdateServiceSpecificCredential)."""
        account_id = await self._admit(call, "iam:UpdateServiceSpecificCredential", user_name)
        credential, epoch = await self.store.set_status(account_id, user_name, credential_id, status)
        await self.revocations.publish(account_id, epoch)
        return credential

    async def reset(self, call: CallContext, user_name: str, credential_id: str) -> NewApiKey:
        """Replace a credential's secret (iam:ResetServiceSpecificCredential); the earlier one is void."""
        account_id = await self._admit(call, "iam:ResetServiceSpecificCredential", user_name)
        secret = new_api_key_secret(self.randomness)
        credential, epoch = await self.store.replace_secret(
            account_id, user_name, credential_id, _digest(secret)
        )
        await self.revocations.publish(account_id, epoch)
        return NewApiKey(credential, long_term(credential.alias, secret))

    async def delete(self, call: CallContext, user_name: str, credential_id: str) -> None:
        """Delete a credential (iam:DeleteServiceSpecificCredential)."""
        account_id = await self._admit(call, "iam:DeleteServiceSpecificCredential", user_name)
        epoch = await self.store.delete(account_id, user_name, credential_id)
        await self.revocations.publish(account_id, epoch)

    async def _admit(self, call: CallContext, action: str, user_name: str) -> str:
        caller = await self.admission.admit(call, action, Entity(EntityKind.USER, user_name))
        return caller.account_id


def _digest(secret: SecretBytes) -> bytes:
    return hashlib.sha256(secret.reveal()).digest()
