"""All layers together: AWS's tables of same-account and cross-account evaluation, one row a test."""

import json
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from services.chassis.policy import kinds, layers
from services.chassis.policy.document import parse
from services.chassis.policy.evaluator import PolicySet
from services.chassis.policy.layers import RequesterLayers, ResourceLayers
from services.chassis.policy.model import Layer, Verdict
from services.chassis.policy.principals import (
    Match,
    Name,
    NameKind,
    Principals,
    Requester,
    RequesterKind,
)
from services.chassis.policy.resource_evaluator import ResourcePolicySet

ACCOUNT, OTHER = "123456789012", "210987654321"
ACTION, RESOURCE = "kms:Decrypt", f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k"
ROOT_ARN = f"arn:aws:iam::{ACCOUNT}:root"
USER_ARN = f"arn:aws:iam::{ACCOUNT}:user/alice"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/reader"
SESSION_ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/today"

ROOT = Requester(RequesterKind.ROOT, ROOT_ARN, ACCOUNT)
USER = Requester(RequesterKind.USER, USER_ARN, ACCOUNT, "AIDA" + "A" * 17)
ROLE = Requester(RequesterKind.ROLE, SESSION_ARN, ACCOUNT, "AROA" + "A" * 17, ROLE_ARN)
LINKED = Requester(RequesterKind.ROLE, SESSION_ARN, ACCOUNT, "AROA" + "A" * 17, ROLE_ARN, service_linked=True)
SERVICE = Requester(RequesterKind.SERVICE, "bedrock.amazonaws.com", "")


def policies(effect: str = "Allow", action: str = ACTION, layer: Layer = Layer.IDENTITY) -> PolicySet:
    document = {
        "Version": "2012-10-17",
        "Statement": {"Effect": effect, "Action": action, "Resource": RESOURCE},
    }
    return PolicySet([parse(json.dumps(document))], layer)


def resource_policy(
    principal: Any, effect: str = "Allow", layer: Layer = Layer.RESOURCE, **element: Any
) -> ResourcePolicySet:
    statement = {"Effect": effect, "Action": "kms:*", "Resource": "*"}
    statement |= element or {"Principal": principal}
    return ResourcePolicySet(
        [parse(json.dumps({"Version": "2012-10-17", "Statement": statement}), kinds.KEY)], layer
    )


ALLOW, DENY, SILENT = policies(), policies("Deny"), PolicySet([])
EVERYBODY = {"AWS": "*"}


def layered(**sets: PolicySet) -> RequesterLayers:
    named = {"boundary": Layer.BOUNDARY, "session": Layer.SESSION}
    return RequesterLayers(
        **{name: _in(sets[name], named.get(name, Layer.IDENTITY)) for name in sets}  # type: ignore[arg-type]
    )


def _in(given: PolicySet, layer: Layer) -> PolicySet:
    return {id(ALLOW): policies(layer=layer), id(DENY): policies("Deny", layer=layer)}.get(
        id(given), PolicySet([], layer)
    )


def decide(requester: Requester, bound: RequesterLayers, target: ResourceLayers = layers.NO_OWNER) -> Any:
    decision = layers.decide(requester, bound, target, ACTION, RESOURCE, {})
    return decision.verdict, decision.layer


PERMITTED_BY_IDENTITY = (Verdict.ALLOW, Layer.IDENTITY)
PERMITTED_BY_RESOURCE = (Verdict.ALLOW, Layer.RESOURCE)


def missing(layer: Layer) -> tuple[Verdict, Layer]:
    return Verdict.IMPLICIT_DENY, layer


@pytest.mark.parametrize("requester", [USER, ROLE])
def test_without_any_policy_nothing_is_permitted(requester):
    assert decide(requester, RequesterLayers()) == missing(Layer.IDENTITY)


@pytest.mark.parametrize("requester", [USER, ROLE])
def test_identity_permits(requester):
    assert decide(requester, layered(identity=ALLOW)) == PERMITTED_BY_IDENTITY


def test_root_needs_no_identity_policy():
    assert decide(ROOT, RequesterLayers())[0] is Verdict.ALLOW


@pytest.mark.parametrize("layer", ["boundary", "session"])
@pytest.mark.parametrize("requester", [USER, ROLE])
def test_boundary_and_session_narrow_identity(requester, layer):
    name = Layer.BOUNDARY if layer == "boundary" else Layer.SESSION
    assert decide(requester, layered(identity=ALLOW, **{layer: ALLOW})) == PERMITTED_BY_IDENTITY
    assert decide(requester, layered(identity=ALLOW, **{layer: SILENT})) == missing(name)
    assert decide(requester, layered(identity=SILENT, **{layer: ALLOW})) == missing(Layer.IDENTITY)
    assert decide(requester, layered(identity=ALLOW, **{layer: DENY})) == (Verdict.EXPLICIT_DENY, name)


@pytest.mark.parametrize("requester", [USER, ROLE, ROOT])
def test_every_level_of_the_organization_must_allow(requester):
    allow, silent = policies(layer=Layer.SERVICE_CONTROL), PolicySet([], Layer.SERVICE_CONTROL, 1)
    deny = policies("Deny", layer=Layer.SERVICE_CONTROL)
    for levels, wanted in (
        ((allow, allow), Verdict.ALLOW),
        ((allow, silent), Verdict.IMPLICIT_DENY),
        ((silent, allow), Verdict.IMPLICIT_DENY),
        ((allow, silent, deny), Verdict.EXPLICIT_DENY),
    ):
        decision = layers.decide(
            requester,
            RequesterLayers(identity=ALLOW, service_control=levels),
            layers.NO_OWNER,
            ACTION,
            RESOURCE,
            {},
        )
        assert decision.verdict is wanted
        if wanted is not Verdict.ALLOW:
            assert decision.layer is Layer.SERVICE_CONTROL
        if wanted is Verdict.IMPLICIT_DENY:
            assert decision.level == 1


def test_service_linked_roles_are_exempt_from_the_organization():
    silent = PolicySet([], Layer.SERVICE_CONTROL)
    control = ResourcePolicySet([], Layer.RESOURCE_CONTROL)
    bound = RequesterLayers(identity=ALLOW, service_control=(silent,))
    target = ResourceLayers(ACCOUNT, control=(control,))
    assert decide(LINKED, bound, target) == PERMITTED_BY_IDENTITY
    assert decide(ROLE, bound)[1] is Layer.SERVICE_CONTROL
    assert decide(ROLE, RequesterLayers(identity=ALLOW), target)[1] is Layer.RESOURCE_CONTROL


@pytest.mark.parametrize("silent", ["boundary", "session", "endpoint", None])
def test_with_every_other_layer_each_must_allow(silent):
    sets = {
        "boundary": policies(layer=Layer.BOUNDARY),
        "session": policies(layer=Layer.SESSION),
        "endpoint": resource_policy(EVERYBODY, layer=Layer.ENDPOINT),
    }
    if silent is not None:
        layer = Layer[silent.upper()]
        sets[silent] = ResourcePolicySet([], layer) if silent == "endpoint" else PolicySet([], layer)
    wanted = PERMITTED_BY_IDENTITY if silent is None else missing(Layer[silent.upper()])
    assert decide(USER, RequesterLayers(identity=ALLOW, **sets)) == wanted


def test_layers_are_named_with_their_level():
    for made in (PolicySet([]), policies()):
        assert made.evaluate(ACTION, RESOURCE, {}).level == 0
        assert made.evaluate(ACTION, RESOURCE, {}).layer is Layer.IDENTITY
    for named in (ResourcePolicySet([]), resource_policy(EVERYBODY)):
        decision, _ = named.evaluate(USER, ACTION, RESOURCE, {})
        assert (decision.layer, decision.level) == (Layer.RESOURCE, 0)


@pytest.mark.parametrize("requester", [ROOT, USER, ROLE])
@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov", "aw", ""])
def test_an_account_of_another_partition_is_another_account(requester, partition):
    principals = Principals((Name(NameKind.AWS, f"arn:{partition}:iam::{ACCOUNT}:root"),))
    assert principals.match(requester) is Match.NONE
    assert replace(principals, negated=True).match(requester) is Match.ANYONE


def test_an_endpoint_must_allow_and_can_deny():
    open_ = resource_policy(EVERYBODY, layer=Layer.ENDPOINT)
    closed = resource_policy(USER_ARN and {"AWS": USER_ARN}, "Deny", layer=Layer.ENDPOINT)
    assert decide(USER, RequesterLayers(ALLOW, endpoint=open_)) == PERMITTED_BY_IDENTITY
    assert decide(USER, RequesterLayers(ALLOW, endpoint=closed)) == (Verdict.EXPLICIT_DENY, Layer.ENDPOINT)
    assert decide(ROLE, RequesterLayers(ALLOW, endpoint=closed)) == missing(Layer.ENDPOINT)


@pytest.mark.parametrize(
    ("requester", "principal"),
    [(USER, USER_ARN), (USER, USER.unique_id), (ROLE, SESSION_ARN), (ROOT, ROOT_ARN), (ROOT, ACCOUNT)],
)
def test_a_resource_that_names_the_requester_itself_is_enough(requester, principal):
    target = ResourceLayers(ACCOUNT, resource_policy({"AWS": principal}), required=True)
    bound = layered(identity=SILENT, boundary=SILENT, session=SILENT)
    assert decide(requester, bound, target) == PERMITTED_BY_RESOURCE


@pytest.mark.parametrize("principal", [ROLE_ARN, ROLE.unique_id, "*"])
def test_what_is_given_to_a_role_is_narrowed_by_boundary_and_session(principal):
    target = ResourceLayers(ACCOUNT, resource_policy({"AWS": principal}))
    assert decide(ROLE, RequesterLayers(), target) == PERMITTED_BY_RESOURCE
    assert decide(ROLE, layered(boundary=SILENT, session=ALLOW), target) == missing(Layer.BOUNDARY)
    assert decide(ROLE, layered(boundary=ALLOW, session=SILENT), target) == missing(Layer.SESSION)
    assert decide(ROLE, layered(boundary=ALLOW, session=ALLOW), target) == PERMITTED_BY_RESOURCE


@pytest.mark.parametrize("principal", [ACCOUNT, ROOT_ARN])
@pytest.mark.parametrize("requester", [USER, ROLE])
def test_naming_the_account_leaves_it_to_the_account(requester, principal):
    target = ResourceLayers(ACCOUNT, resource_policy({"AWS": principal}), required=True)
    assert decide(requester, RequesterLayers(), target) == missing(Layer.IDENTITY)
    assert decide(requester, layered(identity=ALLOW), target) == PERMITTED_BY_IDENTITY


def test_identity_alone_does_not_open_what_only_its_own_policy_opens():
    silent = ResourcePolicySet([])
    assert decide(USER, layered(identity=ALLOW), ResourceLayers(ACCOUNT, silent, required=True)) == missing(
        Layer.RESOURCE
    )
    assert decide(USER, layered(identity=ALLOW), ResourceLayers(ACCOUNT, silent)) == PERMITTED_BY_IDENTITY


@pytest.mark.parametrize("principal", [ACCOUNT, USER_ARN, "*"])
def test_between_accounts_both_sides_must_allow(principal):
    target = ResourceLayers(OTHER, resource_policy({"AWS": principal}))
    assert decide(USER, layered(identity=ALLOW), target) == PERMITTED_BY_IDENTITY
    assert decide(USER, RequesterLayers(), target) == missing(Layer.IDENTITY)
    assert decide(USER, layered(identity=ALLOW, boundary=SILENT), target) == missing(Layer.BOUNDARY)
    assert decide(USER, layered(identity=ALLOW), ResourceLayers(OTHER)) == missing(Layer.RESOURCE)
    assert decide(ROOT, RequesterLayers(), ResourceLayers(OTHER)) == missing(Layer.RESOURCE)


def test_a_service_has_what_a_resource_gives_it():
    named = resource_policy({"Service": "bedrock.amazonaws.com"})
    assert decide(SERVICE, RequesterLayers(), ResourceLayers(ACCOUNT, named)) == PERMITTED_BY_RESOURCE
    everybody_else = resource_policy({"Service": "kms.amazonaws.com"})
    assert decide(SERVICE, RequesterLayers(), ResourceLayers(ACCOUNT, everybody_else)) == missing(
        Layer.RESOURCE
    )


@pytest.mark.parametrize(
    ("requester", "listed", "denied"),
    [
        (USER, [USER_ARN, ACCOUNT], False),
        (USER, [USER_ARN], True),
        (USER, [ACCOUNT], True),
        (ROLE, [SESSION_ARN, ROLE_ARN, ACCOUNT], False),
        (ROLE, [SESSION_ARN, ACCOUNT], True),
        (ROLE, [ROLE_ARN, ACCOUNT], True),
        (ROOT, [ACCOUNT], False),
        (ROOT, [OTHER], True),
    ],
)
def test_not_principal_leaves_out_whom_it_lists_by_every_name(requester, listed, denied):
    policy = resource_policy(None, "Deny", NotPrincipal={"AWS": listed})
    verdict, layer = decide(requester, layered(identity=ALLOW), ResourceLayers(ACCOUNT, policy))
    assert (verdict is Verdict.EXPLICIT_DENY) is denied
    assert not denied or layer is Layer.RESOURCE


def test_a_deny_for_the_account_is_one_for_all_in_it():
    policy = resource_policy({"AWS": ACCOUNT}, "Deny")
    for requester in (ROOT, USER, ROLE):
        assert decide(requester, layered(identity=ALLOW), ResourceLayers(ACCOUNT, policy)) == (
            Verdict.EXPLICIT_DENY,
            Layer.RESOURCE,
        )


def test_an_explanation_tells_of_every_layer():
    bound = layered(identity=ALLOW, boundary=SILENT, session=DENY)
    explained = layers.explain(
        USER, bound, ResourceLayers(ACCOUNT, resource_policy({"AWS": ACCOUNT})), ACTION, RESOURCE, {}
    )
    assert explained.decision.layer is Layer.SESSION
    assert [each.layer for each in explained.layers] == [
        Layer.RESOURCE,
        Layer.IDENTITY,
        Layer.BOUNDARY,
        Layer.SESSION,
    ]
    assert [each.layer for each in explained.silent] == [Layer.BOUNDARY]


def test_of_several_statements_that_allow_the_closest_counts() -> None:
    allow = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    named = ("*", ROOT_ARN, ROLE_ARN, SESSION_ARN)
    closest = (Match.ANYONE, Match.ACCOUNT, Match.ROLE, Match.REQUESTER)
    for order in permutations(range(4)):
        statements = [{**allow, "Principal": {"AWS": named[each]}} for each in order]
        for count in range(1, 5):
            document = json.dumps({"Version": "2012-10-17", "Statement": statements[:count]})
            found = ResourcePolicySet([parse(document, kinds.KEY)]).evaluate(ROLE, ACTION, RESOURCE, {})
            best = max(order[:count], key=CLOSENESS.index)
            assert (found[0].statement, found[1]) == (order.index(best), closest[best])


CLOSENESS = (1, 0, 2, 3)
"""Places in `named`: the account, anyone, the role, the session itself."""
