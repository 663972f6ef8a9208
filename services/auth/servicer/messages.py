"""Records to protobuf messages."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from craton.auth.v1 import resources_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from services.auth.domain.identity import InlinePolicy, PolicyReference, Tag, UserDetails
from services.auth.domain.records import AccessKey, Account, KeyStatus, User
from services.chassis.arn import policy_arn, user_arn
from services.chassis.principal import PrincipalClaims

STATUS_TO_MESSAGE = {
    KeyStatus.ACTIVE: resources_pb2.ACCESS_KEY_STATUS_ACTIVE,
    KeyStatus.INACTIVE: resources_pb2.ACCESS_KEY_STATUS_INACTIVE,
}
STATUS_OF_MESSAGE = {message: status for status, message in STATUS_TO_MESSAGE.items()}


def timestamp(moment: datetime) -> Timestamp:
    """Return a time as a message."""
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def expiry(claims: PrincipalClaims) -> Timestamp:
    """Return when a token ends as a message."""
    return timestamp(datetime.fromtimestamp(claims.expires_at, UTC))


def account(record: Account) -> resources_pb2.Account:
    """Return an account as a message."""
    return resources_pb2.Account(
        name=f"accounts/{record.account_id}",
        account_id=record.account_id,
        incarnation=record.incarnation,
        display_name=record.display_name,
        create_time=timestamp(record.created_at),
        closed=record.closed,
    )


def user(record: User, partition: str) -> resources_pb2.User:
    """Return a user as a message."""
    return resources_pb2.User(
        name=f"accounts/{record.account_id}/users/{record.user_name}",
        user_name=record.user_name,
        user_id=record.user_id,
        arn=user_arn(record.account_id, record.user_name, partition, record.path),
        create_time=timestamp(record.created_at),
    )


def user_details(record: UserDetails, partition: str) -> resources_pb2.User:
    """Return a user as a message, with what hangs on it."""
    message = user(record.user, partition)
    if record.boundary is not None:
        message.permissions_boundary = arn_of_policy(record.boundary, partition)
    message.tags.extend(tag(each) for each in record.tags)
    return message


def arn_of_policy(policy: PolicyReference, partition: str) -> str:
    """Return the ARN of a managed policy."""
    return policy_arn(policy.owner, policy.policy_name, partition, policy.path)


def tags_of(found: Iterable[Any]) -> tuple[Tag, ...]:
    """Read the tags of a request."""
    return tuple(Tag(each.key, each.value) for each in found)


def tag(record: Tag) -> resources_pb2.Tag:
    """Return a tag as a message."""
    return resources_pb2.Tag(key=record.key, value=record.value)


def access_key(record: AccessKey) -> resources_pb2.AccessKey:
    """Return an access key as a message, without its secret."""
    owner = "root" if record.user is None else f"users/{record.user.user_name}"
    return resources_pb2.AccessKey(
        name=f"accounts/{record.account_id}/{owner}/accessKeys/{record.access_key_id}",
        access_key_id=record.access_key_id,
        status=STATUS_TO_MESSAGE[record.status],
        create_time=timestamp(record.created_at),
    )


def policy(record: InlinePolicy) -> resources_pb2.Policy:
    """Return an inline policy as a message."""
    bearer = f"accounts/{record.account_id}/{record.entity.kind.value}s/{record.entity.name}"
    return resources_pb2.Policy(
        name=f"{bearer}/policies/{record.policy_name}",
        policy_name=record.policy_name,
        document=record.document,
        update_time=timestamp(record.updated_at),
    )
