"""What AWS leaves to IAM itself, for every kind of IAM's objects.

The defaults, the paging by Marker and MaxItems, paths, and the form in which policies and times travel.
https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html
"""

from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from craton.auth.v1 import resources_pb2 as resources
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.arn import resource_part
from services.chassis.errors import DomainError
from services.chassis.pages import decode_page_token
from services.edge.adapters.upstream import ask
from services.edge.domain.query_faults import validation_error
from services.edge.ports import Caller

_DEFAULT_ITEMS = 100
"""MaxItems where a request has none, as at AWS."""
_MAX_USER_NAME = 64
"""Longer names may stand in requests by AWS's model, and no user has one."""


def user_name_of(values: Mapping[str, Any], caller: Caller) -> str:
    """Return the user that a request is about: the caller when it names none, as at AWS.

    Raises DomainError(RESOURCE_NOT_FOUND) for a name that no user can have, and Fault for a caller
    that is no user, who must name one.
    """
    name: str | None = values.get("UserName")
    if name is None:
        kind, _, path = resource_part(caller.claims.arn).partition("/")
        if kind != "user":
            raise validation_error("Must specify userName when calling with non-User credentials")
        return path.rpartition("/")[2]
    if len(name) > _MAX_USER_NAME:
        raise DomainError(
            ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND, f"The user with name {name} cannot be found."
        )
    return name


def tags_of(values: Mapping[str, Any]) -> list[resources.Tag]:
    """Return the tags of an input."""
    return [resources.Tag(key=each["Key"], value=each["Value"]) for each in values.get("Tags", ())]


def tag(message: resources.Tag) -> Mapping[str, Any]:
    """Render a tag."""
    return {"Key": message.key, "Value": message.value}


def invalid(message: str) -> DomainError:
    """Build the refusal of an input that the model allows and this installation does not."""
    return DomainError(ErrorReason.ERROR_REASON_INVALID_FIELD, message)


def page(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of a listing's request. Raises Fault for a Marker that no answer had."""
    marker = values.get("Marker", "")
    try:
        decode_page_token(marker)
    except DomainError as error:
        raise validation_error("Invalid Marker.") from error
    return {"page_size": values.get("MaxItems", _DEFAULT_ITEMS), "page_token": marker}


def rest(next_page_token: str) -> Mapping[str, Any]:
    """Render how a listing goes on."""
    return {"IsTruncated": bool(next_page_token), "Marker": next_page_token or None}


def user(message: resources.User) -> Mapping[str, Any]:
    """Render a user."""
    return {
        "Path": path_of(message.arn, message.user_name),
        "UserName": message.user_name,
        "UserId": message.user_id,
        "Arn": message.arn,
        "CreateDate": second(message.create_time.ToDatetime(UTC)),
        "PermissionsBoundary": boundary(message.permissions_boundary),
        "Tags": [tag(each) for each in message.tags] or None,
    }


def boundary(arn: str) -> Mapping[str, Any] | None:
    """Render a permissions boundary, None for none."""
    if not arn:
        return None
    return {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": arn}


def second(moment: datetime) -> datetime:
    """Return a time as IAM tells it: to the second."""
    return moment.replace(microsecond=0)


def path_of(arn: str, name: str) -> str:
    """Return the path of an object: what stands between its kind and its name in its ARN."""
    return "/" + resource_part(arn).partition("/")[2].removesuffix(name)


def quoted(document: str) -> str:
    """Return a policy as it stands in answers: percent-encoded as in RFC 3986, as AWS does."""
    return quote(document, safe="")


async def put(call: Awaitable[Any]) -> Any:
    """Wait for auth's answer to a policy. Raises DomainError.

    AWS's model has room for more characters than a policy may have, and AWS calls that a limit.
    """
    try:
        return await ask(call)
    except DomainError as error:
        if error.reason == ErrorReason.ERROR_REASON_INVALID_FIELD and (error.field or "").endswith(
            "document"
        ):
            raise DomainError(ErrorReason.ERROR_REASON_QUOTA_EXCEEDED, error.message) from error
        raise
