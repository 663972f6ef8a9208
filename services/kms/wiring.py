"""Puts kms together: the one place that names its adapters."""

from dataclasses import dataclass
from pathlib import Path

from craton.kms.v1 import (
    alias_service_pb2_grpc,
    crypto_service_pb2_grpc,
    custody_service_pb2_grpc,
    digest_key_service_pb2_grpc,
    grant_service_pb2_grpc,
    key_admin_service_pb2_grpc,
    key_lease_service_pb2_grpc,
    key_material_service_pb2_grpc,
    log_key_service_pb2_grpc,
    model_key_service_pb2_grpc,
    purge_certificate_service_pb2_grpc,
    receipt_key_service_pb2_grpc,
    service_key_service_pb2_grpc,
    trail_key_service_pb2_grpc,
)
from craton.purge.v1 import purger_service_pb2_grpc

from services.chassis.account_purge import PurgerServicer
from services.chassis.audit.local import LocalAudit
from services.chassis.channels import Channel
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.identity import WorkloadId
from services.chassis.randomness import Randomness, SystemRandomness
from services.chassis.revocation import KEYS, RedisRevocations
from services.chassis.secret import SecretBytes
from services.chassis.server import Server
from services.chassis.token_keys import RemoteTokenKeys, fetch_over
from services.chassis.tokens import TokenVerifier
from services.kms.adapters.audit_anchor import AuditAnchor
from services.kms.adapters.auth_principals import AuthPrincipals
from services.kms.adapters.custodies import open_custody
from services.kms.adapters.enforcement import KeyEnforcement
from services.kms.adapters.log_witnesses import LogWitnesses
from services.kms.adapters.recorded_deletions import RecordedDeletions
from services.kms.adapters.sql_installations import SqlInstallations
from services.kms.adapters.sql_records import SqlRecords
from services.kms.adapters.unannounced import Unannounced
from services.kms.config import KmsConfig
from services.kms.events import EVENTS
from services.kms.operations.access import Access
from services.kms.operations.account_purge import AccountKeyPurge
from services.kms.operations.aliases import Aliases
from services.kms.operations.certificates import Certificates
from services.kms.operations.custody import Seal
from services.kms.operations.deletion import Deletion
from services.kms.operations.digest_keys import DigestKeys
from services.kms.operations.encryption import Encryption
from services.kms.operations.grant_records import GrantRecords, delete_grants
from services.kms.operations.grant_tokens import GrantTokens
from services.kms.operations.grants import Grants
from services.kms.operations.imports import Imports
from services.kms.operations.key_admin import KeyAdministration
from services.kms.operations.key_leases import KeyLeases
from services.kms.operations.key_policies import KeyPolicies
from services.kms.operations.key_records import KeyRecords
from services.kms.operations.key_uses import KeyUses, PoolsOrGrants
from services.kms.operations.log_keys import LogKeys
from services.kms.operations.managed_keys import ManagedKeys
from services.kms.operations.material_store import MaterialStore
from services.kms.operations.model_keys import ModelKeys
from services.kms.operations.pages import Pages
from services.kms.operations.purge_certificates import PurgeCertificates
from services.kms.operations.receipt_keys import ReceiptKeys
from services.kms.operations.rotation import Rotation
from services.kms.operations.schedule import Schedule
from services.kms.operations.service_access import ServiceAccess
from services.kms.operations.service_keys import ServiceKeys
from services.kms.operations.shredding import Shredder
from services.kms.operations.signing import Signing
from services.kms.operations.trail_keys import TrailKeys
from services.kms.operations.unsealed_records import UnsealedRecords
from services.kms.operations.workload_keys import WorkloadKeys
from services.kms.ports import DeletionAudit, KeyAnnouncer, KeyRevocations, PrincipalDirectory, RootCustody
from services.kms.servicer.alias import AliasServicer
from services.kms.servicer.crypto import CryptoServicer
from services.kms.servicer.custody import CustodyServicer
from services.kms.servicer.digest_key import DigestKeyServicer
from services.kms.servicer.grant import GrantServicer
from services.kms.servicer.key_admin import KeyAdminServicer
from services.kms.servicer.key_lease import KeyLeaseServicer
from services.kms.servicer.key_material import KeyMaterialServicer
from services.kms.servicer.log_key import LogKeyServicer
from services.kms.servicer.model_key import ModelKeyServicer
from services.kms.servicer.purge_certificate import PurgeCertificateServicer
from services.kms.servicer.receipt_key import ReceiptKeyServicer
from services.kms.servicer.service_key import ServiceKeyServicer
from services.kms.servicer.trail_key import TrailKeyServicer

AUDIENCE = "kms"
_FOLDER = Path(__file__).parent
_REVISIONS = _FOLDER / "adapters" / "migrations"


@dataclass(frozen=True, slots=True)
class _Foundation:
    """What all operations stand on."""

    config: KmsConfig
    clock: Clock
    randomness: Randomness
    custody: RootCustody
    seal: Seal
    records: UnsealedRecords
    keys: KeyRecords
    pages: Pages
    material: MaterialStore
    access: Access
    services: ServiceAccess
    grants: GrantRecords
    tokens: GrantTokens
    principals: PrincipalDirectory
    deletions: DeletionAudit


def build(
    config: KmsConfig,
    clock: Clock,
    randomness: Randomness | None = None,
    passphrase: SecretBytes | None = None,
    *,
    restored: bool = False,
) -> Server:
    """Build the server. Raises CustodyError when the root key and the store cannot be used together.

    With a passphrase (or a device's PIN) custody is unsealed before anything else. With `restored` the store
    may be older than its anchor says, because an operator put it back.
    """
    random = randomness or SystemRandomness()
    custody = open_custody(config.custody, random)
    if passphrase is not None:
        custody.unseal(passphrase)
    database = Database(config.database_url)
    database.migrate(_REVISIONS)

    workload = WorkloadId(config.server.trust_domain, config.server.kind, config.server.name)
    audit = LocalAudit.over_grpc(config.audit, config.tls, workload, EVENTS, clock=clock, randomness=random)
    auth = Channel(config.auth, config.tls, config.server.trust_domain, clock)
    anchor = Channel(config.audit.service, config.tls, config.server.trust_domain, clock)
    watching = [Channel(each, config.tls, config.server.trust_domain, clock) for each in config.witnesses]
    anchored = AuditAnchor(anchor, LogWitnesses(watching, config.log_origin))
    stored = SqlRecords(database, custody.store_id, anchored, clock, random, restored=restored)
    seal = Seal(custody, SqlInstallations(database.engine), stored, random)
    seal.check()
    server = Server(
        config.server,
        config.tls,
        callers=_FOLDER / "callers.toml",
        events=EVENTS,
        clock=clock,
        randomness=random,
        recorder=audit.recorder,
        # Without auth no token verifies, which closes customer keys; everything else goes on.
        tokens=TokenVerifier(AUDIENCE, RemoteTokenKeys(fetch_over(auth), clock), clock),
        telemetry=config.telemetry,
    )
    point = KeyEnforcement(auth, config.redis, clock, random)
    records = UnsealedRecords(seal)
    keys, pages = KeyRecords(records, clock), Pages(stored, custody, random)
    grants, tokens = GrantRecords(records), GrantTokens(records, random)
    access = Access(point.policies, keys, grants, tokens, config.partition)
    principals = AuthPrincipals(auth, config.partition)
    material = MaterialStore(keys, pages, clock, random)
    _serve(
        server,
        _Foundation(
            config,
            clock,
            random,
            custody,
            seal,
            records,
            keys,
            pages,
            material,
            access,
            ServiceAccess(point.policies, keys, config.partition),
            grants,
            tokens,
            principals,
            RecordedDeletions(audit.recorder, workload, clock, random),
        ),
    )
    server.add_task("seal", seal.run)
    server.add_readiness("unsealed", seal.ready)
    server.add_task("store", stored.failed)
    server.add_task("database", database.failed)
    point.attach(server)
    # The last one is closed first: what uses the store before the store.
    server.add_closer(database.close)
    for channel in (anchor, *watching):
        server.add_closer(channel.close)
    server.add_closer(seal.close)
    server.add_closer(auth.close)
    audit.attach(server)
    return server


def _serve(server: Server, base: _Foundation) -> None:
    keys, material, access, clock, random = (
        base.keys,
        base.material,
        base.access,
        base.clock,
        base.randomness,
    )
    uses = KeyUses(keys, PoolsOrGrants(access))
    announcer: KeyAnnouncer = Unannounced()
    if base.config.redis is not None:
        announcer = redis = RedisRevocations(base.config.redis, KEYS)
        server.add_closer(redis.close)
    leases = KeyLeases(uses, announcer, clock, random, first_boot=base.custody.first_boot)
    managed = ManagedKeys(keys, material, clock, random, base.config.partition)
    certificates = Certificates(base.records)
    rotation = Rotation(keys, material, access, clock, random)
    imports = Imports(keys, material, base.pages, access, leases, clock, random)
    shredder = Shredder(
        *(keys, base.pages, base.custody, certificates, base.deletions, clock, random),
        forget=[lambda change, key: delete_grants(change.records, key.name)],
    )
    schedule = Schedule(
        {
            "rotation": rotation.renew_due,
            "expiry": imports.expire_due,
            "deletion": shredder.delete_due,
        }
    )
    base.seal.on_unseal(base.pages.open)
    base.seal.on_unseal(shredder.finish)
    base.seal.on_seal(base.pages.close)
    base.seal.on_seal(material.forget)
    server.add_task("schedule", schedule.run)
    _serve_workloads(server, base, uses, leases)
    purge = AccountKeyPurge(base.records, keys, base.pages, material, shredder, leases)
    server.add(purger_service_pb2_grpc.add_PurgerServiceServicer_to_server, PurgerServicer(purge))
    server.add(
        purge_certificate_service_pb2_grpc.add_PurgeCertificateServiceServicer_to_server,
        PurgeCertificateServicer(PurgeCertificates(base.records, certificates, base.custody)),
    )
    _serve_keys(server, base, leases, certificates, managed)
    server.add(
        key_material_service_pb2_grpc.add_KeyMaterialServiceServicer_to_server,
        KeyMaterialServicer(rotation, imports),
    )
    server.add(
        crypto_service_pb2_grpc.add_CryptoServiceServicer_to_server,
        CryptoServicer(Encryption(keys, material, access, managed, random), Signing(keys, material, access)),
    )
    server.add(
        custody_service_pb2_grpc.add_CustodyServiceServicer_to_server, CustodyServicer(base.seal, leases)
    )


def _serve_workloads(server: Server, base: _Foundation, uses: KeyUses, leases: KeyLeases) -> None:
    own = WorkloadKeys(base.keys, base.material, base.clock, base.randomness)
    server.add(
        service_key_service_pb2_grpc.add_ServiceKeyServiceServicer_to_server,
        ServiceKeyServicer(ServiceKeys(own)),
    )
    server.add(
        log_key_service_pb2_grpc.add_LogKeyServiceServicer_to_server,
        LogKeyServicer(LogKeys(own, base.material)),
    )
    server.add(
        digest_key_service_pb2_grpc.add_DigestKeyServiceServicer_to_server,
        DigestKeyServicer(DigestKeys(own, base.material)),
    )
    receipts = ReceiptKeys(own, base.material, base.config.server.trust_domain, base.clock, base.randomness)
    server.add(
        receipt_key_service_pb2_grpc.add_ReceiptKeyServiceServicer_to_server, ReceiptKeyServicer(receipts)
    )
    server.add(
        trail_key_service_pb2_grpc.add_TrailKeyServiceServicer_to_server,
        TrailKeyServicer(TrailKeys(own, base.services, base.config.partition)),
    )
    server.add(
        model_key_service_pb2_grpc.add_ModelKeyServiceServicer_to_server, ModelKeyServicer(ModelKeys(own))
    )
    server.add(
        key_lease_service_pb2_grpc.add_KeyLeaseServiceServicer_to_server, KeyLeaseServicer(leases, uses)
    )


def _serve_keys(
    server: Server,
    base: _Foundation,
    revocations: KeyRevocations,
    certificates: Certificates,
    managed: ManagedKeys,
) -> None:
    keys, access, clock = base.keys, base.access, base.clock
    policies = KeyPolicies(keys, access, base.principals, revocations, base.config.partition)
    server.add(
        key_admin_service_pb2_grpc.add_KeyAdminServiceServicer_to_server,
        KeyAdminServicer(
            KeyAdministration(
                *(keys, base.material, access, policies, managed, revocations, clock, base.randomness)
            ),
            policies,
            Deletion(keys, access, certificates, revocations, clock),
        ),
    )
    grants = Grants(
        *(base.grants, keys, access, base.tokens, base.principals, revocations, clock, base.randomness),
        base.config.partition,
    )
    server.add(grant_service_pb2_grpc.add_GrantServiceServicer_to_server, GrantServicer(grants))
    server.add(
        alias_service_pb2_grpc.add_AliasServiceServicer_to_server,
        AliasServicer(Aliases(keys, access, revocations, clock)),
    )
