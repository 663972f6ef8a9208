"""Model access: a model may be used once the account has accepted its provider's EULA in the region."""

import base64
import hashlib
import hmac
from dataclasses import dataclass

from services.auth.domain.records import Agreement
from services.auth.errors import invalid_field, model_not_found, not_found
from services.auth.operations.admission import Admission, Caller
from services.auth.ports.credentials import Sealer
from services.auth.ports.model_access import AgreementStore, ModelCatalog
from services.auth.ports.revocation import Revocations
from services.chassis.arn import foundation_model_arn
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.manifest import ModelManifest
from services.chassis.secret import SecretBytes


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether an account may use a model, and if not, why."""

    agreement_accepted: bool
    authorized: bool
    region_available: bool

    @property
    def entitled(self) -> bool:
        """True when nothing is missing."""
        return self.agreement_accepted and self.authorized and self.region_available


class ModelAccess:
    """Manages agreements of the caller's account in the region of its token."""

    def __init__(
        self,
        store: AgreementStore,
        catalog: ModelCatalog,
        admission: Admission,
        sealer: Sealer,
        revocations: Revocations,
        clock: Clock,
        partition: str,
    ) -> None:
        """Keep agreements in `store`, about the models of `catalog`."""
        self._store = store
        self._catalog = catalog
        self._admission = admission
        self._sealer = sealer
        self._revocations = revocations
        self._clock = clock
        self._partition = partition

    async def offer(self, call: CallContext, model_id: str) -> tuple[ModelManifest, str]:
        """Return the model and the token of its offer (bedrock:ListFoundationModelAgreementOffers)."""
        caller = await self._admit(call, "bedrock:ListFoundationModelAgreementOffers", model_id)
        manifest = self._offered(model_id, caller.claims.region)
        return manifest, offer_token(manifest)

    async def accept(self, call: CallContext, model_id: str, token: str) -> None:
        """Accept the current offer (bedrock:CreateFoundationModelAgreement)."""
        caller = await self._admit(call, "bedrock:CreateFoundationModelAgreement", model_id)
        manifest = self._offered(model_id, caller.claims.region)
        if not hmac.compare_digest(offer_token(manifest).encode(), token.encode()):
            raise invalid_field("offer_token", "is not the token of the model's current offer")
        agreement = Agreement(
            account_id=caller.account_id,
            region=caller.claims.region,
            model_id=model_id,
            offer_id=manifest.offer.offer_id,
            eula_sha256=manifest.offer.eula_sha256,
            accepted_at=self._clock.now(),
            accepted_by=caller.claims.arn,
        )
        epoch = await self._store.put_agreement(agreement)
        await self._revocations.publish(caller.account_id, epoch)

    async def end(self, call: CallContext, model_id: str) -> None:
        """End the agreement (bedrock:DeleteFoundationModelAgreement), also of a model no longer offered."""
        caller = await self._admit(call, "bedrock:DeleteFoundationModelAgreement", model_id)
        epoch = await self._store.delete_agreement(caller.account_id, caller.claims.region, model_id)
        if epoch is None:
            raise not_found(f"There is no agreement for the model {model_id} in this region.", model_id)
        await self._revocations.publish(caller.account_id, epoch)

    async def availability(self, call: CallContext, model_id: str) -> Availability:
        """Say what the account has and what it lacks (bedrock:GetFoundationModelAvailability)."""
        caller = await self._admit(call, "bedrock:GetFoundationModelAvailability", model_id)
        region = caller.claims.region
        manifest = self._catalog.find(model_id)
        if manifest is None:
            raise model_not_found(model_id)
        agreement = await self._store.agreement(caller.account_id, region, model_id)
        return Availability(
            agreement_accepted=agreement is not None and agreement.eula_sha256 == manifest.offer.eula_sha256,
            authorized=self._admission.allows(caller, "bedrock:InvokeModel", self._arn(region, model_id)),
            region_available=manifest.offered_in(region),
        )

    async def use_case(self, call: CallContext) -> SecretBytes:
        """Return the account's use-case form (bedrock:GetUseCaseForModelAccess)."""
        caller = await self._admission.authorize(call, "bedrock:GetUseCaseForModelAccess", "*")
        sealed = await self._store.use_case(caller.account_id)
        if sealed is None:
            raise not_found(
                "Model use case details have not been submitted for this account.", caller.account_id
            )
        return await self._sealer.open(sealed, _use_case_context(caller))

    async def put_use_case(self, call: CallContext, form: SecretBytes) -> None:
        """Store the account's use-case form, sealed (bedrock:PutUseCaseForModelAccess)."""
        caller = await self._admission.authorize(call, "bedrock:PutUseCaseForModelAccess", "*")
        sealed = await self._sealer.seal(form, _use_case_context(caller))
        await self._store.put_use_case(caller.account_id, sealed)

    async def _admit(self, call: CallContext, action: str, model_id: str) -> Caller:
        caller = await self._admission.identify(call)
        arn = self._arn(caller.claims.region, model_id)
        self._admission.require(caller, action, arn)
        return caller

    def _arn(self, region: str, model_id: str) -> str:
        return foundation_model_arn(region, model_id, self._partition)

    def _offered(self, model_id: str, region: str) -> ModelManifest:
        manifest = self._catalog.find(model_id)
        if manifest is None or not manifest.offered_in(region):
            raise model_not_found(model_id)
        return manifest


def offer_token(manifest: ModelManifest) -> str:
    """Name an offer so that it changes with the model, the offer and the text of the EULA.

    It proves which text was shown, not who listed it: everybody may see offers, and the acceptance
    itself is authorised by policy.
    """
    offer = manifest.offer
    named = "\0".join(("craton-offer-v1", manifest.model_id, offer.offer_id, offer.eula_sha256))
    return base64.urlsafe_b64encode(hashlib.sha256(named.encode()).digest()).decode()


def _use_case_context(caller: Caller) -> dict[str, str]:
    return {
        "purpose": "use-case-form",
        "account_id": caller.account_id,
        "incarnation": caller.state.account.incarnation,
    }
