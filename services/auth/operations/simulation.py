"""What policies would decide, and why.

AWS: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.auth.domain.records import SimulatedPrincipal
from services.auth.errors import invalid_field
from services.auth.operations.admission import Admission
from services.auth.ports import PrincipalReader
from services.chassis.arn import IamEntity, iam_entity
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.policy import layers
from services.chassis.policy.bundle import PolicyBundle
from services.chassis.policy.cache import PolicyCache
from services.chassis.policy.document import canonical, parse
from services.chassis.policy.keys import find, merge, request_context, resource_context
from services.chassis.policy.model import Decision, Layer
from services.chassis.principal import PrincipalClaims, requester_of


@dataclass(frozen=True, slots=True)
class Simulated:
    """One decision with what each layer said, each with the JSON of its statement, empty for silence."""

    action: str
    resource: str
    decision: tuple[Decision, str]
    layers: tuple[tuple[Decision, str], ...]


class Simulation:
    """Decides as enforcement points do, without any call, but for policies of resources: it knows none.

    What only the policy of a resource opens or closes (keys, roles) is not told by it.
    """

    def __init__(self, reader: PrincipalReader, admission: Admission, clock: Clock, partition: str) -> None:
        """Read principals through `reader`."""
        self._reader = reader
        self._admission = admission
        self._clock = clock
        self._partition = partition
        # One request's documents: what somebody tries out makes no room in the cache of what is in use.
        self._chars = 1_000_000

    async def principal(
        self,
        call: CallContext,
        arn: str,
        actions: Sequence[str],
        resources: Sequence[str],
        context: Mapping[str, Sequence[str]],
        additional: Sequence[str],
    ) -> list[Simulated]:
        """Decide for a user or a role of the caller's account (iam:SimulatePrincipalPolicy on it).

        Raises DomainError: ACCESS_DENIED, INVALID_FIELD, RESOURCE_NOT_FOUND, UNSUPPORTED_POLICY.
        """
        caller = await self._admission.authorize(call, "iam:SimulatePrincipalPolicy", arn)
        entity = self._entity(arn, caller.account_id)
        found = await self._reader.named(entity)
        bundle = found.policies
        extra = tuple(canonical(parse(document)) for document in additional)
        bundle = replace(bundle, identity=(*bundle.identity, *extra))
        compiled = PolicyCache(self._chars).compile_bundle(bundle)
        claims = self._claims(caller.claims, found, arn)
        requester = requester_of(claims, found.facts.iam_resource)
        given = self._context(context)
        results = []
        for action in actions:
            for resource in resources or ("*",):
                target = compiled.target(claims.account_id, resource)
                known = request_context(claims, self._clock.now(), found.facts)
                # What is tried out stands before what is known, for example another address.
                known.update(resource_context(target.account_id, claims, found.facts))
                known = {key: value for key, value in known.items() if key not in given}
                asked = (requester, compiled.bound, target, action, resource, merge(known, given))
                explained = layers.explain(*asked)
                said = tuple((each, _statement(bundle, each)) for each in explained.layers)
                decision = (explained.decision, _statement(bundle, explained.decision))
                results.append(Simulated(action, resource, decision, said))
        return results

    def _entity(self, arn: str, account_id: str) -> IamEntity:
        try:
            entity = iam_entity(arn, self._partition)
        except ValueError as error:
            raise invalid_field("principal_arn", "is not the ARN of a user or a role") from error
        if entity.kind not in ("user", "role") or entity.account_id != account_id:
            raise invalid_field("principal_arn", "is not the ARN of a user or a role of your account")
        return entity

    def _claims(self, caller: PrincipalClaims, found: SimulatedPrincipal, arn: str) -> PrincipalClaims:
        """Return what a token of the principal would say; of the client nothing is known."""
        if found.role_name:
            head = arn.replace(":iam:", ":sts:", 1).partition(":role/")[0]
            arn = f"{head}:assumed-role/{found.role_name}/simulated"
        return PrincipalClaims(
            account_id=caller.account_id,
            account_incarnation=caller.account_incarnation,
            arn=arn,
            principal_id=f"{found.unique_id}:simulated" if found.role_name else found.unique_id,
            access_key_id="",
            root=False,
            policy_epoch=0,
            region=caller.region,
            audience="",
            token_id="",
            issued_at=0,
            expires_at=0,
        )

    def _context(self, context: Mapping[str, Sequence[str]]) -> dict[str, str | tuple[str, ...]]:
        found: dict[str, str | tuple[str, ...]] = {}
        for key, values in context.items():
            known = find(key)
            if known is None:
                raise invalid_field("context", "has a key that no request carries")
            if not known.several and len(values) != 1:
                raise invalid_field("context", f"has several values of {known.name}, which has one")
            found[key.lower()] = tuple(values) if known.several else values[0]
        return found


def _statement(bundle: PolicyBundle, decision: Decision) -> str:
    """Return the statement that a decision names, as canonical JSON."""
    if decision.policy < 0:
        return ""
    documents = {
        Layer.IDENTITY: bundle.identity,
        Layer.BOUNDARY: bundle.boundary or (),
        Layer.SESSION: bundle.session or (),
    }.get(decision.layer)
    if documents is None:
        control = decision.layer is Layer.SERVICE_CONTROL
        levels = bundle.service_control if control else bundle.resource_control
        documents = levels[decision.level]
    statement = json.loads(documents[decision.policy])["Statement"][decision.statement]
    return json.dumps(statement, ensure_ascii=False, separators=(",", ":"))
