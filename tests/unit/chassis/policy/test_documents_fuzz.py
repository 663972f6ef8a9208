"""Damaged documents and ARNs: a short form of `make campaign NAME=documents`."""

import os
import random

from services.chassis.policy.document import parse
from tests.unit.chassis.policy.document_cases import arn_case, document_case
from tests.unit.chassis.policy.document_comparison import arn_difference, document_difference
from tests.unit.chassis.policy.reference_grammar import recognise

DOCUMENTS = int(os.environ.get("CRATON_POLICY_DOCUMENTS", "2000"))
ARNS = 10_000


def test_damaged_documents_are_read_exactly_or_refused_with_a_reason() -> None:
    seed = random.SystemRandom().randrange(2**64)
    print(f"seed {seed}, {DOCUMENTS} documents")
    random_ = random.Random(seed)
    for _ in range(DOCUMENTS):
        text, kind = document_case(random_)
        assert document_difference(text, kind) == "", f"{kind.name}: {text[:3000]!r}"


def test_damaged_arns_are_read_exactly_or_not_at_all() -> None:
    seed = random.SystemRandom().randrange(2**64)
    print(f"seed {seed}, {ARNS} ARNs")
    random_ = random.Random(seed)
    for _ in range(ARNS):
        damaged = arn_case(random_)
        assert arn_difference(damaged) == "", repr(damaged)


def test_the_cases_reach_both_sides() -> None:
    """A generator whose documents are all refused, or none, would show nothing."""
    random_ = random.Random(20261121)
    reasons: dict[str, int] = {}
    kinds = set()
    for _ in range(3000):
        text, kind = document_case(random_)
        reason = recognise(text, kind)
        reasons[reason] = reasons.get(reason, 0) + 1
        if not reason:
            parse(text, kind)
            kinds.add(kind)
    assert reasons[""] > 600
    assert reasons["json"] > 300
    assert len(reasons) > 30
    assert len(kinds) >= 6
