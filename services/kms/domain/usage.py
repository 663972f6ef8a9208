"""Whether a key may do what an operation asks of it."""

from collections.abc import Mapping

from services.kms.domain.names import KeyName
from services.kms.domain.specs import Algorithm, KeySpec, KeyUsage
from services.kms.errors import incompatible_algorithm, incompatible_usage, invalid_field, wrong_usage

_NAMED: Mapping[KeyUsage, Mapping[str, Algorithm]] = {
    usage: {each.value: each for spec in KeySpec for each in spec.algorithms(usage)} for usage in KeyUsage
}
"""The algorithms of each usage by their names, in the order of the specs."""


def require_usage(name: KeyName, usage: KeyUsage, required: KeyUsage, operation: str) -> None:
    """Raise DomainError(INVALID_KEY_USAGE) unless the key `name` has the usage `required`.

    `operation` is AWS's name of what was called: "Encrypt".
    """
    if usage is not required:
        raise wrong_usage(name.displayed, usage.value, operation)


def require_permitted(spec: KeySpec, usage: KeyUsage) -> None:
    """Raise DomainError(INVALID_FIELD) unless keys of a spec can be created for a usage."""
    if usage not in spec.usages:
        raise incompatible_usage(spec.value, usage.value)


def require_pair(spec: KeySpec) -> None:
    """Raise DomainError(INVALID_FIELD) unless data key pairs can be of a spec; `generate` makes them."""
    if not spec.data_key_pair:
        names = ", ".join(each.value for each in KeySpec if each.data_key_pair)
        raise invalid_field("pair_spec", f"must be one of {names}")


def permitted_algorithm(spec: KeySpec, usage: KeyUsage, name: str, field: str) -> Algorithm:
    """Return the algorithm that a request names in `field`.

    Raises DomainError(INVALID_FIELD) for what is no algorithm of the usage, and INVALID_KEY_USAGE for one
    that keys of this spec have not.
    """
    found = _NAMED[usage].get(name)
    if found is None:
        raise invalid_field(field, f"must be one of {', '.join(_NAMED[usage])}")
    require_algorithm(spec, usage, found)
    return found


def require_algorithm(spec: KeySpec, usage: KeyUsage, algorithm: Algorithm) -> None:
    """Raise DomainError(INVALID_KEY_USAGE) unless keys of a spec have an algorithm in a usage."""
    if algorithm not in spec.algorithms(usage):
        raise incompatible_algorithm(algorithm.value, spec.value)
