"""Key policies and grants over real mTLS: who uses a key, and from when on nobody does."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from craton.kms.v1 import (
    alias_service_pb2,
    alias_service_pb2_grpc,
    crypto_service_pb2,
    crypto_service_pb2_grpc,
    grant_service_pb2,
    grant_service_pb2_grpc,
    key_admin_service_pb2,
    key_admin_service_pb2_grpc,
)

from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.policy.document import canonical, parse
from services.chassis.policy.kinds import RESOURCE_CONTROL
from services.chassis.rich_status import from_rpc_error
from services.chassis.server import Server
from services.chassis.settings import UpstreamSettings
from tests.eventually import until
from tests.fakes.auth_server import ALLOW_ALL, FakeAuth
from tests.fakes.workloads import TRUST_DOMAIN, Workloads

OWNER, OTHER = "123456789012", "444455556666"
PARENT = f"accounts/{OWNER}/regions/us-east-1"
ROOT = f"arn:aws:iam::{OWNER}:root"
CONTEXT = {"tenant": "red"}


def user(name: str, account: str = OWNER) -> str:
    return f"arn:aws:iam::{account}:user/{name}"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(principal: str, action: str = "kms:*") -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, "Resource": "*"}


async def reason(call: Awaitable[Any]) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value, "kms").reason_name


@dataclass
class Caller:
    """A workload, with or without a user's token."""

    channel: Channel
    auth: FakeAuth
    name: str = ""
    account: str = OWNER

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        token = self.auth.token(self.name, self.account) if self.name else ""
        return (("authorization", f"Bearer {token}"),) if token else ()

    def admin(self, method: str, **fields: Any) -> Any:
        stub: Any = key_admin_service_pb2_grpc.KeyAdminServiceStub(self.channel)
        request = getattr(key_admin_service_pb2, f"{method}Request")(**fields)
        return getattr(stub, method)(request, metadata=self.metadata)

    def grants(self, method: str, **fields: Any) -> Any:
        stub: Any = grant_service_pb2_grpc.GrantServiceStub(self.channel)
        request = getattr(grant_service_pb2, f"{method}Request")(**fields)
        return getattr(stub, method)(request, metadata=self.metadata)

    def crypto(self, method: str, **fields: Any) -> Any:
        stub: Any = crypto_service_pb2_grpc.CryptoServiceStub(self.channel)
        request = getattr(crypto_service_pb2, f"{method}Request")(**fields)
        return getattr(stub, method)(request, metadata=self.metadata)

    def aliases(self, method: str, **fields: Any) -> Any:
        stub: Any = alias_service_pb2_grpc.AliasServiceStub(self.channel)
        request = getattr(alias_service_pb2, f"{method}Request")(**fields)
        return getattr(stub, method)(request, metadata=self.metadata)


Calling = Callable[..., Caller]


@pytest.fixture
async def calling(kms: Server, workloads: Workloads, auth: FakeAuth) -> AsyncIterator[Calling]:
    """Return what makes callers: `calling("alice")`, `calling(workload="pool/craton")`."""
    auth.policies[user("admin")] = [ALLOW_ALL]
    channels: dict[str, Channel] = {}

    def make(name: str = "", account: str = OWNER, workload: str = "service/edge") -> Caller:
        if workload not in channels:
            upstream = UpstreamSettings(f"127.0.0.1:{kms.port}", "kms")
            channels[workload] = Channel(upstream, workloads.tls(workload), TRUST_DOMAIN, SystemClock())
        return Caller(channels[workload], auth, name, account)

    yield make
    for channel in channels.values():
        await channel.close()


async def new_key(admin: Caller, **fields: Any) -> str:
    created = await admin.admin("CreateKey", parent=PARENT, **fields)
    name: str = created.key.name
    return name


async def grant(admin: Caller, key: str, grantee: str, *operations: str, **more: Any) -> Any:
    return await admin.grants(
        "CreateGrant", key_name=key, grantee_principal=grantee, operations=operations, **more
    )


async def test_grants_are_created_used_listed_and_ended(calling: Calling) -> None:
    admin, alice, bob = calling("admin"), calling("alice"), calling("bob")
    key = await new_key(admin)
    assert await reason(alice.crypto("Encrypt", key_name=key, plaintext=b"x")) == "ACCESS_DENIED"
    constraints = {"encryption_context_subset": CONTEXT}
    made = await grant(
        *(admin, key, user("alice"), "Encrypt", "Decrypt", "RetireGrant"),
        constraints=constraints,
        retiring_principal=user("bob"),
        friendly_name="backup",
    )
    asked = {"key_name": key, "plaintext": b"x"}
    assert await reason(alice.crypto("Encrypt", **asked)) == "ACCESS_DENIED"
    sealed = await alice.crypto(
        "Encrypt", **asked, encryption_context=CONTEXT, grant_tokens=[made.grant_token]
    )
    opening = {"ciphertext": sealed.ciphertext, "encryption_context": CONTEXT}
    assert (await alice.crypto("Decrypt", **opening)).plaintext == b"x"
    assert await reason(bob.crypto("Decrypt", **opening)) == "ACCESS_DENIED"
    assert await reason(alice.crypto("Decrypt", **opening, dry_run=True)) == "DRY_RUN"
    for refused in (
        bob.crypto("Decrypt", **opening, dry_run=True),
        alice.crypto("Encrypt", **asked, dry_run=True),
    ):
        assert await reason(refused) == "ACCESS_DENIED"
    wrong = alice.crypto("Decrypt", **opening, grant_tokens=["x"])
    assert await reason(wrong) == "INVALID_GRANT_TOKEN"
    [listed] = (await admin.grants("ListGrants", key_name=key)).grants
    assert (listed.name, listed.grantee_principal, listed.retiring_principal, listed.friendly_name) == (
        *(made.name, user("alice"), user("bob"), "backup"),
    )
    assert (listed.issuing_account, dict(listed.constraints.encryption_context_subset)) == (ROOT, CONTEXT)
    assert await reason(alice.grants("ListGrants", key_name=key)) == "ACCESS_DENIED"
    retirable = await admin.grants("ListRetirableGrants", parent=PARENT, retiring_principal=user("bob"))
    assert [each.name for each in retirable.grants] == [made.name]
    assert await reason(calling("carol").grants("RetireGrant", name=made.name)) == "ACCESS_DENIED"
    await bob.grants("RetireGrant", grant_token=made.grant_token)
    assert await reason(alice.crypto("Decrypt", **opening)) == "ACCESS_DENIED"
    again = await grant(admin, key, user("alice"), "Decrypt")
    assert (await alice.crypto("Decrypt", **opening)).plaintext == b"x"
    assert await reason(alice.grants("RevokeGrant", name=again.name)) == "ACCESS_DENIED"
    await admin.grants("RevokeGrant", name=again.name)
    assert await reason(alice.crypto("Decrypt", **opening)) == "ACCESS_DENIED"
    assert await reason(admin.grants("RevokeGrant", name=again.name)) == "RESOURCE_NOT_FOUND"
    assert await reason(admin.grants("RevokeGrant", name=f"{key}/grants/x")) == "INVALID_GRANT_ID"
    empty = grant(admin, key, user("alice"), "Decrypt", constraints={})
    assert await reason(empty) == "INVALID_FIELD"


async def test_policies_are_written_read_and_in_force(calling: Calling) -> None:
    admin, alice = calling("admin"), calling("alice")
    key = await new_key(admin)
    default = (await admin.admin("GetKeyPolicy", name=key)).policy
    assert json.loads(default)["Statement"][0]["Principal"] == {"AWS": ROOT}
    sealed = await admin.crypto("Encrypt", key_name=key, plaintext=b"x")
    text = policy(allow(ROOT), allow(user("alice"), "kms:Decrypt"))
    await admin.admin("PutKeyPolicy", name=key, policy=text)
    assert (await admin.admin("GetKeyPolicy", name=key)).policy == text
    assert (await alice.crypto("Decrypt", ciphertext=sealed.ciphertext)).plaintext == b"x"
    await admin.admin("PutKeyPolicy", name=key, policy=default)
    assert await reason(alice.crypto("Decrypt", ciphertext=sealed.ciphertext)) == "ACCESS_DENIED"
    for wrong in ("{", policy(allow(user("nobody"))), policy(allow(user("alice")))):
        refused = admin.admin("PutKeyPolicy", name=key, policy=wrong)
        assert await reason(refused) == "UNSUPPORTED_POLICY"
    with_policy = await new_key(admin, policy=text)
    assert (await admin.admin("GetKeyPolicy", name=with_policy)).policy == text
    locked = admin.admin("CreateKey", parent=PARENT, policy=policy(allow(user("alice"))))
    assert await reason(locked) == "UNSUPPORTED_POLICY"
    await admin.admin(
        "CreateKey", parent=PARENT, policy=policy(allow(user("alice"))), bypass_lockout_check=True
    )


async def test_another_account_uses_a_key_that_names_it_as_the_owner_is_bound(
    calling: Calling, auth: FakeAuth, kms: Server
) -> None:
    admin, eve = calling("admin"), calling("eve", OTHER)
    key = await new_key(admin)
    sealed = await admin.crypto("Encrypt", key_name=key, plaintext=b"x")
    opening = {"ciphertext": sealed.ciphertext}
    auth.policies[user("eve", OTHER)] = [ALLOW_ALL]
    assert await reason(eve.crypto("Decrypt", **opening)) == "ACCESS_DENIED"
    text = policy(allow(ROOT), allow(f"arn:aws:iam::{OTHER}:root", "kms:Decrypt"))
    await admin.admin("PutKeyPolicy", name=key, policy=text)
    assert (await eve.crypto("Decrypt", **opening)).plaintext == b"x"
    assert await reason(calling("mallory", OTHER).crypto("Decrypt", **opening)) == "ACCESS_DENIED"
    unknown = key[:-1] + ("0" if key[-1] != "0" else "1")
    assert await reason(eve.admin("GetKey", name=unknown)) == "ACCESS_DENIED"
    assert await reason(admin.admin("GetKey", name=unknown)) == "RESOURCE_NOT_FOUND"


async def test_nobody_learns_from_a_ciphertext_what_an_alias_of_another_account_means(
    calling: Calling, auth: FakeAuth
) -> None:
    admin, eve = calling("admin"), calling("eve", OTHER)
    auth.policies[user("eve", OTHER)] = [ALLOW_ALL]
    key, another = await new_key(admin), await new_key(admin)
    sealed = await admin.crypto("Encrypt", key_name=key, plaintext=b"x")
    aliases = {"same": key, "other": another, "none": ""}
    for name, meant in aliases.items():
        if meant:
            await admin.aliases("CreateAlias", name=f"{PARENT}/aliases/{name}", key_name=meant)

    async def told(method: str, **fields: Any) -> str:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await eve.crypto(method, ciphertext=sealed.ciphertext, **fields)
        return f"{caught.value.code()} {caught.value.details()}"

    for method, field, more in (
        ("Decrypt", "key_name", {}),
        ("ReEncrypt", "source_key_name", {"destination_key_name": key}),
    ):
        found = {
            (await told(method, **{field: f"{PARENT}/aliases/{name}"}, **more)).replace(name, "NAME")
            for name in aliases
        }
        assert len(found) == 1, found


async def test_resource_control_policies_of_the_owner_bind_other_accounts(
    calling: Calling, auth: FakeAuth
) -> None:
    admin, eve = calling("admin"), calling("eve", OTHER)
    auth.policies[user("eve", OTHER)] = [ALLOW_ALL]
    deny = {"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}
    everything = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    auth.controls[OWNER] = [[canonical(parse(policy(everything, deny), RESOURCE_CONTROL))]]
    text = policy(allow(ROOT), allow(f"arn:aws:iam::{OTHER}:root"))
    key = await new_key(admin, policy=text)
    sealed = await eve.crypto("Encrypt", key_name=key, plaintext=b"x")
    assert await reason(eve.crypto("Decrypt", ciphertext=sealed.ciphertext)) == "ACCESS_DENIED"


@pytest.mark.parametrize("workload", ["service/training", "pool/craton"])
async def test_a_workload_uses_a_key_by_a_grant_and_never_by_its_own_word(
    calling: Calling, workload: str
) -> None:
    admin, own = calling("admin"), calling(workload=workload)
    service = {**allow(ROOT), "Principal": {"Service": "bedrock.amazonaws.com"}}
    key = await new_key(admin, policy=policy(allow(ROOT), service))
    sealed = await admin.crypto("Encrypt", key_name=key, plaintext=b"x", encryption_context=CONTEXT)
    opening = {"ciphertext": sealed.ciphertext, "encryption_context": CONTEXT}
    assert await reason(own.crypto("Decrypt", **opening)) == "ACCESS_DENIED"
    made = await grant(admin, key, workload, "Decrypt", constraints={"encryption_context_equals": CONTEXT})
    assert (await own.crypto("Decrypt", **opening)).plaintext == b"x"
    await admin.grants("RevokeGrant", name=made.name)
    assert await reason(own.crypto("Decrypt", **opening)) == "ACCESS_DENIED"
    edge = calling()
    assert await reason(edge.crypto("Decrypt", **opening)) == "MISSING_CREDENTIALS"


Ending = Callable[[Caller, str, str], Awaitable[Any]]

ENDINGS: dict[str, tuple[Ending, str]] = {
    "revoke": (lambda admin, _key, name: admin.grants("RevokeGrant", name=name), "ACCESS_DENIED"),
    "retire": (lambda admin, _key, name: admin.grants("RetireGrant", name=name), "ACCESS_DENIED"),
    "disable": (lambda admin, key, _name: admin.admin("DisableKey", name=key), "KEY_DISABLED"),
    "policy": (
        lambda admin, key, _name: admin.admin(
            "PutKeyPolicy",
            name=key,
            policy=policy(allow(ROOT), {**allow(user("alice")), "Effect": "Deny"}),
        ),
        "ACCESS_DENIED",
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_nothing_succeeds_that_began_after_the_acknowledgement(calling: Calling, ending: str) -> None:
    admin, alice = calling("admin"), calling("alice")
    end, refusal = ENDINGS[ending]
    key = await new_key(admin)
    made = await grant(admin, key, user("alice"), "Decrypt")
    sealed = await admin.crypto("Encrypt", key_name=key, plaintext=b"x")
    moments = itertools.count()
    outcomes: list[tuple[int, str]] = []
    stopped = asyncio.Event()
    busy = asyncio.Event()

    async def use() -> None:
        while not stopped.is_set():
            began = next(moments)
            try:
                await alice.crypto("Decrypt", ciphertext=sealed.ciphertext)
                outcomes.append((began, "OK"))
            except grpc.aio.AioRpcError as error:
                outcomes.append((began, from_rpc_error(error, "kms").reason_name))
            if len(outcomes) > 64:
                busy.set()

    users = [asyncio.create_task(use()) for _ in range(32)]
    await asyncio.wait_for(busy.wait(), 30)
    before = len(outcomes)
    await end(admin, key, made.name)
    acknowledged = next(moments)

    def after() -> list[str]:
        return [outcome for began, outcome in outcomes if began > acknowledged]

    # For half a second, and as many calls as a machine that is held back makes in more than that.
    await asyncio.sleep(0.5)
    await until(lambda: len(after()) >= 32)
    stopped.set()
    await asyncio.gather(*users)
    assert {outcome for _, outcome in outcomes[:before]} == {"OK"}
    assert set(after()) == {refusal}
