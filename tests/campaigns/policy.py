"""The compiled policy evaluator against a second one, written from AWS's pages for obviousness alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.chassis.policy.document import canonical, parse
from services.chassis.policy.evaluator import PolicySet
from tests.campaigns.campaign import Campaign, Finding
from tests.unit.chassis.policy import reference
from tests.unit.chassis.policy.layered_cases import DECISIONS, layered_set
from tests.unit.chassis.policy.layered_comparison import difference
from tests.unit.chassis.policy.test_differential import document, request
from tests.unit.chassis.policy.test_layers_differential import FAULTS

_REQUESTS = 10


class PolicyCampaign(Campaign):
    """One case is a random set of policies of all layers, and one of identity policies by themselves.

    Half of them go through the canonical form, which is what is stored, and must mean the same.
    """

    name = "policy"
    summary = (
        "The compiled evaluator decides as a naive second evaluator does, verdict, deciding statement and "
        f"what each layer says: {DECISIONS} decisions a case over a random set of policies of all layers "
        f"({_REQUESTS} more, not counted below, over one to three identity policies with more conditions)."
    )
    fault = f"each of these, one after the other: {'; '.join(FAULTS)}."
    sources = (
        "services/chassis/policy",
        "tests/campaigns/policy.py",
        "tests/unit/chassis/policy/layered_cases.py",
        "tests/unit/chassis/policy/layered_comparison.py",
        "tests/unit/chassis/policy/reference.py",
        "tests/unit/chassis/policy/reference_layers.py",
        "tests/unit/chassis/policy/test_differential.py",
        "tests/unit/chassis/policy/test_layers_differential.py",
    )
    units = (DECISIONS, "decisions over sets of all layers")

    def __init__(self) -> None:
        """Begin with every fault to be found."""
        self._planting = False
        self._hidden = list(FAULTS)

    def case(self, seed: int, index: int) -> None:
        """Compare every decision; while faults are planted, say so once each of them was found."""
        if not self._planting:
            self._compare(seed, index)
            return
        for fault in list(self._hidden):
            with FAULTS[fault]():
                try:
                    self._compare(seed, index)
                except Finding:
                    self._hidden.remove(fault)
        if not self._hidden:
            self._hidden = list(FAULTS)
            raise Finding("every planted fault was found")

    def _compare(self, seed: int, index: int) -> None:
        random = self.random(seed, index)
        found = difference(layered_set(random), through_canonical=random.random() < 0.5)
        if found:
            raise Finding(found)
        documents = [document(random) for _ in range(random.choice((1, 1, 2, 3)))]
        parsed = [parse(each) for each in documents]
        if random.random() < 0.5:
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
        """Let cases plant the faults that are not found yet."""
        self._planting = True
        try:
            yield
        finally:
            self._planting = False
