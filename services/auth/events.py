"""How the methods of auth appear in the audit log.

Resources are named by ARN from the request and the caller's own token, so that the intent, which is
durable before anything happens, says on what. An account whose id is chosen at random is named in the
outcome alone.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.chassis.arn import foundation_model_arn, name_of, role_arn, root_arn, user_arn
from services.chassis.audit.ports import AuditedMethod, Recording, no_resources
from services.chassis.context import CallContext

_IAM = "iam.amazonaws.com"
_STS = "sts.amazonaws.com"
_ORGANIZATIONS = "organizations.amazonaws.com"
_BEDROCK = "bedrock.amazonaws.com"
_CRATON = "auth.craton"

_EFFECT = Recording.EFFECT
_READ = Recording.READ
_SUMMARY = Recording.SUMMARY

_METHODS: Mapping[str, Mapping[str, tuple[str, str, Recording]]] = {
    "AuthenticationService": {
        "AuthenticateSignature": (_CRATON, "AuthenticateSignature", _SUMMARY),
    },
    "AuthorizationService": {
        "GetAuthorizationLease": (_CRATON, "GetAuthorizationLease", _SUMMARY),
    },
    "TokenService": {
        "GetToken": (_CRATON, "GetToken", _SUMMARY),
        "ExchangeToken": (_CRATON, "ExchangeToken", _READ),
        "GetTokenKeys": (_CRATON, "GetTokenKeys", _SUMMARY),
    },
    "SecurityTokenService": {
        "GetCallerIdentity": (_STS, "GetCallerIdentity", _READ),
        "GetAccessKeyInfo": (_STS, "GetAccessKeyInfo", _READ),
    },
    "BootstrapService": {
        "Bootstrap": (_CRATON, "Bootstrap", _EFFECT),
    },
    "AccountService": {
        "CreateAccount": (_ORGANIZATIONS, "CreateAccount", _EFFECT),
        "GetAccount": (_ORGANIZATIONS, "DescribeAccount", _READ),
        "ListAccounts": (_ORGANIZATIONS, "ListAccounts", _READ),
        "CreateRootAccessKey": (_IAM, "CreateAccessKey", _EFFECT),
        "DeleteRootAccessKey": (_IAM, "DeleteAccessKey", _EFFECT),
    },
    "UserService": {
        "CreateUser": (_IAM, "CreateUser", _EFFECT),
        "GetUser": (_IAM, "GetUser", _READ),
        "ListUsers": (_IAM, "ListUsers", _READ),
        "DeleteUser": (_IAM, "DeleteUser", _EFFECT),
    },
    "AccessKeyService": {
        "CreateAccessKey": (_IAM, "CreateAccessKey", _EFFECT),
        "ListAccessKeys": (_IAM, "ListAccessKeys", _READ),
        "UpdateAccessKey": (_IAM, "UpdateAccessKey", _EFFECT),
        "DeleteAccessKey": (_IAM, "DeleteAccessKey", _EFFECT),
    },
    "PolicyService": {
        "PutUserPolicy": (_IAM, "PutUserPolicy", _EFFECT),
        "GetUserPolicy": (_IAM, "GetUserPolicy", _READ),
        "ListUserPolicies": (_IAM, "ListUserPolicies", _READ),
        "DeleteUserPolicy": (_IAM, "DeleteUserPolicy", _EFFECT),
    },
    "RoleService": {
        "CreateRole": (_IAM, "CreateRole", _EFFECT),
        "GetRole": (_IAM, "GetRole", _READ),
        "ListRoles": (_IAM, "ListRoles", _READ),
        "UpdateRole": (_IAM, "UpdateRole", _EFFECT),
        "UpdateAssumeRolePolicy": (_IAM, "UpdateAssumeRolePolicy", _EFFECT),
        "DeleteRole": (_IAM, "DeleteRole", _EFFECT),
        "PutRolePolicy": (_IAM, "PutRolePolicy", _EFFECT),
        "GetRolePolicy": (_IAM, "GetRolePolicy", _READ),
        "ListRolePolicies": (_IAM, "ListRolePolicies", _READ),
        "DeleteRolePolicy": (_IAM, "DeleteRolePolicy", _EFFECT),
    },
    # Credentials are released.
    "SessionService": {
        "AssumeRole": (_STS, "AssumeRole", _EFFECT),
        "GetSessionToken": (_STS, "GetSessionToken", _EFFECT),
    },
    "ModelAccessService": {
        "ListFoundationModelAgreementOffers": (_BEDROCK, "ListFoundationModelAgreementOffers", _READ),
        "CreateFoundationModelAgreement": (_BEDROCK, "CreateFoundationModelAgreement", _EFFECT),
        "DeleteFoundationModelAgreement": (_BEDROCK, "DeleteFoundationModelAgreement", _EFFECT),
        "GetFoundationModelAvailability": (_BEDROCK, "GetFoundationModelAvailability", _READ),
        # The form is the account's secret: reading it releases it.
        "GetUseCaseForModelAccess": (_BEDROCK, "GetUseCaseForModelAccess", _EFFECT),
        "PutUseCaseForModelAccess": (_BEDROCK, "PutUseCaseForModelAccess", _EFFECT),
    },
}

Resources = Callable[[Any, CallContext], Sequence[str]]


def events(partition: str) -> Mapping[str, AuditedMethod]:
    """Describe every method; `partition` is the one in ARNs."""

    def account(request: Any, _call: CallContext) -> Sequence[str]:
        return (root_arn(request.account_id, partition),) if request.account_id else ()

    def user(request: Any, call: CallContext) -> Sequence[str]:
        if call.principal is None:
            return ()
        return (user_arn(call.principal.account_id, request.user_name, partition),)

    def role(request: Any, call: CallContext) -> Sequence[str]:
        if call.principal is None:
            return ()
        return (role_arn(call.principal.account_id, request.role_name, partition),)

    def assumed(request: Any, _call: CallContext) -> Sequence[str]:
        try:
            name_of(request.role_arn, partition)
        except ValueError:
            return ()
        return (request.role_arn,)

    def model(request: Any, call: CallContext) -> Sequence[str]:
        if call.principal is None:
            return ()
        return (foundation_model_arn(call.principal.region, request.model_id, partition),)

    by_service: Mapping[str, Resources] = {
        "BootstrapService": account,
        "AccountService": account,
        "UserService": user,
        "AccessKeyService": user,
        "PolicyService": user,
        "RoleService": role,
        "SessionService": assumed,
        "ModelAccessService": model,
    }
    nameless = {
        "GetSessionToken",
        "ListAccounts",
        "ListRoles",
        "ListUsers",
        "GetUseCaseForModelAccess",
        "PutUseCaseForModelAccess",
    }
    return {
        f"/craton.auth.v1.{service}/{method}": AuditedMethod(
            *described,
            no_resources if method in nameless else by_service.get(service, no_resources),
        )
        for service, methods in _METHODS.items()
        for method, described in methods.items()
    }


EVENTS = events("aws")
