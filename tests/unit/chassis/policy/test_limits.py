"""Every number of the policy language, from both of its sides."""

import json

import pytest

from services.chassis.errors import DomainError
from services.chassis.policy import kinds, scalars
from services.chassis.policy.bundle import PolicyBundle
from services.chassis.policy.cache import PolicyCache
from services.chassis.policy.document import parse
from services.chassis.policy.evaluator import PolicySet
from services.chassis.policy.kinds import PolicyKind, PrincipalRule
from services.chassis.policy.model import Layer
from services.chassis.policy.principals import Requester, RequesterKind
from services.chassis.policy.resource_evaluator import ResourcePolicySet
from services.chassis.policy.review import review

ACTIONS_KEPT = 1024
WHO = Requester(RequesterKind.ROOT, "arn:aws:iam::123456789012:root", "123456789012")

# AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html (managed, session, trust),
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html (SCP, RCP),
# https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html,
# https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
CHARACTERS = [
    (kinds.IDENTITY, 6144),
    (kinds.SESSION, 2048),
    (kinds.SERVICE_CONTROL, 5120),
    (kinds.RESOURCE_CONTROL, 5120),
    (kinds.ENDPOINT, 20_480),
    (kinds.KEY, 32_768),
    (kinds.MODEL, 20_480),
    (kinds.TRUST, 2048),
]


def written(kind: PolicyKind, characters: int) -> str:
    """Return a document of so many characters that count, and some that do not."""
    statement = {"Effect": "Deny", "Action": f"{kind.service or 'bedrock'}:"}
    if kind.has_resource:
        statement["Resource"] = "*"
    if kind.principal is not PrincipalRule.ABSENT:
        statement["Principal"] = "*"
    made = {"Version": "2012-10-17", "Statement": [statement]}
    statement["Action"] += "x" * (characters - len(json.dumps(made, separators=(",", ":"))))
    return json.dumps(made, indent=1)


@pytest.mark.parametrize(("kind", "characters"), CHARACTERS, ids=lambda each: getattr(each, "name", ""))
def test_documents_are_as_long_as_aws_has_them_and_not_a_character_more(
    kind: PolicyKind, characters: int
) -> None:
    parse(written(kind, characters), kind)
    longer = written(kind, characters + 1)
    # The character that is too many is the bracket at the end, alone on its line.
    refused = f"at line {len(longer.splitlines())}: the document is longer than {characters} characters"
    with pytest.raises(DomainError, match=refused):
        parse(longer, kind)
    tight = json.dumps(json.loads(written(kind, characters + 2)), separators=(",", ":"))
    with pytest.raises(DomainError, match="at line 1: the document is longer"):
        parse(f"{tight[:-1]}\n}}", kind)


def test_every_kind_has_its_limit_here() -> None:
    every = {each.name for each in vars(kinds).values() if isinstance(each, PolicyKind)}
    assert every == {kind.name for kind, _ in CHARACTERS}


def test_a_review_has_a_hundred_findings_at_most() -> None:
    actions = [f"kms:Frobnicate{number}" for number in range(150)]
    statement = {"Effect": "Deny", "Action": actions, "Resource": "*"}
    assert len(review(json.dumps({"Version": "2012-10-17", "Statement": statement}))) == 100


def test_what_is_nested_too_deeply_has_its_line() -> None:
    with pytest.raises(DomainError, match="at line 101: the document is nested too deeply"):
        parse("[\n" * 3000 + "]" * 3000)


@pytest.mark.parametrize("kind", [kinds.IDENTITY, kinds.RESOURCE_CONTROL], ids=lambda kind: kind.name)
def test_so_many_actions_are_kept_ready_and_not_one_more(kind: PolicyKind) -> None:
    policies = [parse(written(kind, 300), kind)]
    compiled = PolicySet(policies) if kind is kinds.IDENTITY else ResourcePolicySet(policies)

    def ask(action: str) -> None:
        if isinstance(compiled, PolicySet):
            compiled.evaluate(action, "*", {})
        else:
            compiled.evaluate(WHO, action, "*", {})

    for number in range(ACTIONS_KEPT):
        ask(f"bedrock:Action{number}")
    assert len(compiled._by_action) == ACTIONS_KEPT
    ask("bedrock:OneMore")
    assert len(compiled._by_action) == 1


def test_what_has_no_levels_decides_at_level_0() -> None:
    identity = PolicySet([]).evaluate("bedrock:InvokeModel", "*", {})
    resource, _ = ResourcePolicySet([]).evaluate(WHO, "bedrock:InvokeModel", "*", {})
    assert (identity.layer, identity.level) == (Layer.IDENTITY, 0)
    assert (resource.layer, resource.level) == (Layer.RESOURCE, 0)


@pytest.mark.parametrize("text", ["YQ=", "YQ==!", "Y Q==", "YQ==\n", "é", "YQ"])
def test_base64_has_nothing_in_it_that_base64_has_not(text: str) -> None:
    assert scalars.octets("YQ==") == b"a"
    with pytest.raises(ValueError, match=r".+"):
        scalars.octets(text)


@pytest.mark.parametrize(
    ("resource", "owner"),
    [
        ("*", "123456789012"),
        ("a:b:c", "123456789012"),
        ("a:b:c:d", "123456789012"),
        ("a:b:c:d:210987654321", "210987654321"),
        ("arn:aws:kms:us-east-1:210987654321:key/a", "210987654321"),
        ("arn:aws:bedrock:us-east-1::foundation-model/a", ""),
    ],
)
def test_the_fifth_part_of_an_arn_owns_it(resource: str, owner: str) -> None:
    control = (written(kinds.RESOURCE_CONTROL, 300),)
    compiled = PolicyCache().compile_bundle(PolicyBundle((), resource_control=(control,)))
    assert compiled.target("123456789012", resource).account_id == owner
