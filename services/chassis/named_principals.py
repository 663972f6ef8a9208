"""Who is named in a policy of a resource, a role's trust policy or a key's: kept by ids, told by ARNs.

Names are used again, ids are not. So a user is kept as its id ("AIDA…"), a role as its own ("AROA…"), and a
session of a role as its ARN with the role's id in place of the name:
"arn:aws:sts::123456789012:assumed-role/AROA…/bob". No document can mean a name by that: what looks like a
role's id there is one.
AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.chassis.arn import AssumedRole, IamEntity, assumed_role, assumed_role_arn
from services.chassis.policy.elements import DOCUMENT, Place
from services.chassis.policy.positions import Positions
from services.chassis.policy.principals import NameKind

_ID = re.compile(r"A(?:ID|RO)A[A-Z0-9]{12,124}")
"""Ids of users and roles, as policies may have them."""
_ROLE_ID = re.compile(r"AROA[A-Z0-9]{17}")


@dataclass(frozen=True, slots=True)
class Mention:
    """One value of AWS in an element Principal or NotPrincipal."""

    text: str
    place: Place
    start: int
    """Where the JSON string begins in the document, in characters from 0."""
    end: int
    """Before which character it ends."""

    @property
    def unique_id(self) -> str:
        """As `unique_id_of` its text."""
        return unique_id_of(self.text)


def mentions(document: str) -> list[Mention]:
    """Return what a policy that was accepted names under AWS, in the order of the text."""
    positions = Positions(document)
    found = []
    for place, text in _values(json.loads(document)):
        span = positions.span(place.path)
        found.append(Mention(text, place, span.start.offset, span.end.offset))
    return sorted(found, key=lambda each: each.start)


def ids_of(document: str) -> frozenset[str]:
    """Return the ids of users and roles that a policy names, as it is kept."""
    # Most name none, and need not be read.
    if not _ID.search(document):
        return frozenset()
    return frozenset(each.unique_id for each in mentions(document)) - {""}


def rewritten(document: str, texts: Iterable[tuple[Mention, str]]) -> str:
    """Return a document with other texts for all that it mentions, and otherwise as it was written."""
    pieces: list[str] = []
    end = 0
    for mention, text in texts:
        pieces += (document[end : mention.start], json.dumps(text, ensure_ascii=False))
        end = mention.end
    return "".join((*pieces, document[end:]))


def told(document: str, living: Mapping[str, IamEntity], partition: str) -> str:
    """Return a policy that is kept by ids with the ARNs of now; who is gone stands there by id."""
    if not ids_of(document):
        return document
    return rewritten(
        document, ((each, told_name(each.text, living, partition)) for each in mentions(document))
    )


def told_name(text: str, living: Mapping[str, IamEntity], partition: str) -> str:
    """Return the ARN of now of whoever is kept as `text`; the text itself when it is told by no id."""
    entity = living.get(unique_id_of(text))
    if entity is None:
        return text
    session = session_of(text)
    if session is None:
        arn = entity.arn(partition)
        # Paths from before they were refused can hold what no principal's ARN can: a wildcard.
        return text if "*" in arn or "?" in arn else arn
    if is_role_id(entity.name):
        # Read again, the name would be taken for the id of another role.
        return text
    return assumed_role_arn(entity.account_id, entity.name, session.session_name, partition)


def unique_id_of(text: str) -> str:
    """Return the id of the user or the role that is meant by its id, here or in a session; else empty."""
    if _ID.fullmatch(text):
        return text
    session = session_of(text)
    return session.role_name if session is not None and is_role_id(session.role_name) else ""


def session_of(text: str) -> AssumedRole | None:
    """Read the ARN of a role's session; None for anything else."""
    try:
        return assumed_role(text)
    except ValueError:
        return None


def is_role_id(text: str) -> bool:
    """Say whether it looks like a role's id, which in the ARN of a session is then what it is."""
    return _ROLE_ID.fullmatch(text) is not None


def _values(document: Any) -> Iterator[tuple[Place, str]]:
    statements = document["Statement"]
    for number, statement in enumerate(statements if isinstance(statements, list) else [statements]):
        for element in ("Principal", "NotPrincipal"):
            named = statement.get(element)
            if not isinstance(named, dict) or NameKind.AWS.value not in named:
                continue
            place = DOCUMENT / "Statement" / number / element / NameKind.AWS.value
            values = named[NameKind.AWS.value]
            for index, text in enumerate([values] if isinstance(values, str) else values):
                yield place / index, text
