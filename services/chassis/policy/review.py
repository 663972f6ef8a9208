"""Reviewing a policy document: unknown actions, and resources and conditions that fit none of its actions."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from services.chassis.policy import keys
from services.chassis.policy.actions import Action, Catalogue, catalogue
from services.chassis.policy.document import parse_accepted
from services.chassis.policy.elements import shown
from services.chassis.policy.findings import Finding, IssueCode, Location
from services.chassis.policy.kinds import IDENTITY, SESSION, PolicyKind
from services.chassis.policy.model import Condition, Effect, Statement
from services.chassis.policy.operators import Kind, Relation
from services.chassis.policy.patterns import has_wildcard
from services.chassis.policy.positions import Positions
from services.chassis.policy.templates import Template, keys_of, parse_template, split_parts

MAX_FINDINGS = 100
"""More are not reported: whoever has mended a hundred asks again."""

_TEXT = (Relation.EQUALS, Relation.EQUALS_FOLDED)


def review(document: str, kind: PolicyKind = IDENTITY, known: Catalogue | None = None) -> tuple[Finding, ...]:
    """Return what is worth knowing about a document, in its order.

    Its length is not looked at. Raises DomainError(UNSUPPORTED_POLICY) as `parse_accepted` does.
    """
    policy = parse_accepted(document, kind)
    positions = Positions(document)
    known = known or catalogue()
    found: list[Finding] = []
    if ("Version",) not in positions:
        location = Location((), positions.span(()))
        found.append(Finding(IssueCode.MISSING_VERSION, _MISSING_VERSION, (location,)))
    for index, statement in enumerate(policy.statements):
        for finding in _Review(statement, index, kind, known, positions).findings():
            found.append(finding)
            if len(found) >= MAX_FINDINGS:
                return tuple(found)
    return tuple(found)


_MISSING_VERSION = (
    "We recommend that you specify the Version element to help you with debugging permission issues. "
    "Without it the policy is of version 2008-10-17, which knows no policy variables."
)


class _Review:
    """One statement under review."""

    def __init__(
        self, statement: Statement, index: int, kind: PolicyKind, known: Catalogue, positions: Positions
    ) -> None:
        self._statement = statement
        self._path: tuple[str | int, ...] = ("Statement", index)
        self._kind = kind
        self._known = known
        self._positions = positions
        self._matched = tuple(tuple(known.matching(pattern)) for pattern in statement.actions)

    def findings(self) -> Iterator[Finding]:
        """Yield the findings, in the order in which elements are usually written."""
        yield from self._actions()
        yield from self._resources()
        yield from self._fitting()
        yield from self._pass_role()
        for condition in self._statement.conditions:
            yield from self._condition(condition)

    @cached_property
    def _covered(self) -> frozenset[str]:
        """The full names of the actions that it lists."""
        return frozenset(action.full_name for matched in self._matched for action in matched)

    @property
    def _about_listed(self) -> bool:
        """Whether it is about what it lists, all of which is known, and not about everything."""
        listed = not self._statement.not_action and "*" not in self._statement.actions
        return listed and all(self._matched)

    def _actions(self) -> Iterator[Finding]:
        element = "NotAction" if self._statement.not_action else "Action"
        for at, (pattern, matched) in enumerate(zip(self._statement.actions, self._matched, strict=True)):
            where = (element, at)
            if not matched:
                yield self._unknown(pattern, where)
            elif not any(action.served for action in matched):
                what = f"The action {pattern} is known, but no operation here performs it yet."
                yield self._finding(IssueCode.ACTION_NOT_SERVED, what, where)

    def _unknown(self, pattern: str, where: tuple[str | int, ...]) -> Finding:
        service, _, name = pattern.partition(":")
        effect = " It leaves nothing out." if self._statement.not_action else ""
        if self._statement.effect is Effect.DENY and not effect:
            effect = " It denies nothing."
        known = self._known.services.get(service.lower())
        if known is not None or service == "*":
            near = known.nearest(name) if known is not None else ""
            hint = f" Did you mean {near}?" if near else ""
            return self._finding(
                IssueCode.INVALID_ACTION, f"The action {shown(pattern)} does not exist.{hint}{effect}", where
            )
        close = self._known.nearest_service(service)
        if close:
            what = f"The service {shown(service)} specified in the action does not exist."
            return self._finding(
                IssueCode.INVALID_SERVICE_IN_ACTION, f"{what} Did you mean {close}?{effect}", where
            )
        what = f"The service {shown(service)} specified in the action is none of this installation."
        return self._finding(IssueCode.UNKNOWN_SERVICE, f"{what}{effect}", where)

    @cached_property
    def _templates(self) -> tuple[tuple[Template, str], ...]:
        """The resources with their service; none for *."""
        variables = self._statement.variables
        templates = (
            () if resource == "*" else parse_template(resource) if variables else (resource,)
            for resource in self._statement.resources
        )
        return tuple((template, _service_of(template) if template else "") for template in templates)

    @cached_property
    def _types(self) -> tuple[frozenset[str], ...]:
        """For each resource the forms of ARNs that it can match."""
        forms = self._known.forms
        return tuple(
            frozenset(form.text for form in forms.get(service, ()) if form.may_match(template))
            if not any(isinstance(piece, str) and _BLANK.search(piece) for piece in template)
            else frozenset()
            for template, service in self._templates
        )

    def _resources(self) -> Iterator[Finding]:
        element = "NotResource" if self._statement.not_resource else "Resource"
        effect = " It leaves nothing out." if self._statement.not_resource else ""
        for at, (resource, (template, service), types) in enumerate(
            zip(self._statement.resources, self._templates, self._types, strict=True)
        ):
            where = (element, at)
            if not template:
                continue
            yield from self._unfilled(keys_of(template), where)
            for code, what in _misnamed(template):
                yield self._finding(code, f"{what}{effect}", where)
            if types:
                continue
            if service in self._known.forms:
                what = (
                    f"Resource ARN does not match the expected ARN format: {service} has no resource such as"
                )
                yield self._finding(
                    IssueCode.INVALID_ARN_RESOURCE, f"{what} {shown(resource)}.{effect}", where
                )
            else:
                what = f"The service {shown(service)} specified in the resource is none of this installation."
                yield self._finding(IssueCode.UNKNOWN_SERVICE, f"{what}{effect}", where)

    def _fitting(self) -> Iterator[Finding]:
        """Look for actions that none of the resources is for, and for resources that no action is for."""
        statement = self._statement
        if statement.not_resource or statement.not_action or "*" in statement.resources:
            return
        if not statement.resources or not any(self._types):
            return
        wanted: frozenset[str] = frozenset().union(*self._types)
        fits = False
        for at, (pattern, matched) in enumerate(zip(statement.actions, self._matched, strict=True)):
            if pattern == "*" or not matched or _forms(matched) & wanted:
                fits = True
                continue
            yield self._finding(IssueCode.ACTION_WITHOUT_RESOURCE, _unfit(pattern, matched), ("Action", at))
        if not fits or not self._about_listed:
            return
        served = _forms(action for matched in self._matched for action in matched)
        for at, (resource, types) in enumerate(zip(statement.resources, self._types, strict=True)):
            if types and not types & served:
                what = f"None of the statement's actions acts on a resource such as {shown(resource)}."
                yield self._finding(IssueCode.RESOURCE_WITHOUT_ACTION, what, ("Resource", at))

    def _pass_role(self) -> Iterator[Finding]:
        statement = self._statement
        if statement.effect is Effect.DENY or self._kind not in (IDENTITY, SESSION):
            return
        stars = [at for at, resource in enumerate(statement.resources) if resource in ("*", _EVERY_ROLE)]
        limited = any(each.key.lower() == "iam:passedtoservice" for each in statement.conditions)
        if limited or not stars or statement.not_resource or statement.not_action:
            return
        for at, (pattern, matched) in enumerate(zip(statement.actions, self._matched, strict=True)):
            if not any(action.full_name == "iam:PassRole" for action in matched):
                continue
            code, what = IssueCode.PASS_ROLE_WITH_STAR_IN_RESOURCE, _PASSES_ANY_ROLE
            if has_wildcard(pattern):
                code, what = IssueCode.PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE, _PASSES_ANYTHING
            where = (("Action", at), ("Resource", stars[0]))
            yield Finding(code, what, tuple(self._location(each) for each in where))
            return

    def _condition(self, condition: Condition) -> Iterator[Finding]:
        where = ("Condition", condition.name, condition.key)
        known = keys.find(condition.key)
        if known is None:
            return
        yield from self._unfilled((condition.key,), where, key=True)
        if (
            known.filled
            and self._about_listed
            and known.name in self._known.service_keys
            and not known.name.startswith("*")
            and not any(self._known_action(name).carries(condition.key) for name in self._covered)
        ):
            what = f"None of the statement's actions carries the condition key {condition.key}."
            yield self._finding(IssueCode.CONDITION_KEY_WITHOUT_ACTION, what, where, key=True)
        if condition.operator.compares not in (Kind.STRING, Kind.ARN):
            return
        for at, value in enumerate(condition.values):
            template = parse_template(value) if condition.variables else (value,)
            yield from self._unfilled(keys_of(template), (*where, at))
            plain = any(isinstance(piece, str) and has_wildcard(piece) for piece in template)
            if plain and condition.operator.relation in _TEXT:
                yield self._finding(IssueCode.WILDCARD_WITHOUT_LIKE_OPERATOR, _WILDCARD, (*where, at))

    def _known_action(self, name: str) -> Action:
        action = self._known.find(name)
        if action is None:
            raise LookupError(name)
        return action

    def _unfilled(
        self, names: Iterable[str], where: tuple[str | int, ...], *, key: bool = False
    ) -> Iterator[Finding]:
        for name in names:
            known = keys.find(name)
            if known is not None and not known.filled:
                what = (
                    f"No operation here fills in the condition key {known.name} yet: no request carries it."
                )
                yield self._finding(IssueCode.CONDITION_KEY_NOT_FILLED, what, where, key=key)

    def _finding(
        self, code: IssueCode, details: str, where: tuple[str | int, ...], *, key: bool = False
    ) -> Finding:
        return Finding(code, details, (self._location(where, key=key),))

    def _location(self, where: tuple[str | int, ...], *, key: bool = False) -> Location:
        path = (*self._path, *where)
        span = self._positions.name_span(path) if key else self._positions.span(path)
        return Location(path, span, key)


_BLANK = re.compile(r"\s")
_NAMED = (
    (1, IssueCode.INVALID_PARTITION, "partition", re.compile(r"aws(?:-[a-z]+)*")),
    (3, IssueCode.INVALID_ARN_REGION, "Region", re.compile(r"(?:[a-z]{2,}(?:-[a-z]+)+-[0-9]{1,2})?")),
    (4, IssueCode.INVALID_ARN_ACCOUNT, "account", re.compile(r"(?:[0-9]{12}|aws)?")),
)
"""Parts of an ARN with the form that AWS's names have: which of them there are is no question of a policy."""
_EVERY_ROLE = "arn:aws:iam::*:role/*"
_PASSES_ANY_ROLE = (
    "Using the iam:PassRole action with wildcards (*) in the resource can be overly permissive because it "
    "allows iam:PassRole permissions on multiple resources. We recommend that you specify resource ARNs or "
    "add the iam:PassedToService condition key to your statement."
)
_PASSES_ANYTHING = (
    "Using wildcards (*) in the action and the resource can be overly permissive because it allows "
    "iam:PassRole permissions on all resources. We recommend that you specify resource ARNs or add the "
    "iam:PassedToService condition key to your statement."
)
_WILDCARD = (
    "Your condition value includes a * or ? character. If you meant to use a wildcard (*, ?), update the "
    "condition operator to include Like."
)


def _service_of(template: Template) -> str:
    """Return the service of an ARN, which the parser wants as text."""
    (service,) = split_parts(template)[2]
    return str(service)


def _misnamed(template: Template) -> Iterator[tuple[IssueCode, str]]:
    """Yield the parts of an ARN that name nothing there could be. What has wildcards or variables may."""
    parts = split_parts(template)
    for at, code, called, form in _NAMED:
        [text] = parts[at] if len(parts[at]) == 1 else ("",) if not parts[at] else (None,)
        if isinstance(text, str) and not has_wildcard(text) and not form.fullmatch(text):
            yield code, f"The resource ARN has no valid {called}: {shown(text)} matches none."


def _forms(actions: Iterable[Action]) -> set[str]:
    return {each.form.text for action in actions for each in action.resources}


def _unfit(pattern: str, matched: Iterable[Action]) -> str:
    types = sorted({each.name for action in matched for each in action.resources})
    if not types:
        return f"The action {pattern} acts on no resource: it is permitted or denied with Resource * alone."
    more = f" and {len(types) - 5} more" if len(types) > 5 else ""
    return f"None of the statement's resources is one of {pattern}: {', '.join(types[:5])}{more}."
