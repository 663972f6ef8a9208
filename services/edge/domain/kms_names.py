"""The names by which clients of KMS call keys and aliases, and the resource names that they mean.

AWS: https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id; the texts are AWS's own.
"""

import re
from dataclasses import dataclass

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.arn import arn_of, name_of
from services.chassis.errors import DomainError
from services.edge.domain.faults import validation

_KEY_ID = re.compile(r"(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)
_ALIAS = re.compile(r"[a-zA-Z0-9/_-]{1,250}")
_PREFIX = "alias/"
_SHOWN = 256
"""Characters of a name that is refused which are repeated: names that may exist have fewer."""


class InvalidArnError(ValueError):
    """An ARN that is none of this installation's, or of something that is neither key nor alias."""


@dataclass(frozen=True, slots=True)
class KmsNames:
    """The names of an account's keys and aliases in a region; ARNs may name other accounts."""

    account_id: str
    region: str
    partition: str = "aws"

    @property
    def parent(self) -> str:
        """Resource name of what the account's keys and aliases belong to."""
        return f"accounts/{self.account_id}/regions/{self.region}"

    def key(self, text: str) -> str:
        """Return the resource name of a key that is called by its id or its ARN.

        Raises DomainError(RESOURCE_NOT_FOUND) and InvalidArnError.
        """
        if text.startswith("arn:"):
            name = self._of_arn(text)
            if "/keys/" not in name:
                raise InvalidArnError("An alias ARN is not supported here: name the key by its ID or ARN.")
            return name
        if _KEY_ID.fullmatch(text) is None:
            raise _not_found(f"Invalid keyId '{text[:_SHOWN]}'")
        return f"{self.parent}/keys/{text}"

    def key_or_alias(self, text: str) -> str:
        """Return the resource name of a key or an alias, called by any of the four kinds of names.

        Raises DomainError(RESOURCE_NOT_FOUND) and InvalidArnError.
        """
        if text.startswith("arn:"):
            return self._of_arn(text)
        alias = text.removeprefix(_PREFIX)
        if alias != text and _ALIAS.fullmatch(alias):
            return f"{self.parent}/aliases/{alias}"
        return self.key(text)

    def alias(self, text: str) -> str:
        """Return the resource name of an alias that is called by its name.

        Raises Fault for a name without its prefix, DomainError(INVALID_ALIAS_NAME) for one that no alias has.
        """
        alias = text.removeprefix(_PREFIX)
        if alias == text:
            raise validation(
                'Alias must start with the prefix "alias/". Please see '
                "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
            )
        if _ALIAS.fullmatch(alias) is None:
            raise DomainError(
                ErrorReason.ERROR_REASON_INVALID_ALIAS_NAME,
                "An alias is named alias/ and 1 to 250 letters, digits, slashes, underscores and hyphens.",
            )
        return f"{self.parent}/aliases/{alias}"

    def arn(self, name: str) -> str:
        """Return the ARN of a resource name."""
        return arn_of(name, self.partition)

    def _of_arn(self, text: str) -> str:
        try:
            name = name_of(text, self.partition)
        except ValueError:
            raise InvalidArnError("Invalid arn") from None
        match name.split("/", 5):
            case ["accounts", _, "regions", region, "keys" | "aliases", _]:
                pass
            case _:
                raise InvalidArnError("Invalid arn")
        if region != self.region:
            raise _not_found(f"Invalid arn {region}")
        return name


def _not_found(message: str) -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND, message)
