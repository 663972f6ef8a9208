"""Groups, managed policies, boundaries and tags: limits, conditions, announcements, records."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from craton.auth.v1 import (
    group_service_pb2,
    managed_policy_service_pb2,
    user_service_pb2,
)

from services.auth.adapters.built_in_policies import built_in_policies
from services.auth.adapters.principal_state import SqlPrincipals
from services.auth.adapters.sql_attachments import SqlAttachments
from services.auth.adapters.sql_groups import SqlGroups
from services.auth.adapters.sql_managed_policies import SqlManagedPolicies
from services.auth.adapters.sql_roles import SqlRoles
from services.auth.adapters.sql_tags import SqlTags
from services.auth.domain.identity import (
    Entity,
    EntityKind,
    ManagedPolicy,
    PolicyReference,
    PolicyUsage,
    PolicyVersion,
    Tag,
)
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import Account, InlinePolicy
from services.auth.domain.tag_rules import check_tags
from services.auth.events import events
from services.auth.operations.entities import IdentityAdmission
from services.auth.operations.groups import Groups
from services.auth.operations.managed_policies import Attachments, ManagedPolicies
from services.auth.operations.roles import Roles
from services.auth.operations.tags import Boundaries, Tags
from services.auth.operations.users import UserPolicies, Users
from services.chassis.audit.ports import Recording
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.policy.document import parse
from services.chassis.policy.evaluator import PolicySet
from services.chassis.policy.model import Verdict
from services.chassis.principal import ClientContext, PrincipalClaims

ACCOUNT = "123456789012"
ALICE = Entity(EntityKind.USER, "alice")
ALLOW = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
FIRST = PageRequest(99, "")


class Announcements:
    """Revocations that remember."""

    def __init__(self) -> None:
        self.published: list[tuple[str, int]] = []

    async def publish(self, account_id: str, epoch: int) -> None:
        self.published.append((account_id, epoch))


@dataclass
class Iam:
    """All of it, with alice, and root whom no policy hinders."""

    auth: Any
    users: Users
    groups: Groups
    policies: ManagedPolicies
    attachments: Attachments
    boundaries: Boundaries
    tags: Tags
    roles: Roles
    announcements: Announcements
    root: CallContext

    async def alice(self) -> CallContext:
        return await _call(self.auth, self.auth.key.key.access_key_id)

    async def allow(self, *statements: dict[str, Any]) -> None:
        """Give alice these statements alone."""
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        policy = InlinePolicy(ACCOUNT, "alice", "p", document, document, self.auth.clock.now())
        await self.auth.policies.put_policy(policy, 9)

    async def policy(self, name: str, document: str = ALLOW) -> str:
        """Create a managed policy and return its ARN."""
        await self.policies.create(self.root, name, document, "")
        return f"arn:aws:iam::{ACCOUNT}:policy/{name}"


async def _call(auth: Any, access_key_id: str) -> CallContext:
    state = await auth.credentials.principal_state(access_key_id)
    _, claims = auth.issuer.issue(state, "us-east-1", "auth", ClientContext())
    return CallContext(method="/m", request_id="r", call_id="c", caller=None, principal=claims)


@pytest.fixture
async def iam(auth: Any) -> Iam:
    database, announcements = auth.credentials._database, Announcements()
    attachments, tags = SqlAttachments(database), SqlTags(database)
    identities = IdentityAdmission(auth.admission, attachments, "aws")
    shared = (announcements, auth.clock, auth.randomness)
    root = await auth.keys.make(ACCOUNT, None)
    await auth.directory.create_access_key(root.key, 2)
    return Iam(
        auth,
        Users(auth.directory, tags, auth.admission, identities, *shared, "aws"),
        Groups(SqlGroups(database), identities, *shared),
        ManagedPolicies(SqlManagedPolicies(database), identities, *shared),
        Attachments(attachments, identities, announcements),
        Boundaries(attachments, identities, announcements),
        Tags(tags, identities, announcements),
        Roles(SqlRoles(database), SqlPrincipals(database), auth.admission, identities, *shared, "aws"),
        announcements,
        await _call(auth, root.key.access_key_id),
    )


async def refused(call: Awaitable[Any]) -> tuple[str, str]:
    with pytest.raises(DomainError) as caught:
        await call
    return caught.value.reason_name, caught.value.message


def allow(action: str, resource: str = "*", **condition: Any) -> dict[str, Any]:
    found = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {**found, "Condition": condition} if condition else found


async def test_limits_are_those_of_aws(iam: Iam) -> None:
    arns = [await iam.policy(f"p{number}") for number in range(11)]
    for arn in arns[:10]:
        await iam.attachments.attach(iam.root, ALICE, arn)
    quota = "QUOTA_EXCEEDED"
    attach = iam.attachments.attach(iam.root, ALICE, arns[10])
    assert await refused(attach) == (quota, "Cannot exceed quota for PoliciesPerUser: 10")
    for _ in range(4):
        await iam.policies.create_version(iam.root, arns[0], ALLOW, as_default=False)
    version = iam.policies.create_version(iam.root, arns[0], ALLOW, as_default=False)
    assert await refused(version) == (quota, "Cannot exceed quota for VersionsPerPolicy: 5")
    for number in range(11):
        await iam.groups.create(iam.root, f"g{number}")
    for number in range(10):
        await iam.groups.add_user(iam.root, f"g{number}", "alice")
    join = iam.groups.add_user(iam.root, "g10", "alice")
    assert await refused(join) == (quota, "Cannot exceed quota for GroupsPerUser: 10")
    for number in range(11, 300):
        await iam.groups.create(iam.root, f"g{number}")
    group = iam.groups.create(iam.root, "g300")
    assert await refused(group) == (quota, "Cannot exceed quota for GroupsPerAccount: 300")
    await iam.tags.tag(iam.root, ALICE, [Tag(f"k{number}", "") for number in range(50)])
    tag = iam.tags.tag(iam.root, ALICE, [Tag("K50", "")])
    assert await refused(tag) == (quota, "Cannot exceed quota for TagsPerUser: 50")
    await iam.tags.tag(iam.root, ALICE, [Tag("K49", "replaced")])


async def test_inline_policies_of_a_group_have_5120_characters_together(iam: Iam) -> None:
    await iam.groups.create(iam.root, "g")
    whole = '{"Statement":{"Effect":"Allow","Action":"a:b","Resource":"*"}}'

    def document(chars: int) -> str:
        padded = whole.replace("a:b", "a:b" + "c" * (chars - len(whole)))
        return json.dumps(json.loads(padded), indent=9)

    await iam.groups.put_policy(iam.root, "g", "one", document(5_000))
    over = iam.groups.put_policy(iam.root, "g", "two", document(121))
    assert (await refused(over))[0] == "QUOTA_EXCEEDED"
    await iam.groups.put_policy(iam.root, "g", "two", document(120))


async def test_what_cannot_be_evaluated_is_not_stored(iam: Iam) -> None:
    wrong = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Unknown":1}}'
    arn = await iam.policy("p")
    await iam.groups.create(iam.root, "g")
    for call in (
        iam.policies.create(iam.root, "q", wrong, ""),
        iam.policies.create_version(iam.root, arn, wrong, as_default=True),
        iam.groups.put_policy(iam.root, "g", "p", wrong),
        iam.policies.create(iam.root, "q", ALLOW.replace('"*"', f'"a:{"b" * 6144}"', 1), ""),
    ):
        assert (await refused(call))[0] == "UNSUPPORTED_POLICY"
    assert len((await iam.policies.list_versions(iam.root, arn, FIRST)).items) == 1


async def test_every_change_is_announced_with_its_epoch(iam: Iam) -> None:
    arn = await iam.policy("p")
    await iam.policies.create_version(iam.root, arn, ALLOW, as_default=False)
    changes: tuple[Callable[[], Awaitable[Any]], ...] = (
        lambda: iam.groups.create(iam.root, "g"),
        lambda: iam.groups.add_user(iam.root, "g", "alice"),
        lambda: iam.groups.put_policy(iam.root, "g", "p", ALLOW),
        lambda: iam.groups.delete_policy(iam.root, "g", "p"),
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


async def test_attaching_can_be_allowed_for_one_policy(iam: Iam) -> None:
    arn = await iam.policy("p", ALLOW.replace('"Action":"*"', '"Action":"kms:*"'))
    user = f"arn:aws:iam::{ACCOUNT}:user/alice"
    await iam.allow(allow("iam:*", user, ArnEquals={"iam:PolicyARN": arn}))
    call = await iam.alice()
    await iam.attachments.attach(call, ALICE, arn)
    for refusal in (
        iam.attachments.attach(call, ALICE, ADMINISTRATOR),
        iam.attachments.attach(call, Entity(EntityKind.GROUP, "g"), arn),
        # These requests carry no ARN of a policy.
        iam.attachments.attached(call, ALICE, FIRST),
        iam.tags.list(call, ALICE, FIRST),
    ):
        assert (await refused(refusal))[0] == "ACCESS_DENIED"
    await iam.attachments.detach(call, ALICE, arn)


async def test_tagging_can_be_allowed_for_keys_and_values(iam: Iam) -> None:
    await iam.allow(
        allow("iam:TagUser", StringEquals={"aws:RequestTag/Team": ["red", "blue"]}),
        allow("iam:UntagUser", **{"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}),
    )
    call = await iam.alice()
    await iam.tags.tag(call, ALICE, [Tag("team", "red")])
    await iam.tags.untag(call, ALICE, ["team"])
    for refusal in (
        iam.tags.tag(call, ALICE, [Tag("team", "green")]),
        iam.tags.tag(call, ALICE, [Tag("other", "red")]),
        iam.tags.untag(call, ALICE, ["team", "other"]),
    ):
        assert (await refused(refusal))[0] == "ACCESS_DENIED"


async def test_creating_a_tagged_user_needs_the_right_to_tag(iam: Iam) -> None:
    await iam.allow(allow("iam:CreateUser"))
    call = await iam.alice()
    name, message = await refused(iam.users.create(call, "bob", "", [Tag("a", "b")]))
    assert (name, "iam:TagUser" in message) == ("ACCESS_DENIED", True)
    await iam.users.create(call, "bob")
    await iam.allow(allow("iam:CreateUser"), allow("iam:TagUser", StringEquals={"aws:RequestTag/a": "b"}))
    details = await iam.users.create(await iam.alice(), "carol", ADMINISTRATOR, [Tag("a", "b")])
    assert details == await iam.users.get(iam.root, "carol")


async def test_an_administrator_can_be_held_to_users_with_a_boundary(iam: Iam) -> None:
    arn = await iam.policy("edge", ALLOW.replace('"Action":"*"', '"Action":"kms:*"'))
    await iam.allow(
        allow("iam:*User*", f"arn:aws:iam::{ACCOUNT}:user/*", ArnEquals={"iam:PermissionsBoundary": arn})
    )
    call, bob, carol = await iam.alice(), Entity(EntityKind.USER, "bob"), Entity(EntityKind.USER, "carol")
    for boundary in ("", ADMINISTRATOR):
        assert (await refused(iam.users.create(call, "bob", boundary)))[0] == "ACCESS_DENIED"
    await iam.users.create(call, "bob", arn)
    await iam.users.create(iam.root, "carol")
    policies = UserPolicies(iam.auth.policies, iam.users, iam.announcements, iam.auth.clock)
    await iam.attachments.attach(call, bob, ADMINISTRATOR)
    await iam.attachments.detach(call, bob, ADMINISTRATOR)
    await policies.put(call, "bob", "p", ALLOW)
    await policies.delete(call, "bob", "p")
    await iam.boundaries.put(call, carol, arn)
    await iam.boundaries.delete(iam.root, carol)
    for refusal in (
        lambda: iam.boundaries.put(call, bob, ADMINISTRATOR),
        lambda: iam.attachments.attach(call, carol, ADMINISTRATOR),
        lambda: policies.put(call, "carol", "p", ALLOW),
        lambda: policies.delete(call, "carol", "p"),
        lambda: iam.boundaries.delete(call, carol),
        lambda: iam.attachments.attach(call, Entity(EntityKind.USER, "nobody"), ADMINISTRATOR),
    ):
        assert (await refused(refusal()))[0] == "ACCESS_DENIED"
    # AWS's advice is a Deny on this action: whoever may call it can lift the boundary that binds others.
    await iam.boundaries.delete(call, bob)


async def test_roles_have_policies_attached_too(iam: Iam) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    await iam.roles.create(
        iam.root, "reader", json.dumps({"Version": "2012-10-17", "Statement": trust}), "", None
    )
    role = Entity(EntityKind.ROLE, "reader")
    await iam.allow(allow("iam:*RolePolic*", f"arn:aws:iam::{ACCOUNT}:role/reader"))
    call = await iam.alice()
    await iam.attachments.attach(call, role, ADMINISTRATOR)
    await iam.roles.put_policy(call, "reader", "p", ALLOW)
    await iam.allow(
        allow("iam:*RolePolic*"),
        {**allow("iam:*", ArnEquals={"iam:PermissionsBoundary": ADMINISTRATOR}), "Effect": "Deny"},
    )
    await iam.boundaries.put(iam.root, role, ADMINISTRATOR)
    for refusal in (
        lambda: iam.roles.put_policy(call, "reader", "p", ALLOW),
        lambda: iam.roles.delete_policy(call, "reader", "p"),
        lambda: iam.attachments.detach(call, role, ADMINISTRATOR),
    ):
        assert "explicit deny" in (await refused(refusal()))[1]
    await iam.boundaries.delete(iam.root, role)
    assert (await refused(iam.attachments.attach(call, ALICE, ADMINISTRATOR)))[0] == "ACCESS_DENIED"
    (attached,) = (await iam.attachments.attached(call, role, FIRST)).items
    assert (attached.built_in, attached.policy_name) == (True, "AdministratorAccess")
    using = await iam.attachments.entities(iam.root, ADMINISTRATOR, PolicyUsage.ANY, EntityKind.ROLE, FIRST)
    assert [each.name for each in using.items] == ["reader"]


async def test_policies_of_another_account_cannot_be_used(iam: Iam) -> None:
    other = Account("210987654321", "incarnation", "second", iam.auth.clock.now())
    await iam.auth.directory.create_account(other, None, None)
    theirs = PolicyReference(other.account_id, "p")
    now = iam.auth.clock.now()
    await SqlManagedPolicies(iam.auth.credentials._database).create_policy(
        ManagedPolicy(theirs, "ANPAOTHER", "", 1, now, now),
        PolicyVersion(1, ALLOW, ALLOW, is_default=True, created_at=now),
        9,
    )
    arn = f"arn:aws:iam::{other.account_id}:policy/p"
    for call in (
        iam.attachments.attach(iam.root, ALICE, arn),
        iam.boundaries.put(iam.root, ALICE, arn),
        iam.users.create(iam.root, "bob", arn),
    ):
        assert (await refused(call))[0] == "RESOURCE_NOT_FOUND"
    for closed in (
        iam.policies.get(iam.root, arn),
        iam.policies.delete(iam.root, arn),
        iam.policies.create_version(iam.root, arn, ALLOW, as_default=True),
        iam.attachments.entities(iam.root, arn, PolicyUsage.ANY, None, FIRST),
    ):
        assert (await refused(closed))[0] == "ACCESS_DENIED"


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "AdministratorAccess",
        f"arn:aws:iam::{ACCOUNT}:user/alice",
        f"arn:aws:iam::{ACCOUNT}:policy/a/b",
        f"arn:aws:iam::{ACCOUNT}:policy/",
        "arn:aws:iam::aws:user/alice",
        "arn:aws-cn:iam::aws:policy/AdministratorAccess",
        f"arn:aws:iam:us-east-1:{ACCOUNT}:policy/p",
    ],
)
async def test_what_is_no_policy_is_refused(iam: Iam, arn: str) -> None:
    for call in (
        iam.policies.get(iam.root, arn),
        iam.attachments.attach(iam.root, ALICE, arn),
        iam.boundaries.put(iam.root, ALICE, arn),
    ):
        assert (await refused(call))[0] == "INVALID_FIELD"


@pytest.mark.parametrize(
    "tags",
    [
        [Tag("aws:x", "")],
        [Tag("AWS:x", "")],
        [Tag("a", ""), Tag("A", "")],
        [Tag("a*", "")],
        [Tag("a", "$")],
        [Tag("a\n", "")],
        [Tag("a", "\x00")],
    ],
)
def test_tags_that_are_refused(tags: list[Tag]) -> None:
    with pytest.raises(DomainError) as caught:
        check_tags(tags)
    assert caught.value.reason_name == "INVALID_FIELD"


def test_tags_that_are_accepted() -> None:
    check_tags([Tag("awsx", "aws:value"), Tag("Ä é_.:/=+-@ 9", ""), Tag("ß", "字")])


@pytest.mark.parametrize(
    ("name", "allowed", "denied"),
    [
        ("AdministratorAccess", ("iam:DeleteUser", "bedrock:InvokeModel"), ()),
        (
            "AmazonBedrockFullAccess",
            ("bedrock:InvokeModel", "bedrock:CreateModelCustomizationJob", "kms:DescribeKey"),
            ("kms:Decrypt", "iam:CreateUser", "iam:PassRole"),
        ),
        (
            "AmazonBedrockReadOnly",
            ("bedrock:GetFoundationModel", "bedrock:ListFoundationModels"),
            ("bedrock:InvokeModel", "bedrock:CreateFoundationModelAgreement", "kms:DescribeKey"),
        ),
        (
            "ReadOnlyAccess",
            ("bedrock:ListFoundationModels", "iam:GetUser", "kms:ListKeys", "cloudtrail:LookupEvents"),
            (
                "bedrock:InvokeModel",
                "iam:CreateAccessKey",
                "kms:Decrypt",
                "kms:GenerateDataKey",
                "sts:AssumeRole",
            ),
        ),
    ],
)
def test_built_in_policies_permit_what_their_names_say(
    name: str, allowed: tuple[str, ...], denied: tuple[str, ...]
) -> None:
    found = built_in_policies().by_name[name]
    assert built_in_policies().by_id[found.policy.policy_id] is found
    policies = PolicySet([parse(found.version.document)])
    for action in (*allowed, *denied):
        verdict = policies.evaluate(action, "*", {}).verdict
        assert verdict is (Verdict.ALLOW if action in allowed else Verdict.IMPLICIT_DENY), action


def test_ids_of_built_in_policies_never_change() -> None:
    # Attachments refer to them: another id would detach the policy everywhere.
    assert {name: each.policy.policy_id for name, each in built_in_policies().by_name.items()} == {
        "AdministratorAccess": "ANPA34SN6YCLNSZWWPS7E",
        "AmazonBedrockFullAccess": "ANPAEORBBUXQ7YHW3EVMH",
        "AmazonBedrockReadOnly": "ANPA53AQQNOYTB6ER6HPY",
        "ReadOnlyAccess": "ANPAEBQRJMRUNJOVKCUK2",
    }


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
