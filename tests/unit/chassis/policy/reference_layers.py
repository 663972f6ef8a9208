"""The second evaluator of all layers together, written for obviousness alone.

It reads the JSON documents itself and says which *ways* there are to a permission: a way is a set of layers
that have to allow, and one way that is open is enough. Beside them stand the gates, which must all be open,
and above everything each Deny. What one statement is about is left to `reference`.
AWS, below https://docs.aws.amazon.com:
IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html,
IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html,
IAM/latest/UserGuide/reference_policies_elements_notprincipal.html, and, for what naming an account gives,
kms/latest/developerguide/key-policy-default.html
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.unit.chassis.policy import reference

SCP, RCP = "service control policy", "resource control policy"
ENDPOINT, RESOURCE = "VPC endpoint policy", "resource-based policy"
IDENTITY, BOUNDARY, SESSION = "identity-based policy", "permissions boundary", "session policy"
GATES = (SCP, RCP, ENDPOINT)

ALLOW, DENY, SILENT = "allow", "explicit deny", "implicit deny"

Key = tuple[str, int]
"""A layer, and which of an organization's levels."""
Place = tuple[str, int, int, int]
"""Layer, level, policy and statement; the last two are -1 for a layer that is silent."""
NOWHERE: Place = ("", 0, -1, -1)
"""No statement permits what the root user may do anyway."""


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """What is asked for. Two are the same only when they are one object."""

    action: str
    resource: str
    context: reference.Context


@dataclass(frozen=True, slots=True)
class Who:
    """Who asks. `kind` is "root", "user", "session", "service" or "federated"."""

    kind: str
    name: str
    account: str = ""
    unique_id: str = ""
    role: str = ""
    service_linked: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """Who asks for a thing of whom, and which of the layers there are this time."""

    who: Who
    owner: str
    required: bool
    absent: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Said:
    """What one layer says by itself, and the statements that may be named for it."""

    verdict: str
    places: frozenset[Place]
    closeness: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict, everything that may be named for it, and what each layer says."""

    verdict: str
    deciding: frozenset[Place]
    layers: Mapping[Key, Said]


class ReferenceLayers:
    """Policies of all layers. What their statements are about is looked up once for each request."""

    def __init__(self, documents: Mapping[Key, Sequence[str]]) -> None:
        """Read the documents of each layer."""
        self._policies = {key: [json.loads(each) for each in texts] for key, texts in documents.items()}
        self._known: dict[tuple[Key, Request], list[tuple[Place, dict[str, Any]]]] = {}

    def ask(self, situation: Situation, request: Request) -> Answer:
        """Decide."""
        said = {
            key: self._said(key, situation.who, request)
            for key in self._policies
            if key[0] not in situation.absent and binds(key[0], situation.who)
        }
        if situation.who.kind not in ("service", "federated"):
            said[IDENTITY, 0] = said.get((IDENTITY, 0), without_identity(situation.who))
        denies = [each for each in said.values() if each.verdict == DENY]
        if denies:
            return Answer(DENY, frozenset().union(*(each.places for each in denies)), said)
        shut = {key for key in said if key[0] in GATES and said[key].verdict != ALLOW}
        routes = ways(situation, said.get((RESOURCE, 0), Said(SILENT, frozenset())))
        missing = [{key for key in way if key not in said or said[key].verdict != ALLOW} for way in routes]
        if all(missing):
            # Who mends only what is named should get as far as possible: the ways that lack least.
            least = min(len(each) for each in missing)
            shut |= set().union(*(each for each in missing if len(each) == least))
        if shut:
            return Answer(SILENT, frozenset((*key, -1, -1) for key in shut), said)
        named: set[Place] = set()
        for way, lacks in zip(routes, missing, strict=True):
            if not lacks:
                named |= set().union(*(said[key].places for key in way if key[0] in (IDENTITY, RESOURCE)))
        return Answer(ALLOW, frozenset(named), said)

    def sid(self, place: Place) -> str:
        """Return the Sid of a statement, "" for one without and for silence."""
        layer, level, number, index = place
        if number < 0:
            return ""
        statement = reference.listed(self._policies[layer, level][number]["Statement"])[index]
        return str(statement.get("Sid", ""))

    def _said(self, key: Key, who: Who, request: Request) -> Said:
        denies: set[Place] = set()
        allows: dict[str, set[Place]] = {}
        for place, statement in self._about(key, request):
            closeness = how_named(statement, who)
            if closeness and statement["Effect"] == "Deny":
                denies.add(place)
            elif closeness:
                allows.setdefault(closeness, set()).add(place)
        if denies:
            return Said(DENY, frozenset(denies))
        for closeness in CLOSENESS:
            if closeness in allows:
                return Said(ALLOW, frozenset(allows[closeness]), closeness)
        return Said(SILENT, frozenset())

    def _about(self, key: Key, request: Request) -> list[tuple[Place, dict[str, Any]]]:
        """Return the statements that are about the request, whoever asks."""
        if (key, request) not in self._known:
            self._known[key, request] = [
                ((*key, number, index), statement)
                for number, policy in enumerate(self._policies[key])
                for index, statement in enumerate(reference.listed(policy["Statement"]))
                if reference.applies(
                    statement if "NotResource" in statement else {"Resource": "*", **statement},
                    request.action,
                    request.resource,
                    request.context,
                    policy.get("Version") == "2012-10-17",
                )
            ]
        return self._known[key, request]


CLOSENESS = ("itself", "role", "everybody", "account")
"""How a policy can name somebody, the closest first."""


def binds(layer: str, who: Who) -> bool:
    """Say whether a layer is about somebody at all."""
    if layer == SCP:
        return who.kind != "service" and not who.service_linked
    if layer == RCP:
        return not who.service_linked
    if layer in (IDENTITY, BOUNDARY, SESSION):
        return who.kind in ("user", "session")
    return True


def without_identity(who: Who) -> Said:
    """Return what stands for the identity policies of those that have none: only the root needs none."""
    return Said(ALLOW, frozenset({NOWHERE})) if who.kind == "root" else Said(SILENT, frozenset())


def ways(situation: Situation, resource_policy: Said) -> list[set[Key]]:
    """Return the sets of layers of which one must allow as a whole."""
    narrowing = {
        (layer, 0)
        for layer in (BOUNDARY, SESSION)
        if binds(layer, situation.who) and layer not in situation.absent
    }
    own, granting = {(IDENTITY, 0)} | narrowing, {(RESOURCE, 0)}
    if situation.who.kind in ("service", "federated"):
        return [granting]
    if situation.owner not in ("", situation.who.account):
        return [granting | own]
    possible = [granting | own] if situation.required else [own]
    if resource_policy.closeness == "itself":
        possible.append(granting)
    if resource_policy.closeness in ("role", "everybody"):
        possible.append(granting | narrowing)
    return possible


def names(who: Who) -> dict[str, set[tuple[str, str]]]:
    """Return all names that somebody has, each name of one and the same thing together."""
    if who.kind == "service":
        return {"itself": {("Service", who.name)}}
    if who.kind == "federated":
        return {"itself": {("Federated", who.name)}}
    partition = who.name.split(":")[1]
    account = {("AWS", who.account), ("AWS", f"arn:{partition}:iam::{who.account}:root")}
    if who.kind == "root":
        return {"itself": account}
    if who.kind == "user":
        return {"itself": {("AWS", who.name), ("AWS", who.unique_id)}, "account": account}
    role = {("AWS", who.role), ("AWS", who.unique_id)}
    return {"itself": {("AWS", who.name)}, "role": role, "account": account}


def how_named(statement: Mapping[str, Any], who: Who) -> str:
    """Say how a statement names somebody; "" when it does not."""
    if "NotPrincipal" in statement:
        excluded = _listed(statement["NotPrincipal"])
        return "" if all(known & excluded for known in names(who).values()) else "everybody"
    if "Principal" not in statement:
        return "itself"
    meant = _listed(statement["Principal"])
    found = {closeness for closeness, known in names(who).items() if known & meant}
    if ("AWS", "*") in meant:
        found.add("everybody")
    return next((closeness for closeness in CLOSENESS if closeness in found), "")


def _listed(element: Any) -> set[tuple[str, str]]:
    if element == "*":
        return {("AWS", "*")}
    return {(kind, text) for kind, texts in element.items() for text in reference.listed(texts)}
