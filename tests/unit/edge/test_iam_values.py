"""What IAM's answers and requests take out of ARNs."""

import pytest

from services.chassis.arn import assumed_role_arn, group_arn, policy_arn, role_arn, root_arn, user_arn
from services.chassis.principal import ClientContext, PrincipalClaims
from services.edge.adapters.iam_values import path_of, user_name_of
from services.edge.domain.faults import Fault
from services.edge.ports import Caller

ACCOUNT = "123456789012"
PATHS = ["/", "/a/", "/a/b/", "/x:y/", "/:/", "/a:b/user/c:d/", "/:assumed-role/r/", "/name/"]


def caller(arn: str) -> Caller:
    """Return somebody who calls."""
    client = ClientContext()
    return Caller(PrincipalClaims(ACCOUNT, "i", arn, "p", "k", False, 0, "r", "a", "", 0, 0, client), ())


@pytest.mark.parametrize("path", PATHS)
def test_paths_are_told_whole(path: str) -> None:
    for arn_with in (user_arn, group_arn, role_arn, policy_arn):
        assert path_of(arn_with(ACCOUNT, "name", path=path), "name") == path
    assert path_of(policy_arn("aws", "name", path=path), "name") == path


@pytest.mark.parametrize("path", PATHS)
def test_a_request_without_a_name_is_about_the_user_who_calls(path: str) -> None:
    assert user_name_of({}, caller(user_arn(ACCOUNT, "name", path=path))) == "name"
    assert user_name_of({"UserName": "other"}, caller(user_arn(ACCOUNT, "name", path=path))) == "other"


@pytest.mark.parametrize(
    "arn",
    [root_arn(ACCOUNT), assumed_role_arn(ACCOUNT, "user", "name"), assumed_role_arn(ACCOUNT, "r", "user")],
)
def test_who_is_no_user_must_name_one(arn: str) -> None:
    with pytest.raises(Fault, match="Must specify userName"):
        user_name_of({}, caller(arn))
