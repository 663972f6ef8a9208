"""Trust policies: what is read is what is in force, and written back means the same."""

import json
from typing import Any

import pytest

from services.auth.adapters.principal_state import SqlPrincipals
from services.auth.adapters.sql_account_details import SqlAccountDetails
from services.auth.adapters.sql_roles import SqlRoles
from services.auth.domain.account_details import DetailKind, RoleRights
from services.auth.domain.identity import Entity, EntityKind
from services.auth.operations.account_identity import AccountIdentity
from services.auth.operations.principal_names import PrincipalNames
from services.auth.operations.session_maker import NewSession
from services.auth.operations.sessions import RoleRequest, TemporaryCredentials
from services.auth.operations.trust_policies import TrustPolicies
from services.chassis.context import CallContext
from services.chassis.named_principals import mentions, rewritten
from tests.unit.auth.identities import ACCOUNT, ADMINISTRATOR, FIRST, Iam, call_of, refused

USER = f"arn:aws:iam::{ACCOUNT}:user"
ROLE = f"arn:aws:iam::{ACCOUNT}:role"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role"
DENIED = "ACCESS_DENIED"


def trusting(*principals: str, **statement: Any) -> str:
    """Return a trust policy, written as somebody would who likes white space."""
    whole = {"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": {**whole, **statement}}, indent=3)


async def told(iam: Iam, role_name: str = "r") -> str:
    """Return the trust policy of a role as everybody reads it, which is one way."""
    found = (await iam.roles.get(iam.root, role_name)).role
    page = (await iam.roles.list(iam.root, FIRST)).items
    updated = await iam.roles.update(iam.root, role_name, None, None)
    database = iam.auth.credentials._database
    trusts = TrustPolicies(PrincipalNames(SqlRoles(database), SqlPrincipals(database), "aws"))
    account = AccountIdentity(SqlAccountDetails(database), iam.roles.admission, trusts)
    details = (await account.details(iam.root, frozenset(), FIRST)).items
    reviewed = [each.details.role for each in details if isinstance(each, RoleRights)]
    for others in ([updated], page, reviewed):
        assert [each for each in others if each.role_name == role_name] == [found]
    return found.trust


async def named(iam: Iam, role_name: str = "r") -> list[str]:
    """Return whom the trust policy names, as it is read."""
    return [each.text for each in mentions(await told(iam, role_name))]


async def written_back(iam: Iam, role_name: str = "r") -> None:
    """Write what was read, and find that nothing is another than before."""
    store, read = iam.roles.store, await told(iam, role_name)
    before = await store.role(ACCOUNT, role_name)
    await iam.roles.update_trust(iam.root, role_name, read)
    assert await store.role(ACCOUNT, role_name) == before
    assert await told(iam, role_name) == read


async def user_call(iam: Iam, user_name: str) -> CallContext:
    """Return a call of a user of the account."""
    user = (await iam.users.get(iam.root, user_name)).user
    key = await iam.auth.keys.make(ACCOUNT, user)
    await iam.auth.directory.create_access_key(key.key, 2)
    return await call_of(iam.auth, key.key.access_key_id)


async def assume(iam: Iam, call: CallContext, role_name: str, session_name: str = "now") -> NewSession:
    """Assume a role."""
    temporary: TemporaryCredentials = iam.auth.temporary(iam.roles.store)
    return await temporary.assume_role(call, RoleRequest(f"{ROLE}/{role_name}", session_name))


async def session_call(iam: Iam, role_name: str, session_name: str) -> CallContext:
    """Return a call of a session of a role that alice may assume."""
    new = await assume(iam, await iam.alice(), role_name, session_name)
    return await call_of(iam.auth, new.session.access_key_id)


async def test_a_document_stays_as_it_was_written(iam: Iam) -> None:
    text = trusting(ACCOUNT, f"{USER}/alice", f"arn:aws:iam::{ACCOUNT}:root", "*").replace(
        "user", "us\\u0065r"
    )
    made = await iam.roles.create(iam.root, "r", text, "", None)
    assert made.role.trust == text.replace("\\u0065", "e")
    assert await told(iam) == made.role.trust
    kept = (await iam.roles.store.role(ACCOUNT, "r")).trust
    assert kept == made.role.trust.replace(f"{USER}/alice", "AIDAALICEALICEALICEAA")
    await written_back(iam)


async def test_a_renamed_user_is_told_by_its_arn_of_now(iam: Iam) -> None:
    await iam.users.create(iam.root, "rn")
    meant = await user_call(iam, "rn")
    await iam.roles.create(iam.root, "r", trusting(f"{USER}/rn"), "", None)
    await iam.users.update(iam.root, "rn", "rn-new", "/a:b/")
    await iam.users.create(iam.root, "rn")
    namesake = await user_call(iam, "rn")
    assert await named(iam) == [f"{USER}/a:b/rn-new"]
    await written_back(iam)
    await assume(iam, meant, "r")
    assert (await refused(assume(iam, namesake, "r")))[0] == DENIED


async def test_who_is_gone_is_told_by_id_and_comes_back_as_nobody(iam: Iam) -> None:
    await iam.users.create(iam.root, "gone")
    await iam.roles.create(iam.root, "lost", trusting(ACCOUNT), "", None)
    user = (await iam.users.get(iam.root, "gone")).user
    role = (await iam.roles.get(iam.root, "lost")).role
    all_three = trusting(f"{USER}/gone", f"{ROLE}/lost", f"{SESSION}/lost/bob")
    await iam.roles.create(iam.root, "r", all_three, "", None)
    assert await named(iam) == [f"{USER}/gone", f"{ROLE}/lost", f"{SESSION}/lost/bob"]
    await iam.users.delete(iam.root, "gone")
    await iam.roles.delete(iam.root, "lost")
    await iam.users.create(iam.root, "gone")
    namesake = await user_call(iam, "gone")
    ids = [user.user_id, role.role_id, f"{SESSION}/{role.role_id}/bob"]
    assert await named(iam) == ids
    await written_back(iam)
    assert await named(iam) == ids
    assert (await refused(assume(iam, namesake, "r")))[0] == DENIED
    # Nobody is let into another role by an id that nobody has, as at AWS.
    for each in ids:
        reason, message = await refused(iam.roles.create(iam.root, "other", trusting(each), "", None))
        assert (reason, each in message) == ("UNSUPPORTED_POLICY", True)


@pytest.mark.parametrize(
    "stranger",
    [
        "AIDAAAAAAAAAAAAAAAAAA",
        "AROAAAAAAAAAAAAAAAAAA",
        f"{SESSION}/AROAAAAAAAAAAAAAAAAAA/bob",
        f"{SESSION}/nobody/bob",
        f"{SESSION.replace('aws', 'aws-cn')}/r/bob",
        f"{USER}/nobody",
        f"arn:aws:iam::{ACCOUNT}:role/x/r",
        f"arn:aws-cn:iam::{ACCOUNT}:root",
        f"arn:aws-us-gov:iam::{ACCOUNT}:root",
    ],
)
async def test_who_never_was_is_an_invalid_principal(iam: Iam, stranger: str) -> None:
    await iam.roles.create(iam.root, "r", trusting(ACCOUNT), "", None)
    document = trusting(ACCOUNT, stranger)
    refusals = (
        iam.roles.update_trust(iam.root, "r", document),
        iam.roles.create(iam.root, "s", document, "", None),
    )
    for refusal in refusals:
        reason, message = await refused(refusal)
        assert reason == "UNSUPPORTED_POLICY"
        line = next(n for n, text in enumerate(document.splitlines(), 1) if stranger in text)
        assert f"at line {line}: statement 0, Principal, AWS has an invalid principal" in message


async def test_an_id_of_somebody_is_told_as_an_arn(iam: Iam) -> None:
    alice = (await iam.users.get(iam.root, "alice")).user
    await iam.roles.create(iam.root, "r", trusting(alice.user_id), "", None)
    assert await named(iam) == [f"{USER}/alice"]
    await written_back(iam)
    await assume(iam, await iam.alice(), "r")


async def test_a_value_of_a_condition_is_nobody(iam: Iam) -> None:
    condition = {"StringEquals": {"aws:userid": "AIDAALICEALICEALICEAA"}}
    text = trusting(f"{USER}/alice", Condition=condition, Sid="AIDAALICEALICEALICEAA")
    await iam.roles.create(iam.root, "r", text, "", None)
    assert await told(iam) == text
    await assume(iam, await iam.alice(), "r")


async def test_a_session_is_that_of_the_role_that_was_meant(iam: Iam) -> None:
    await iam.roles.create(iam.root, "src", trusting(f"{USER}/alice"), "", None)
    await iam.roles.create(iam.root, "r", trusting(f"{SESSION}/src/bob"), "", None)
    bob, carol = await session_call(iam, "src", "bob"), await session_call(iam, "src", "carol")
    assert await named(iam) == [f"{SESSION}/src/bob"]
    await written_back(iam)
    await assume(iam, bob, "r")
    for stranger in (carol, await iam.alice()):
        assert (await refused(assume(iam, stranger, "r")))[0] == DENIED
    old = (await iam.roles.get(iam.root, "src")).role
    await iam.roles.delete(iam.root, "src")
    await iam.roles.create(iam.root, "src", trusting(f"{USER}/alice"), "", None)
    again = await session_call(iam, "src", "bob")
    assert (await refused(assume(iam, again, "r")))[0] == DENIED
    assert await named(iam) == [f"{SESSION}/{old.role_id}/bob"]
    await written_back(iam)
    assert (await refused(assume(iam, again, "r")))[0] == DENIED
    await iam.roles.update_trust(iam.root, "r", trusting(f"{SESSION}/src/bob"))
    await assume(iam, again, "r")


async def test_a_session_is_denied_and_left_out_by_the_same_name(iam: Iam) -> None:
    await iam.roles.create(iam.root, "src", trusting(f"{USER}/alice"), "", None)
    await iam.attachments.attach(iam.root, Entity(EntityKind.ROLE, "src"), ADMINISTRATOR)
    allow = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    listed = [ACCOUNT, f"{ROLE}/src", f"{SESSION}/src/bob"]
    for deny, (bob, carol) in (
        ({"Principal": {"AWS": f"{SESSION}/src/bob"}}, (False, True)),
        ({"NotPrincipal": {"AWS": listed}}, (True, False)),
    ):
        statements = [allow, {"Effect": "Deny", "Action": "sts:*", **deny}]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        if any(each.role_name == "r" for each in (await iam.roles.list(iam.root, FIRST)).items):
            await iam.roles.update_trust(iam.root, "r", document)
        else:
            await iam.roles.create(iam.root, "r", document, "", None)
        assert await told(iam) == document
        for name, expected in (("bob", bob), ("carol", carol)):
            call = await session_call(iam, "src", name)
            if expected:
                await assume(iam, call, "r")
            else:
                assert (await refused(assume(iam, call, "r")))[0] == DENIED


async def test_a_role_named_like_an_id_is_not_taken_for_the_role_that_has_it(iam: Iam) -> None:
    await iam.roles.create(iam.root, "src", trusting(f"{USER}/alice"), "", None)
    await iam.roles.create(iam.root, "r", trusting(f"{SESSION}/src/bob"), "", None)
    old = (await iam.roles.get(iam.root, "src")).role.role_id
    await iam.roles.delete(iam.root, "src")
    await iam.roles.create(iam.root, old, trusting(f"{USER}/alice"), "", None)
    await written_back(iam)
    assert await named(iam) == [f"{SESSION}/{old}/bob"]
    impostor = await session_call(iam, old, "bob")
    assert (await refused(assume(iam, impostor, "r")))[0] == DENIED
    # Its sessions can be named, by its own id, and stay named by that.
    own = (await iam.roles.get(iam.root, old)).role.role_id
    await iam.roles.update_trust(iam.root, "r", trusting(f"{SESSION}/{own}/bob"))
    assert await named(iam) == [f"{SESSION}/{own}/bob"]
    await written_back(iam)
    await assume(iam, impostor, "r")


async def test_a_user_whose_path_looks_like_a_session_is_a_user(iam: Iam) -> None:
    await iam.users.create(iam.root, "u", path="/:assumed-role/src/")
    call = await user_call(iam, "u")
    assert call.principal is not None
    assert call.principal.role_arn == ""
    arn = f"{USER}/:assumed-role/src/u"
    await iam.roles.create(iam.root, "r", trusting(arn), "", None)
    assert await named(iam) == [arn]
    await written_back(iam)
    await assume(iam, call, "r")
    await iam.auth.allow(
        "u",
        json.dumps(
            {
                "Statement": {
                    "Effect": "Allow",
                    "Action": "iam:GetUser",
                    "Resource": "*",
                    "Condition": {"StringEquals": {"aws:PrincipalType": "User", "aws:username": "u"}},
                },
                "Version": "2012-10-17",
            }
        ),
    )
    assert (await iam.users.get(call, "u")).user.user_name == "u"


@pytest.mark.parametrize("path", ["/a*/", "/?/", "/*/b/"])
async def test_paths_have_no_wildcards(iam: Iam, path: str) -> None:
    creations = (
        iam.users.create(iam.root, "u", path=path),
        iam.groups.create(iam.root, "u", path),
        iam.roles.create(iam.root, "u", trusting(ACCOUNT), "", None, path=path),
        iam.policies.create(iam.root, "u", trusting(ACCOUNT), "", path=path),
        iam.users.update(iam.root, "alice", "", path),
        iam.groups.update(iam.root, "g", "", path),
    )
    for refusal in creations:
        reason, message = await refused(refusal)
        assert (reason, "path: cannot have * or ?" in message) == ("INVALID_FIELD", True)


async def test_who_has_a_wildcard_in_an_old_path_is_told_by_id(iam: Iam) -> None:
    alice = (await iam.users.get(iam.root, "alice")).user
    await iam.roles.create(iam.root, "r", trusting(f"{USER}/alice"), "", None)
    await iam.auth.directory.update_user(ACCOUNT, "alice", "", "/old*/")
    assert await named(iam) == [alice.user_id]
    await written_back(iam)
    await assume(iam, await iam.alice(), "r")
    # It can be moved away.
    await iam.users.update(iam.root, "alice", "", "/new/")
    assert await named(iam) == [f"{USER}/new/alice"]


def test_texts_are_replaced_where_they_stand() -> None:
    text = trusting("*", "123456789012", Sid="123456789012")
    found = mentions(text)
    assert [each.text for each in found] == ["*", "123456789012"]
    changed = rewritten(text, zip(found, ('a"b', "é"), strict=True))
    assert json.loads(changed)["Statement"]["Principal"]["AWS"] == ['a"b', "é"]
    assert json.loads(changed)["Statement"]["Sid"] == "123456789012"
    assert rewritten(text, ((each, each.text) for each in found)) == text
    assert mentions('{"Statement":[{"Principal":"*"},{"Principal":{"Service":["a"]}}]}') == []


async def test_details_of_other_kinds_stay(iam: Iam) -> None:
    database = iam.auth.credentials._database
    trusts = TrustPolicies(PrincipalNames(SqlRoles(database), SqlPrincipals(database), "aws"))
    account = AccountIdentity(SqlAccountDetails(database), iam.roles.admission, trusts)
    stored = await account.store.details(ACCOUNT, frozenset(DetailKind), FIRST)
    assert (await account.details(iam.root, frozenset(), FIRST)).items == stored.items
