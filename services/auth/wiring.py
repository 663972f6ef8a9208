"""Puts auth together: the one place that names its adapters."""

from datetime import timedelta
from pathlib import Path

from craton.auth.v1 import (
    access_key_service_pb2_grpc,
    account_identity_service_pb2_grpc,
    account_purge_service_pb2_grpc,
    account_service_pb2_grpc,
    authentication_service_pb2_grpc,
    authorization_service_pb2_grpc,
    bootstrap_service_pb2_grpc,
    endpoint_service_pb2_grpc,
    group_service_pb2_grpc,
    managed_policy_service_pb2_grpc,
    model_access_service_pb2_grpc,
    oidc_provider_service_pb2_grpc,
    organization_policy_service_pb2_grpc,
    organization_service_pb2_grpc,
    passed_role_service_pb2_grpc,
    policy_service_pb2_grpc,
    private_listener_service_pb2_grpc,
    resource_policy_service_pb2_grpc,
    role_service_pb2_grpc,
    security_token_service_pb2_grpc,
    service_credential_service_pb2_grpc,
    session_service_pb2_grpc,
    simulation_service_pb2_grpc,
    token_service_pb2_grpc,
    user_service_pb2_grpc,
    web_identity_service_pb2_grpc,
)

from services.auth.adapters.bootstrap_file import BootstrapFile
from services.auth.adapters.built_in_policies import built_in_policies
from services.auth.adapters.issuer_documents import HttpsIssuerDocuments
from services.auth.adapters.kms_sealer import KmsSealer
from services.auth.adapters.manifest_catalog import ManifestCatalog
from services.auth.adapters.principal_state import SqlPrincipals
from services.auth.adapters.remote_purgers import RemotePurgeLog, RemotePurger, RemotePurgeSigner
from services.auth.adapters.sql_account_details import SqlAccountDetails
from services.auth.adapters.sql_agreements import SqlAgreements
from services.auth.adapters.sql_attachments import SqlAttachments
from services.auth.adapters.sql_control_policies import SqlControlPolicies
from services.auth.adapters.sql_credentials import SqlCredentials
from services.auth.adapters.sql_directory import SqlDirectory
from services.auth.adapters.sql_endpoints import SqlEndpoints
from services.auth.adapters.sql_groups import SqlGroups
from services.auth.adapters.sql_inline_policies import SqlInlinePolicies
from services.auth.adapters.sql_key_uses import SqlKeyUses
from services.auth.adapters.sql_managed_policies import SqlManagedPolicies
from services.auth.adapters.sql_oidc import SqlOidcProviders
from services.auth.adapters.sql_organization import SqlOrganization
from services.auth.adapters.sql_passed_roles import SqlPassedRoles
from services.auth.adapters.sql_points import SqlPoints
from services.auth.adapters.sql_purges import SqlPurges
from services.auth.adapters.sql_roles import SqlRoles
from services.auth.adapters.sql_service_credentials import SqlServiceCredentials
from services.auth.adapters.sql_sessions import SqlSessions
from services.auth.adapters.sql_tags import SqlTags
from services.auth.config import AuthConfig
from services.auth.domain.purges import Profile
from services.auth.events import events
from services.auth.operations.account_identity import AccountIdentity
from services.auth.operations.account_purges import AccountPurges
from services.auth.operations.accounts import Accounts
from services.auth.operations.admission import Admission
from services.auth.operations.api_keys import ApiKeys
from services.auth.operations.caller_identity import CallerIdentity
from services.auth.operations.credentials import KeyMaker
from services.auth.operations.endpoints import Endpoints, PrivateListeners
from services.auth.operations.entities import IdentityAdmission
from services.auth.operations.groups import Groups
from services.auth.operations.inline_policies import InlinePolicies
from services.auth.operations.issuer_keys import IssuerKeys
from services.auth.operations.issuing import TokenIssuer
from services.auth.operations.key_uses import KeyUses, LastUses
from services.auth.operations.keyring import Keyring
from services.auth.operations.lease import AuthorizationLeases
from services.auth.operations.managed_policies import Attachments, ManagedPolicies
from services.auth.operations.model_access import ModelAccess
from services.auth.operations.oidc_providers import OidcProviders
from services.auth.operations.organization import Organization, OrganizationAdmission
from services.auth.operations.organization_policies import ControlPolicies
from services.auth.operations.passed_roles import PassedRoles
from services.auth.operations.principal_names import PrincipalNames
from services.auth.operations.private_paths import PrivatePaths
from services.auth.operations.purging import Purging
from services.auth.operations.resource_policies import ResourcePolicies
from services.auth.operations.revocation import Revocation
from services.auth.operations.roles import Roles
from services.auth.operations.service_credentials import ServiceCredentials
from services.auth.operations.service_trust import ServiceTrust
from services.auth.operations.session_maker import SessionMaker
from services.auth.operations.session_narrowing import SessionNarrowing
from services.auth.operations.sessions import TemporaryCredentials
from services.auth.operations.signatures import Signatures
from services.auth.operations.simulation import Simulation
from services.auth.operations.tags import Boundaries, PolicyTags, Tags
from services.auth.operations.trust_policies import TrustPolicies
from services.auth.operations.users import AccessKeys, Users
from services.auth.operations.web_identity import WebIdentities
from services.auth.servicer.account_identity import AccountIdentityServicer
from services.auth.servicer.account_purges import AccountPurgeServicer
from services.auth.servicer.accounts import AccountServicer, BootstrapServicer
from services.auth.servicer.authentication import (
    AuthenticationServicer,
    AuthorizationServicer,
    TokenServicer,
)
from services.auth.servicer.endpoints import EndpointServicer, PrivateListenerServicer
from services.auth.servicer.groups import GroupServicer
from services.auth.servicer.identity import AccessKeyServicer, PolicyServicer, UserServicer
from services.auth.servicer.managed_policies import ManagedPolicyServicer
from services.auth.servicer.model_access import ModelAccessServicer
from services.auth.servicer.oidc_providers import OidcProviderServicer
from services.auth.servicer.organization import OrganizationPolicyServicer, OrganizationServicer
from services.auth.servicer.passed_roles import PassedRoleServicer
from services.auth.servicer.resource_policies import ResourcePolicyServicer
from services.auth.servicer.roles import RoleServicer, SessionServicer
from services.auth.servicer.security_tokens import SecurityTokenServicer
from services.auth.servicer.service_credentials import ServiceCredentialServicer
from services.auth.servicer.simulation import SimulationServicer
from services.auth.servicer.web_identity import WebIdentityServicer
from services.chassis.audit.local import LocalAudit
from services.chassis.channels import Channel
from services.chassis.clock import Clock
from services.chassis.data_keys.service_keys import ServiceKeys
from services.chassis.database import Database
from services.chassis.identity import WorkloadId
from services.chassis.randomness import Randomness, SystemRandomness
from services.chassis.revocation import CONFIRMED_CHANNEL, ChannelListener, RedisRevocations
from services.chassis.server import Server

_FOLDER = Path(__file__).parent
_REVISIONS = _FOLDER / "adapters" / "migrations"


def build(config: AuthConfig, clock: Clock, randomness: Randomness | None = None) -> Server:
    """Build the server. It becomes ready when kms has opened the key that signs tokens."""
    random = randomness or SystemRandomness()
    partition = config.partition
    described = events(partition)
    database = Database(config.database_url)
    database.migrate(_REVISIONS)
    # Read here, so that a file that cannot be evaluated exactly ends the boot instead of a request.
    built_in_policies()
    directory, credentials = SqlDirectory(database), SqlCredentials(database)

    workload = WorkloadId(config.server.trust_domain, config.server.kind, config.server.name)
    audit = LocalAudit.over_grpc(
        config.audit, config.tls, workload, described, clock=clock, randomness=random
    )
    kms = Channel(config.kms, config.tls, config.server.trust_domain, clock)
    service_keys = ServiceKeys(kms, config.redis, clock, random)
    sealer = KmsSealer(service_keys.cache, random)
    announcer = RedisRevocations(config.redis)
    revocations = Revocation(SqlPoints(database), announcer, clock, random)
    confirmations = ChannelListener(config.redis, CONFIRMED_CHANNEL, revocations.heard, lambda: None)
    catalog = ManifestCatalog(config.catalog)
    keyring = Keyring(credentials, sealer, clock, random, timedelta(days=config.token_key_days))
    issuer = TokenIssuer(
        keyring,
        credentials,
        clock,
        random,
        audiences=frozenset(config.audiences),
        exchanges=frozenset((pair.source, pair.target) for pair in config.exchanges),
        partition=partition,
    )
    server = Server(
        config.server,
        config.tls,
        callers=_FOLDER / "callers.toml",
        events=described,
        clock=clock,
        randomness=random,
        recorder=audit.recorder,
        tokens=issuer.verifier,
        telemetry=config.telemetry,
    )

    endpoint_store = SqlEndpoints(database)
    networks = {each.name: each.vpc_id for each in config.private_listeners}
    paths = PrivatePaths(endpoint_store, networks)
    admission = Admission(credentials, directory, clock, paths)
    uses = KeyUses(SqlKeyUses(database), clock)
    signatures = Signatures(
        credentials,
        sealer,
        clock,
        random,
        regions=frozenset(config.regions),
        signing_names=frozenset(config.signing_names),
        token_hosts=config.token_hosts,
        uses=uses,
    )
    credential_store = SqlServiceCredentials(database)
    api_keys = ApiKeys(credentials, credential_store, signatures, clock)
    keys = KeyMaker(sealer, clock, random)
    bootstrap = BootstrapFile(config.bootstrap_token_file)
    accounts = Accounts(directory, admission, keys, revocations, bootstrap, clock, random, partition)
    tag_store, attachment_store = SqlTags(database), SqlAttachments(database, partition)
    identities = IdentityAdmission(admission, attachment_store, partition)
    users = Users(directory, tag_store, identities, revocations, clock, random)
    inline = InlinePolicies(SqlInlinePolicies(database), identities, revocations, clock)
    boundaries = Boundaries(attachment_store, identities, revocations)
    tags = Tags(tag_store, identities, revocations)
    groups = Groups(SqlGroups(database), identities, revocations, clock, random)
    policy_store = SqlManagedPolicies(database)
    managed = ManagedPolicies(policy_store, identities, revocations, clock, random)
    policy_tags = PolicyTags(tag_store, policy_store, identities, revocations)
    attachments = Attachments(attachment_store, identities, revocations)
    role_store = SqlRoles(database)
    principals = SqlPrincipals(database)
    names = PrincipalNames(role_store, principals, partition)
    trusts = TrustPolicies(names)
    roles = Roles(role_store, identities, revocations, clock, random, trusts)
    session_maker = SessionMaker(SqlSessions(database), sealer, clock, random)
    narrowing = SessionNarrowing(policy_store, identities)
    temporary = TemporaryCredentials(role_store, session_maker, narrowing, admission, partition)
    access = ModelAccess(SqlAgreements(database), catalog, admission, sealer, revocations, clock, partition)
    rules = config.web_identity.rules
    ca_bundle = Path(config.web_identity.ca_bundle) if config.web_identity.ca_bundle else None
    documents = HttpsIssuerDocuments(rules, ca_bundle)
    provider_store = SqlOidcProviders(database)
    providers = OidcProviders(provider_store, admission, revocations, rules, clock, random, partition)
    web_identities = WebIdentities(
        provider_store,
        IssuerKeys(documents, clock),
        role_store,
        directory,
        admission,
        session_maker,
        narrowing,
        clock,
        partition,
    )

    server.add(
        authentication_service_pb2_grpc.add_AuthenticationServiceServicer_to_server,
        AuthenticationServicer(signatures, api_keys, issuer, revocations, paths),
    )
    server.add(
        authorization_service_pb2_grpc.add_AuthorizationServiceServicer_to_server,
        AuthorizationServicer(AuthorizationLeases(admission, revocations, issuer.verifier), revocations),
    )
    server.add(
        resource_policy_service_pb2_grpc.add_ResourcePolicyServiceServicer_to_server,
        ResourcePolicyServicer(ResourcePolicies(credentials, names, revocations)),
    )
    server.add(
        token_service_pb2_grpc.add_TokenServiceServicer_to_server, TokenServicer(signatures, issuer, keyring)
    )
    server.add(
        security_token_service_pb2_grpc.add_SecurityTokenServiceServicer_to_server,
        SecurityTokenServicer(CallerIdentity(admission, credentials)),
    )
    server.add(
        bootstrap_service_pb2_grpc.add_BootstrapServiceServicer_to_server,
        BootstrapServicer(accounts, partition),
    )
    server.add(
        account_service_pb2_grpc.add_AccountServiceServicer_to_server, AccountServicer(accounts, partition)
    )
    training = Channel(config.training, config.tls, config.server.trust_domain, clock)
    log = Channel(config.audit.service, config.tls, config.server.trust_domain, clock)
    purges = SqlPurges(database)
    purging = Purging(
        purges,
        # audit first: it takes nothing in any more under keys that kms is about to shred.
        tuple(
            (name, RemotePurger(channel, name))
            for name, channel in (("audit", log), ("training", training), ("kms", kms))
        ),
        RemotePurgeLog(log, audit.recorder, workload, clock, random),
        RemotePurgeSigner(kms),
        revocations,
        workload.path,
        clock,
        random,
    )
    server.add(
        account_purge_service_pb2_grpc.add_AccountPurgeServiceServicer_to_server,
        AccountPurgeServicer(
            AccountPurges(
                purges,
                directory,
                keys,
                revocations,
                Profile(config.profile),
                clock,
                random,
                purging.wake,
            )
        ),
    )
    tree, managers = SqlOrganization(database), OrganizationAdmission(directory, admission, partition)
    server.add(
        organization_service_pb2_grpc.add_OrganizationServiceServicer_to_server,
        OrganizationServicer(Organization(tree, managers, revocations, clock, random), managers),
    )
    server.add(
        organization_policy_service_pb2_grpc.add_OrganizationPolicyServiceServicer_to_server,
        OrganizationPolicyServicer(
            ControlPolicies(SqlControlPolicies(database), tree, managers, revocations, clock, random)
        ),
    )
    server.add(
        user_service_pb2_grpc.add_UserServiceServicer_to_server,
        UserServicer(users, boundaries, tags, partition),
    )
    server.add(
        group_service_pb2_grpc.add_GroupServiceServicer_to_server, GroupServicer(groups, inline, partition)
    )
    server.add(
        managed_policy_service_pb2_grpc.add_ManagedPolicyServiceServicer_to_server,
        ManagedPolicyServicer(managed, policy_tags, attachments, partition),
    )
    server.add(
        access_key_service_pb2_grpc.add_AccessKeyServiceServicer_to_server,
        AccessKeyServicer(
            AccessKeys(directory, identities, keys, revocations), LastUses(uses, identities, partition)
        ),
    )
    server.add(
        service_credential_service_pb2_grpc.add_ServiceCredentialServiceServicer_to_server,
        ServiceCredentialServicer(
            ServiceCredentials(credential_store, directory, identities, revocations, clock, random), clock
        ),
    )
    server.add(
        policy_service_pb2_grpc.add_PolicyServiceServicer_to_server,
        PolicyServicer(inline),
    )
    server.add(
        role_service_pb2_grpc.add_RoleServiceServicer_to_server,
        RoleServicer(roles, inline, boundaries, tags, partition),
    )
    server.add(
        account_identity_service_pb2_grpc.add_AccountIdentityServiceServicer_to_server,
        AccountIdentityServicer(AccountIdentity(SqlAccountDetails(database), identities, trusts), partition),
    )
    server.add(
        session_service_pb2_grpc.add_SessionServiceServicer_to_server, SessionServicer(temporary, partition)
    )
    server.add(
        oidc_provider_service_pb2_grpc.add_OidcProviderServiceServicer_to_server,
        OidcProviderServicer(providers, partition),
    )
    server.add(
        web_identity_service_pb2_grpc.add_WebIdentityServiceServicer_to_server,
        WebIdentityServicer(web_identities, partition),
    )
    server.add(
        simulation_service_pb2_grpc.add_SimulationServiceServicer_to_server,
        SimulationServicer(Simulation(principals, admission, clock, partition)),
    )
    passed = PassedRoles(
        role_store,
        SqlPassedRoles(database),
        credentials,
        admission,
        ServiceTrust(credentials, directory, clock),
        session_maker,
        issuer,
        revocations,
        clock,
        random,
        partition,
    )
    server.add(
        passed_role_service_pb2_grpc.add_PassedRoleServiceServicer_to_server,
        PassedRoleServicer(passed, partition),
    )
    server.add(
        model_access_service_pb2_grpc.add_ModelAccessServiceServicer_to_server, ModelAccessServicer(access)
    )

    server.add(
        endpoint_service_pb2_grpc.add_EndpointServiceServicer_to_server,
        EndpointServicer(
            Endpoints(endpoint_store, admission, revocations, networks, clock, random, partition)
        ),
    )
    server.add(
        private_listener_service_pb2_grpc.add_PrivateListenerServiceServicer_to_server,
        PrivateListenerServicer(
            PrivateListeners(endpoint_store, directory, admission, revocations, networks)
        ),
    )

    server.add_readiness("catalog", catalog.refresh)
    server.add_readiness("token-keys", keyring.ready)
    server.add_task("catalog", catalog.run)
    server.add_task("token-keys", keyring.run)
    server.add_task("database", database.failed)
    server.add_closer(database.close)
    # Closers run in the opposite order: what was noted is written before.
    server.add_task("key-uses", uses.run)
    server.add_closer(uses.write)
    server.add_task("confirmations", confirmations.run)
    server.add_task("purges", purging.run)
    service_keys.attach(server)
    server.add_closer(announcer.close)
    server.add_closer(kms.close)
    server.add_closer(training.close)
    server.add_closer(log.close)
    server.add_closer(documents.close)
    audit.attach(server)
    return server
