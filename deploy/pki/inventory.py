"""Which leaves the local stack needs, who owns each, and by which CA it is signed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from deploy.local.stack import Stack
from deploy.pki.authority import LeafRequest
from services.chassis.identity import WorkloadId

LEAF_LIFE = timedelta(hours=24)
TRITON_LIFE = timedelta(days=30)
"""Triton reads its certificate once, so that replacing it means a restart; its CA has two leaves only,
and both ends are on this machine."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf certificate: where it lies, who reads it, what it says."""

    directory: Path
    uid: int
    authority: str
    """Name of the signing CA: "ca" for the installation's, "triton-<pool>-ca" for a pool's own."""
    request: LeafRequest
    certificate_name: str = "tls.crt"
    key_name: str = "tls.key"


def authorities(stack: Stack) -> Iterator[tuple[str, str]]:
    """Yield (file stem, common name) of every CA."""
    yield "ca", f"Craton CA of {stack.definition.trust_domain}"
    for pool in stack.definition.pools:
        yield f"triton-{pool.name}-ca", f"Triton CA of pool {pool.name}"


def leaves(stack: Stack) -> Iterator[Leaf]:
    """Yield every leaf that the stack needs."""
    definition = stack.definition
    for service in definition.services:
        yield _workload(stack, "service", service.name, service.uid)
    yield _workload(stack, "service", "edge", definition.edge.uid)
    yield _server_only(stack, "redis", "redis.craton.internal", definition.redis.uid)
    yield _workload(stack, "operator", "admin", 0)
    # Approves what the other one asks for. One that is worth its name is somebody else's, on another machine.
    yield _workload(stack, "operator", "approver", 0)
    for witness in definition.witnesses:
        yield _workload(stack, "witness", witness.name, witness.uid)
    for provider in definition.providers:
        yield _workload(stack, "provider", provider.name, 0)
    for name, uid in _public_endpoints(stack):
        yield _public(stack, name, uid)
    runtime_uid = next(service.uid for service in definition.services if service.name == "runtime")
    for pool in definition.pools:
        yield _workload(stack, "pool", pool.name, pool.uid)
        authority = f"triton-{pool.name}-ca"
        host = f"triton-{pool.name}.craton.internal"
        yield Leaf(
            directory=stack.pki / f"triton-{pool.name}",
            uid=stack.uid(pool.uid),
            authority=authority,
            # The agent loads and watches the models with this leaf, so that it is a client as well.
            request=LeafRequest(host, [host], TRITON_LIFE),
            certificate_name="server.crt",
            key_name="server.key",
        )
        yield Leaf(
            directory=stack.pki / f"triton-{pool.name}-runtime",
            uid=stack.uid(runtime_uid),
            authority=authority,
            request=LeafRequest(
                "runtime.craton.internal", ["runtime.craton.internal"], TRITON_LIFE, server=False
            ),
        )


def _public_endpoints(stack: Stack) -> Iterator[tuple[str, int]]:
    yield "edge", stack.definition.edge.uid
    for service in stack.definition.services:
        if service.name == "runtime":
            yield service.name, service.uid


def _workload(stack: Stack, kind: str, name: str, uid: int) -> Leaf:
    identity = WorkloadId(stack.definition.trust_domain, kind, name)
    return Leaf(
        directory=stack.identity_dir(kind, name),
        uid=stack.uid(uid),
        authority="ca",
        request=LeafRequest(identity.path, [identity.dns_name], LEAF_LIFE, uri=str(identity)),
    )


def _server_only(stack: Stack, name: str, dns_name: str, uid: int) -> Leaf:
    return Leaf(
        directory=stack.pki / name,
        uid=stack.uid(uid),
        authority="ca",
        request=LeafRequest(
            dns_name, [dns_name, "localhost"], LEAF_LIFE, ip_addresses=[stack.address], client=False
        ),
    )


def _public(stack: Stack, name: str, uid: int) -> Leaf:
    addresses = dict.fromkeys([stack.address, "127.0.0.1", "::1"])
    return Leaf(
        directory=stack.pki / f"{name}-public",
        uid=stack.uid(uid),
        authority="ca",
        request=LeafRequest(
            "localhost", ["localhost"], LEAF_LIFE, ip_addresses=list(addresses), client=False
        ),
    )
