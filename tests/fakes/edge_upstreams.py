"""Small services behind the edge, over real mTLS: what auth, runtime, training, kms and audit would answer.

Signatures are verified for real; what is answered is told by the test.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from craton.audit.v1 import log_service_pb2_grpc
from craton.auth.v1 import (
    authentication_service_pb2,
    authentication_service_pb2_grpc,
    model_access_service_pb2,
    model_access_service_pb2_grpc,
    resources_pb2,
    web_identity_service_pb2,
    web_identity_service_pb2_grpc,
)
from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.kms.v1 import (
    alias_service_pb2_grpc,
    crypto_service_pb2_grpc,
    grant_service_pb2_grpc,
    key_admin_service_pb2_grpc,
    key_material_service_pb2_grpc,
    receipt_key_service_pb2_grpc,
)
from craton.runtime.v1 import (
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    inference_service_pb2,
    inference_service_pb2_grpc,
    receipt_service_pb2,
    receipt_service_pb2_grpc,
)
from craton.runtime.v1 import resources_pb2 as runtime_resources
from craton.training.v1 import customization_job_service_pb2, customization_job_service_pb2_grpc
from craton.training.v1 import resources_pb2 as training_resources

from services.chassis import sigv4
from services.chassis.api_keys import invalid_api_key, long_term
from services.chassis.audit.ports import AuditedMethod, Recording
from services.chassis.clock import SystemClock
from services.chassis.errors import DomainError
from services.chassis.randomness import SystemRandomness
from services.chassis.secret import SecretBytes
from services.chassis.server import Server
from services.chassis.settings import ServerSettings, TelemetrySettings
from services.edge.ports import REUSE_S
from tests.fakes.auth_server import UnrecordedCalls
from tests.fakes.workloads import Workloads

KEY_ID = "AKIAEDGEEDGEEDGEEDGE"
SECRET = "s" * 40
ACCOUNT = "123456789012"
API_KEY = long_term(f"alice-at-{ACCOUNT}", SecretBytes(b"k" * 44)).reveal().decode()
ENDPOINT = "vpce-0000000000000000a"
"""What is registered on every listener that has an endpoint."""


class Auth(
    authentication_service_pb2_grpc.AuthenticationServiceServicer,
    model_access_service_pb2_grpc.ModelAccessServiceServicer,
    web_identity_service_pb2_grpc.WebIdentityServiceServicer,
):
    """Knows one access key and one API key, and lets in whoever has the token "good" while `door` is open."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.form = b""
        self.lease_ms = 5000
        self.token_s = 60
        self.disabled = False
        self.listeners: set[str] = set()
        """Private listeners with an endpoint."""
        self.forgets_paths = False
        self.remembered: dict[bytes, float] = {}
        """Digests of signatures, and when each was first seen."""
        self.recalls = 0
        self.forgetful = False
        """Whether it cannot be asked what it remembers."""
        self.door = asyncio.Event()
        self.door.set()
        self.at_the_door = 0

    async def AssumeRoleWithWebIdentity(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.requests.append(request)
        self.at_the_door += 1
        await self.door.wait()
        self.at_the_door -= 1
        if not request.web_identity_token.startswith("good"):
            raise DomainError(ErrorReason.ERROR_REASON_INVALID_IDENTITY_TOKEN, "not a good token")
        response = web_identity_service_pb2.AssumeRoleWithWebIdentityResponse(
            subject="alice", provider="https://i.example", audience="app", assumed_role_id="AROA:x"
        )
        response.credentials.access_key_id = "ASIA"
        response.credentials.expire_time.FromSeconds(1_900_000_000)
        response.principal.account_id = ACCOUNT
        response.principal.principal_id = "arn:app:alice"
        response.principal.identity_provider = "arn"
        response.principal.user_name = "alice"
        return response

    async def AuthenticateSignature(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.requests.append(request)
        signed = request.signed_request
        if signed.access_key_id != KEY_ID or self.disabled:
            raise DomainError(ErrorReason.ERROR_REASON_UNKNOWN_ACCESS_KEY, "no such key")
        scope = signed.scope
        key = sigv4.derive_signing_key(SecretBytes(SECRET.encode()), scope.date, scope.region, scope.service)
        sigv4.verify(key, signed.string_to_sign.encode(), signed.signature)
        if request.remember_signature:
            digest, now = hashlib.sha256(signed.signature).digest(), time.monotonic()
            if now - self.remembered.setdefault(digest, now) > REUSE_S:
                raise DomainError(ErrorReason.ERROR_REASON_SIGNATURE_REPLAYED, "used before")
        if signed.session_token:
            raise DomainError(ErrorReason.ERROR_REASON_UNKNOWN_ACCESS_KEY, "a long-term key has no token")
        response = authentication_service_pb2.AuthenticateSignatureResponse(
            token=f"token-{request.audience}-{len(self.requests)}", derived_signing_key=key
        )
        if request.private_listener:
            self._bind(request, response)
        response.token_expire_time.FromSeconds(int(SystemClock().now().timestamp()) + self.token_s)
        response.key_lease.FromMilliseconds(self.lease_ms)
        response.principal.account_id = ACCOUNT
        response.principal.account_incarnation = "one"
        response.principal.arn = f"arn:aws:iam::{ACCOUNT}:user/alice"
        response.principal.principal_id = "AIDAALICE"
        response.principal.access_key_id = KEY_ID
        return response

    async def RecallSignatures(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.recalls += 1
        if self.forgetful:
            raise DomainError(ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "no database")
        used = time.monotonic() - REUSE_S
        return authentication_service_pb2.RecallSignaturesResponse(
            seen_sha256=[each for each in request.signature_sha256 if self.remembered.get(each, used) < used],
            any_ahead=bool(self.remembered),
        )

    async def AuthenticateBearerToken(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.requests.append(request)
        if request.bearer_token != API_KEY or self.disabled:
            raise invalid_api_key()
        response = authentication_service_pb2.AuthenticateBearerTokenResponse(
            token=f"token-{request.audience}-{len(self.requests)}",
            type=authentication_service_pb2.BEARER_TOKEN_TYPE_LONG_TERM,
        )
        response.token_expire_time.FromSeconds(int(SystemClock().now().timestamp()) + self.token_s)
        response.lease.FromMilliseconds(self.lease_ms)
        if request.private_listener:
            self._bind(request, response)
        response.principal.account_id = ACCOUNT
        response.principal.account_incarnation = "one"
        response.principal.arn = f"arn:aws:iam::{ACCOUNT}:user/alice"
        response.principal.principal_id = "AIDAALICE"
        response.principal.credential_id = "ACCAEDGE"
        return response

    def _bind(self, request: Any, response: Any) -> None:
        if request.private_listener not in self.listeners:
            raise DomainError(ErrorReason.ERROR_REASON_ACCESS_DENIED, "no endpoint")
        if not self.forgets_paths:
            response.private_path.vpc_endpoint_id = ENDPOINT
            response.private_path.vpc_id = "vpc-0000000000000001f"
            response.private_path.account_id = "210987654321"

    async def ListFoundationModelAgreementOffers(self, request: Any, context: Any) -> Any:  # noqa: N802
        return model_access_service_pb2.ListFoundationModelAgreementOffersResponse(
            model_id=request.model_id,
            offers=[resources_pb2.Offer(offer_id="o", offer_token="t" * 10, eula_url="https://e/")],
        )

    async def CreateFoundationModelAgreement(self, request: Any, context: Any) -> Any:  # noqa: N802
        return model_access_service_pb2.CreateFoundationModelAgreementResponse(model_id=request.model_id)

    async def DeleteFoundationModelAgreement(self, request: Any, context: Any) -> Any:  # noqa: N802
        raise DomainError(ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND, "no agreement")

    async def GetFoundationModelAvailability(self, request: Any, context: Any) -> Any:  # noqa: N802
        return model_access_service_pb2.GetFoundationModelAvailabilityResponse(
            model_id=request.model_id, agreement_accepted=True, authorized=False, region_available=True
        )

    async def GetUseCaseForModelAccess(self, request: Any, context: Any) -> Any:  # noqa: N802
        if not self.form:
            raise DomainError(ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND, "no form")
        return model_access_service_pb2.GetUseCaseForModelAccessResponse(form_data=self.form)

    async def PutUseCaseForModelAccess(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.form = request.form_data
        return model_access_service_pb2.PutUseCaseForModelAccessResponse()


class Runtime(
    catalog_service_pb2_grpc.CatalogServiceServicer,
    inference_service_pb2_grpc.InferenceServiceServicer,
    receipt_service_pb2_grpc.ReceiptServiceServicer,
):
    """Echoes bodies; `fail` and `script` change that."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.fail: DomainError | None = None
        self.script: Callable[[Any], Any] | None = None
        self.cancelled = asyncio.Event()

    async def ListFoundationModels(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.requests.append(request)
        return catalog_service_pb2.ListFoundationModelsResponse(models=[_MODEL])

    async def GetFoundationModel(self, request: Any, context: Any) -> Any:  # noqa: N802
        if request.model_id != "craton.tiny-text-v1":
            raise DomainError(ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND, "no such model")
        return catalog_service_pb2.GetFoundationModelResponse(model=_MODEL)

    async def InvokeModel(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.requests.append((request, dict(context.invocation_metadata())))
        if self.fail is not None:
            raise self.fail
        try:
            if self.script is not None:
                await self.script(request)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        usage = runtime_resources.Usage(input_tokens=3, output_tokens=5)
        return inference_service_pb2.InvokeModelResponse(
            body=request.body,
            content_type="application/json",
            usage=usage,
            latency_ms=7,
            receipt=_RECEIPT if request.HasField("receipt_salt") else None,
        )

    async def GetReceipt(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.requests.append((request, dict(context.invocation_metadata())))
        if self.fail is not None:
            raise self.fail
        return receipt_service_pb2.GetReceiptResponse(receipt=_RECEIPT)

    async def InvokeModelWithResponseStream(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.requests.append((request, dict(context.invocation_metadata())))
        response = inference_service_pb2.InvokeModelWithResponseStreamResponse
        if self.fail is not None and self.script is None:
            raise self.fail
        try:
            if self.script is not None:
                async for chunks in self.script(request):
                    yield response(chunks=chunks)
                if self.fail is not None:
                    raise self.fail
            else:
                for index in range(3):
                    yield response(chunks=[json.dumps({"index": index}).encode()])
                usage = runtime_resources.Usage(input_tokens=3, output_tokens=5)
                yield response(chunks=[b'{"last":true}'], usage=usage)
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled.set()
            raise


class Training(customization_job_service_pb2_grpc.CustomizationJobServiceServicer):
    """Has one job."""

    async def ListModelCustomizationJobs(self, request: Any, context: Any) -> Any:  # noqa: N802
        job = training_resources.CustomizationJob(
            name=f"accounts/{ACCOUNT}/regions/us-east-1/modelCustomizationJobs/craton.tiny-text-v1/abcdefghijkl",
            job_name=f"job{request.name_contains}",
            status="Completed",
            base_model_id="craton.tiny-text-v1",
        )
        job.create_time.FromSeconds(1_700_000_000)
        return customization_job_service_pb2.ListModelCustomizationJobsResponse(
            jobs=[job], next_page_token="more"
        )


class Told:
    """Answers every method, of kms or audit, with what a test says, and keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.answers: dict[str, Any] = {}
        """By the names of methods: a message, or a DomainError to refuse with."""

    def __getattr__(self, method: str) -> Any:
        if not method[0].isupper():
            raise AttributeError(method)

        async def answer(request: Any, context: Any) -> Any:
            self.requests.append((request, dict(context.invocation_metadata())))
            found = self.answers[method]
            if isinstance(found, DomainError):
                raise found
            return found

        return answer


_RECEIPT = runtime_resources.Receipt(
    receipt="a receipt\n\n— key x\n".encode(), certificate=b"a certificate\n"
)
_MODEL = runtime_resources.FoundationModel(
    name="regions/us-east-1/foundationModels/craton.tiny-text-v1",
    model_id="craton.tiny-text-v1",
    model_name="Tiny Text",
    provider_name="Craton",
    input_modalities=[runtime_resources.MODALITY_TEXT],
    output_modalities=[runtime_resources.MODALITY_TEXT],
    response_streaming_supported=True,
    inference_types_supported=["ON_DEMAND"],
    lifecycle_status="ACTIVE",
)

_REGISTRATIONS = {
    "auth": (
        authentication_service_pb2_grpc.add_AuthenticationServiceServicer_to_server,
        model_access_service_pb2_grpc.add_ModelAccessServiceServicer_to_server,
        web_identity_service_pb2_grpc.add_WebIdentityServiceServicer_to_server,
    ),
    "runtime": (
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server,
        inference_service_pb2_grpc.add_InferenceServiceServicer_to_server,
        receipt_service_pb2_grpc.add_ReceiptServiceServicer_to_server,
    ),
    "training": (customization_job_service_pb2_grpc.add_CustomizationJobServiceServicer_to_server,),
    "kms": (
        alias_service_pb2_grpc.add_AliasServiceServicer_to_server,
        crypto_service_pb2_grpc.add_CryptoServiceServicer_to_server,
        grant_service_pb2_grpc.add_GrantServiceServicer_to_server,
        key_admin_service_pb2_grpc.add_KeyAdminServiceServicer_to_server,
        key_material_service_pb2_grpc.add_KeyMaterialServiceServicer_to_server,
        receipt_key_service_pb2_grpc.add_ReceiptKeyServiceServicer_to_server,
    ),
    "audit": (log_service_pb2_grpc.add_LogServiceServicer_to_server,),
}


def upstream(
    name: str, servicer: Any, folder: Path, workloads: Workloads, listen: str = "127.0.0.1:0"
) -> Server:
    """Build a server of the factory that serves `servicer` to the edge."""
    names: list[str] = []

    class _Names:
        def add_generic_rpc_handlers(self, handlers: Any) -> None:
            """Not needed."""

        def add_registered_method_handlers(self, service: str, handlers: Any) -> None:
            names.extend(f"/{service}/{method}" for method in handlers)

    for register in _REGISTRATIONS[name]:
        register(servicer, _Names())
    callers = folder / f"{name}-callers.toml"
    listed = [*names, "/grpc.health.v1.Health/Check"]
    callers.write_text("".join(f'"{method}" = ["service/edge"]\n' for method in listed))
    server = Server(
        ServerSettings(name, listen, "", drain_s=0.2),
        workloads.tls(f"service/{name}"),
        callers=callers,
        events={method: AuditedMethod("fake", method, Recording.READ) for method in names},
        clock=SystemClock(),
        randomness=SystemRandomness(),
        recorder=UnrecordedCalls(),
        tokens=None,
        telemetry=TelemetrySettings(),
    )
    for register in _REGISTRATIONS[name]:
        server.add(register, servicer)
    return server
