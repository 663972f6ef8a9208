"""The compiled policy evaluator against a second one, written from AWS's pages for obviousness alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from services.chassis.policy import statements
from services.chassis.policy.document import canonical, parse
from services.chassis.policy.evaluator import PolicySet
from tests.campaigns.campaign import Campaign, Finding
from tests.unit.chassis.policy import reference
from tests.unit.chassis.policy.test_differential import document, request

_REQUESTS = 20


class PolicyCampaign(Campaign):
    """One case is a random set of one to three policies, asked twenty requests; half are canonicalised."""

    name = "policy"
    summary = (
        "The compiled evaluator of IAM policies decides as a naive second evaluator does, verdict and "
        "deciding statement: 20 random requests a case over one to three random policies."
    )
    fault = "an evaluator that ignores NotResource."
    sources = (
        "services/chassis/policy",
        "tests/campaigns/policy.py",
        "tests/unit/chassis/policy/reference.py",
        "tests/unit/chassis/policy/test_differential.py",
    )

    def case(self, seed: int, index: int) -> None:
        """Compare every decision."""
        random = self.random(seed, index)
        documents = [document(random) for _ in range(random.choice((1, 1, 2, 3)))]
        parsed = [parse(each) for each in documents]
        if random.random() < 0.5:
            # What is stored is the canonical form, which must mean the same.
            parsed = [parse(canonical(each)) for each in parsed]
        compiled = PolicySet(parsed)
        for _ in range(_REQUESTS):
            action, resource, context = request(random)
            decision = compiled.evaluate(action, resource, context)
            verdict, deciding = reference.evaluate(documents, action, resource, context)
            place = (decision.policy, decision.statement)
            right_place = place in deciding if deciding else place == (-1, -1)
            if decision.verdict.value != verdict or not right_place:
                raise Finding(
                    f"{action} on {resource} with {context}: {decision.verdict.value} by {place}, but the "
                    f"reference says {verdict} by {sorted(deciding)}"
                )

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Forget what NotResource excludes."""

        def applies(self: Any, _parts: Any, context: Any) -> bool:
            return all(check.holds(context) for check in self.checks)

        with patch.object(statements.CompiledStatement, "applies", applies):
            yield
