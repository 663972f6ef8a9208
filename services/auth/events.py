"""How the methods of auth appear in the audit log.

Resources are named by ARN from the request and the caller's own token, so that the intent, which is
durable before anything happens, says on what. An account whose id is chosen at random is named in the
outcome alone.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.auth.event_parameters import PARAMETERS
from services.chassis.arn import (
    foundation_model_arn,
    group_arn,
    name_of,
    oidc_provider_arn,
    policy_arn,
    resource_part,
    role_arn,
    root_arn,
    user_arn,
    vpc_endpoint_arn,
)
from services.chassis.audit.ports import AuditedMethod, Recording, no_parameters, no_resources
from services.chassis.context import CallContext

_IAM = "iam.amazonaws.com"
_STS = "sts.amazonaws.com"
_ORGANIZATIONS = "organizations.amazonaws.com"
_BEDROCK = "bedrock.amazonaws.com"
_EC2 = "ec2.amazonaws.com"
_CRATON = "auth.craton"

_EFFECT = Recording.EFFECT
_READ = Recording.READ
_SUMMARY = Recording.SUMMARY

_METHODS: Mapping[str, Mapping[str, tuple[str, str, Recording]]] = {
    "AuthenticationService": {
        "AuthenticateSignature": (_CRATON, "AuthenticateSignature", _SUMMARY),
        "AuthenticateBearerToken": (_CRATON, "AuthenticateBearerToken", _SUMMARY),
        "RecallSignatures": (_CRATON, "RecallSignatures", _SUMMARY),
    },
    "AuthorizationService": {
        "GetAuthorizationLease": (_CRATON, "GetAuthorizationLease", _SUMMARY),
        "ConfirmRevocations": (_CRATON, "ConfirmRevocations", _SUMMARY),
    },
    "ResourcePolicyService": {
        "GetResourceLease": (_CRATON, "GetResourceLease", _SUMMARY),
        "BindPrincipals": (_CRATON, "BindPrincipals", _READ),
        "TellPrincipals": (_CRATON, "TellPrincipals", _SUMMARY),
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
    "AccountPurgeService": {
        "RequestAccountPurge": (_CRATON, "RequestAccountPurge", _EFFECT),
        "ApproveAccountPurge": (_CRATON, "ApproveAccountPurge", _EFFECT),
        "CancelAccountPurge": (_CRATON, "CancelAccountPurge", _EFFECT),
        "GetAccountPurge": (_CRATON, "GetAccountPurge", _READ),
        "ListAccountPurges": (_CRATON, "ListAccountPurges", _READ),
        # A credential is released.
        "CreatePurgedAccountKey": (_CRATON, "CreatePurgedAccountKey", _EFFECT),
    },
    "EndpointService": {
        "CreateVpcEndpoint": (_EC2, "CreateVpcEndpoint", _EFFECT),
        "DescribeVpcEndpoints": (_EC2, "DescribeVpcEndpoints", _READ),
        "ModifyVpcEndpoint": (_EC2, "ModifyVpcEndpoint", _EFFECT),
        "DeleteVpcEndpoint": (_EC2, "DeleteVpcEndpoints", _EFFECT),
    },
    "PrivateListenerService": {
        "AssignPrivateListener": (_CRATON, "AssignPrivateListener", _EFFECT),
        "ReleasePrivateListener": (_CRATON, "ReleasePrivateListener", _EFFECT),
        "ListPrivateListeners": (_CRATON, "ListPrivateListeners", _READ),
    },
    "OrganizationService": {
        "DescribeOrganization": (_ORGANIZATIONS, "DescribeOrganization", _READ),
        "ListRoots": (_ORGANIZATIONS, "ListRoots", _READ),
        "CreateOrganizationalUnit": (_ORGANIZATIONS, "CreateOrganizationalUnit", _EFFECT),
        "DescribeOrganizationalUnit": (_ORGANIZATIONS, "DescribeOrganizationalUnit", _READ),
        "UpdateOrganizationalUnit": (_ORGANIZATIONS, "UpdateOrganizationalUnit", _EFFECT),
        "DeleteOrganizationalUnit": (_ORGANIZATIONS, "DeleteOrganizationalUnit", _EFFECT),
        "ListOrganizationalUnitsForParent": (_ORGANIZATIONS, "ListOrganizationalUnitsForParent", _READ),
        "ListAccountsForParent": (_ORGANIZATIONS, "ListAccountsForParent", _READ),
        "ListParents": (_ORGANIZATIONS, "ListParents", _READ),
        "ListChildren": (_ORGANIZATIONS, "ListChildren", _READ),
        "MoveAccount": (_ORGANIZATIONS, "MoveAccount", _EFFECT),
    },
    "OrganizationPolicyService": {
        "EnablePolicyType": (_ORGANIZATIONS, "EnablePolicyType", _EFFECT),
        "DisablePolicyType": (_ORGANIZATIONS, "DisablePolicyType", _EFFECT),
        "CreateOrganizationPolicy": (_ORGANIZATIONS, "CreatePolicy", _EFFECT),
        "DescribeOrganizationPolicy": (_ORGANIZATIONS, "DescribePolicy", _READ),
        "UpdateOrganizationPolicy": (_ORGANIZATIONS, "UpdatePolicy", _EFFECT),
        "DeleteOrganizationPolicy": (_ORGANIZATIONS, "DeletePolicy", _EFFECT),
        "ListOrganizationPolicies": (_ORGANIZATIONS, "ListPolicies", _READ),
        "AttachOrganizationPolicy": (_ORGANIZATIONS, "AttachPolicy", _EFFECT),
        "DetachOrganizationPolicy": (_ORGANIZATIONS, "DetachPolicy", _EFFECT),
        "ListPoliciesForTarget": (_ORGANIZATIONS, "ListPoliciesForTarget", _READ),
        "ListTargetsForPolicy": (_ORGANIZATIONS, "ListTargetsForPolicy", _READ),
    },
    "UserService": {
        "CreateUser": (_IAM, "CreateUser", _EFFECT),
        "GetUser": (_IAM, "GetUser", _READ),
        "ListUsers": (_IAM, "ListUsers", _READ),
        "UpdateUser": (_IAM, "UpdateUser", _EFFECT),
        "DeleteUser": (_IAM, "DeleteUser", _EFFECT),
        "PutUserPermissionsBoundary": (_IAM, "PutUserPermissionsBoundary", _EFFECT),
        "DeleteUserPermissionsBoundary": (_IAM, "DeleteUserPermissionsBoundary", _EFFECT),
        "TagUser": (_IAM, "TagUser", _EFFECT),
        "UntagUser": (_IAM, "UntagUser", _EFFECT),
        "ListUserTags": (_IAM, "ListUserTags", _READ),
    },
    "GroupService": {
        "CreateGroup": (_IAM, "CreateGroup", _EFFECT),
        "GetGroup": (_IAM, "GetGroup", _READ),
        "ListGroups": (_IAM, "ListGroups", _READ),
        "UpdateGroup": (_IAM, "UpdateGroup", _EFFECT),
        "DeleteGroup": (_IAM, "DeleteGroup", _EFFECT),
        "AddUserToGroup": (_IAM, "AddUserToGroup", _EFFECT),
        "RemoveUserFromGroup": (_IAM, "RemoveUserFromGroup", _EFFECT),
        "ListGroupsForUser": (_IAM, "ListGroupsForUser", _READ),
        "PutGroupPolicy": (_IAM, "PutGroupPolicy", _EFFECT),
        "GetGroupPolicy": (_IAM, "GetGroupPolicy", _READ),
        "ListGroupPolicies": (_IAM, "ListGroupPolicies", _READ),
        "DeleteGroupPolicy": (_IAM, "DeleteGroupPolicy", _EFFECT),
    },
    "ManagedPolicyService": {
        "CreatePolicy": (_IAM, "CreatePolicy", _EFFECT),
        "GetPolicy": (_IAM, "GetPolicy", _READ),
        "ListPolicies": (_IAM, "ListPolicies", _READ),
        "DeletePolicy": (_IAM, "DeletePolicy", _EFFECT),
        "CreatePolicyVersion": (_IAM, "CreatePolicyVersion", _EFFECT),
        "GetPolicyVersion": (_IAM, "GetPolicyVersion", _READ),
        "ListPolicyVersions": (_IAM, "ListPolicyVersions", _READ),
        "SetDefaultPolicyVersion": (_IAM, "SetDefaultPolicyVersion", _EFFECT),
        "DeletePolicyVersion": (_IAM, "DeletePolicyVersion", _EFFECT),
        "ListEntitiesForPolicy": (_IAM, "ListEntitiesForPolicy", _READ),
        "TagPolicy": (_IAM, "TagPolicy", _EFFECT),
        "UntagPolicy": (_IAM, "UntagPolicy", _EFFECT),
        "ListPolicyTags": (_IAM, "ListPolicyTags", _READ),
        "AttachUserPolicy": (_IAM, "AttachUserPolicy", _EFFECT),
        "DetachUserPolicy": (_IAM, "DetachUserPolicy", _EFFECT),
        "ListAttachedUserPolicies": (_IAM, "ListAttachedUserPolicies", _READ),
        "AttachGroupPolicy": (_IAM, "AttachGroupPolicy", _EFFECT),
        "DetachGroupPolicy": (_IAM, "DetachGroupPolicy", _EFFECT),
        "ListAttachedGroupPolicies": (_IAM, "ListAttachedGroupPolicies", _READ),
        "AttachRolePolicy": (_IAM, "AttachRolePolicy", _EFFECT),
        "DetachRolePolicy": (_IAM, "DetachRolePolicy", _EFFECT),
        "ListAttachedRolePolicies": (_IAM, "ListAttachedRolePolicies", _READ),
    },
    "AccessKeyService": {
        "CreateAccessKey": (_IAM, "CreateAccessKey", _EFFECT),
        "ListAccessKeys": (_IAM, "ListAccessKeys", _READ),
        "UpdateAccessKey": (_IAM, "UpdateAccessKey", _EFFECT),
        "DeleteAccessKey": (_IAM, "DeleteAccessKey", _EFFECT),
        "GetAccessKeyLastUsed": (_IAM, "GetAccessKeyLastUsed", _READ),
    },
    "AccountIdentityService": {
        "GetAccountSummary": (_IAM, "GetAccountSummary", _READ),
        "GetAccountAuthorizationDetails": (_IAM, "GetAccountAuthorizationDetails", _READ),
        "CreateAccountAlias": (_IAM, "CreateAccountAlias", _EFFECT),
        "ListAccountAliases": (_IAM, "ListAccountAliases", _READ),
        "DeleteAccountAlias": (_IAM, "DeleteAccountAlias", _EFFECT),
    },
    "SimulationService": {
        "SimulatePrincipalPolicy": (_IAM, "SimulatePrincipalPolicy", _READ),
        "SimulateCustomPolicy": (_IAM, "SimulateCustomPolicy", _READ),
        "GetContextKeysForPrincipalPolicy": (_IAM, "GetContextKeysForPrincipalPolicy", _READ),
        "GetContextKeysForCustomPolicy": (_IAM, "GetContextKeysForCustomPolicy", _READ),
    },
    "ServiceCredentialService": {
        "CreateServiceSpecificCredential": (_IAM, "CreateServiceSpecificCredential", _EFFECT),
        "ListServiceSpecificCredentials": (_IAM, "ListServiceSpecificCredentials", _READ),
        "UpdateServiceSpecificCredential": (_IAM, "UpdateServiceSpecificCredential", _EFFECT),
        "ResetServiceSpecificCredential": (_IAM, "ResetServiceSpecificCredential", _EFFECT),
        "DeleteServiceSpecificCredential": (_IAM, "DeleteServiceSpecificCredential", _EFFECT),
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
        "UpdateRoleDescription": (_IAM, "UpdateRoleDescription", _EFFECT),
        "UpdateAssumeRolePolicy": (_IAM, "UpdateAssumeRolePolicy", _EFFECT),
        "DeleteRole": (_IAM, "DeleteRole", _EFFECT),
        "PutRolePolicy": (_IAM, "PutRolePolicy", _EFFECT),
        "GetRolePolicy": (_IAM, "GetRolePolicy", _READ),
        "ListRolePolicies": (_IAM, "ListRolePolicies", _READ),
        "DeleteRolePolicy": (_IAM, "DeleteRolePolicy", _EFFECT),
        "PutRolePermissionsBoundary": (_IAM, "PutRolePermissionsBoundary", _EFFECT),
        "DeleteRolePermissionsBoundary": (_IAM, "DeleteRolePermissionsBoundary", _EFFECT),
        "TagRole": (_IAM, "TagRole", _EFFECT),
        "UntagRole": (_IAM, "UntagRole", _EFFECT),
        "ListRoleTags": (_IAM, "ListRoleTags", _READ),
    },
    "OidcProviderService": {
        "CreateOpenIDConnectProvider": (_IAM, "CreateOpenIDConnectProvider", _EFFECT),
        "GetOpenIDConnectProvider": (_IAM, "GetOpenIDConnectProvider", _READ),
        "ListOpenIDConnectProviders": (_IAM, "ListOpenIDConnectProviders", _READ),
        "DeleteOpenIDConnectProvider": (_IAM, "DeleteOpenIDConnectProvider", _EFFECT),
        "AddClientIDToOpenIDConnectProvider": (_IAM, "AddClientIDToOpenIDConnectProvider", _EFFECT),
        "RemoveClientIDFromOpenIDConnectProvider": (_IAM, "RemoveClientIDFromOpenIDConnectProvider", _EFFECT),
        "UpdateOpenIDConnectProviderThumbprint": (_IAM, "UpdateOpenIDConnectProviderThumbprint", _EFFECT),
        "TagOpenIDConnectProvider": (_IAM, "TagOpenIDConnectProvider", _EFFECT),
        "UntagOpenIDConnectProvider": (_IAM, "UntagOpenIDConnectProvider", _EFFECT),
        "ListOpenIDConnectProviderTags": (_IAM, "ListOpenIDConnectProviderTags", _READ),
    },
    # Credentials are released.
    "WebIdentityService": {
        "AssumeRoleWithWebIdentity": (_STS, "AssumeRoleWithWebIdentity", Recording.ADMITTED),
    },
    "SessionService": {
        "AssumeRole": (_STS, "AssumeRole", _EFFECT),
        "GetSessionToken": (_STS, "GetSessionToken", _EFFECT),
    },
    "PassedRoleService": {
        "PassRole": (_CRATON, "PassRole", _EFFECT),
        "AssumePassedRole": (_STS, "AssumeRole", _EFFECT),
        "RevokePassedRole": (_CRATON, "RevokePassedRole", _EFFECT),
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

_ORGANIZATION_IDS = (
    "policy_id",
    "target_id",
    "root_id",
    "organizational_unit_id",
    "account_id",
    "child_id",
    "parent_id",
    "source_parent_id",
    "destination_parent_id",
)

Resources = Callable[[Any, CallContext], Sequence[str]]


def events(partition: str) -> Mapping[str, AuditedMethod]:
    """Describe every method; `partition` is the one in ARNs."""

    def account(request: Any, _call: CallContext) -> Sequence[str]:
        return (root_arn(request.account_id, partition),) if request.account_id else ()

    def purge(request: Any, call: CallContext) -> Sequence[str]:
        purge_id = getattr(request, "purge_id", "")
        return (f"purges/{purge_id}",) if purge_id else account(request, call)

    def own_account(_request: Any, call: CallContext) -> Sequence[str]:
        return () if call.principal is None else (root_arn(call.principal.account_id, partition),)

    def known(arn: str) -> Sequence[str]:
        try:
            name_of(arn, partition)
        except ValueError:
            return ()
        return (arn,)

    def assumed(request: Any, _call: CallContext) -> Sequence[str]:
        return known(request.role_arn)

    def passed(request: Any, _call: CallContext) -> Sequence[str]:
        given = (getattr(request, field, "") for field in ("role_arn", "resource_arn"))
        return tuple(arn for arn in given if arn)

    def provider(request: Any, call: CallContext) -> Sequence[str]:
        url = getattr(request, "url", "")
        if not url:
            return known(request.provider_arn)
        if call.principal is None:
            return ()
        issuer_name = url.removeprefix("https://")
        return known(oidc_provider_arn(call.principal.account_id, issuer_name, partition))

    def managed(request: Any, call: CallContext) -> Sequence[str]:
        """What a call names of users, groups, roles and managed policies."""
        if call.principal is None:
            return ()
        named = (
            ("group_name", group_arn),
            ("user_name", user_arn),
            ("role_name", role_arn),
            ("policy_name", policy_arn),
        )
        account_id = call.principal.account_id
        # What is created says its path; of all else operations add it to the outcome, when it has one.
        path = getattr(request, "path", "") or "/"
        given = ((getattr(request, name, ""), arn) for name, arn in named)
        found = [arn(account_id, name, partition, path) for name, arn in given if name]
        return (*found, *known(getattr(request, "policy_arn", "")))

    def bearer(request: Any, call: CallContext) -> Sequence[str]:
        # An inline policy has no ARN.
        return tuple(arn for arn in managed(request, call) if not resource_part(arn).startswith("policy/"))

    def simulated(request: Any, _call: CallContext) -> Sequence[str]:
        # Policies by themselves are nobody's.
        return known(getattr(request, "principal_arn", ""))

    def endpoint(request: Any, call: CallContext) -> Sequence[str]:
        endpoint_id = getattr(request, "vpc_endpoint_id", "")
        if not endpoint_id:
            # The id of a new one is chosen at random, and named in the outcome.
            return listener(request, call) if hasattr(request, "private_listener") else ()
        if call.principal is None:
            return ()
        claims = call.principal
        return (vpc_endpoint_arn(claims.account_id, claims.region, endpoint_id, partition),)

    def listener(request: Any, _call: CallContext) -> Sequence[str]:
        # A part of the installation, which has a name and no ARN; with the account that it is assigned to.
        named = (f"privateListeners/{request.private_listener}",)
        account_id = getattr(request, "account_id", "")
        return (*named, root_arn(account_id, partition)) if account_id else named

    def model(request: Any, call: CallContext) -> Sequence[str]:
        if call.principal is None:
            return ()
        return (foundation_model_arn(call.principal.region, request.model_id, partition),)

    def organization(request: Any, _call: CallContext) -> Sequence[str]:
        # Their ARNs hold the organization's id, which neither request nor token says; their own are unique.
        return tuple(
            getattr(request, field)
            for field in _ORGANIZATION_IDS
            if field in request.DESCRIPTOR.fields_by_name
        )

    by_service: Mapping[str, Resources] = {
        "BootstrapService": account,
        "AccountService": account,
        "AccountPurgeService": purge,
        "EndpointService": endpoint,
        "PrivateListenerService": listener,
        "AccountIdentityService": own_account,
        "OrganizationService": organization,
        "OrganizationPolicyService": organization,
        "UserService": bearer,
        "GroupService": bearer,
        "ManagedPolicyService": managed,
        "AccessKeyService": bearer,
        "ServiceCredentialService": bearer,
        "SimulationService": simulated,
        "PolicyService": bearer,
        "RoleService": bearer,
        "OidcProviderService": provider,
        "SessionService": assumed,
        "PassedRoleService": passed,
        "WebIdentityService": assumed,
        "ModelAccessService": model,
    }
    nameless = {
        "GetSessionToken",
        "ListAccounts",
        "ListGroups",
        "ListOpenIDConnectProviders",
        "ListPolicies",
        "ListPrivateListeners",
        "ListRoles",
        "ListUsers",
        "GetUseCaseForModelAccess",
        "PutUseCaseForModelAccess",
    }
    return {
        f"/craton.auth.v1.{service}/{method}": AuditedMethod(
            *described,
            no_resources if method in nameless else by_service.get(service, no_resources),
            PARAMETERS.get(service, no_parameters),
        )
        for service, methods in _METHODS.items()
        for method, described in methods.items()
    }


EVENTS = events("aws")
