"""The comparison of the compiled evaluator of all layers with the reference, decision by decision."""

from typing import Any

from services.chassis.policy import layers
from services.chassis.policy.document import canonical, parse
from services.chassis.policy.evaluator import PolicySet
from services.chassis.policy.layers import RequesterLayers, ResourceLayers
from services.chassis.policy.model import Decision, Layer, Verdict
from services.chassis.policy.principals import Requester, RequesterKind
from services.chassis.policy.resource_evaluator import ResourcePolicySet
from tests.unit.chassis.policy.layered_cases import LayeredSet
from tests.unit.chassis.policy.reference_layers import (
    BOUNDARY,
    ENDPOINT,
    IDENTITY,
    NOWHERE,
    RCP,
    RESOURCE,
    SCP,
    SESSION,
    Answer,
    Key,
    Place,
    ReferenceLayers,
    Situation,
)

_KINDS = {
    "root": RequesterKind.ROOT,
    "user": RequesterKind.USER,
    "session": RequesterKind.ROLE,
    "service": RequesterKind.SERVICE,
    "federated": RequesterKind.FEDERATED,
}


class CompiledLayers:
    """A set's documents, compiled once, and put together for each situation."""

    def __init__(self, made: LayeredSet, *, through_canonical: bool = False) -> None:
        """Compile each layer; with `through_canonical` from what is stored instead of what was written."""
        self._sets: dict[Key, Any] = {}
        for (layer, level), documents in made.documents.items():
            kind = made.kind(layer)
            parsed = [parse(each, kind) for each in documents]
            if through_canonical:
                parsed = [parse(canonical(each), kind) for each in parsed]
            compiled = ResourcePolicySet if layer in (RCP, ENDPOINT, RESOURCE) else PolicySet
            self._sets[layer, level] = compiled(parsed, Layer(layer), level)

    def of(self, situation: Situation) -> tuple[Requester, RequesterLayers, ResourceLayers]:
        """Return the first arguments of `decide`."""

        def one(layer: str) -> Any:
            # Also for those who have none of their own: what is given must neither help nor bind them.
            return None if layer in situation.absent else self._sets.get((layer, 0))

        def levels(layer: str) -> tuple[Any, ...]:
            if layer in situation.absent:
                return ()
            return tuple(self._sets[key] for key in sorted(self._sets) if key[0] == layer)

        who = situation.who
        return (
            Requester(_KINDS[who.kind], who.name, who.account, who.unique_id, who.role, who.service_linked),
            RequesterLayers(
                one(IDENTITY) or PolicySet([]),
                one(BOUNDARY),
                one(SESSION),
                levels(SCP),
                one(ENDPOINT),
            ),
            ResourceLayers(situation.owner, one(RESOURCE), situation.required, levels(RCP)),
        )


def difference(made: LayeredSet, *, through_canonical: bool = False) -> str:
    """Compare all decisions of a set, and what each layer says; return the first difference, or ""."""
    compiled = CompiledLayers(made, through_canonical=through_canonical)
    naive = ReferenceLayers(made.documents)
    for situation in made.situations:
        arguments = compiled.of(situation)
        for number, request in enumerate(made.requests):
            asked = (*arguments, request.action, request.resource, request.context)
            explained = layers.explain(*asked)
            wrong = _wrong(explained, naive.ask(situation, request), naive)
            # What decides is what explains, one request of each situation shows; asking twice costs time.
            if number == 0 and layers.decide(*asked) != explained.decision:
                wrong = "decided is something else than explained"
            if wrong:
                return f"{wrong}: {situation} asks {request.action} on {request.resource}, {request.context}"
    return ""


def _wrong(explained: layers.Explanation, answer: Answer, naive: ReferenceLayers) -> str:
    decision = explained.decision
    place = _place(decision)
    if decision.verdict.value != answer.verdict or place not in answer.deciding:
        right = f"{answer.verdict} by {sorted(answer.deciding)}"
        return f"{decision.verdict.value} by {place}, the reference: {right}"
    said = {(each.layer.value, each.level): each for each in explained.layers}
    if len(said) != len(explained.layers) or said.keys() != answer.layers.keys():
        return f"the layers are {sorted(said)}, the reference's {sorted(answer.layers)}"
    for key, each in said.items():
        expected = answer.layers[key]
        silent = each.verdict is Verdict.IMPLICIT_DENY and (each.policy, each.statement) == (-1, -1)
        if each.verdict.value != expected.verdict or not (silent or _place(each) in expected.places):
            return f"{key} says {each}, the reference {expected.verdict} by {sorted(expected.places)}"
        if each.sid != naive.sid(_place(each)):
            return f"{key} says {each}, whose Sid is {naive.sid(_place(each))!r}"
    return ""


def _place(decision: Decision) -> Place:
    if decision.allowed and decision.policy == -1:
        return NOWHERE
    return (decision.layer.value, decision.level, decision.policy, decision.statement)
