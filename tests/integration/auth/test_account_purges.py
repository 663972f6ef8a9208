"""Purges over mTLS, in production: two operators, and nobody else."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

import pytest
from craton.auth.v1 import account_purge_service_pb2 as pb
from craton.auth.v1 import account_service_pb2

from services.auth.config import AuthConfig
from services.chassis.server import Server
from tests.fakes.auth_client import ACCOUNT, Client, Credential, bearer, reason

MEMBER = "210987654321"


@pytest.fixture
async def member(operator: Client, admin: Credential) -> Credential:
    """The administrator of another account."""
    request = account_service_pb2.CreateAccountRequest(
        account_id=MEMBER, display_name="member", administrator_user_name="boss"
    )
    made = await operator.accounts.CreateAccount(request, metadata=bearer(await operator.token(admin)))
    return Credential(made.access_key.access_key_id, made.secret_access_key)


def asked(account_id: str = MEMBER) -> Any:
    return pb.RequestAccountPurgeRequest(account_id=account_id)


async def test_one_operator_asks_and_another_one_approves(
    auth: Server, operator: Client, member: Credential, connect: Callable[[Server, str], Client]
) -> None:
    approver = connect(auth, "operator/approver")
    purge = (await operator.purges.RequestAccountPurge(asked())).purge
    assert (purge.state, purge.requested_by) == (pb.ACCOUNT_PURGE_STATE_REQUESTED, "operator/admin")
    approve = pb.ApproveAccountPurgeRequest(purge_id=purge.purge_id)
    assert await reason(operator.purges.ApproveAccountPurge(approve)) == "ACCESS_DENIED"
    waiting = (await approver.purges.ApproveAccountPurge(approve)).purge
    assert (waiting.state, waiting.approved_by) == (pb.ACCOUNT_PURGE_STATE_WAITING, "operator/approver")
    waits = waiting.due_time.ToDatetime(UTC) - waiting.approve_time.ToDatetime(UTC)
    assert waits == timedelta(days=7)
    # Until then everything is as it was, and either of them can call it off.
    assert await operator.token(member)
    cancel = pb.CancelAccountPurgeRequest(purge_id=purge.purge_id)
    assert (await operator.purges.CancelAccountPurge(cancel)).purge.state == pb.ACCOUNT_PURGE_STATE_CANCELLED
    assert await reason(approver.purges.ApproveAccountPurge(approve)) == "RESOURCE_STATE"
    again = (await approver.purges.RequestAccountPurge(asked())).purge
    listed = (await approver.purges.ListAccountPurges(pb.ListAccountPurgesRequest())).purges
    assert [each.purge_id for each in listed] == [again.purge_id, purge.purge_id]
    # The events that a certificate will name are those of the calls.
    assert [each.about for each in waiting.entries] == ["requested", "approved"]
    assert len({each.event_id for each in waiting.entries}) == 2


async def test_nobody_else_can(
    auth: Server, member: Credential, operator: Client, connect: Callable[[Server, str], Client]
) -> None:
    for workload in ("service/edge", "service/kms", "operator/other", "provider/craton"):
        refused = connect(auth, workload).purges.RequestAccountPurge(asked())
        assert await reason(refused) == "CALLER_NOT_LISTED"
    assert await reason(operator.purges.RequestAccountPurge(asked(ACCOUNT))) == "RESOURCE_STATE"
    assert await reason(operator.purges.RequestAccountPurge(asked("310987654321"))) == "RESOURCE_NOT_FOUND"


def test_a_profile_that_there_is_not_ends_the_boot(config: AuthConfig) -> None:
    assert config.profile == "production"
    with pytest.raises(ValueError, match="profile"):
        dataclasses.replace(config, profile="develop")
