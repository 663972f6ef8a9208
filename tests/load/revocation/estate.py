"""Accounts, and a principal of every kind in them, on a running stack."""

import asyncio
from collections.abc import Sequence

from deploy.local.stack import Stack
from tests.load.revocation.administration import Account, Organization
from tests.load.revocation.kinds import (
    ALLOW,
    DENY,
    ELSEWHERE,
    IN_ONE_ACCOUNT,
    OF_AN_ACCOUNT,
    AgreementEnded,
    Kind,
)
from tests.load.revocation.principals import Key
from tests.load.revocation.ways import MODEL, Ways, operator_channel


async def build(stack: Stack, administrator: Key, ways: Ways, accounts: int) -> list[Kind]:
    """Make `accounts` accounts with a principal of each kind that can share one, and one of each other kind.

    Returns the kinds, whose principals have their tokens.
    """
    auth, kms = (operator_channel(stack, name) for name in ("auth", "kms"))
    organization = Organization(auth, administrator, stack.definition.account)
    await organization.prepare({"deny": DENY, "elsewhere": ELSEWHERE})
    kinds: list[Kind] = []
    for number in range(accounts):
        account = await _account(organization, f"shared-{number}", kms)
        kinds += [kind(account) for kind in IN_ONE_ACCOUNT]
    kinds.append(AgreementEnded(await _account(organization, "agreement", kms)))
    for alone in OF_AN_ACCOUNT:
        kinds.append(alone(await _account(organization, alone.name, kms), organization))
    await _prepare(kinds, ways)
    return kinds


async def _account(organization: Organization, name: str, kms: object) -> Account:
    account = await organization.account(name)
    await account.prepare(kms, {"allow": ALLOW, "deny": DENY, "elsewhere": ELSEWHERE}, MODEL)  # type: ignore[arg-type]
    return account


async def _prepare(kinds: Sequence[Kind], ways: Ways) -> None:
    for kind in kinds:
        await kind.prepare()
    await asyncio.gather(*(ways.refresh(kind.principal) for kind in kinds))
