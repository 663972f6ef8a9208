"""Tags of keys.

AWS: https://docs.aws.amazon.com/kms/latest/APIReference/API_TagResource.html
"""

from collections.abc import Sequence

from services.kms.errors import invalid_tag

MAX_TAGS = 50
_MAX_KEY, _MAX_VALUE = 128, 256
_RESERVED = "aws:"

Tags = tuple[tuple[str, str], ...]


def check_tags(tags: Sequence[tuple[str, str]]) -> Tags:
    """Return tags of a request in the order of their keys. Raises DomainError(INVALID_TAG)."""
    for key, value in tags:
        if not 1 <= len(key) <= _MAX_KEY or len(value) > _MAX_VALUE:
            raise invalid_tag(
                f"A tag key must have 1 to {_MAX_KEY} characters, and a tag value at most {_MAX_VALUE}."
            )
        if key.lower().startswith(_RESERVED):
            raise invalid_tag("Tag keys that begin with aws: are reserved.")
    if len({key for key, _ in tags}) != len(tags):
        raise invalid_tag("The same tag key stands there twice.")
    return tuple(sorted(tags))


def merged_tags(present: Tags, added: Tags) -> Tags:
    """Return the tags of a key after adding some. Raises DomainError(INVALID_TAG) when there are too many."""
    merged = dict(present) | dict(added)
    if len(merged) > MAX_TAGS:
        raise invalid_tag(f"A key can have at most {MAX_TAGS} tags.")
    if len({key.lower() for key in merged}) != len(merged):
        # Conditions on aws:ResourceTag do not tell them apart: no request on the key could be decided.
        raise invalid_tag("Two tag keys of a key cannot differ only in upper and lower case.")
    return tuple(sorted(merged.items()))
