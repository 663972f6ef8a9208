"""Aliases: other names of keys."""

from dataclasses import dataclass
from datetime import datetime

from services.kms.domain.names import AliasName, KeyName


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that points to a key of the same account and region."""

    name: AliasName
    key: KeyName
    created: datetime
    updated: datetime
    """When it last pointed elsewhere."""
