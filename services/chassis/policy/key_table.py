"""The table of condition keys, each with its kind. What fills them in stands in `keys` and in operations.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
and https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html; of other
services: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from dataclasses import dataclass

from services.chassis.policy.operators import Kind


@dataclass(frozen=True, slots=True)
class Key:
    """A condition key.

    One whose name ends with * stands for all names with that beginning, for example of each tag; one whose
    name begins with * for all with that ending, of each OpenID Connect provider: its url without https://.
    """

    name: str
    kind: Kind
    several: bool = False
    """A request can carry several values."""
    when: str = ""
    """Which requests carry it, or what it says, for the documentation; empty for all that name the key."""
    filled: bool = True
    """False when no operation fills it in yet: it is accepted because one that is to come will."""


KEYS = (
    Key(
        "aws:CalledVia",
        Kind.STRING,
        several=True,
        when="the services through which a call came, the first one first",
    ),
    Key("aws:CalledViaFirst", Kind.STRING, when="calls of a service for somebody only"),
    Key("aws:CalledViaLast", Kind.STRING, when="calls of a service for somebody only"),
    Key("aws:CurrentTime", Kind.DATE),
    Key("aws:EpochTime", Kind.NUMBER, when="seconds since 1970"),
    Key("aws:FederatedProvider", Kind.STRING, when="sessions of an OpenID Connect provider only: its ARN"),
    Key(
        "aws:MultiFactorAuthPresent",
        Kind.BOOL,
        when="temporary credentials only; always `false`, because no devices are known yet",
    ),
    Key("aws:PrincipalAccount", Kind.STRING),
    Key("aws:PrincipalArn", Kind.ARN),
    Key("aws:PrincipalIsAWSService", Kind.BOOL),
    Key("aws:PrincipalOrgID", Kind.STRING),
    Key(
        "aws:PrincipalOrgPaths",
        Kind.STRING,
        several=True,
        when="`o-…/r-…/ou-…/…/`, down to the parent of the account",
    ),
    Key("aws:PrincipalServiceName", Kind.STRING, when="calls of a service only"),
    Key("aws:PrincipalTag/*", Kind.STRING, when="users, and sessions that have the tag"),
    Key("aws:PrincipalType", Kind.STRING),
    Key("aws:RequestTag/*", Kind.STRING, when="requests with the tag"),
    Key("aws:RequestedRegion", Kind.STRING),
    Key(
        "aws:ResourceAccount",
        Kind.STRING,
        when="not for resources without an owner, such as foundation models",
    ),
    Key("aws:ResourceOrgID", Kind.STRING, when="as `aws:ResourceAccount`"),
    Key(
        "aws:ResourceOrgPaths",
        Kind.STRING,
        several=True,
        when="as `aws:PrincipalOrgPaths`; resources of the principal's own account only",
    ),
    Key("aws:ResourceTag/*", Kind.STRING, when="resources that have the tag"),
    Key("aws:SecureTransport", Kind.BOOL),
    Key("aws:SourceAccount", Kind.STRING, when="calls of a service for a resource only"),
    Key("aws:SourceArn", Kind.ARN, when="calls of a service for a resource only"),
    Key("aws:SourceIdentity", Kind.STRING, when="sessions that have one"),
    Key("aws:SourceIp", Kind.ADDRESS),
    Key("aws:SourceOrgID", Kind.STRING, when="calls of a service for a resource only"),
    Key("aws:SourceVpc", Kind.STRING, when="through a private endpoint only"),
    Key("aws:SourceVpce", Kind.STRING, when="through a private endpoint only"),
    Key("aws:TagKeys", Kind.STRING, several=True, when="requests with tags"),
    Key("aws:TokenIssueTime", Kind.DATE, when="temporary credentials only"),
    Key("aws:UserAgent", Kind.STRING),
    Key("aws:ViaAWSService", Kind.BOOL),
    Key("aws:VpcSourceIp", Kind.ADDRESS, when="through a private endpoint only"),
    Key("aws:VpceAccount", Kind.STRING, when="through a private endpoint only"),
    Key("aws:userid", Kind.STRING),
    Key("aws:username", Kind.STRING, when="users only"),
    Key("bedrock:BearerTokenType", Kind.STRING, when="requests with an API key: LONG_TERM or SHORT_TERM"),
    Key("bedrock:DataRetentionMode", Kind.STRING, filled=False),
    Key("bedrock:GuardrailIdentifier", Kind.ARN, filled=False),
    Key("bedrock:InferenceProfileArn", Kind.ARN, filled=False),
    Key("bedrock:InlineAgentName", Kind.STRING, filled=False),
    Key("bedrock:ModelArn", Kind.ARN, filled=False),
    Key("bedrock:ProjectArn", Kind.ARN, filled=False),
    Key("bedrock:PromptRouterArn", Kind.ARN, filled=False),
    Key("bedrock:ServiceTier", Kind.STRING, filled=False),
    Key("bedrock:ThirdPartyKnowledgeBaseCredentialsSecretArn", Kind.ARN, filled=False),
    Key("iam:AWSServiceName", Kind.STRING, filled=False),
    Key("iam:AssociatedResourceArn", Kind.ARN),
    Key("iam:PassedToService", Kind.STRING),
    Key(
        "iam:PermissionsBoundary",
        Kind.ARN,
        when="the one asked for; of actions that ask for none, the one that the user or role has",
    ),
    Key("iam:PolicyARN", Kind.ARN),
    Key("iam:ResourceTag/*", Kind.STRING),
    Key("iam:ServiceSpecificCredentialAgeDays", Kind.NUMBER),
    Key("iam:ServiceSpecificCredentialServiceName", Kind.STRING),
    Key("kms:BypassPolicyLockoutSafetyCheck", Kind.BOOL),
    Key("kms:CallerAccount", Kind.STRING),
    Key("kms:DataKeyPairSpec", Kind.STRING),
    Key("kms:EncryptionAlgorithm", Kind.STRING),
    Key("kms:EncryptionContext:*", Kind.STRING, when="requests with that name in their encryption context"),
    Key("kms:EncryptionContextKeys", Kind.STRING, several=True, when="requests with an encryption context"),
    Key("kms:ExpirationModel", Kind.STRING),
    Key("kms:GrantConstraintType", Kind.STRING),
    Key("kms:GrantIsForAWSResource", Kind.BOOL),
    Key("kms:GrantOperations", Kind.STRING, several=True),
    Key("kms:GranteePrincipal", Kind.STRING),
    Key("kms:KeyAgreementAlgorithm", Kind.STRING),
    Key("kms:KeyOrigin", Kind.STRING),
    Key("kms:KeySpec", Kind.STRING),
    Key("kms:KeyUsage", Kind.STRING),
    Key("kms:MacAlgorithm", Kind.STRING),
    Key("kms:MessageType", Kind.STRING),
    Key("kms:MultiRegion", Kind.BOOL),
    Key("kms:MultiRegionKeyType", Kind.STRING, filled=False),
    Key("kms:PrimaryRegion", Kind.STRING, filled=False),
    Key("kms:ReEncryptOnSameKey", Kind.BOOL),
    Key("kms:ReplicaRegion", Kind.STRING, filled=False),
    Key("kms:RequestAlias", Kind.STRING),
    Key("kms:ResourceAliases", Kind.STRING, several=True),
    Key("kms:RetiringPrincipal", Kind.STRING),
    Key("kms:RotationPeriodInDays", Kind.NUMBER),
    Key("kms:ScheduleKeyDeletionPendingWindowInDays", Kind.NUMBER),
    Key("kms:SigningAlgorithm", Kind.STRING),
    Key("kms:ValidTo", Kind.DATE),
    Key("kms:ViaService", Kind.STRING),
    Key("kms:WrappingAlgorithm", Kind.STRING),
    Key("kms:WrappingKeySpec", Kind.STRING),
    Key(
        "organizations:PolicyType",
        Kind.STRING,
        when="`SERVICE_CONTROL_POLICY` or `RESOURCE_CONTROL_POLICY`",
    ),
    Key("s3:x-amz-acl", Kind.STRING, when="what trails deliver, in policies of buckets"),
    Key("sts:AWSServiceName", Kind.STRING, filled=False),
    Key("sts:DurationSeconds", Kind.NUMBER, filled=False),
    Key("sts:ExternalId", Kind.STRING),
    Key("sts:RoleSessionName", Kind.STRING),
    Key("sts:SourceIdentity", Kind.STRING),
    Key("sts:TransitiveTagKeys", Kind.STRING, several=True),
    Key("*:amr", Kind.STRING, several=True),
    Key("*:aud", Kind.STRING, when="its `azp` where the token has one, else its `aud`"),
    Key("*:azp", Kind.STRING),
    Key("*:email", Kind.STRING),
    Key("*:oaud", Kind.STRING, when="its `aud`, where `azp` stands in `:aud`"),
    Key("*:sub", Kind.STRING),
)
"""Keys without a value for a request, such as aws:username for root, are absent from it."""
