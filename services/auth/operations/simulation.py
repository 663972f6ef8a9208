"""What policies would decide, and why.

AWS: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
and https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
"""

from collections.abc import Sequence
from dataclasses import replace

from services.auth.domain.policy_sources import PrincipalSources, identity_inputs
from services.auth.domain.records import SimulatedPrincipal
from services.auth.errors import invalid_field
from services.auth.operations.admission import Admission
from services.auth.operations.simulated_requests import Asked, Simulated, SimulatedRequests
from services.auth.ports.credentials import PrincipalReader
from services.chassis.arn import IamEntity, iam_entity, user_arn
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pages import Page
from services.chassis.policy.bundle import PolicyBundle
from services.chassis.policy.context_keys import referenced
from services.chassis.policy.document import canonical, parse, parse_accepted
from services.chassis.policy.keys import NO_FACTS
from services.chassis.policy.kinds import IDENTITY, SERVICE_CONTROL, PolicyKind
from services.chassis.policy.principals import Requester, RequesterKind
from services.chassis.principal import PrincipalClaims, requester_of

_NOBODY = "simulated"


class Simulation:
    """Decides as enforcement points do, without any call. Policies of resources come with the request.

    What the own policy of a resource opens or closes (keys, roles) is not told without it.
    """

    def __init__(self, reader: PrincipalReader, admission: Admission, clock: Clock, partition: str) -> None:
        """Read principals through `reader`."""
        self._reader = reader
        self._admission = admission
        self._clock = clock
        self._partition = partition

    async def principal(
        self, call: CallContext, arn: str, asked: Asked, additional: Sequence[str] = (), caller_arn: str = ""
    ) -> Page[Simulated]:
        """Decide for a user or a role of the caller's account (iam:SimulatePrincipalPolicy on it).

        `additional` are identity policies that are decided with as if it had them; `caller_arn` is the user
        that calls, for whom a policy of the resource may be. Raises DomainError: ACCESS_DENIED,
        INVALID_FIELD, RESOURCE_NOT_FOUND, UNSUPPORTED_POLICY.
        """
        caller = await self._admission.authorize(call, "iam:SimulatePrincipalPolicy", arn)
        found = await self._reader.named(self._entity(arn, caller.account_id))
        extra = _accepted(additional)
        bundle = replace(found.policies, identity=(*found.policies.identity, *extra))
        inputs = identity_inputs(additional)
        sources = replace(found.sources, identity=(*found.sources.identity, *inputs))
        claims = self._claims(caller.claims, found, arn)
        requester = requester_of(claims, found.facts.iam_resource)
        if asked.resource_policy and found.role_name and not caller_arn:
            raise invalid_field("caller_arn", "is needed for a policy of a resource, as a role does not call")
        if caller_arn and caller_arn != arn:
            requester = self._user(caller_arn)
        return SimulatedRequests(bundle, requester, claims, asked, self._clock, found.facts, sources).page()

    async def custom(
        self,
        call: CallContext,
        policies: Sequence[str],
        asked: Asked,
        caller_arn: str = "",
        levels: Sequence[Sequence[str]] = (),
    ) -> Page[Simulated]:
        """Decide by the given policies alone (iam:SimulateCustomPolicy).

        `policies` are identity policies, `levels` the service control policies of an organization, its root
        first. Of the request nothing is known but what is given; with a `caller_arn` also who calls. Raises
        DomainError: ACCESS_DENIED, INVALID_FIELD, UNSUPPORTED_POLICY.
        """
        caller = await self._admission.authorize(call, "iam:SimulateCustomPolicy", "*")
        claims = None
        requester = Requester(RequesterKind.USER, user_arn(caller.account_id, _NOBODY), caller.account_id)
        if caller_arn:
            requester = self._user(caller_arn)
            claims = replace(
                self._nobody(caller.claims), arn=caller_arn, account_id=requester.account_id, principal_id=""
            )
        bundle = PolicyBundle(
            identity=_accepted(policies),
            service_control=tuple(_accepted(level, SERVICE_CONTROL) for level in levels),
        )
        sources = PrincipalSources(identity_inputs(policies))
        return SimulatedRequests(bundle, requester, claims, asked, self._clock, NO_FACTS, sources).page()

    async def keys_of_principal(
        self, call: CallContext, arn: str, additional: Sequence[str]
    ) -> tuple[str, ...]:
        """List the condition keys that a principal's identity policies ask for.

        (iam:GetContextKeysForPrincipalPolicy on it.) Raises DomainError: as `principal`.
        """
        caller = await self._admission.authorize(call, "iam:GetContextKeysForPrincipalPolicy", arn)
        found = await self._reader.named(self._entity(arn, caller.account_id))
        own = (parse_accepted(document) for document in found.policies.identity)
        return _sorted(referenced([*own, *(parse(document) for document in additional)]))

    async def keys_of_policies(self, call: CallContext, policies: Sequence[str]) -> tuple[str, ...]:
        """List the condition keys that policies ask for (iam:GetContextKeysForCustomPolicy)."""
        await self._admission.authorize(call, "iam:GetContextKeysForCustomPolicy", "*")
        return _sorted(referenced(parse(document) for document in policies))

    def _entity(self, arn: str, account_id: str) -> IamEntity:
        try:
            entity = iam_entity(arn, self._partition)
        except ValueError as error:
            raise invalid_field("principal_arn", "is not the ARN of a user or a role") from error
        if entity.kind not in ("user", "role") or entity.account_id != account_id:
            raise invalid_field("principal_arn", "is not the ARN of a user or a role of your account")
        return entity

    def _user(self, arn: str) -> Requester:
        try:
            entity = iam_entity(arn, self._partition)
        except ValueError as error:
            raise invalid_field("caller_arn", "is not the ARN of a user") from error
        if entity.kind != "user":
            raise invalid_field("caller_arn", "is not the ARN of a user")
        return Requester(RequesterKind.USER, arn, entity.account_id)

    def _claims(self, caller: PrincipalClaims, found: SimulatedPrincipal, arn: str) -> PrincipalClaims:
        """Return what a token of the principal would say; of the client nothing is known."""
        principal_id = found.unique_id
        if found.role_name:
            head = arn.replace(":iam:", ":sts:", 1).partition(":role/")[0]
            arn = f"{head}:assumed-role/{found.role_name}/{_NOBODY}"
            principal_id = f"{found.unique_id}:{_NOBODY}"
        return replace(self._nobody(caller), arn=arn, principal_id=principal_id)

    def _nobody(self, caller: PrincipalClaims) -> PrincipalClaims:
        return PrincipalClaims(
            account_id=caller.account_id,
            account_incarnation=caller.account_incarnation,
            arn="",
            principal_id="",
            access_key_id="",
            root=False,
            policy_epoch=0,
            region=caller.region,
            audience="",
            token_id="",
            issued_at=0,
            expires_at=0,
        )


def _accepted(documents: Sequence[str], kind: PolicyKind = IDENTITY) -> tuple[str, ...]:
    return tuple(canonical(parse(document, kind)) for document in documents)


def _sorted(keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(keys, key=str.lower))
