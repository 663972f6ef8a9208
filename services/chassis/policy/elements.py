"""Reading the elements of a policy document, and refusing it with the place and the reason."""

import json
import re
from dataclasses import dataclass
from typing import Any

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError

_PLAIN = re.compile(r"[A-Za-z0-9:/._-]{1,80}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a document something stands: the names and indexes that lead to it from the top."""

    path: tuple[str | int, ...] = ()

    def __truediv__(self, step: str | int) -> "Place":
        """Return the place one step further down."""
        return Place((*self.path, step))

    def __str__(self) -> str:
        """Return it as a refusal calls it, for example "statement 0, Condition, StringEquals"."""
        if not self.path:
            return "the document"
        if len(self.path) == 1 or not isinstance(self.path[1], int):
            return _word(self.path[0])
        names = [_word(each) for each in self.path[2:] if isinstance(each, str)]
        return ", ".join([f"statement {self.path[1]}", *names])


def _word(step: str | int) -> str:
    """Return a name of the document as it stands there, when it is a plain one."""
    text = str(step)
    return text if _PLAIN.fullmatch(text) else shown(text)


DOCUMENT = Place()


class DocumentError(DomainError):
    """A document, or a part of one, that cannot be evaluated exactly."""

    def __init__(self, place: Place, what: str, line: int | None = None) -> None:
        """Say what is wrong at a place, in a line that is counted from 1."""
        at = "" if line is None else f" at line {line}"
        super().__init__(
            ErrorReason.ERROR_REASON_UNSUPPORTED_POLICY,
            f"The policy is refused{at}: {place} {what}.",
            field="document",
        )
        self.place = place
        self.what = what
        self.line = line


def strings(value: Any, place: Place) -> list[str]:
    """Return a string, or a list of them, as a list."""
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values:
        raise DocumentError(place, "must be a string or a non-empty list of strings")
    for index, each in enumerate(values):
        if not isinstance(each, str):
            raise DocumentError(place / index, "must be a string or a non-empty list of strings")
    return values


def mapping(value: Any, place: Place) -> dict[str, Any]:
    """Return a JSON object."""
    if not isinstance(value, dict):
        raise DocumentError(place, "must be a JSON object")
    return value


def shown(text: str) -> str:
    """Return a text of the document for an error: the writer's own, cut to stay readable."""
    return json.dumps(text if len(text) <= 80 else text[:77] + "...")
