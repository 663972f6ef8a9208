"""The forms that ARNs of a resource type have, and whether a pattern of a policy can match one of them."""

import re
from collections.abc import Mapping

from services.chassis.policy.templates import Literal, Template, Variable, split_parts

_PLACEHOLDER = re.compile(r"\$\{[A-Za-z]+\}")
_PARTS = 6


class ArnForm:
    """A form such as arn:${Partition}:bedrock:${Region}::foundation-model/${ResourceId}."""

    __slots__ = ("_parts", "service", "text")

    def __init__(self, text: str) -> None:
        """Read a form of six parts. Raises ValueError."""
        parts = _PLACEHOLDER.sub("*", text).split(":", _PARTS - 1)
        if len(parts) != _PARTS or parts[0] != "arn":
            raise ValueError(f"{text} is not the form of an ARN")
        self.text = text
        self.service = parts[2]
        self._parts = tuple(_Automaton(part) for part in parts)

    def may_match(self, template: Template) -> bool:
        """Say whether a pattern of a policy matches any ARN of this form.

        Its policy variables stand for any text.
        """
        parts = split_parts(template)
        return len(parts) == _PARTS and all(
            form.meets(part) for form, part in zip(self._parts, parts, strict=True)
        )


class _Automaton:
    """The texts that a pattern of literals and * stands for: which of them another pattern matches too.

    A state says how many of the pattern's characters are behind; a set of states is the bits of a number, so
    that each character of the other pattern costs one step, whatever it is.
    """

    __slots__ = ("_all", "_any", "_end", "_steps")

    def __init__(self, pattern: str) -> None:
        self._end = 1 << len(pattern)
        self._all = (self._end << 1) - 1
        self._any = sum(1 << at for at, character in enumerate(pattern) if character == "*")
        steps: dict[str, int] = {}
        for at, character in enumerate(pattern):
            if character != "*":
                steps[character] = steps.get(character, 0) | 1 << at
        self._steps: Mapping[str, int] = steps

    def meets(self, template: Template) -> bool:
        """Say whether there is a text that both match."""
        states = self._closed(1)
        for piece in template:
            if isinstance(piece, Variable):
                states = self._beyond(states)
            elif isinstance(piece, Literal):
                for character in piece.text:
                    states = self._step(states, character)
            else:
                states = self._pattern(states, piece)
            if not states:
                return False
        return bool(states & self._end)

    def _pattern(self, states: int, pattern: str) -> int:
        for character in pattern:
            if character == "*":
                states = self._beyond(states)
            elif character == "?":
                literals = (states & self._all & ~self._any) << 1
                states = self._closed((literals | states & self._any) & self._all)
            else:
                states = self._step(states, character)
        return states

    def _step(self, states: int, character: str) -> int:
        return self._closed((states & self._steps.get(character, 0)) << 1 | states & self._any)

    def _beyond(self, states: int) -> int:
        """Return all states that any text at all leads to."""
        return self._all & ~((states & -states) - 1) if states else 0

    def _closed(self, states: int) -> int:
        """Add what * reaches without a character."""
        return states | (states & self._any) << 1
