"""How the methods of auth appear in the audit log.

The operations name their resources themselves, by ARN, once they know the account.
"""

from collections.abc import Mapping

from services.chassis.audit.ports import AuditedMethod, Recording

_IAM = "iam.amazonaws.com"
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

EVENTS: Mapping[str, AuditedMethod] = {
    f"/craton.auth.v1.{service}/{method}": AuditedMethod(*described)
    for service, methods in _METHODS.items()
    for method, described in methods.items()
}
