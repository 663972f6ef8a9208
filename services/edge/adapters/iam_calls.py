"""IAM's operations that are one call to auth each.

IAM's members and the fields of auth's messages have the same names, written in two ways: "RoleName" is
"role_name". So an input becomes a request by the names of its fields, and no member can be forgotten: one
that no field takes is refused.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.duration_pb2 import Duration

from services.edge.adapters.iam_values import (
    invalid,
    page,
    put,
    quoted,
    rest,
    tag,
    tags_of,
    user_name_of,
)
from services.edge.adapters.upstream import camel_case
from services.edge.ports import Caller

Render = Callable[[Any, Any], Mapping[str, Any]]
"""Makes an output of auth's answer and the request that it answers."""

_MEMBERS = {
    "document": "PolicyDocument",
    "page_size": "MaxItems",
    "page_token": "Marker",
}
"""Members of IAM that are called otherwise."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A field that takes one of a few values, each with a name of IAM's."""

    member: str
    values: Mapping[str, int]


def nothing(_answer: Any, _request: Any) -> Mapping[str, Any]:
    """Render the answer of an operation that has no output."""
    return {}


@dataclass(frozen=True, slots=True)
class IamCall:
    """An Operation of IAM that one method of auth answers."""

    method: Callable[..., Awaitable[Any]]
    message: Any
    """Class of the method's request."""
    render: Render = nothing
    choices: Mapping[str, Choice] = field(default_factory=dict)
    """By the names of the fields that they are about."""

    async def __call__(self, values: Mapping[str, Any], caller: Caller, /) -> Mapping[str, Any]:
        """Ask auth. Raises DomainError; Fault for an input that auth has no field for."""
        request = self._request(values, caller)
        return self.render(await put(self.method(request, metadata=caller.metadata)), request)

    def _request(self, values: Mapping[str, Any], caller: Caller) -> Any:
        fields: dict[str, Any] = {}
        taken: set[str] = set()
        for name in self.message.DESCRIPTOR.fields_by_name:
            choice = self.choices.get(name)
            member = _member_of(name) if choice is None else choice.member
            taken.add(member)
            if name == "user_name":
                fields[name] = user_name_of(values, caller)
            elif name in ("page_size", "page_token"):
                fields |= page(values)
            elif member in values:
                given = values[member]
                fields[name] = _field(name, given, values) if choice is None else _chosen(choice, given)
        for member in values.keys() - taken:
            raise invalid(f"This installation does not support {member} here.")
        return self.message(**fields)


def _member_of(name: str) -> str:
    return _MEMBERS.get(name) or camel_case(name)


def _field(name: str, given: Any, values: Mapping[str, Any]) -> Any:
    if name == "tags":
        return tags_of(values)
    return Duration(seconds=given) if name.endswith("_duration") else given


def _chosen(choice: Choice, given: Any) -> Any:
    if isinstance(given, list):
        return [_chosen(choice, each) for each in given]
    found = choice.values.get(given)
    if found is None:
        names = ", ".join(choice.values)
        raise invalid(f"{choice.member} can be one of these here: {names}.")
    return found


def listed(member: str, items: str, render: Callable[[Any], Any]) -> Render:
    """Render a page: the answer's field `items` as `member`, each by `render`."""
    return lambda answer, _request: {
        member: [render(each) for each in getattr(answer, items)],
        **rest(answer.next_page_token),
    }


def tags_listed(answer: Any, _request: Any) -> Mapping[str, Any]:
    """Render a page of tags."""
    return {"Tags": [tag(each) for each in answer.tags], **rest(answer.next_page_token)}


def inline_policies(stub: Any, messages: Any, kind: str) -> Mapping[str, IamCall]:
    """Return the operations on the inline policies of a kind: "User", "Group" or "Role"."""
    bearer, named = f"{kind.lower()}_name", f"{kind}Name"

    def policy(answer: Any, request: Any) -> Mapping[str, Any]:
        return {
            named: getattr(request, bearer),
            "PolicyName": answer.policy.policy_name,
            "PolicyDocument": quoted(answer.policy.document),
        }

    names = listed("PolicyNames", "policies", lambda each: each.policy_name)
    renders = {
        f"Put{kind}Policy": nothing,
        f"Get{kind}Policy": policy,
        f"List{kind}Policies": names,
        f"Delete{kind}Policy": nothing,
    }
    return calls(stub, messages, renders)


def calls(stub: Any, messages: Any, renders: Mapping[str, Render]) -> Mapping[str, IamCall]:
    """Return operations that are called as the methods that answer them."""
    return {
        name: IamCall(getattr(stub, name), getattr(messages, f"{name}Request"), render)
        for name, render in renders.items()
    }
