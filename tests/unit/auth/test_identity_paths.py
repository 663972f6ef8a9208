"""Actions are admitted by the ARNs, paths and tags that entities really have."""

import json
from datetime import timedelta

import pytest

from services.auth.domain.identity import Entity, EntityKind, Tag
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import Account, User
from services.auth.operations.key_uses import KeyUses
from services.chassis.sigv4 import Credential
from tests.unit.auth.identities import ACCOUNT, ADMINISTRATOR, ALLOW, FIRST, Iam, allow, refused

RED = f"arn:aws:iam::{ACCOUNT}:user/red/*"
TRUST = json.dumps(
    {"Statement": {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}}
)


async def test_a_path_decides_who_may_act(iam: Iam) -> None:
    await iam.users.create(iam.root, "rose", path="/red/")
    await iam.users.create(iam.root, "violet", path="/blue/")
    await iam.allow(allow("iam:*", RED))
    call = await iam.alice()
    rose, violet = Entity(EntityKind.USER, "rose"), Entity(EntityKind.USER, "violet")
    assert (await iam.users.get(call, "rose")).user.path == "/red/"
    await iam.tags.tag(call, rose, [Tag("a", "b")])
    await iam.inline.put(call, rose, "p", ALLOW)
    await iam.attachments.attach(call, rose, ADMINISTRATOR)
    assert call.resources == [f"arn:aws:iam::{ACCOUNT}:user/red/rose"], "the record says the whole ARN"
    page = await iam.users.list(call, PageRequest(9, ""), "/red/")
    assert [each.user_name for each in page.items] == ["rose"]
    for refusal in (
        iam.users.get(call, "violet"),
        iam.tags.tag(call, violet, [Tag("a", "b")]),
        iam.inline.put(call, violet, "p", ALLOW),
        iam.attachments.attach(call, violet, ADMINISTRATOR),
        iam.users.create(call, "lily", path="/blue/"),
        iam.users.create(call, "lily"),
        iam.users.list(call, FIRST, "/r"),
        # Who does not exist is taken for one below "/".
        iam.users.get(call, "nobody"),
    ):
        assert (await refused(refusal))[0] == "ACCESS_DENIED"


async def test_what_moves_is_admitted_at_both_ends(iam: Iam) -> None:
    await iam.users.create(iam.root, "rose", path="/red/")
    await iam.users.create(iam.root, "violet", path="/blue/")
    await iam.allow(allow("iam:UpdateUser", RED))
    call = await iam.alice()
    for name, new_name, new_path in (("rose", "", "/blue/"), ("violet", "", "/red/"), ("alice", "x", "")):
        refusal = await refused(iam.users.update(call, name, new_name, new_path))
        assert refusal[0] == "ACCESS_DENIED"
    before = len(iam.announcements.published)
    assert (await iam.users.update(call, "rose", "Rosa", "/red/deep/")).path == "/red/deep/"
    assert len(iam.announcements.published) == before + 1
    assert (await refused(iam.users.get(iam.root, "rose")))[0] == "RESOURCE_NOT_FOUND"
    await iam.groups.create(iam.root, "g", "/x/")
    assert (await iam.groups.update(iam.root, "g", "h", "")).path == "/x/"
    assert (await refused(iam.groups.update(call, "h", "g", "")))[0] == "ACCESS_DENIED"


async def test_a_renamed_caller_is_known_by_its_new_arn(iam: Iam) -> None:
    new = f"arn:aws:iam::{ACCOUNT}:user/x/Alicia"
    await iam.allow(
        allow("iam:GetUser", ArnEquals={"aws:PrincipalArn": new}, StringEquals={"aws:username": "Alicia"})
    )
    call = await iam.alice()
    assert (await refused(iam.users.get(call, "alice")))[0] == "ACCESS_DENIED"
    await iam.users.update(iam.root, "alice", "Alicia", "/x/")
    # The call's token is from before.
    assert call.principal is not None
    assert call.principal.arn.endswith(":user/alice")
    assert (await iam.users.get(call, "Alicia")).user.user_name == "Alicia"
    assert (await iam.auth.admission.identify(call)).claims.arn == new


async def test_tags_of_what_is_asked_for_decide(iam: Iam) -> None:
    arn = await iam.policy("p")
    await iam.roles.create(iam.root, "r", TRUST, "", None, tags=[Tag("team", "red")])
    await iam.allow(allow("iam:*", StringEquals={"aws:ResourceTag/team": "red"}))
    call = await iam.alice()
    assert (await iam.roles.get(call, "r")).tags == (Tag("team", "red"),)
    for refusal in (iam.policies.get(call, arn), iam.users.get(call, "alice"), iam.users.list(call, FIRST)):
        assert (await refused(refusal))[0] == "ACCESS_DENIED"
    await iam.policy_tags.tag(iam.root, arn, [Tag("Team", "red")])
    assert (await iam.policies.get(call, arn)).tags == (Tag("Team", "red"),)
    await iam.policy_tags.untag(call, arn, ["team"])
    assert (await refused(iam.policy_tags.list(call, arn, FIRST)))[0] == "ACCESS_DENIED"
    assert (await refused(iam.policy_tags.tag(iam.root, ADMINISTRATOR, [Tag("a", "")])))[0] == "ACCESS_DENIED"
    elsewhere = arn.replace(":policy/", ":policy/x/")
    assert (await refused(iam.policy_tags.tag(iam.root, elsewhere, [Tag("a", "")])))[
        0
    ] == "RESOURCE_NOT_FOUND"


async def test_trust_stays_with_who_was_meant(iam: Iam) -> None:
    await iam.users.create(iam.root, "rose", path="/red/")
    meant = TRUST.replace(f'"{ACCOUNT}"', f'"arn:aws:iam::{ACCOUNT}:user/red/rose"')
    details = await iam.roles.create(iam.root, "r", meant, "", None)
    rose = (await iam.users.get(iam.root, "rose")).user
    assert rose.user_id in details.role.canonical_trust
    await iam.users.update(iam.root, "rose", "rosa", "/")
    assert (await iam.roles.get(iam.root, "r")).role.canonical_trust == details.role.canonical_trust
    # The old ARN is nobody's now.
    refusal = await refused(iam.roles.update_trust(iam.root, "r", meant))
    assert refusal[0] == "UNSUPPORTED_POLICY"


@pytest.mark.parametrize(
    ("kind", "limit"),
    [(EntityKind.USER, 2_048), (EntityKind.GROUP, 5_120), (EntityKind.ROLE, 10_240)],
)
async def test_inline_policies_have_room_as_at_aws(iam: Iam, kind: EntityKind, limit: int) -> None:
    await iam.groups.create(iam.root, "x")
    await iam.roles.create(iam.root, "x", TRUST, "", None)
    await iam.users.create(iam.root, "x")
    entity = Entity(kind, "x")
    whole = '{"Statement":{"Effect":"Allow","Action":"a:b","Resource":"*"}}'

    def document(chars: int) -> str:
        """Return a document of so many characters without white space, and with much of that."""
        padded = whole.replace("a:b", "a:b" + "c" * (chars - len(whole)))
        return json.dumps(json.loads(padded), indent=40)

    message = f"Maximum policy size of {limit} bytes exceeded for {kind.value} x"
    too_long = iam.inline.put(iam.root, entity, "one", document(limit + 1))
    assert await refused(too_long) == ("QUOTA_EXCEEDED", message)
    await iam.inline.put(iam.root, entity, "one", document(limit - 100))
    together = iam.inline.put(iam.root, entity, "two", document(101))
    assert await refused(together) == ("QUOTA_EXCEEDED", message)
    await iam.inline.put(iam.root, entity, "two", document(100))


async def test_a_trust_policy_has_room_as_at_aws(iam: Iam) -> None:
    long = TRUST.replace("sts:AssumeRole", "sts:AssumeRole" + "x" * 2048)
    message = "Cannot exceed quota for ACLSizePerRole: 2048"
    assert await refused(iam.roles.create(iam.root, "r", long, "", None)) == ("QUOTA_EXCEEDED", message)


async def test_uses_of_keys_are_written_together(iam: Iam) -> None:
    written: list[int] = []

    class Store:
        """Remembers how much was written at a time, and fails when it is told to."""

        failing = False

        async def record_uses(self, uses: list[object]) -> None:
            if self.failing:
                raise OSError("the disk is full")
            written.append(len(uses))

        async def key_and_use(self, _key: str) -> None:
            return None

    store = Store()
    uses = KeyUses(store, iam.auth.clock)
    state = await iam.auth.credentials.principal_state(iam.auth.key.key.access_key_id)
    await uses.write()
    for number in range(1000):
        uses.note(state, Credential(f"AKIA{number % 3}", "20260101", "us-east-1", "bedrock"))
    await uses.write()
    await uses.write()
    assert written == [3]
    store.failing = True
    uses.note(state, Credential("AKIA1", "20260101", "us-east-1", "bedrock"))
    await uses.write()
    store.failing = False
    await uses.write()
    assert written == [3, 1], "what could not be written is written later"


async def test_the_newest_use_is_told_before_it_is_written(iam: Iam) -> None:
    key = iam.auth.key.key
    state = await iam.auth.credentials.principal_state(key.access_key_id)
    uses = iam.auth.uses
    uses.note(state, Credential(key.access_key_id, "20260101", "us-east-1", "iam"))
    await uses.write()
    iam.auth.clock.advance(timedelta(seconds=5).total_seconds())
    uses.note(state, Credential(key.access_key_id, "20260101", "eu-west-1", "bedrock"))
    found, use = await iam.last_uses.last(iam.root, key.access_key_id)
    assert (found.access_key_id, use.region, use.service) == (key.access_key_id, "eu-west-1", "bedrock")
    await iam.allow(allow("iam:GetAccessKeyLastUsed", f"arn:aws:iam::{ACCOUNT}:user/other"))
    refusal = await refused(iam.last_uses.last(await iam.alice(), key.access_key_id))
    assert refusal[0] == "ACCESS_DENIED"


async def test_whose_a_key_of_another_account_is_is_not_told(iam: Iam) -> None:
    auth = iam.auth
    await auth.directory.create_account(Account("210987654321", "i2", "second", auth.clock.now()), None, None)
    boss = User("210987654321", "boss", "AIDABOSS", auth.clock.now())
    await auth.directory.create_user(boss, 9)
    foreign = await auth.keys.make("210987654321", boss)
    await auth.directory.create_access_key(foreign.key, 2)
    for statements in ((), (allow("iam:GetAccessKeyLastUsed", f"arn:aws:iam::{ACCOUNT}:user/b*"),)):
        await iam.allow(allow("kms:Decrypt"), *statements)
        refusals = [
            await refused(iam.last_uses.last(await iam.alice(), key_id))
            for key_id in (foreign.key.access_key_id, "AKIAUNKNOWN")
        ]
        assert refusals[0] == refusals[1]
        assert refusals[0][0] == "ACCESS_DENIED"
        assert "boss" not in refusals[0][1]
    await iam.allow(allow("iam:GetAccessKeyLastUsed", "*"))
    refusal = await refused(iam.last_uses.last(await iam.alice(), foreign.key.access_key_id))
    assert refusal[0] == "RESOURCE_NOT_FOUND"
