"""Every change of identities is announced, and recorded with what it is about."""

from collections.abc import Awaitable, Callable
from typing import Any

from craton.auth.v1 import (
    group_service_pb2,
    managed_policy_service_pb2,
    user_service_pb2,
)

from services.auth.domain.identity import (
    Tag,
)
from services.auth.events import events
from services.chassis.audit.ports import Recording
from services.chassis.context import CallContext
from services.chassis.principal import PrincipalClaims
from tests.unit.auth.identities import ACCOUNT, ALICE, ALLOW, GROUP, Iam


async def test_every_change_is_announced_with_its_epoch(iam: Iam) -> None:
    arn = await iam.policy("p")
    await iam.policies.create_version(iam.root, arn, ALLOW, as_default=False)
    changes: tuple[Callable[[], Awaitable[Any]], ...] = (
        lambda: iam.groups.create(iam.root, "g"),
        lambda: iam.groups.add_user(iam.root, "g", "alice"),
        lambda: iam.inline.put(iam.root, GROUP, "p", ALLOW),
        lambda: iam.inline.delete(iam.root, GROUP, "p"),
        lambda: iam.groups.remove_user(iam.root, "g", "alice"),
        lambda: iam.groups.delete(iam.root, "g"),
        lambda: iam.policies.set_default(iam.root, arn, 2),
        lambda: iam.policies.delete_version(iam.root, arn, 1),
        lambda: iam.attachments.attach(iam.root, ALICE, arn),
        lambda: iam.attachments.detach(iam.root, ALICE, arn),
        lambda: iam.boundaries.put(iam.root, ALICE, arn),
        lambda: iam.boundaries.delete(iam.root, ALICE),
        lambda: iam.tags.tag(iam.root, ALICE, [Tag("a", "b")]),
        lambda: iam.tags.untag(iam.root, ALICE, ["a"]),
        lambda: iam.policies.delete(iam.root, arn),
    )
    epoch = iam.announcements.published[-1][1]
    for change in changes:
        await change()
        epoch += 1
        assert iam.announcements.published[-1] == (ACCOUNT, epoch)


def test_records_say_what_a_call_is_about_and_changes_have_an_intent() -> None:
    claims = PrincipalClaims(ACCOUNT, "i", "arn", "p", "k", False, 1, "eu-central-1", "auth", "t", 0, 60)
    call = CallContext("/m", "r", "c", None, principal=claims)
    described = events("aws-x")
    mine = f"arn:aws-x:iam::{ACCOUNT}:"

    def resources(method: str, request: Any) -> list[str]:
        return list(described[f"/craton.auth.v1.{method}"].resources(request, call))

    groups, managed = group_service_pb2, managed_policy_service_pb2
    join = groups.AddUserToGroupRequest(group_name="g", user_name="u")
    assert resources("GroupService/AddUserToGroup", join) == [f"{mine}group/g", f"{mine}user/u"]
    inline = groups.PutGroupPolicyRequest(group_name="g", policy_name="p", document="{}")
    assert resources("GroupService/PutGroupPolicy", inline) == [f"{mine}group/g"]
    assert resources("GroupService/ListGroups", groups.ListGroupsRequest()) == []
    create = managed.CreatePolicyRequest(policy_name="p", document="{}")
    assert resources("ManagedPolicyService/CreatePolicy", create) == [f"{mine}policy/p"]
    for arn, known in ((f"{mine}policy/p", True), ("arn:aws-x:iam::aws:policy/P", True), ("secret", False)):
        attach = managed.AttachUserPolicyRequest(user_name="u", policy_arn=arn)
        expected = [f"{mine}user/u", *([arn] if known else [])]
        assert resources("ManagedPolicyService/AttachUserPolicy", attach) == expected
    tag = user_service_pb2.TagUserRequest(user_name="u")
    assert resources("UserService/TagUser", tag) == [f"{mine}user/u"]
    changing = ("Add", "Attach", "Detach", "Remove", "Set", "Tag", "Untag")
    for method, each in described.items():
        if method.rsplit("/", 1)[-1].startswith(changing):
            assert each.recording is Recording.EFFECT, method
