"""Damaged policy documents and ARNs against a second recogniser, written from the documentation."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from services.chassis import arn
from services.chassis.policy import (
    condition_document,
    document,
    elements,
    json_text,
    principal_document,
)
from tests.campaigns.campaign import Campaign, Finding
from tests.unit.chassis.policy.document_cases import arn_case, document_case
from tests.unit.chassis.policy.document_comparison import arn_difference, document_difference

_ARNS = 5


def _unknown_elements_ignored() -> AbstractContextManager[Any]:
    return patch.object(document, "_STATEMENT_KEYS", _Everything())


class _Everything:
    def __contains__(self, _name: object) -> bool:
        return True


def _names_twice() -> AbstractContextManager[Any]:
    read = SimpleNamespace(loads=lambda text, **_: json.loads(text), JSONDecodeError=json.JSONDecodeError)
    return patch.object(json_text, "json", read)


def _unknown_keys() -> AbstractContextManager[Any]:
    original = condition_document.find
    anything = original("aws:userid")
    return patch.object(condition_document, "find", lambda name: original(name) or anything)


def _no_line() -> AbstractContextManager[Any]:
    original = elements.DocumentError.__init__
    return patch.object(
        elements.DocumentError, "__init__", lambda self, place, what, _line=None: original(self, place, what)
    )


def _crash_of_depth() -> AbstractContextManager[Any]:
    return patch.object(json_text, "RecursionError", KeyError, create=True)


def _principals_by_search() -> AbstractContextManager[Any]:
    original = principal_document._ENTITY

    class Loose:
        def fullmatch(self, text: str) -> Any:
            return original.match(text)

    forms = tuple(Loose() if form is original else form for form in principal_document._AWS)
    return patch.object(principal_document, "_AWS", forms)


def _quantifiers_optional() -> AbstractContextManager[Any]:
    return patch.object(condition_document, "_check_fit", lambda *_: None)


def _dates_unread() -> AbstractContextManager[Any]:
    return patch.dict(condition_document._READERS, dict.fromkeys(condition_document._READERS, str))


def _names_of_arns_by_search() -> AbstractContextManager[Any]:
    class Loose:
        def __init__(self, pattern: Any) -> None:
            self._pattern = pattern

        def fullmatch(self, text: str, at: int = 0) -> Any:
            return self._pattern.match(text, at)

    return patch.object(arn, "_BY_ARN", tuple((Loose(pattern), name) for pattern, name in arn._BY_ARN))


FAULTS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "elements that are not known are ignored": _unknown_elements_ignored,
    "a name may stand twice": _names_twice,
    "any condition key is known": _unknown_keys,
    "a refusal has no line": _no_line,
    "depth is a crash": _crash_of_depth,
    "the end of a principal is not looked at": _principals_by_search,
    "operators and keys need not fit": _quantifiers_optional,
    "values need not be what the operator compares": _dates_unread,
    "the end of an ARN is not looked at": _names_of_arns_by_search,
}


class DocumentsCampaign(Campaign):
    """One case is one document and some ARNs, damaged by a few strokes."""

    name = "documents"
    summary = (
        "Damaged policy documents of all kinds are accepted exactly when a second recogniser accepts them, "
        "else refused with line and reason; what is accepted is evaluated, stored and reviewed. With each "
        f"document {_ARNS} damaged ARNs are read."
    )
    fault = f"each of these, one after the other: {'; '.join(FAULTS)}."
    sources = (
        "services/chassis/arn.py",
        "services/chassis/policy",
        "tests/campaigns/documents.py",
        "tests/unit/chassis/policy/document_cases.py",
        "tests/unit/chassis/policy/document_comparison.py",
        "tests/unit/chassis/policy/document_samples.py",
        "tests/unit/chassis/policy/layered_cases.py",
        "tests/unit/chassis/policy/reference_grammar.py",
        "tests/unit/chassis/policy/test_differential.py",
    )
    units = (1 + _ARNS, "documents and ARNs")
    planted_bound = 5000

    def __init__(self) -> None:
        """Begin with every fault to be found."""
        self._planting = False
        self._hidden = list(FAULTS)

    def case(self, seed: int, index: int) -> None:
        """Read damaged documents; while faults are planted, say so once each of them was found."""
        if not self._planting:
            self._read(seed, index)
            return
        for fault in list(self._hidden):
            with FAULTS[fault]():
                try:
                    self._read(seed, index)
                except Exception:
                    self._hidden.remove(fault)
        if not self._hidden:
            self._hidden = list(FAULTS)
            raise Finding("every planted fault was found")

    def _read(self, seed: int, index: int) -> None:
        random = self.random(seed, index)
        text, kind = document_case(random)
        found = document_difference(text, kind)
        if found:
            raise Finding(f"{found}; {kind.name}: {text[:2000]!r}")
        for _ in range(_ARNS):
            damaged = arn_case(random)
            found = arn_difference(damaged)
            if found:
                raise Finding(f"{found}: {damaged!r}")

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Let cases plant the faults that are not found yet."""
        self._planting = True
        try:
            yield
        finally:
            self._planting = False
