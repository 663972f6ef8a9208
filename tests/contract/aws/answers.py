"""What tests by an unmodified boto3 share."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

ACCOUNT = "123456789012"


def refused(call: Any, **arguments: Any) -> tuple[str, int]:
    """Return code and status of a refusal, which has a message and a request id."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    assert response["Error"]["Message"]
    assert response["ResponseMetadata"]["RequestId"]
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def document(*statements: dict[str, Any]) -> str:
    """Return a policy of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allowing(*actions: str, resource: str = "*", **more: Any) -> str:
    """Return a policy that allows actions."""
    return document({"Effect": "Allow", "Action": list(actions), "Resource": resource, **more})


def trusting(principal: str = ACCOUNT, *actions: str) -> str:
    """Return a trust policy; without actions the role can be assumed."""
    action = list(actions) or ["sts:AssumeRole"]
    return document({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action})


def keys_of(iam: Any, user: str) -> dict[str, str]:
    """Make a key of a user, as boto3's keyword arguments."""
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


def every(call: Callable[..., Any], member: str, size: int, **arguments: Any) -> Iterator[Any]:
    """Yield all items of a listing, page by page, each of at most `size` of them."""
    while True:
        answer = call(MaxItems=size, **arguments)
        assert len(answer[member]) <= size
        assert answer["IsTruncated"] is ("Marker" in answer)
        yield from answer[member]
        if not answer["IsTruncated"]:
            return
        arguments["Marker"] = answer["Marker"]


def cleared(iam: Any, kind: str, name: str) -> None:
    """Delete a User, a Group or a Role with whatever hangs on it, of which there is less than a page."""
    low, named = kind.lower(), {f"{kind}Name": name}
    for policy in getattr(iam, f"list_{low}_policies")(**named)["PolicyNames"]:
        getattr(iam, f"delete_{low}_policy")(PolicyName=policy, **named)
    for each in getattr(iam, f"list_attached_{low}_policies")(**named)["AttachedPolicies"]:
        getattr(iam, f"detach_{low}_policy")(PolicyArn=each["PolicyArn"], **named)
    if kind == "User":
        for key in iam.list_access_keys(**named)["AccessKeyMetadata"]:
            iam.delete_access_key(AccessKeyId=key["AccessKeyId"], **named)
        for group in iam.list_groups_for_user(**named)["Groups"]:
            iam.remove_user_from_group(GroupName=group["GroupName"], **named)
    if kind == "Group":
        for user in iam.get_group(**named)["Users"]:
            iam.remove_user_from_group(UserName=user["UserName"], **named)
    getattr(iam, f"delete_{low}")(**named)
