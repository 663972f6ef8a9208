"""Every method of kms by every kind of workload: only the pairs of this table pass."""

from typing import Any

import grpc
from craton.kms.v1 import (
    alias_service_pb2,
    crypto_service_pb2,
    custody_service_pb2,
    digest_key_service_pb2,
    grant_service_pb2,
    key_admin_service_pb2,
    key_lease_service_pb2,
    key_material_service_pb2,
    log_key_service_pb2,
    model_key_service_pb2,
    service_key_service_pb2,
    trail_key_service_pb2,
)

from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.rich_status import from_rpc_error
from services.chassis.settings import UpstreamSettings
from tests.fakes.workloads import TRUST_DOMAIN

WORKLOADS = (
    "service/auth", "service/runtime", "service/training", "service/audit", "service/edge", "service/kms",
    "service/console", "pool/craton", "pool/sbert", "pool/other", "provider/craton", "provider/sbert",
    "provider/other", "operator/admin", "operator/other", "witness/one",
)  # fmt: skip

KEY_HOLDERS = {"service/auth", "service/runtime", "service/training", "service/audit"}
PROVIDERS = {"provider/craton", "provider/sbert"}
POOLS = {"pool/craton", "pool/sbert"}
FOR_CUSTOMERS = {"service/runtime", "service/training"}
"""Services that use customers' keys: with a principal's token, or by a grant."""
PRINCIPALS = {"service/edge", "operator/admin"}

# Written by hand and not read from callers.toml, so that an entry too many there is found here.
EXPECTED = {
    service_key_service_pb2: {"ServiceKeyService": KEY_HOLDERS},
    log_key_service_pb2: {"LogKeyService": {"service/audit"}},
    digest_key_service_pb2: {"DigestKeyService": {"service/audit"}},
    trail_key_service_pb2: {"TrailKeyService": {"service/audit"}},
    model_key_service_pb2: {"GenerateModelDataKey": PROVIDERS, "OpenModelDataKey": POOLS},
    crypto_service_pb2: {
        "CryptoService": PRINCIPALS,
        **dict.fromkeys(
            ("Encrypt", "ReEncrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"),
            PRINCIPALS | FOR_CUSTOMERS,
        ),
        "Decrypt": PRINCIPALS | FOR_CUSTOMERS | POOLS,
    },
    grant_service_pb2: {
        "GrantService": PRINCIPALS,
        **dict.fromkeys(("CreateGrant", "RetireGrant"), PRINCIPALS | FOR_CUSTOMERS),
    },
    alias_service_pb2: {"AliasService": PRINCIPALS},
    key_admin_service_pb2: {
        "KeyAdminService": PRINCIPALS | PROVIDERS,
        **dict.fromkeys(("PutKeyPolicy", "GetKeyPolicy", "ListKeyPolicies"), PRINCIPALS),
        # AWS has no such operation, so edge asks for none.
        "ListKeyDeletions": {"operator/admin"} | PROVIDERS,
    },
    key_material_service_pb2: {
        "KeyMaterialService": PRINCIPALS | PROVIDERS,
        **dict.fromkeys(
            ("GetParametersForImport", "ImportKeyMaterial", "DeleteImportedKeyMaterial"), PRINCIPALS
        ),
    },
    key_lease_service_pb2: {"KeyLeaseService": KEY_HOLDERS, "CheckKeyUses": POOLS},
    custody_service_pb2: {"CustodyService": {"operator/admin"}},
}


def methods() -> list[tuple[str, set[str]]]:
    pairs = []
    for module, expected in EXPECTED.items():
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                allowed = expected.get(method.name, expected.get(service.name))
                assert allowed is not None
                pairs.append((f"/{service.full_name}/{method.name}", allowed))
    return pairs


async def passes(channel: Channel, name: str) -> bool:
    call: Any = channel.unary_unary(name)
    try:
        # An empty request: whoever is let in fails at its validation at the latest.
        await call(b"")
    except grpc.aio.AioRpcError as error:
        return from_rpc_error(error, "kms").reason_name != "CALLER_NOT_LISTED"
    return True


async def test_only_listed_pairs_pass(kms, workloads) -> None:
    upstream = UpstreamSettings(f"127.0.0.1:{kms.port}", "kms")
    for workload in WORKLOADS:
        channel = Channel(upstream, workloads.tls(workload), TRUST_DOMAIN, SystemClock())
        passed = {name for name, _ in methods() if await passes(channel, name)}
        await channel.close()
        assert passed == {name for name, allowed in methods() if workload in allowed}, workload
