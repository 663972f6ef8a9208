"""Which statements a simulated decision rests on, in which policy and where in its text."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from services.auth.adapters.principal_state import SqlPrincipals, read_principal
from services.auth.domain.identity import Entity, EntityKind
from services.auth.domain.pages import PageRequest
from services.auth.operations.matched_statements import MatchedStatement
from services.auth.operations.simulated_requests import Asked, Simulated
from services.auth.operations.simulation import Simulation
from services.chassis.arn import iam_entity
from services.chassis.errors import DomainError
from services.chassis.pages import Page, encode_page_token
from services.chassis.policy.document import canonical, parse
from tests.unit.auth.identities import ACCOUNT, Iam, allow, make_iam

INVOKE, GET = "bedrock:InvokeModel", "bedrock:GetFoundationModel"
MODEL = "arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"


def deny(action: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": "*", **more}


def document(*statements: dict[str, Any], **how: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, **how)


def named(result: Simulated) -> list[tuple[str, str]]:
    return [(each.source.policy_id, each.source.source_type.value) for each in result.matched]


def place(matched: MatchedStatement) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return beginning and end as IAM counts."""
    return (matched.behind.line, matched.behind.column + 1), (matched.end.line, matched.end.column + 1)


@pytest.fixture
async def iam(auth: Any) -> Iam:
    return await make_iam(auth)


@pytest.fixture
def simulation(auth: Any) -> Simulation:
    return Simulation(SqlPrincipals(auth.credentials._database), auth.admission, auth.clock, "aws")


async def custom(iam: Iam, simulation: Simulation, *policies: str, **changes: Any) -> Simulated:
    levels = changes.pop("levels", ())
    asked = Asked(**{"actions": [INVOKE], "resources": [MODEL], **changes})
    [result] = (await simulation.custom(iam.root, policies, asked, ALICE, levels)).items
    return result


async def of_alice(iam: Iam, simulation: Simulation, *additional: str, **changes: Any) -> Simulated:
    asked = Asked(**{"actions": [INVOKE], "resources": [MODEL], **changes})
    [result] = (await simulation.principal(iam.root, ALICE, asked, additional)).items
    return result


async def test_policies_of_the_request_are_told_apart(iam, simulation) -> None:
    other, one = document(allow("kms:*")), document(allow(INVOKE))
    for policies, expected in (
        ((one, other), ["PolicyInputList.1"]),
        ((other, one), ["PolicyInputList.2"]),
        ((one, one), ["PolicyInputList.1", "PolicyInputList.2"]),
        ((other, other), []),
    ):
        result = await custom(iam, simulation, *policies)
        assert named(result) == [(each, "none") for each in expected]


async def test_of_a_deny_the_denying_statements_alone_are_named(iam, simulation) -> None:
    policies = document(allow("*")), document(allow(INVOKE), deny("bedrock:*"), deny(GET), deny(INVOKE))
    result = await custom(iam, simulation, *policies)
    assert named(result) == [("PolicyInputList.2", "none")] * 2
    assert [json.loads(each.text)["Action"] for each in result.matched] == ["bedrock:*", INVOKE]


async def test_a_boundary_is_named_when_it_denies_and_not_when_it_allows_or_is_silent(
    iam, simulation
) -> None:
    everything = document(allow("*"))
    for boundary, expected in (
        (document(deny(INVOKE)), [("PermissionsBoundaryPolicyInputList.1", "none")]),
        (everything, [("PolicyInputList.1", "none")]),
        (document(allow("kms:*")), []),
    ):
        assert named(await custom(iam, simulation, everything, boundary=boundary)) == expected


async def test_the_policy_of_a_resource_is_named(iam, simulation) -> None:
    def resource(effect: str, *principals: str) -> str:
        statement = {"Effect": effect, "Action": "kms:*", "Resource": "*"}
        return document(*({**statement, "Principal": {"AWS": each}} for each in principals))

    ask = {"actions": ["kms:Decrypt"], "resources": [KEY]}
    silent, given = document(allow("s3:*")), ("ResourcePolicy", "resource")
    result = await custom(iam, simulation, silent, resource_policy=resource("Allow", ALICE), **ask)
    assert named(result) == [given]
    result = await custom(iam, simulation, silent, resource_policy=resource("Deny", ALICE), **ask)
    assert named(result) == [given]
    bob = ALICE.replace("alice", "bob")
    both = resource("Deny", bob, ALICE)
    result = await custom(iam, simulation, silent, resource_policy=both, **ask)
    assert [json.loads(each.text)["Principal"] for each in result.matched] == [{"AWS": ALICE}]


async def test_what_conditions_and_resources_leave_out_is_not_named(iam, simulation) -> None:
    elsewhere = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
    policy = document(allow(INVOKE, **elsewhere), allow(INVOKE, KEY), allow(INVOKE, MODEL))
    [matched] = (await custom(iam, simulation, policy)).matched
    assert json.loads(matched.text)["Resource"] == MODEL


ONE_LINE = '{"Version":"2012-10-17","Statement":[%s]}'
FIRST = '{"Effect":"Allow","Action":"bedrock:*","Resource":"*"}'
SECOND = '{"Effect":"Allow","Action":"*","Resource":"*"}'


@pytest.mark.parametrize(
    ("policy", "places"),
    [
        # As IAM tells it of a policy of json.dumps, and of AdministratorAccess as AWS writes it.
        (document(allow("*")), [((1, 41), (1, 92))]),
        (document(allow("*"), indent=2), [((3, 17), (8, 6))]),
        (ONE_LINE % FIRST, [((1, 38), (1, 92))]),
        # From the second one on the comma belongs to it.
        (ONE_LINE % f"{FIRST},{SECOND}", [((1, 38), (1, 92)), ((1, 92), (1, 139))]),
        (document(allow("*"), allow(INVOKE), indent=2), [((3, 17), (8, 6)), ((8, 6), (13, 6))]),
        # One statement without a list begins where it begins.
        (f'{{\n  "Statement" : {FIRST}\n}}', [((2, 17), (2, 71))]),
        (f'{{"Statement":{FIRST},"Version":"2012-10-17"}}', [((1, 14), (1, 68))]),
        # A bracket in a text is none, and an umlaut is one column.
        (
            '{"Statement":[{"Effect":"Allow","Action":"*","Resource":["*","arn:aws:s3:::ä}],"]}]}',
            [((1, 15), (1, 83))],
        ),
    ],
)
async def test_places_are_those_that_iam_counts(iam, simulation, policy, places) -> None:
    result = await custom(iam, simulation, policy)
    assert [place(each) for each in result.matched] == places
    for matched in result.matched:
        written = policy[matched.start.offset : matched.end.offset]
        assert written == matched.text
        assert json.loads(written)["Effect"] == "Allow"


async def test_policies_of_a_user_are_named_by_whose_they_are(iam, simulation) -> None:
    user, group = Entity(EntityKind.USER, "alice"), Entity(EntityKind.GROUP, "red")
    await iam.groups.create(iam.root, "red")
    await iam.groups.add_user(iam.root, "red", "alice")
    text = document(allow(INVOKE), indent=4)
    await iam.inline.put(iam.root, user, "mine", text)
    await iam.inline.put(iam.root, group, "ours", text)
    both, of_group = await iam.policy("both", text), await iam.policy("of-group", text)
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    for bearer, arn in ((user, both), (group, both), (group, of_group), (user, administrator)):
        await iam.attachments.attach(iam.root, bearer, arn)
    result = await of_alice(iam, simulation, document(allow(INVOKE)))
    assert sorted(named(result)) == [
        ("AdministratorAccess", "aws-managed"),
        ("PolicyInputList.1", "none"),
        ("both", "user-managed"),
        ("group_red_ours", "group"),
        ("of-group", "user-managed"),
        ("user_alice_mine", "user"),
    ]
    [mine] = [each for each in result.matched if each.source.policy_id == "user_alice_mine"]
    assert text[mine.start.offset : mine.end.offset] == mine.text, "the text as it was given"
    await iam.boundaries.put(iam.root, user, await iam.policy("limit", document(deny(INVOKE))))
    assert named(await of_alice(iam, simulation)) == [("limit", "user-managed")]
    read = await iam.auth.credentials._database.read(
        lambda connection: read_principal(connection, iam.auth.key.key.access_key_id)
    )
    # They are what decides about calls.
    found = await SqlPrincipals(iam.auth.credentials._database).named(iam_entity(ALICE))
    for sources, documents in (
        (found.sources.identity, read.policies.identity),
        (found.sources.boundary, read.policies.boundary),
    ):
        assert {canonical(parse(each.document)) for each in sources} == set(documents)


async def test_policies_of_a_role_are_named(iam, simulation) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": ALICE}, "Action": "sts:AssumeRole"}
    await iam.roles.create(iam.root, "reader", document(trust), "", None)
    await iam.inline.put(iam.root, Entity(EntityKind.ROLE, "reader"), "p", document(allow(INVOKE)))
    asked = Asked([INVOKE], [MODEL])
    [result] = (await simulation.principal(iam.root, f"arn:aws:iam::{ACCOUNT}:role/reader", asked)).items
    assert named(result) == [("role_reader_p", "role")]


async def test_levels_of_an_organization_are_tried_out(iam, simulation) -> None:
    everything, model = document(allow("*")), document(allow("bedrock:*"))
    result = await custom(
        iam, simulation, everything, levels=[[everything], [document(allow("kms:*")), model]]
    )
    assert named(result) == [("PolicyInputList.1", "none")]
    result = await custom(iam, simulation, everything, levels=[[everything], [document(allow("kms:*"))]])
    assert (result.decision[0].layer.value, result.decision[0].level) == ("service control policy", 1)
    result = await custom(iam, simulation, everything, levels=[[everything, document(deny(INVOKE))]])
    assert result.decision[0].verdict.value == "explicit deny"
    assert named(result) == [], "those of an organization stand in its layer"


async def pages(iam: Iam, simulation: Simulation, size: int, **changes: Any) -> list[Page[Simulated]]:
    found, token = [], ""
    while not found or token:
        asked = Asked(**{"actions": [INVOKE, GET], **changes, "page": PageRequest.parse(size, token)})
        found.append(await simulation.custom(iam.root, [document(allow(GET))], asked))
        token = found[-1].next_token
    return found


async def test_pages_hold_each_result_once(iam, simulation) -> None:
    def told(found: Sequence[Page[Simulated]]) -> list[tuple[str, str, bool]]:
        results = [each for page in found for each in page.items]
        return [(each.action, each.resource, each.decision[0].allowed) for each in results]

    resources = ["*", MODEL, KEY]
    [whole] = await pages(iam, simulation, 0, resources=resources)
    expected = [(action, each, action == GET) for action in (INVOKE, GET) for each in resources]
    assert told([whole]) == expected
    for size in (1, 2, 4, 5, 6):
        found = await pages(iam, simulation, size, resources=resources)
        assert told(found) == expected
        assert [len(page.items) for page in found[:-1]] == [size] * (len(found) - 1)
    [first, _] = await pages(iam, simulation, 1)
    forged = [encode_page_token(each) for each in ("x", "1/x", f"9/{first.next_token}", "-1/0")]
    for actions, token in (([GET, INVOKE], first.next_token), *(([INVOKE, GET], each) for each in forged)):
        asked = Asked(actions, page=PageRequest.parse(1, token))
        with pytest.raises(DomainError, match="page_token"):
            await simulation.custom(iam.root, [document(allow(GET))], asked)


@pytest.mark.parametrize(
    "resource",
    [
        "notanarn",
        "",
        "arn",
        "arn:aws:s3",
        "arn:aws:s3:::",
        "arn::s3:::b",
        "arn:aws::::b",
        " " + MODEL,
        MODEL + " ",
    ],
)
async def test_what_is_no_arn_is_refused(iam, simulation, resource) -> None:
    with pytest.raises(DomainError, match="ResourceNames are not in a valid ARN format"):
        await custom(iam, simulation, document(allow("*")), resources=[MODEL, resource])


@pytest.mark.parametrize("resource", ["*", MODEL, KEY, "arn:aws:s3:::bucket/a b*", ALICE])
async def test_what_is_an_arn_is_taken(iam, simulation, resource) -> None:
    assert (await custom(iam, simulation, document(allow("*")), resources=[resource])).resource == resource
