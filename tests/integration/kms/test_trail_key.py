"""Log files sealed under a customer's key over real mTLS, as the audit service asks for it."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
from craton.kms.v1 import crypto_service_pb2, key_admin_service_pb2
from craton.kms.v1 import resources_pb2 as resources

from services.audit.adapters.kms_trail_key import KmsTrailSealer
from services.audit.domain.trail import TrailName
from services.audit.errors import TrailKeyError
from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.encryption_sdk import NotSealedError, open_message
from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes
from services.chassis.server import Server
from services.chassis.settings import UpstreamSettings
from tests.fakes.auth_server import ALLOW_ALL, FakeAuth
from tests.fakes.workloads import TRUST_DOMAIN, Workloads
from tests.integration.kms.conftest import UNUSED_PORT

ACCOUNT = "123456789012"
PARENT = f"accounts/{ACCOUNT}/regions/us-east-1"
NAME = TrailName(ACCOUNT, "us-east-1", "whole")
PLACE = f"bucket/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/11/22/file.json.gz"
CONTEXT = {"aws:cloudtrail:arn": NAME.arn("aws"), "aws:s3:arn": f"arn:aws:s3:::{PLACE}"}


def policy() -> str:
    service = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Resource": "*"}
    source = {"StringEquals": {"aws:SourceArn": NAME.arn("aws")}}
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Resource": "*"}
    statements = [
        {**root, "Action": "kms:*"},
        {**service, "Action": ["kms:GenerateDataKey*", "kms:DescribeKey"], "Condition": source},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture
async def sealer_at(workloads: Workloads) -> AsyncIterator[Callable[..., KmsTrailSealer]]:
    channels: list[Channel] = []

    def connect(target: str, workload: str = "service/audit") -> KmsTrailSealer:
        upstream = UpstreamSettings(target, "kms")
        channels.append(Channel(upstream, workloads.tls(workload), TRUST_DOMAIN, SystemClock()))
        return KmsTrailSealer(channels[-1], "aws")

    yield connect
    for channel in channels:
        await channel.close()


async def test_what_is_sealed_is_opened_by_a_principal(
    kms: Server, clients: Any, auth: FakeAuth, sealer_at: Callable[..., KmsTrailSealer]
) -> None:
    auth.policies[f"arn:aws:iam::{ACCOUNT}:user/alice"] = [ALLOW_ALL]
    edge = clients(kms, "service/edge")
    metadata = (("authorization", f"Bearer {auth.token('alice', ACCOUNT)}"),)
    made = await edge.admin.CreateKey(
        key_admin_service_pb2.CreateKeyRequest(parent=PARENT, policy=policy()), metadata=metadata
    )
    key, sealer = made.key.name, sealer_at(f"127.0.0.1:{kms.port}")
    assert await sealer.resolve(NAME, key, "bucket/AWSLogs/") == key
    body = bytes(range(256)) * 1000
    first, second = [await sealer.seal(NAME, key, PLACE, body) for _ in range(2)]
    assert first != second
    asked: list[tuple[bytes, str, Mapping[str, str]]] = []

    def remember(*arguments: Any) -> SecretBytes:
        asked.append(arguments)
        raise NotSealedError("not yet")

    with pytest.raises(NotSealedError):
        open_message(first, remember)
    ((encrypted, arn, context),) = asked
    assert context == CONTEXT
    assert arn == f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{key.rpartition('/')[2]}"
    opened = await edge.crypto.Decrypt(
        crypto_service_pb2.DecryptRequest(ciphertext=encrypted, encryption_context=context),
        metadata=metadata,
    )
    secret = SecretBytes(opened.plaintext)
    assert open_message(first, lambda *_: secret) == (body, CONTEXT)
    await edge.admin.DisableKey(key_admin_service_pb2.DisableKeyRequest(name=key), metadata=metadata)
    for work in (sealer.resolve(NAME, key, PLACE), sealer.seal(NAME, key, PLACE, body)):
        with pytest.raises(TrailKeyError) as refused:
            await work
        assert refused.value.code == "KMS.DisabledException"
    other = TrailName(ACCOUNT, "us-east-1", "another")
    with pytest.raises(TrailKeyError) as refused:
        await sealer.seal(other, key, PLACE, body)
    assert refused.value.code == "KMS.AccessDeniedException"
    with pytest.raises(TrailKeyError) as refused:
        await sealer.resolve(NAME, f"{PARENT}/aliases/none", PLACE)
    assert refused.value.code == "KMS.NotFoundException"
    assert made.key.state == resources.KEY_STATE_ENABLED


async def test_a_key_service_that_is_away(sealer_at: Callable[..., KmsTrailSealer]) -> None:
    with pytest.raises(DomainError) as refused:
        await sealer_at(UNUSED_PORT).seal(NAME, f"{PARENT}/keys/k", PLACE, b"")
    assert refused.value.reason_name == "DEPENDENCY_UNAVAILABLE"


@pytest.mark.parametrize("workload", ["service/edge", "operator/admin"])
async def test_nobody_else_is_let_in(
    kms: Server, sealer_at: Callable[..., KmsTrailSealer], workload: str
) -> None:
    sealer = sealer_at(f"127.0.0.1:{kms.port}", workload)
    for work in (sealer.resolve(NAME, f"{PARENT}/keys/k", PLACE), sealer.seal(NAME, "k", PLACE, b"")):
        with pytest.raises(DomainError) as refused:
            await work
        assert refused.value.reason_name == "CALLER_NOT_LISTED"
