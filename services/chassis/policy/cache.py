"""Compiled policies by their content: many principals share equal documents."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from services.chassis.policy.bundle import CompiledBundle, PolicyBundle
from services.chassis.policy.document import parse_accepted
from services.chassis.policy.evaluator import PolicySet
from services.chassis.policy.kinds import (
    ENDPOINT,
    IDENTITY,
    RESOURCE_CONTROL,
    SERVICE_CONTROL,
    SESSION,
    PolicyKind,
)
from services.chassis.policy.layers import RequesterLayers
from services.chassis.policy.model import Layer
from services.chassis.policy.resource_evaluator import ResourcePolicySet

MAX_CHARS = 8_000_000
"""Characters of documents that are kept compiled: about 28 bytes of memory each, so a quarter gigabyte at
the most, whatever tenants write."""

_KINDS: Mapping[Layer, PolicyKind] = {
    Layer.IDENTITY: IDENTITY,
    Layer.BOUNDARY: IDENTITY,
    Layer.SESSION: SESSION,
    Layer.SERVICE_CONTROL: SERVICE_CONTROL,
    Layer.RESOURCE_CONTROL: RESOURCE_CONTROL,
    Layer.ENDPOINT: ENDPOINT,
}

_Key = tuple[Layer, int, tuple[str, ...]]


class PolicyCache:
    """Compiles sets of documents, each distinct set once while it is in use."""

    def __init__(self, max_chars: int = MAX_CHARS) -> None:
        """Keep the sets used last, of at most `max_chars` together."""
        self._max_chars = max_chars
        self._chars = 0
        self._sets: OrderedDict[_Key, PolicySet | ResourcePolicySet] = OrderedDict()

    def compile_bundle(self, bundle: PolicyBundle) -> CompiledBundle:
        """Return all layers compiled. Raises DomainError(UNSUPPORTED_POLICY)."""
        boundary, session, endpoint = bundle.boundary, bundle.session, bundle.endpoint
        bound = RequesterLayers(
            identity=self.compile(bundle.identity),
            boundary=None if boundary is None else self.compile(boundary, Layer.BOUNDARY),
            session=None if session is None else self.compile(session, Layer.SESSION),
            service_control=tuple(
                self.compile(documents, Layer.SERVICE_CONTROL, level)
                for level, documents in enumerate(bundle.service_control)
            ),
            endpoint=None if endpoint is None else self._compile_named(endpoint, Layer.ENDPOINT),
        )
        control = tuple(
            self.compile_control(documents, level) for level, documents in enumerate(bundle.resource_control)
        )
        return CompiledBundle(bound, control)

    def compile(self, documents: Sequence[str], layer: Layer = Layer.IDENTITY, level: int = 0) -> PolicySet:
        """Return the documents of a layer, compiled. Raises DomainError(UNSUPPORTED_POLICY).

        A set that has to make room is retired, which frees its memory wherever it is still held.
        """
        key = (layer, level, tuple(documents))
        compiled = self._known(key)
        if not isinstance(compiled, PolicySet):
            compiled = PolicySet([parse_accepted(each, _KINDS[layer]) for each in documents], layer, level)
            self._keep(key, compiled)
        return compiled

    def compile_control(self, documents: Sequence[str], level: int) -> ResourcePolicySet:
        """As `compile`, for the resource control policies of one level."""
        return self._compile_named(documents, Layer.RESOURCE_CONTROL, level)

    def _compile_named(self, documents: Sequence[str], layer: Layer, level: int = 0) -> ResourcePolicySet:
        """As `compile`, for a layer whose policies name principals."""
        key = (layer, level, tuple(documents))
        compiled = self._known(key)
        if not isinstance(compiled, ResourcePolicySet):
            parsed = [parse_accepted(each, _KINDS[layer]) for each in documents]
            compiled = ResourcePolicySet(parsed, layer, level)
            self._keep(key, compiled)
        return compiled

    def _known(self, key: _Key) -> PolicySet | ResourcePolicySet | None:
        compiled = self._sets.get(key)
        if compiled is not None:
            self._sets.move_to_end(key)
        return compiled

    def _keep(self, key: _Key, compiled: PolicySet | ResourcePolicySet) -> None:
        self._sets[key] = compiled
        self._chars += _size(key)
        while self._chars > self._max_chars and len(self._sets) > 1:
            evicted, retired = self._sets.popitem(last=False)
            self._chars -= _size(evicted)
            retired.retire()


def _size(key: _Key) -> int:
    return sum(map(len, key[2]))
