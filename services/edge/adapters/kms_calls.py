"""Operations of KMS that are one call to kms each.

KMS' members and the fields of kms' messages have the same names where they mean the same, written in two
ways: "GrantTokens" is "grant_tokens". What is called otherwise, or says it in another way, stands in a table
of the operation. So an input becomes a request by its members, and none can be forgotten: one that nothing
takes is refused.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.chassis.pages import decode_page_token
from services.edge.adapters.upstream import ask, camel_case, in_members
from services.edge.domain import model
from services.edge.domain.faults import validation
from services.edge.domain.json_faults import unsupported
from services.edge.domain.kms_faults import invalid_arn, invalid_marker
from services.edge.domain.kms_names import InvalidArnError, KmsNames
from services.edge.ports import Caller, Operation

Convert = Callable[[Any, KmsNames], Any]
"""Makes a field of a member; raises DomainError, Fault and InvalidArnError."""
Render = Callable[[Any, KmsNames, Mapping[str, Any]], Mapping[str, Any]]
"""Makes an output of kms' answer, the names of the caller's keys and the input."""

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PRINCIPALS = ("grantee_principal", "retiring_principal")
_NOBODY = "ARN does not refer to a valid principal"
_PAGE_TOKEN = "page_token"  # noqa: S105 (the name of a field)


@dataclass(frozen=True, slots=True)
class Member:
    """How one member of an input becomes a field."""

    field: str
    convert: Convert = lambda value, _names: value


@dataclass(frozen=True, slots=True)
class Lacking:
    """A member that this installation has no use for unless it says what is so anyway."""

    harmless: tuple[Any, ...] = ()
    """Values that change nothing here."""


def key(field_name: str = "name") -> Member:
    """Return a member that is the ID or the ARN of a key."""
    return Member(field_name, lambda text, names: names.key(text))


def any_key(field_name: str = "key_name") -> Member:
    """Return a member that is any name of a key: ID, ARN, alias or ARN of an alias."""
    return Member(field_name, lambda text, names: names.key_or_alias(text))


def alias(field_name: str = "name") -> Member:
    """Return a member that is the name of an alias."""
    return Member(field_name, lambda text, names: names.alias(text))


def nothing(_answer: Any, _names: KmsNames, _values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Render the answer of an operation that has no output."""
    return {}


def as_it_is(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave an input as it is."""
    return values


@dataclass(frozen=True, slots=True)
class Mapped:
    """How an operation of KMS becomes a method of kms."""

    method: str
    """Its name; the request's is the same with "Request" behind it."""
    members: Mapping[str, Member | Lacking] = field(default_factory=dict)
    """Those that do not have the name and the value of a field."""
    render: Render = nothing
    prepare: Callable[[Mapping[str, Any]], Mapping[str, Any]] = as_it_is
    """Checks what members say together, and says it in fewer."""
    items: int = 50
    """Limit where a request has none, as at AWS."""


@dataclass(frozen=True, slots=True)
class KmsCall:
    """An Operation of KMS that one method of kms answers."""

    operation: model.Operation
    call: Callable[..., Awaitable[Any]]
    message: Any
    """Class of the method's request."""
    mapped: Mapped
    partition: str

    async def __call__(self, values: Mapping[str, Any], caller: Caller, /) -> Mapping[str, Any]:
        """Ask kms. Raises DomainError; Fault for an input that kms has no field for."""
        names = KmsNames(caller.claims.account_id, caller.claims.region, self.partition)
        try:
            request = self._request(self.mapped.prepare(values), names)
        except InvalidArnError as error:
            raise invalid_arn(str(error), self.operation) from error
        try:
            answer = await ask(self.call(request, metadata=caller.metadata), "kms")
        except DomainError as error:
            raise self._told(error, values) from error
        return self.mapped.render(answer, names, values)

    def _request(self, values: Mapping[str, Any], names: KmsNames) -> Any:
        known = self.message.DESCRIPTOR.fields_by_name
        fields: dict[str, Any] = {}
        if "parent" in known:
            fields["parent"] = names.parent
        if "page_size" in known:
            fields["page_size"] = self.mapped.items
        for member, value in values.items():
            taken = self._taken(member)
            if isinstance(taken, Lacking):
                if value not in taken.harmless:
                    raise unsupported(f"This installation does not support {member} with this value here.")
            elif taken.field == _PAGE_TOKEN and _PAGE_TOKEN not in known:
                # The operation answers everything at once: no answer had a marker.
                raise self._invalid_marker()
            elif taken.field not in known:
                raise unsupported(f"This installation does not support {member} here.")
            else:
                fields[taken.field] = taken.convert(value, names)
        if _PAGE_TOKEN in fields:
            self._check_marker(fields[_PAGE_TOKEN])
        return self.message(**fields)

    def _taken(self, member: str) -> Member | Lacking:
        return self.mapped.members.get(member) or _COMMON.get(member) or Member(field_of(member))

    def _told(self, error: DomainError, values: Mapping[str, Any]) -> Exception:
        """Return a refusal of kms as AWS names it where the field at fault decides that."""
        if error.reason != ErrorReason.ERROR_REASON_INVALID_FIELD or error.field is None:
            return error
        if error.field == _PAGE_TOKEN:
            return self._invalid_marker()
        if error.field in _PRINCIPALS:
            return invalid_arn(_NOBODY, self.operation)
        return in_members(error, lambda field: self._member_of(field, values))

    def _member_of(self, path: str, values: Mapping[str, Any]) -> str:
        """Return what a client calls a field, which may lie within another: "Tags[0].Key"."""
        first, *rest = path.split(".")
        name, bracket, index = first.partition("[")
        # What the client said first: two members may become one field.
        for member in (*values, *self.operation.input.body):
            taken = self._taken(member)
            if isinstance(taken, Member) and taken.field == name:
                break
        else:
            member = camel_case(name)
        return ".".join((f"{member}{bracket}{index}", *map(camel_case, rest)))

    def _check_marker(self, marker: str) -> None:
        try:
            decode_page_token(marker)
        except DomainError as error:
            raise self._invalid_marker() from error

    def _invalid_marker(self) -> Exception:
        found = invalid_marker()
        return found if found.code in self.operation.errors else validation(found.message)


_COMMON = {"Limit": Member("page_size"), "Marker": Member(_PAGE_TOKEN)}


@cache
def field_of(member: str) -> str:
    """Return a member's name as a field has it."""
    return _WORD.sub("_", member).lower()


def page(member: str, items: list[Any], next_page_token: str) -> Mapping[str, Any]:
    """Render a page of `items`, and how the listing goes on."""
    return {member: items, "NextMarker": next_page_token or None, "Truncated": bool(next_page_token)}


def calls(
    operations: Mapping[str, model.Operation],
    stub: Any,
    messages: Any,
    partition: str,
    mapped: Mapping[str, Mapped],
) -> Mapping[str, Operation]:
    """Return the operations that `stub` answers, by their names at AWS."""
    return {
        name: KmsCall(
            operations[name],
            getattr(stub, each.method),
            getattr(messages, f"{each.method}Request"),
            each,
            partition,
        )
        for name, each in mapped.items()
    }
