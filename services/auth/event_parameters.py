"""What of calls of auth stands in the audit log besides their resources, under AWS's names.

Tokens, keys and forms are in no table. Policies are: AWS records them, and who reads the log of an account
may know what it allows.
AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
"""

from collections.abc import Mapping

from services.chassis.audit.fields import NamedFields, Table
from services.chassis.audit.parameters import Parameters

_SESSION: Table = {
    "duration": "durationSeconds",
    "external_id": "externalId",
    "key": "key",
    "policy": "policy",
    "policy_arns": ("policyArns", lambda arns: [{"arn": arn} for arn in arns]),
    "role_arn": "roleArn",
    "role_session_name": "roleSessionName",
    "source_identity": "sourceIdentity",
    "tags": "tags",
    "transitive_tag_keys": "transitiveTagKeys",
    "value": "value",
}
_STATUS = {1: "Active", 2: "Inactive"}
"""AccessKeyStatus and ServiceCredentialStatus, which have the same numbers."""
_IAM: Table = {
    "access_key_id": "accessKeyId",
    "account_alias": "accountAlias",
    "account_id": "accountId",
    "assume_role_policy_document": "assumeRolePolicyDocument",
    "client_id": "clientID",
    "client_ids": "clientIDList",
    "credential_age_days": "credentialAgeDays",
    "credential_id": "serviceSpecificCredentialId",
    "description": "description",
    "document": "policyDocument",
    "group_name": "groupName",
    "key": "key",
    "max_session_duration": "maxSessionDuration",
    "new_group_name": "newGroupName",
    "new_path": "newPath",
    "new_user_name": "newUserName",
    "path": "path",
    "path_prefix": "pathPrefix",
    "permissions_boundary": "permissionsBoundary",
    "policy_arn": "policyArn",
    "policy_document": "policyDocument",
    "policy_name": "policyName",
    "provider_arn": "openIDConnectProviderArn",
    "role_name": "roleName",
    "service_name": "serviceName",
    "set_as_default": "setAsDefault",
    "status": ("status", _STATUS.get),
    "tag_keys": "tagKeys",
    "tags": "tags",
    "thumbprints": "thumbprintList",
    "url": "url",
    "user_name": "userName",
    "value": "value",
    "version_id": "versionId",
}
_ORGANIZATION: Table = {
    "account_id": "accountId",
    "child_id": "childId",
    "child_type": "childType",
    "content": "content",
    "description": "description",
    "destination_parent_id": "destinationParentId",
    "name": "name",
    "organizational_unit_id": "organizationalUnitId",
    "parent_id": "parentId",
    "policy_id": "policyId",
    "policy_type": "policyType",
    "root_id": "rootId",
    "source_parent_id": "sourceParentId",
    "target_id": "targetId",
}
_ENDPOINT: Table = {
    "add_allowed_accounts": "addAllowedAccounts",
    "add_services": "addServices",
    "allowed_accounts": "allowedAccounts",
    "policy_document": "policyDocument",
    "private_listener": "privateListener",
    "remove_allowed_accounts": "removeAllowedAccounts",
    "remove_services": "removeServices",
    "reset_policy": "resetPolicy",
    "services": "services",
    "vpc_endpoint_id": "vpcEndpointId",
    "vpc_endpoint_ids": "vpcEndpointIds",
}
_IN_IAM: Parameters = NamedFields(_IAM)
_IN_STS: Parameters = NamedFields(_SESSION)
_IN_ORGANIZATIONS: Parameters = NamedFields(_ORGANIZATION)

PARAMETERS: Mapping[str, Parameters] = {
    "AccessKeyService": _IN_IAM,
    "AccountIdentityService": _IN_IAM,
    "AccountService": _IN_IAM,
    "EndpointService": NamedFields(_ENDPOINT),
    "GroupService": _IN_IAM,
    "ManagedPolicyService": _IN_IAM,
    "ModelAccessService": NamedFields({"model_id": "modelId"}),
    "OidcProviderService": _IN_IAM,
    "OrganizationPolicyService": _IN_ORGANIZATIONS,
    "OrganizationService": _IN_ORGANIZATIONS,
    "PassedRoleService": NamedFields({"resource_arn": "resourceArn", "role_arn": "roleArn"}),
    "PolicyService": _IN_IAM,
    "RoleService": _IN_IAM,
    "ServiceCredentialService": _IN_IAM,
    "SessionService": _IN_STS,
    "SimulationService": NamedFields({"principal_arn": "policySourceArn"}),
    "UserService": _IN_IAM,
    "WebIdentityService": _IN_STS,
}
"""By the services of auth whose calls are principals' own, or services' for them."""
