"""What tags may be. AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html"""

import unicodedata
from collections.abc import Sequence

from services.auth.domain.identity import Tag
from services.auth.errors import invalid_field

_OTHERS = frozenset("_.:/=+-@")
_RESERVED = "aws:"


def check_tags(tags: Sequence[Tag]) -> None:
    """Return if the tags can be stored together. Raises INVALID_FIELD."""
    if len({tag.key.lower() for tag in tags}) != len(tags):
        raise invalid_field("tags", "name a key twice; keys are compared without regard to case")
    for tag in tags:
        if tag.key.lower().startswith(_RESERVED):
            raise invalid_field("tags", "have a key that begins with aws:, which is reserved")
        if not all(map(_allowed, tag.key + tag.value)):
            raise invalid_field("tags", "have characters other than letters, digits, spaces and _.:/=+-@")


def in_order(tags: Sequence[Tag]) -> tuple[Tag, ...]:
    """Return tags in the order of their keys, without regard to case."""
    return tuple(sorted(tags, key=lambda tag: tag.key.lower()))


def _allowed(character: str) -> bool:
    # AWS's pattern: the Unicode classes of letters, separators and numbers, and a few signs.
    return character in _OTHERS or unicodedata.category(character)[0] in "LZN"
