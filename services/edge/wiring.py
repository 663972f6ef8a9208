"""The one place that names what the edge is made of."""

from collections.abc import Mapping

from services.chassis.audit.local import LocalAudit
from services.chassis.audit.ports import AuditRecorder
from services.chassis.channels import Channel
from services.chassis.clock import Clock
from services.chassis.enforcement import RevocationEar
from services.chassis.identity import WorkloadId
from services.chassis.randomness import Randomness, SystemRandomness
from services.chassis.revocation_ear import new_instance_id
from services.chassis.telemetry import Metrics, Tracing
from services.edge.adapters.account_identity import account_identity
from services.edge.adapters.authentication import GrpcAuthentication
from services.edge.adapters.catalogue import Catalogue
from services.edge.adapters.event_history import EventHistory
from services.edge.adapters.groups import groups
from services.edge.adapters.health import UpstreamHealth
from services.edge.adapters.identity import identity
from services.edge.adapters.inference import GrpcInference
from services.edge.adapters.jobs import CustomizationJobs
from services.edge.adapters.kms import kms
from services.edge.adapters.log_proofs import LogProofs
from services.edge.adapters.managed_policies import managed_policies
from services.edge.adapters.model_access import ModelAccess
from services.edge.adapters.oidc_providers import OidcProviders
from services.edge.adapters.receipts import Receipts
from services.edge.adapters.roles import roles
from services.edge.adapters.security_tokens import SecurityTokens
from services.edge.adapters.seen_signatures import RedisSeenSignatures
from services.edge.adapters.service_credentials import ServiceCredentials
from services.edge.adapters.simulation import Simulation
from services.edge.adapters.temporary_credentials import TemporaryCredentials
from services.edge.adapters.trails import trails
from services.edge.adapters.web_identity import WebIdentity
from services.edge.config import EdgeConfig
from services.edge.domain.model import (
    JSON_SERVICES,
    OWN_SERVICES,
    QUERY_SERVICES,
    SERVICES,
    ServiceModel,
)
from services.edge.events import EVENTS, Key
from services.edge.http.app import Application, Around
from services.edge.http.invoke import Invoker
from services.edge.http.listener import Listener
from services.edge.operations.bearers import Bearers
from services.edge.operations.leased import Horizon
from services.edge.operations.sessions import Sessions
from services.edge.ports import Operation
from services.edge.server import EdgeServer


def build(
    config: EdgeConfig,
    clock: Clock,
    *,
    randomness: Randomness | None = None,
    recorder: AuditRecorder | None = None,
) -> EdgeServer:
    """Put the edge together. Without a `recorder` it records into its own spool and ships that.

    Raises OSError and ValueError when files are missing or wrong.
    """
    randomness = randomness or SystemRandomness()
    metrics, tracing = Metrics(), Tracing("edge", config.telemetry)
    channels = {
        service: Channel(upstream, config.tls, config.trust_domain, clock)
        for service, upstream in (
            ("auth", config.auth),
            ("runtime", config.runtime),
            ("training", config.training),
            ("kms", config.kms),
            ("audit", config.audit.service),
        )
    }
    auth, runtime = channels["auth"], channels["runtime"]
    local: LocalAudit | None = None
    if recorder is None:
        workload = WorkloadId(config.trust_domain, "service", "edge")
        local = LocalAudit.over_grpc(
            config.audit, config.tls, workload, EVENTS, clock=clock, randomness=randomness
        )
        recorder = local.recorder
    models = {
        name: ServiceModel.load(name) for name in (*SERVICES, *OWN_SERVICES, *QUERY_SERVICES, *JSON_SERVICES)
    }
    invoker = Invoker(
        models["bedrock-runtime"], GrpcInference(runtime), config.limits, randomness, config.partition
    )
    instance_id, horizon = new_instance_id(randomness), Horizon()
    ear = RevocationEar(auth, config.redis, instance_id, horizon.revoke, horizon.revoke_all)
    authentication = GrpcAuthentication(auth, clock, instance_id)
    seen = RedisSeenSignatures(config.redis, authentication, clock)
    web_identity = WebIdentity(auth, config.regions[0])
    app = Application(
        Around(
            models=models,
            operations=operations(channels, models, web_identity, config.partition),
            web_identity=web_identity.assume_role,
            invoker=invoker,
            sessions=Sessions(authentication, clock, horizon),
            bearers=Bearers(authentication, clock, horizon, frozenset(config.regions), config.default_region),
            seen=seen,
            recorder=recorder,
            clock=clock,
            randomness=randomness,
            metrics=metrics,
            tracing=tracing,
            regions=frozenset(config.regions),
            partition=config.partition,
            limits=config.limits,
        )
    )
    listeners = [Listener(app, config.listen, config.public, config.limits, balancers=config.balancers)]
    listeners += [
        Listener(
            app,
            private.listen,
            private.public or config.public,
            config.limits,
            name=private.name,
            balancers=private.balancers,
        )
        for private in config.private_listeners
    ]
    server = EdgeServer(listeners, config.metrics_listen, metrics, tracing)
    for channel in channels.values():
        server.add_closer(channel.close)
    server.add_closer(seen.close)
    server.add_task("seen-signatures", seen.watch)
    ear.attach(server)
    server.add_check("auth", UpstreamHealth(auth).serving)
    server.add_check("runtime", UpstreamHealth(runtime).serving)
    server.add_check("kms", UpstreamHealth(channels["kms"]).serving)
    server.add_check("redis", seen.serving)
    if local is not None:
        local.attach(server)
    metrics.gauge(
        "craton_edge_connections",
        "Open client connections.",
        lambda: sum(each.connections for each in listeners),
    )
    metrics.gauge(
        "craton_edge_unverified_bytes",
        "Body bytes in memory of requests whose signature is not verified yet.",
        lambda: app.unverified_bytes,
    )
    return server


def operations(
    channels: Mapping[str, Channel],
    models: Mapping[str, ServiceModel],
    web_identity: WebIdentity,
    partition: str,
) -> Mapping[Key, Operation]:
    """Return what answers every operation that is served; channels by the services they lead to."""
    auth = channels["auth"]
    catalogue = Catalogue(channels["runtime"], partition)
    access = ModelAccess(auth)
    jobs = CustomizationJobs(channels["training"], partition)
    simulation = Simulation(auth)
    tokens = SecurityTokens(auth)
    temporary = TemporaryCredentials(auth)
    service_credentials = ServiceCredentials(auth)
    providers = OidcProviders(auth)
    receipts = Receipts(channels["runtime"], channels["kms"])
    proofs = LogProofs(channels["audit"])
    served: Mapping[str, Mapping[str, Operation]] = {
        "bedrock": {
            "ListFoundationModels": catalogue.list_foundation_models,
            "GetFoundationModel": catalogue.get_foundation_model,
            "ListFoundationModelAgreementOffers": access.list_offers,
            "CreateFoundationModelAgreement": access.create_agreement,
            "DeleteFoundationModelAgreement": access.delete_agreement,
            "GetFoundationModelAvailability": access.get_availability,
            "GetUseCaseForModelAccess": access.get_use_case,
            "PutUseCaseForModelAccess": access.put_use_case,
            "ListModelCustomizationJobs": jobs.list_jobs,
        },
        "craton-audit": {
            "GetCheckpoint": proofs.get_checkpoint,
            "GetConsistencyProof": proofs.get_consistency_proof,
            "GetEventProof": proofs.get_event_proof,
        },
        "craton-runtime": {
            "GetReceipt": receipts.get_receipt,
            "GetReceiptAuthority": receipts.get_receipt_authority,
        },
        "sts": {
            "GetCallerIdentity": tokens.get_caller_identity,
            "GetAccessKeyInfo": tokens.get_access_key_info,
            "AssumeRole": temporary.assume_role,
            "GetSessionToken": temporary.get_session_token,
            "AssumeRoleWithWebIdentity": web_identity.operation,
        },
        "iam": {
            **identity(auth),
            **groups(auth),
            **roles(auth),
            **managed_policies(auth),
            **account_identity(auth),
            "CreateServiceSpecificCredential": service_credentials.create,
            "ListServiceSpecificCredentials": service_credentials.list,
            "UpdateServiceSpecificCredential": service_credentials.update,
            "ResetServiceSpecificCredential": service_credentials.reset,
            "DeleteServiceSpecificCredential": service_credentials.delete,
            "CreateOpenIDConnectProvider": providers.create,
            "GetOpenIDConnectProvider": providers.get,
            "ListOpenIDConnectProviders": providers.list,
            "DeleteOpenIDConnectProvider": providers.delete,
            "AddClientIDToOpenIDConnectProvider": providers.add_client_id,
            "RemoveClientIDFromOpenIDConnectProvider": providers.remove_client_id,
            "UpdateOpenIDConnectProviderThumbprint": providers.update_thumbprint,
            "TagOpenIDConnectProvider": providers.tag,
            "UntagOpenIDConnectProvider": providers.untag,
            "ListOpenIDConnectProviderTags": providers.list_tags,
            "SimulatePrincipalPolicy": simulation.simulate_principal_policy,
            "SimulateCustomPolicy": simulation.simulate_custom_policy,
            "GetContextKeysForPrincipalPolicy": simulation.get_context_keys_for_principal_policy,
            "GetContextKeysForCustomPolicy": simulation.get_context_keys_for_custom_policy,
        },
        "kms": kms(models["kms"], channels["kms"], partition),
        "cloudtrail": {
            "LookupEvents": EventHistory(channels["audit"]).lookup_events,
            **trails(channels["audit"], partition),
        },
    }
    return {(service, name): run for service, named in served.items() for name, run in named.items()}
