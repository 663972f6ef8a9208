"""What a request on a key says that policies can have conditions on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from services.kms.domain.names import AliasName


@dataclass(frozen=True, slots=True)
class GrantFacts:
    """What a request to create a grant says of it; of a grant that is retired its constraint alone."""

    operations: Sequence[str] = ()
    """By AWS's names, for example "Decrypt"."""
    grantee: str = ""
    """ARN of a principal, or the path of a workload (kms:GranteePrincipal)."""
    retiring: str = ""
    equals: Mapping[str, str] | None = None
    """Of its constraint EncryptionContextEquals; None without one."""
    subset: Mapping[str, str] | None = None
    """Of its constraint EncryptionContextSubset; None without one."""


_NONE: Mapping[str, str] = MappingProxyType({})


class RequestFacts(NamedTuple):
    """Everything empty or None is not part of the request. A tuple, because every request makes one.

    AWS: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
    """

    alias: AliasName | None = None
    """The alias by which the key was named (kms:RequestAlias)."""
    encryption_context: Mapping[str, str] = _NONE
    encryption_algorithm: str = ""
    signing_algorithm: str = ""
    message_type: str = ""
    mac_algorithm: str = ""
    key_agreement_algorithm: str = ""
    pair_spec: str = ""
    same_key: bool | None = None
    """Of ReEncrypt: whether both keys are the same (kms:ReEncryptOnSameKey)."""
    wrapping_algorithm: str = ""
    wrapping_key_spec: str = ""
    expires: datetime | None = None
    """When imported material will expire (kms:ValidTo)."""
    import_material: bool = False
    """Of ImportKeyMaterial, which always has an expiration model (kms:ExpirationModel)."""
    pending_days: int = 0
    rotation_days: int = 0
    bypass_lockout_check: bool | None = None
    spec: str = ""
    """Of CreateKey, where no key exists yet; of other requests the key says it."""
    usage: str = ""
    origin: str = ""
    tags: Mapping[str, str] = _NONE
    """Tags in the request (aws:RequestTag)."""
    tag_keys: Sequence[str] = ()
    """Keys of tags in the request (aws:TagKeys)."""
    about_grants: bool = False
    """Of CreateGrant, ListGrants and RevokeGrant (kms:GrantIsForAWSResource)."""
    grant: GrantFacts | None = None
    """Of CreateGrant and RetireGrant."""


NO_FACTS = RequestFacts()
