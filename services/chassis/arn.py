"""The one converter between resource names, as services use them, and ARNs, as clients and policies do.

A resource name is a path of collections and ids ("accounts/123456789012/regions/us-east-1/keys/k"); an ARN
is "arn:{partition}:{service}:{region}:{account}:{resource}". Both directions come from one table, so that
they cannot drift apart.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_ACCOUNT = r"[0-9]{12}"
_REGION = r"[a-z]{2}(?:-[a-z]+)+-[0-9]"
_MODEL = r"[a-z0-9-]{1,63}\.[a-z0-9.:-]{1,127}"
_USER = r"[A-Za-z0-9+=,.@_-]{1,64}"
_NAME = r"[A-Za-z0-9+=,.@_-]{1,128}"
_PATH = r"(?:[!-~]{1,510}/)?"
"""What stands before the name of something that IAM knows; "/" alone, the default, is not written there.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
"""
_ID = r"[A-Za-z0-9-]{1,128}"
_PARTS = 6
"""arn, partition, service, region, account, resource. Only the last one can hold colons."""
_CONVERTED = 4096
"""Names of resources whose ARNs are kept."""
_ASSUMED_ROLE = re.compile(rf"arn:([a-z-]+):sts::({_ACCOUNT}):assumed-role/({_USER})/({_USER})")


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of resource: how its name and its ARN look, with the same placeholders."""

    name: str
    arn: str


_KINDS = (
    _Kind("regions/{region}/foundationModels/{model}", "bedrock:{region}::foundation-model/{model}"),
    _Kind(
        "accounts/{account}/regions/{region}/modelCustomizationJobs/{job}",
        "bedrock:{region}:{account}:model-customization-job/{job}",
    ),
    _Kind("accounts/{account}/regions/{region}/keys/{id}", "kms:{region}:{account}:key/{id}"),
    _Kind("accounts/{account}/regions/{region}/aliases/{alias}", "kms:{region}:{account}:alias/{alias}"),
    _Kind(
        "accounts/{account}/regions/{region}/vpcEndpoints/{endpoint}",
        "ec2:{region}:{account}:vpc-endpoint/{endpoint}",
    ),
    _Kind(
        "accounts/{account}/regions/{region}/trails/{trail}", "cloudtrail:{region}:{account}:trail/{trail}"
    ),
    _Kind("accounts/{account}/users/{user}", "iam::{account}:user/{user}"),
    _Kind("accounts/{account}/roles/{role}", "iam::{account}:role/{role}"),
    _Kind("accounts/{account}/groups/{group}", "iam::{account}:group/{group}"),
    _Kind("accounts/{account}/policies/{policy}", "iam::{account}:policy/{policy}"),
    _Kind("accounts/{account}/oidcProviders/{issuer}", "iam::{account}:oidc-provider/{issuer}"),
    _Kind("managedPolicies/{policy}", "iam::aws:policy/{policy}"),
    _Kind("accounts/{account}", "iam::{account}:root"),
)

_IAM_KINDS = {"users": "user", "groups": "group", "roles": "role", "policies": "policy"}
"""Kinds of what IAM knows, by the collections that they stand in."""

_PATTERNS = {
    "region": _REGION,
    "account": _ACCOUNT,
    "model": _MODEL,
    "job": r"[a-z0-9.:-]{1,255}/[a-z0-9]{12}",
    "id": _ID,
    "endpoint": "vpce-[0-9a-f]{17}",
    "alias": r"[A-Za-z0-9/_-]{1,250}",
    "trail": r"[A-Za-z0-9._-]{3,128}",
    "user": _PATH + _USER,
    "group": _PATH + _NAME,
    "policy": _PATH + _NAME,
    "role": _PATH + _USER,
    # An issuer's URL without its scheme.
    "issuer": r"[a-z0-9][A-Za-z0-9._:/-]{0,254}",
}
_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")


def _compile(template: str) -> re.Pattern[str]:
    parts: list[str] = []
    end = 0
    for match in _PLACEHOLDER.finditer(template):
        parts += (re.escape(template[end : match.start()]), f"(?P<{match[1]}>{_PATTERNS[match[1]]})")
        end = match.end()
    return re.compile("".join(parts) + re.escape(template[end:]))


_BY_NAME = tuple((_compile(kind.name), kind.arn) for kind in _KINDS)
_BY_ARN = tuple((_compile(kind.arn), kind.name) for kind in _KINDS)


@lru_cache(maxsize=_CONVERTED)
def arn_of(name: str, partition: str = "aws") -> str:
    """Return the ARN of a resource name. Raises ValueError when it names no known kind of resource."""
    for pattern, template in _BY_NAME:
        match = pattern.fullmatch(name)
        if match is not None:
            return f"arn:{partition}:" + template.format_map(match.groupdict())
    raise ValueError("not a resource name that has an ARN")


def name_of(arn: str, partition: str = "aws") -> str:
    """Return the resource name of an ARN. Raises ValueError when the ARN is foreign or malformed."""
    prefix = f"arn:{partition}:"
    if arn.startswith(prefix):
        for pattern, template in _BY_ARN:
            match = pattern.fullmatch(arn, len(prefix))
            if match is not None:
                return template.format_map(match.groupdict())
    raise ValueError("not an ARN of this installation")


def resource_part(arn: str) -> str:
    """Return what stands behind the account in an ARN, with its own colons: paths of users can have some.

    Of a text that is no ARN it is what stands behind its last colon.
    """
    return arn.split(":", _PARTS - 1)[-1]


@dataclass(frozen=True, slots=True)
class IamEntity:
    """What the ARN of a user, a group, a role or a managed policy says."""

    account_id: str
    """"aws" for a policy that comes with this software."""
    kind: str
    """"user", "group", "role" or "policy"."""
    name: str
    path: str = "/"
    """Begins and ends with "/". The name alone is unique in the account: the path is part of the ARN only."""

    def arn(self, partition: str = "aws") -> str:
        """Return the ARN."""
        return f"arn:{partition}:iam::{self.account_id}:{self.kind}{self.path}{self.name}"


def iam_entity(arn: str, partition: str = "aws") -> IamEntity:
    """Read the ARN of a user, a group, a role or a managed policy. Raises ValueError for any other."""
    match name_of(arn, partition).split("/", 3):
        case ["accounts", account_id, collection, named] if collection in _IAM_KINDS:
            kind = _IAM_KINDS[collection]
        case ["managedPolicies", *rest]:
            account_id, kind, named = "aws", "policy", "/".join(rest)
        case _:
            raise ValueError("not the ARN of a user, a group, a role or a policy of this installation")
    path, _, name = named.rpartition("/")
    return IamEntity(account_id, kind, name, f"/{path}/" if path else "/")


def foundation_model_arn(region: str, model_id: str, partition: str = "aws") -> str:
    """Return the ARN of a foundation model; it belongs to no account."""
    return f"arn:{partition}:bedrock:{region}::foundation-model/{model_id}"


def foundation_model_id(arn: str, region: str, partition: str = "aws") -> str:
    """Return the model id of a foundation model's ARN.

    Raises ValueError when the ARN is of another partition, region or kind of resource, or malformed.
    """
    name, collection = name_of(arn, partition), f"regions/{region}/foundationModels/"
    if not name.startswith(collection):
        raise ValueError("not the ARN of a foundation model of this region")
    return name.removeprefix(collection)


def user_arn(account_id: str, user_name: str, partition: str = "aws", path: str = "/") -> str:
    """Return the ARN of a user."""
    return IamEntity(account_id, "user", user_name, path).arn(partition)


def root_arn(account_id: str, partition: str = "aws") -> str:
    """Return the ARN of an account's root user."""
    return f"arn:{partition}:iam::{account_id}:root"


def role_arn(account_id: str, role_name: str, partition: str = "aws", path: str = "/") -> str:
    """Return the ARN of a role."""
    return IamEntity(account_id, "role", role_name, path).arn(partition)


def assumed_role_arn(account_id: str, role_name: str, session_name: str, partition: str = "aws") -> str:
    """Return the ARN of a role's session; the role's path is no part of it."""
    return f"arn:{partition}:sts::{account_id}:assumed-role/{role_name}/{session_name}"


@dataclass(frozen=True, slots=True)
class AssumedRole:
    """What the ARN of a role's session says."""

    partition: str
    account_id: str
    role_name: str
    session_name: str


def assumed_role(arn: str) -> AssumedRole:
    """Read the ARN of a role's session, of any partition. Raises ValueError for any other."""
    match = _ASSUMED_ROLE.fullmatch(arn)
    if match is None:
        raise ValueError("not the ARN of a role's session")
    return AssumedRole(*match.groups())


def group_arn(account_id: str, group_name: str, partition: str = "aws", path: str = "/") -> str:
    """Return the ARN of a group of users."""
    return IamEntity(account_id, "group", group_name, path).arn(partition)


def oidc_provider_arn(account_id: str, issuer_name: str, partition: str = "aws") -> str:
    """Return the ARN of an OpenID Connect provider; `issuer_name` is the issuer's URL without its scheme."""
    return f"arn:{partition}:iam::{account_id}:oidc-provider/{issuer_name}"


def policy_arn(owner: str, policy_name: str, partition: str = "aws", path: str = "/") -> str:
    """Return the ARN of a managed policy; `owner` is an account, or "aws" for a built-in policy."""
    return IamEntity(owner, "policy", policy_name, path).arn(partition)


def vpc_endpoint_arn(account_id: str, region: str, endpoint_id: str, partition: str = "aws") -> str:
    """Return the ARN of a VPC endpoint; of all of an account in a region when the id is *."""
    return f"arn:{partition}:ec2:{region}:{account_id}:vpc-endpoint/{endpoint_id}"
