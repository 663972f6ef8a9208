"""What IAM tells of an account as a whole, answered by auth."""

from collections.abc import Mapping
from typing import Any

from craton.auth.v1 import account_identity_service_pb2 as pb
from craton.auth.v1 import account_identity_service_pb2_grpc as rpc

from services.chassis.channels import Channel
from services.edge.adapters.groups import group
from services.edge.adapters.iam_calls import Choice, IamCall, calls, listed, nothing
from services.edge.adapters.iam_values import quoted, rest, user
from services.edge.adapters.managed_policies import attached, managed_policy, version
from services.edge.adapters.roles import role
from services.edge.ports import Operation

_KINDS = Choice(
    "Filter",
    {
        "User": pb.DETAIL_KIND_USER,
        "Role": pb.DETAIL_KIND_ROLE,
        "Group": pb.DETAIL_KIND_GROUP,
        "LocalManagedPolicy": pb.DETAIL_KIND_LOCAL_MANAGED_POLICY,
        "AWSManagedPolicy": pb.DETAIL_KIND_AWS_MANAGED_POLICY,
    },
)


def account_identity(channel: Channel) -> Mapping[str, Operation]:
    """Return the operations on the account itself; `channel` leads to auth."""
    stub = rpc.AccountIdentityServiceStub(channel)
    return {
        **calls(
            stub,
            pb,
            {
                "GetAccountSummary": lambda answer, _: {"SummaryMap": dict(answer.summary)},
                "CreateAccountAlias": nothing,
                "ListAccountAliases": listed("AccountAliases", "account_aliases", str),
                "DeleteAccountAlias": nothing,
            },
        ),
        "GetAccountAuthorizationDetails": IamCall(
            stub.GetAccountAuthorizationDetails,
            pb.GetAccountAuthorizationDetailsRequest,
            _details,
            {"kinds": _KINDS},
        ),
    }


def _details(answer: pb.GetAccountAuthorizationDetailsResponse, _request: Any) -> Mapping[str, Any]:
    return {
        "UserDetailList": [
            {**user(each.user), **_rights("User", each), "GroupList": list(each.group_names)}
            for each in answer.users
        ],
        "GroupDetailList": [{**group(each.group), **_rights("Group", each)} for each in answer.groups],
        "RoleDetailList": [
            # A review has no members for these two.
            {
                **_without(role(each.role), "Description", "MaxSessionDuration"),
                **_rights("Role", each),
                "InstanceProfileList": [],
            }
            for each in answer.roles
        ],
        "Policies": [
            {
                **_without(managed_policy(each.policy), "Tags"),
                "PolicyVersionList": [version(one) for one in each.versions],
            }
            for each in answer.policies
        ],
        **rest(answer.next_page_token),
    }


def _rights(kind: str, detail: Any) -> Mapping[str, Any]:
    return {
        f"{kind}PolicyList": [
            {"PolicyName": each.policy_name, "PolicyDocument": quoted(each.document)}
            for each in detail.policies
        ],
        "AttachedManagedPolicies": [attached(each) for each in detail.attached_policies],
    }


def _without(found: Mapping[str, Any], *members: str) -> Mapping[str, Any]:
    return {name: value for name, value in found.items() if name not in members}
