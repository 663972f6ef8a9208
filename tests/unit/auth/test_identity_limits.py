"""Limits of users, groups and policies, and what cannot be stored."""

import json

from services.auth.domain.identity import (
    Tag,
)
from tests.unit.auth.identities import ALICE, ALLOW, FIRST, GROUP, Iam, refused


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

    await iam.inline.put(iam.root, GROUP, "one", document(5_000))
    over = iam.inline.put(iam.root, GROUP, "two", document(121))
    assert (await refused(over))[0] == "QUOTA_EXCEEDED"
    await iam.inline.put(iam.root, GROUP, "two", document(120))


async def test_what_cannot_be_evaluated_is_not_stored(iam: Iam) -> None:
    wrong = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Unknown":1}}'
    arn = await iam.policy("p")
    await iam.groups.create(iam.root, "g")
    for call in (
        iam.policies.create(iam.root, "q", wrong, ""),
        iam.policies.create_version(iam.root, arn, wrong, as_default=True),
        iam.inline.put(iam.root, GROUP, "p", wrong),
    ):
        assert (await refused(call))[0] == "UNSUPPORTED_POLICY"
    long = ALLOW.replace('"*"', f'"a:{"b" * 6144}"', 1)
    too_long = ("QUOTA_EXCEEDED", "Cannot exceed quota for PolicySize: 6144")
    assert await refused(iam.policies.create(iam.root, "q", long, "")) == too_long
    version = iam.policies.create_version(iam.root, arn, long, as_default=True)
    assert await refused(version) == too_long
    assert len((await iam.policies.list_versions(iam.root, arn, FIRST)).items) == 1
