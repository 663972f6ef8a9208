"""Constraints: lengths, ranges, enumerations, and every pattern of the pinned models in linear time."""

import time

import pytest

from services.edge.domain.constraints import (
    compile_pattern,
    length_violation,
    range_violation,
    string_violation,
)
from services.edge.domain.model import QUERY_SERVICES, SERVICES, ServiceModel

PATTERNS = sorted(
    {
        shape["pattern"]
        for service in (*SERVICES, *QUERY_SERVICES)
        for shape in ServiceModel.load(service).shapes.values()
        if "pattern" in shape
    }
)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_runs_in_linear_time(pattern: str) -> None:
    compiled = compile_pattern(pattern)
    assert compiled is not None
    started = time.process_time()
    for hostile in ("a" * 20_000, "a-" * 10_000, "a." * 10_000, "-" * 20_000 + "!", "0" * 20_000 + "\x00"):
        compiled.fullmatch(hostile)
    assert time.process_time() - started < 5


def test_model_identifier() -> None:
    shape = ServiceModel.load("bedrock").shapes["GetFoundationModelIdentifier"]
    assert string_violation(shape, "craton.tiny-text-v1") is None
    assert string_violation(shape, "arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1") is None
    assert "regular expression" in str(string_violation(shape, "craton tiny"))
    assert "less than or equal to 2048" in str(string_violation(shape, "a" * 2049))
    assert "greater than or equal to 1" in str(string_violation(shape, ""))


def test_account_aliases_have_no_two_hyphens_in_a_row() -> None:
    """The one pattern that RE2 cannot take as it is written."""
    shape = ServiceModel.load("iam").shapes["accountAliasType"]
    for alias in ("abc", "a-c", "a-1-b", "a" * 63, "0-" * 31 + "0"):
        assert string_violation(shape, alias) is None, alias
    for alias in ("ab", "-ab", "ab-", "a--b", "aBc", "a_b", "a b", "a" * 64):
        assert string_violation(shape, alias) is not None, alias


@pytest.mark.parametrize(("value", "broken"), [(0, True), (1, False), (1000, False), (1001, True)])
def test_ranges(value: int, broken: bool) -> None:
    assert (range_violation({"min": 1, "max": 1000}, value) is not None) is broken
    assert (length_violation({"min": 1, "max": 1000}, value) is not None) is broken
