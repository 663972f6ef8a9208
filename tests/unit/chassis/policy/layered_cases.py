"""Random policy sets of all layers, with situations and requests that nearly match them, by seed."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.chassis.policy import kinds
from services.chassis.policy.kinds import PolicyKind
from tests.unit.chassis.policy import test_differential as single
from tests.unit.chassis.policy.reference_layers import (
    BOUNDARY,
    ENDPOINT,
    IDENTITY,
    RCP,
    RESOURCE,
    SCP,
    SESSION,
    Key,
    Request,
    Situation,
    Who,
    names,
)

HOME, AWAY = "123456789012", "210987654321"
ACTIONS = {
    "kms": ("Decrypt", "decrypt", "Encrypt", "GenerateDataKey"),
    "bedrock": ("InvokeModel", "InvokeModelWithResponseStream", "GetFoundationModel"),
    "sts": ("AssumeRole", "AssumeRoleWithWebIdentity", "TagSession"),
}
RESOURCES = {
    "kms": (f"arn:aws:kms:us-east-1:{HOME}:key/a", f"arn:aws:kms:us-east-1:{HOME}:key/a:b", "*"),
    "bedrock": (
        "arn:aws:bedrock:us-east-1::foundation-model/a",
        f"arn:aws:bedrock:us-west-2:{AWAY}:custom-model/a:1",
        "*",
    ),
    "sts": (f"arn:aws:iam::{HOME}:role/reader", f"arn:aws:iam::{AWAY}:role/writer"),
}
RESOURCE_KINDS = (kinds.KEY, kinds.KEY, kinds.MODEL, kinds.TRUST)
KIND_OF = {
    SCP: kinds.SERVICE_CONTROL,
    RCP: kinds.RESOURCE_CONTROL,
    ENDPOINT: kinds.ENDPOINT,
    IDENTITY: kinds.IDENTITY,
    BOUNDARY: kinds.IDENTITY,
    SESSION: kinds.SESSION,
}
REQUESTS = SITUATIONS = 10
DECISIONS = REQUESTS * SITUATIONS
"""Decisions that one set is asked for."""


@dataclass(frozen=True, slots=True)
class LayeredSet:
    """One policy set of all layers, and what it is asked."""

    documents: Mapping[Key, tuple[str, ...]]
    resource_kind: PolicyKind
    situations: tuple[Situation, ...]
    requests: tuple[Request, ...]

    def kind(self, layer: str) -> PolicyKind:
        """Return the kind of a layer's documents."""
        return self.resource_kind if layer == RESOURCE else KIND_OF[layer]


def layered_set(random_: random.Random) -> LayeredSet:
    """Draw a set of policies, ten situations and ten requests."""
    kind = random_.choice(RESOURCE_KINDS)
    people = tuple(who(random_) for _ in range(4))
    draw = _Drawer(random_, kind.service, people)
    documents: dict[Key, tuple[str, ...]] = {}
    for layer in (SCP, RCP):
        for level in range(random_.choice((0, 1, 2, 3, 3))):
            documents[layer, level] = draw.limits(layer, KIND_OF[layer])
    documents[ENDPOINT, 0] = draw.limits(ENDPOINT, kinds.ENDPOINT)
    documents[RESOURCE, 0] = draw.grants(RESOURCE, kind)
    documents[IDENTITY, 0] = draw.grants(IDENTITY, kinds.IDENTITY)
    documents[BOUNDARY, 0] = draw.limits(BOUNDARY, kinds.IDENTITY)
    documents[SESSION, 0] = draw.limits(SESSION, kinds.SESSION)
    situations = tuple(situation(random_, people) for _ in range(SITUATIONS))
    return LayeredSet(documents, kind, situations, tuple(draw.request() for _ in range(REQUESTS)))


def who(random_: random.Random) -> Who:
    """Draw somebody out of few."""
    account = random_.choice((HOME, HOME, AWAY))
    name = random_.choice(("alice", "bob"))
    kind = random_.choice(("root", "user", "user", "session", "session", "session", "service", "federated"))
    serial = ("A" if account == HOME else "B") + ("A" if name == "alice" else "B")
    if kind == "root":
        return Who(kind, f"arn:aws:iam::{account}:root", account)
    if kind == "user":
        return Who(kind, f"arn:aws:iam::{account}:user/{name}", account, f"AIDA{serial * 8}")
    if kind == "service":
        return Who(kind, random_.choice(("bedrock.amazonaws.com", "training.amazonaws.com")))
    if kind == "federated":
        return Who(kind, f"arn:aws:iam::{account}:oidc-provider/idp.example/{name}")
    role = random_.choice(("reader", "writer"))
    return Who(
        kind,
        f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        account,
        f"AROA{'AR' if role == 'reader' else 'WR'}{serial * 7}",
        f"arn:aws:iam::{account}:role/{role}",
        service_linked=random_.random() < 0.15,
    )


def situation(random_: random.Random, people: Sequence[Who]) -> Situation:
    """Draw who asks for a thing of whom, and which layers there are."""
    owner = random_.choice((HOME, HOME, HOME, AWAY, AWAY, ""))
    absent = {layer for layer in (ENDPOINT, RESOURCE, BOUNDARY, SESSION, SCP, RCP) if random_.random() < 0.3}
    return Situation(random_.choice(people), owner, random_.random() < 0.4, frozenset(absent))


class _Drawer:
    """Draws what belongs to one set: statements about its service and its people."""

    def __init__(self, random_: random.Random, service: str, people: Sequence[Who]) -> None:
        self._random = random_
        self._service = service
        self._people = people
        self._actions = random_.sample(ACTIONS[service], 2)
        self._resources = random_.sample(RESOURCES[service], 2)

    def limits(self, layer: str, kind: PolicyKind) -> tuple[str, ...]:
        """Draw the documents of a layer that mostly allows."""
        if self._chance(0.03):
            return ()
        gate = layer not in (BOUNDARY, SESSION)
        statements = [self._statement(kind, "Deny") for _ in range(2) if self._chance(0.06 if gate else 0.1)]
        if self._chance(0.87 if gate else 0.65):
            statements.append(self._everything(kind))
        elif layer != RCP:
            statements += [self._statement(kind, "Allow") for _ in range(self._random.choice((1, 2)))]
        return self._packed(statements, kind)

    def grants(self, layer: str, kind: PolicyKind) -> tuple[str, ...]:
        """Draw the documents of a layer that says what is permitted."""
        if self._chance(0.05):
            return ()
        if layer == IDENTITY and self._chance(0.1):
            return (single.document(self._random),)
        statements = [self._statement(kind, "Allow") for _ in range(self._random.choice((1, 2, 3, 4)))]
        if self._chance(0.3 if layer == RESOURCE else 0.15):
            statements.append(self._statement(kind, "Deny"))
        return self._packed(statements, kind)

    def request(self) -> Request:
        """Draw a request."""
        service = self._service
        action = self._random.choice(self._actions)
        resource = self._random.choice(self._resources)
        if self._chance(0.1):
            service, action = self._random.choice((("bedrock", "InvokeModel"), ("kms", "Encrypt")))
        if self._chance(0.1):
            resource = self._random.choice((*RESOURCES[service], "*", "not-an-arn"))
        context: dict[str, str | tuple[str, ...]] = {}
        for key, values in single.KEYS.items():
            if self._chance(0.75):
                several = tuple(self._random.choice(values) for _ in range(self._random.choice((0, 1, 2))))
                context[key.lower()] = several if key in single.SEVERAL_KEYS else self._random.choice(values)
        return Request(f"{service}:{action}", resource, context)

    def _packed(self, statements: list[dict[str, Any]], kind: PolicyKind) -> tuple[str, ...]:
        """Put statements into one or two documents, in any order; those that become too long lose some."""
        self._random.shuffle(statements)
        cut = self._random.randrange(len(statements) + 1) if self._chance(0.3) else 0
        documents = []
        for part in (statements[:cut], statements[cut:]):
            for number, each in enumerate(part):
                if self._chance(0.2):
                    each["Sid"] = f"S{number}"
            version = self._random.choice(("2012-10-17", "2012-10-17", "2008-10-17"))
            while part:
                written = json.dumps({"Version": version, "Statement": part[0] if len(part) == 1 else part})
                if len(written) <= kind.max_chars:
                    documents.append(written)
                    break
                part.pop()
        return tuple(documents)

    def _everything(self, kind: PolicyKind) -> dict[str, Any]:
        made: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        if kind.principal is kinds.PrincipalRule.EVERYBODY or (
            kind.principal is kinds.PrincipalRule.REQUIRED and self._chance(0.8)
        ):
            made["Principal"] = self._random.choice(("*", {"AWS": "*"}, {"AWS": ["*"]}))
        elif kind.principal is kinds.PrincipalRule.REQUIRED:
            made["Principal"] = self._principal()
        return made

    def _statement(self, kind: PolicyKind, effect: str) -> dict[str, Any]:
        made: dict[str, Any] = {"Effect": effect}
        if kind.principal is kinds.PrincipalRule.EVERYBODY:
            made["Principal"] = self._random.choice(("*", {"AWS": "*"}))
        elif kind.principal is kinds.PrincipalRule.REQUIRED:
            if effect == "Deny" and self._chance(0.5):
                made["NotPrincipal"] = self._not_principal()
            else:
                made["Principal"] = self._principal()
        negated = kind.not_action and self._chance(0.15)
        # Whom NotPrincipal leaves out shows only where the rest of the statement applies.
        broad = "NotPrincipal" in made and self._chance(0.6)
        made["NotAction" if negated else "Action"] = (
            "*" if broad and not negated else self._some(self._action)
        )
        if kind.has_resource and broad:
            made["Resource"] = "*"
        elif kind.has_resource:
            made[self._random.choice(("Resource",) * 5 + ("NotResource",))] = self._some(self._resource)
        if self._chance(0.15 if effect == "Allow" else 0.3):
            made["Condition"] = single.condition(self._random)
        return made

    def _action(self) -> str:
        if self._chance(0.2):
            return "*"
        pattern = single.wildcarded(self._random, self._random.choice(self._actions)) or "*"
        return f"{self._random.choice((self._service, self._service.upper()))}:{pattern}"

    def _resource(self) -> str:
        chosen = self._random.choice(self._resources)
        if chosen == "*" or self._chance(0.3):
            return "*"
        parts = chosen.split(":", 5)
        for part in (1, 3, 4, 5):
            if self._chance(0.4):
                parts[part] = single.wildcarded(self._random, parts[part])
        return single.with_variable_in_arn(self._random, ":".join([*parts[:5], parts[5] or "*"]))

    def _principal(self) -> Any:
        if self._chance(0.12):
            return "*"
        return self._rendered({self._name() for _ in range(self._random.choice((1, 1, 2)))})

    def _name(self) -> tuple[str, str]:
        chosen = self._random.choice(self._people) if self._chance(0.85) else who(self._random)
        known = names(chosen)
        if self._chance(0.1):
            return ("AWS", "*")
        closeness = "role" if "role" in known and self._chance(0.4) else self._random.choice(sorted(known))
        return self._random.choice(sorted(known[closeness]))

    def _not_principal(self) -> Any:
        """List the names of some people, all of them or all but one."""
        listed: set[tuple[str, str]] = set()
        for chosen in self._random.sample(self._people, self._random.choice((1, 2, 3, 4))):
            known = names(chosen)
            missing = self._random.choice((*known, "", ""))
            listed |= {self._random.choice(sorted(known[each])) for each in known if each != missing}
        return self._rendered(listed or {self._name()} - {("AWS", "*")} or {("AWS", HOME)})

    def _rendered(self, listed: set[tuple[str, str]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for kind, text in sorted(listed):
            found.setdefault(kind, []).append(text)
        return {
            kind: texts[0] if len(texts) == 1 and self._chance(0.5) else texts
            for kind, texts in found.items()
        }

    def _some(self, make: Callable[[], str]) -> Any:
        return single.some(self._random, lambda _: make())

    def _chance(self, share: float) -> bool:
        return self._random.random() < share
