"""What must hold of a damaged document or ARN: it is accepted exactly when it is one."""

import re

from services.chassis.arn import arn_of, iam_entity, name_of
from services.chassis.errors import DomainError
from services.chassis.policy.document import canonical, parse, parse_accepted
from services.chassis.policy.elements import DOCUMENT
from services.chassis.policy.evaluator import PolicySet
from services.chassis.policy.kinds import PolicyKind
from services.chassis.policy.model import Policy
from services.chassis.policy.principal_document import parse_principals
from services.chassis.policy.principals import Requester, RequesterKind
from services.chassis.policy.resource_evaluator import ResourcePolicySet
from services.chassis.policy.resources import split_arn
from services.chassis.policy.review import MAX_FINDINGS, review
from tests.unit.chassis.policy.reference_grammar import recognise

_REFUSAL = re.compile(r"The policy is refused at line ([0-9]+): \S.* .+\.")
_ALICE = "arn:aws:iam::123456789012:user/alice"
_SOMEBODY = Requester(RequesterKind.USER, _ALICE, "123456789012", "AIDA" + "A" * 16)
_KEY = "arn:aws:kms:us-east-1:123456789012:key/a"


def document_difference(document: str, kind: PolicyKind) -> str:
    """Return what is wrong with what was made of a document, or ""."""
    lacks = recognise(document, kind)
    try:
        policy = parse(document, kind)
    except DomainError as error:
        if not lacks:
            return f"refused, but it is a policy: {error.message}"
        return _refusal(error, document)
    if lacks:
        return f"accepted, but it is no policy: {lacks}"
    stored = canonical(policy)
    if parse_accepted(stored, kind) != policy or canonical(parse_accepted(stored, kind)) != stored:
        return "its canonical form is another policy"
    _evaluate(policy, kind)
    findings = review(document, kind)
    if len(findings) > MAX_FINDINGS or any(
        not finding.details
        or len(finding.details) > 1000
        or not 0 <= location.span.start.offset < location.span.end.offset <= len(document)
        for finding in findings
        for location in finding.locations
    ):
        return "a finding is too long or lies outside of the document"
    return ""


def _refusal(error: DomainError, document: str) -> str:
    found = _REFUSAL.fullmatch(error.message)
    if error.reason_name != "UNSUPPORTED_POLICY" or error.field != "document" or found is None:
        return f"refused without place and reason: {error.message!r}"
    if not 1 <= int(found[1]) <= document.count("\n") + 1:
        return f"refused at a line that is not there: {error.message!r}"
    if len(error.message) > 1000 or not error.message.isprintable():
        return f"refused with too much of the document: {error.message!r}"
    return ""


def _evaluate(policy: Policy, kind: PolicyKind) -> None:
    """Evaluate it for some requests: nothing may crash."""
    context: dict[str, str | tuple[str, ...]] = {
        "aws:userid": "a",
        "aws:tagkeys": ("a",),
        "aws:sourceip": "1.2.3.4",
    }
    if kind.principal.name == "ABSENT":
        compiled = PolicySet([policy])
        for resource in (_KEY, "*"):
            compiled.evaluate("kms:Decrypt", resource, context)
    else:
        bound = ResourcePolicySet([policy])
        for resource in (_KEY, "*"):
            bound.evaluate(_SOMEBODY, "sts:AssumeRole", resource, context)


def arn_difference(arn: str) -> str:
    """Return what is wrong with what was made of an ARN, or ""."""
    parts = split_arn(arn)
    well_formed = arn.startswith("arn:") and arn.count(":") >= 5
    if (parts is not None) is not well_formed or (parts and ":".join(parts) != arn):
        return f"split into {parts}"
    try:
        name = name_of(arn)
    except ValueError:
        name = ""
    if name and (arn_of(name) != arn or not well_formed):
        return f"read as {name!r}, which is another ARN"
    try:
        entity = iam_entity(arn)
    except ValueError:
        entity = None
    if entity and arn != f"arn:aws:iam::{entity.account_id}:{entity.kind}{entity.path}{entity.name}":
        return f"read as {entity}"
    try:
        (principal,) = parse_principals({"AWS": arn}, DOCUMENT, negated=False).names
    except DomainError:
        return ""
    exact = re.fullmatch(
        r"\*|[0-9]{12}|A(IDA|ROA)[A-Z0-9]{12,}|arn:aws[a-z-]*:iam::[0-9]{12}:(root|(user|role)/([!-~]+/)?[\w+=,.@-]+)"
        r"|arn:aws[a-z-]*:sts::[0-9]{12}:assumed-role/[\w+=,.@-]+/[\w+=,.@-]+",
        arn,
        re.ASCII,
    )
    if exact is None or any(character in principal.value for character in "*?" if principal.value != "*"):
        return f"accepted as the principal {principal.value!r}"
    return ""
