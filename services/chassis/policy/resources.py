"""Resource patterns, indexed so that an evaluation looks at the few that can match.

The patterns of ARNs differ most in the last part, so the index is keyed by what that part begins with, and
the rest is compared only for the candidates found.
AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

from collections.abc import Iterator
from typing import Generic, TypeVar

from services.chassis.policy import arns
from services.chassis.policy.conditions import Context
from services.chassis.policy.patterns import has_wildcard, literal_prefix
from services.chassis.policy.templates import Template, is_plain, parse_template, split_parts

T = TypeVar("T")

_TAIL = arns.PARTS - 1
"""The resource, the last part."""


def split_arn(resource: str) -> list[str] | None:
    """Split into the six parts of an ARN; None for anything else, which only the pattern * matches."""
    parts = arns.split(resource)
    return parts if parts and parts[0] == "arn" else None


class ResourcePattern:
    """One compiled resource pattern."""

    __slots__ = ("_checks", "_template", "any", "exact_tail", "tail_prefix")

    def __init__(self, pattern: str, *, variables: bool = True) -> None:
        """Compile a pattern that the parser has accepted; with `variables`, `${` begins a policy variable."""
        self.any = pattern == "*"
        self._checks: arns.PartChecks = ()
        self._template: Template | None = None
        self.exact_tail = False
        self.tail_prefix = ""
        if self.any:
            return
        template = parse_template(pattern) if variables else (pattern,)
        if not is_plain(template):
            first = split_parts(template)[_TAIL][0]
            self._template = template
            self.tail_prefix = literal_prefix(first) if isinstance(first, str) else ""
            return
        tail = pattern.split(":", arns.PARTS - 1)[-1]
        self.exact_tail = not has_wildcard(tail)
        self.tail_prefix = literal_prefix(tail)
        # The first part is "arn" here and in everything that split_arn returns; the index has compared a tail
        # that is a literal, or a literal and then *.
        found = self.exact_tail or tail == f"{self.tail_prefix}*"
        self._checks = tuple(
            (i, check) for i, check in arns.part_checks(pattern) if i > 0 and not (found and i == _TAIL)
        )

    @property
    def dynamic(self) -> bool:
        """True when what matches depends on the request's context."""
        return self._template is not None

    def matches_candidate(self, parts: list[str], context: Context) -> bool:
        """Compare what the index has not: for parts whose last one fits the tail prefix."""
        if self._template is not None:
            return arns.template_fits(self._template, parts, context)
        return arns.fits(self._checks, parts)

    def matches(self, parts: list[str] | None, context: Context) -> bool:
        """Compare all of it. `parts` as split_arn returns them."""
        if self.any:
            return True
        if parts is None:
            return False
        fits = (
            parts[_TAIL] == self.tail_prefix if self.exact_tail else parts[_TAIL].startswith(self.tail_prefix)
        )
        return fits and self.matches_candidate(parts, context)


class ResourceIndex(Generic[T]):
    """Finds the values whose resource pattern may match, without looking at all of them."""

    __slots__ = ("_always", "_by_prefix", "_exact", "_lengths")

    def __init__(self) -> None:
        """Build an empty index."""
        self._always: list[T] = []
        self._exact: dict[str, list[tuple[ResourcePattern, T]]] = {}
        self._by_prefix: dict[str, list[tuple[ResourcePattern, T]]] = {}
        self._lengths: tuple[int, ...] = ()

    def add(self, pattern: ResourcePattern, value: T) -> None:
        """Add a value under its pattern."""
        if pattern.any:
            self.add_always(value)
        elif pattern.exact_tail:
            self._exact.setdefault(pattern.tail_prefix, []).append((pattern, value))
        else:
            self._by_prefix.setdefault(pattern.tail_prefix, []).append((pattern, value))
            self._lengths = tuple(sorted({len(prefix) for prefix in self._by_prefix}))

    def add_always(self, value: T) -> None:
        """Add a value that is a candidate for every resource."""
        self._always.append(value)

    def find(self, parts: list[str] | None, context: Context) -> Iterator[T]:
        """Yield the values whose pattern matches; those added as always come whatever the resource is."""
        yield from self._always
        if parts is None:
            return
        tail = parts[_TAIL]
        for pattern, value in self._exact.get(tail, ()):
            if pattern.matches_candidate(parts, context):
                yield value
        by_prefix = self._by_prefix
        for length in self._lengths:
            for pattern, value in by_prefix.get(tail[:length], ()):
                if pattern.matches_candidate(parts, context):
                    yield value
