"""kms over real mTLS: every RPC, by those who may and by those who may not."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import grpc
import pytest
from craton.kms.v1 import (
    crypto_service_pb2,
    key_admin_service_pb2,
    log_key_service_pb2,
    model_key_service_pb2,
    resources_pb2,
    service_key_service_pb2,
)

from services.chassis.rich_status import from_rpc_error
from tests.fakes.auth_server import ALLOW_ALL
from tlog.checkpoint import Checkpoint, Trust
from tlog.note import Note, SignatureType, VerifierKey, note_signature

ACCOUNT = "accounts/123456789012/regions/us-east-1"
SHA = "ab" * 32


async def reason(call: Awaitable[Any]) -> str:
    """Return the reason with which a call was refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value, "kms").reason_name


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def allow(action: str | list[str], resource: str = "*", **extra: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **extra}
    return {"Version": "2012-10-17", "Statement": [statement]}


async def test_a_service_uses_its_own_key_and_no_other(kms, clients) -> None:
    auth, runtime = clients(kms, "service/auth").service_keys, clients(kms, "service/runtime").service_keys
    context = {"field": "signing key"}
    sealed = await auth.EncryptWithServiceKey(
        service_key_service_pb2.EncryptWithServiceKeyRequest(plaintext=b"secret", encryption_context=context)
    )
    request = service_key_service_pb2.DecryptWithServiceKeyRequest(
        ciphertext=sealed.ciphertext, encryption_context=context
    )
    assert (await auth.DecryptWithServiceKey(request)).plaintext == b"secret"
    assert await reason(runtime.DecryptWithServiceKey(request)) == "INVALID_CIPHERTEXT"
    request.encryption_context["field"] = "other"
    assert await reason(auth.DecryptWithServiceKey(request)) == "INVALID_CIPHERTEXT"

    key = await runtime.GenerateServiceDataKey(service_key_service_pb2.GenerateServiceDataKeyRequest())
    assert len(key.plaintext) == 32
    opened = await runtime.DecryptWithServiceKey(
        service_key_service_pb2.DecryptWithServiceKeyRequest(ciphertext=key.ciphertext)
    )
    assert opened.plaintext == key.plaintext


async def test_the_key_of_a_log_signs_its_checkpoints_and_nothing_else(kms, clients) -> None:
    audit, runtime = clients(kms, "service/audit").log_keys, clients(kms, "service/runtime").log_keys
    answer = await audit.GetLogPublicKey(log_key_service_pb2.GetLogPublicKeyRequest())
    checkpoint = Checkpoint("audit.example/log", 3, bytes(32)).text
    signed = await audit.SignCheckpoint(log_key_service_pb2.SignCheckpointRequest(checkpoint=checkpoint))
    key = VerifierKey("audit.example/log", SignatureType.NOTE, answer.public_key)
    note = Note(checkpoint, (note_signature(key, signed.signature),))
    assert Trust(key).checkpoint(note).size == 3
    for other in ("craton", f"{checkpoint}more\n", f"cosignature/v1\ntime 1\n{checkpoint}"):
        request = log_key_service_pb2.SignCheckpointRequest(checkpoint=other)
        assert await reason(audit.SignCheckpoint(request)) == "INVALID_FIELD"
    # A larger tree, the same one again, and then neither a smaller one nor another of this size.
    for size, root, refused in ((9, 1, ""), (9, 1, ""), (8, 1, "RESOURCE_STATE"), (9, 2, "RESOURCE_STATE")):
        text = Checkpoint("audit.example/log", size, bytes((root,)) * 32).text
        asking = audit.SignCheckpoint(log_key_service_pb2.SignCheckpointRequest(checkpoint=text))
        if refused:
            assert await reason(asking) == refused
        else:
            await asking
    request = log_key_service_pb2.SignCheckpointRequest(checkpoint=checkpoint)
    assert await reason(runtime.SignCheckpoint(request)) == "CALLER_NOT_LISTED"


async def test_first_use_by_many_at_once_makes_one_key(kms, clients) -> None:
    training = clients(kms, "service/training").service_keys
    sealed = await asyncio.gather(
        *(
            training.EncryptWithServiceKey(
                service_key_service_pb2.EncryptWithServiceKeyRequest(plaintext=bytes([number]))
            )
            for number in range(20)
        )
    )
    for number, each in enumerate(sealed):
        opened = await training.DecryptWithServiceKey(
            service_key_service_pb2.DecryptWithServiceKeyRequest(ciphertext=each.ciphertext)
        )
        assert opened.plaintext == bytes([number])


@pytest.mark.parametrize("workload", ["service/edge", "pool/craton", "provider/craton", "operator/admin"])
async def test_workloads_without_a_service_key(kms, clients, workload: str) -> None:
    stub = clients(kms, workload).service_keys
    request = service_key_service_pb2.GenerateServiceDataKeyRequest()
    assert await reason(stub.GenerateServiceDataKey(request)) == "CALLER_NOT_LISTED"


def model_context(provider: str = "craton") -> model_key_service_pb2.ModelContext:
    return model_key_service_pb2.ModelContext(provider=provider, artifact="tiny-llama", artifact_sha256=SHA)


async def provider_key(kms, clients, provider: str = "craton") -> Any:
    created = await clients(kms, f"provider/{provider}").admin.CreateKey(
        key_admin_service_pb2.CreateKeyRequest(parent=f"providers/{provider}", description="weights")
    )
    return created.key


async def test_a_provider_seals_and_only_its_pool_opens(kms, clients) -> None:
    key = await provider_key(kms, clients)
    provider, pool = clients(kms, "provider/craton"), clients(kms, "pool/craton")
    sealed = await provider.model_keys.GenerateModelDataKey(
        model_key_service_pb2.GenerateModelDataKeyRequest(key_name=key.name, context=model_context())
    )

    def opening(**changes: Any) -> model_key_service_pb2.OpenModelDataKeyRequest:
        request = model_key_service_pb2.OpenModelDataKeyRequest(
            ciphertext=sealed.ciphertext, context=model_context()
        )
        for field, value in changes.items():
            setattr(request.context, field, value)
        return request

    assert (await pool.model_keys.OpenModelDataKey(opening())).plaintext == sealed.plaintext
    for changes in ({"artifact": "other"}, {"artifact_sha256": "cd" * 32}):
        assert await reason(pool.model_keys.OpenModelDataKey(opening(**changes))) == "INVALID_CIPHERTEXT"
    assert await reason(pool.model_keys.OpenModelDataKey(opening(provider="sbert"))) == "ACCESS_DENIED"

    stranger = clients(kms, "pool/sbert").model_keys
    assert await reason(stranger.OpenModelDataKey(opening())) == "ACCESS_DENIED"
    assert await reason(stranger.OpenModelDataKey(opening(provider="sbert"))) == "INVALID_CIPHERTEXT"
    # The provider that sealed the weights cannot open them again, and the pool cannot seal.
    assert await reason(provider.model_keys.OpenModelDataKey(opening())) == "CALLER_NOT_LISTED"
    request = model_key_service_pb2.GenerateModelDataKeyRequest(key_name=key.name, context=model_context())
    assert await reason(pool.model_keys.GenerateModelDataKey(request)) == "CALLER_NOT_LISTED"


async def test_a_provider_seals_under_its_own_keys_for_its_own_models_only(kms, clients) -> None:
    key = await provider_key(kms, clients)
    stranger = clients(kms, "provider/sbert").model_keys
    for context in (model_context("craton"), model_context("sbert")):
        request = model_key_service_pb2.GenerateModelDataKeyRequest(key_name=key.name, context=context)
        assert await reason(stranger.GenerateModelDataKey(request)) == "ACCESS_DENIED"


async def test_a_disabled_key_is_refused_by_the_next_call(kms, clients) -> None:
    key = await provider_key(kms, clients)
    provider, pool = clients(kms, "provider/craton"), clients(kms, "pool/craton").model_keys
    operator = clients(kms, "operator/admin").admin
    generating = model_key_service_pb2.GenerateModelDataKeyRequest(key_name=key.name, context=model_context())
    sealed = await provider.model_keys.GenerateModelDataKey(generating)
    opening = model_key_service_pb2.OpenModelDataKeyRequest(
        ciphertext=sealed.ciphertext, context=model_context()
    )
    for _ in range(5):
        disabled = await operator.DisableKey(key_admin_service_pb2.DisableKeyRequest(name=key.name))
        assert disabled.key.state == resources_pb2.KEY_STATE_DISABLED
        assert await reason(pool.OpenModelDataKey(opening)) == "KEY_DISABLED"
        assert await reason(provider.model_keys.GenerateModelDataKey(generating)) == "KEY_DISABLED"
        await operator.EnableKey(key_admin_service_pb2.EnableKeyRequest(name=key.name))
        assert (await pool.OpenModelDataKey(opening)).plaintext == sealed.plaintext


async def test_nothing_begun_after_a_disable_succeeds(kms, clients) -> None:
    key = await provider_key(kms, clients)
    pool, operator = clients(kms, "pool/craton").model_keys, clients(kms, "operator/admin").admin
    sealed = await clients(kms, "provider/craton").model_keys.GenerateModelDataKey(
        model_key_service_pb2.GenerateModelDataKeyRequest(key_name=key.name, context=model_context())
    )
    opening = model_key_service_pb2.OpenModelDataKeyRequest(
        ciphertext=sealed.ciphertext, context=model_context()
    )
    acknowledged = asyncio.Event()
    wrong: list[str] = []
    tally = {"before": 0, "after": 0}

    async def keep_opening() -> None:
        for _ in range(400):
            began_after = acknowledged.is_set()
            tally["after" if began_after else "before"] += 1
            try:
                await pool.OpenModelDataKey(opening)
            except grpc.aio.AioRpcError:
                pass
            else:
                if began_after:
                    wrong.append("opened after the acknowledgement")
            if tally["after"] > 200:
                return

    openers = [asyncio.create_task(keep_opening()) for _ in range(8)]
    await asyncio.sleep(0.05)
    await operator.DisableKey(key_admin_service_pb2.DisableKeyRequest(name=key.name))
    acknowledged.set()
    await asyncio.gather(*openers)
    assert tally["before"]
    assert tally["after"] > 200
    assert not wrong


async def test_keys_of_providers_are_managed_by_them_and_by_operators(kms, clients, auth) -> None:
    key = await provider_key(kms, clients)
    get = key_admin_service_pb2.GetKeyRequest(name=key.name)
    assert (await clients(kms, "operator/admin").admin.GetKey(get)).key == key
    assert await reason(clients(kms, "provider/sbert").admin.GetKey(get)) == "ACCESS_DENIED"
    auth.policies["arn:aws:iam::123456789012:user/alice"] = [ALLOW_ALL]
    edge = clients(kms, "service/edge").admin
    assert await reason(edge.GetKey(get, metadata=bearer(auth.token("alice")))) == "RESOURCE_NOT_FOUND"


async def create_customer_key(kms, clients, auth, **fields: Any) -> Any:
    auth.policies.setdefault("arn:aws:iam::123456789012:user/alice", [ALLOW_ALL])
    response = await clients(kms, "service/edge").admin.CreateKey(
        key_admin_service_pb2.CreateKeyRequest(parent=ACCOUNT, **fields),
        metadata=bearer(auth.token("alice")),
    )
    return response.key


async def test_a_customer_key_end_to_end(kms, clients, auth) -> None:
    key = await create_customer_key(kms, clients, auth, description="mine")
    assert key.name.startswith(f"{ACCOUNT}/keys/")
    assert (key.state, key.primary_version) == (resources_pb2.KEY_STATE_ENABLED, 1)
    crypto, alice = clients(kms, "service/edge").crypto, bearer(auth.token("alice"))
    sealed = await crypto.Encrypt(
        crypto_service_pb2.EncryptRequest(
            key_name=key.name, plaintext=b"text", encryption_context={"a": "b"}
        ),
        metadata=alice,
    )
    request = crypto_service_pb2.DecryptRequest(ciphertext=sealed.ciphertext, encryption_context={"a": "b"})
    opened = await crypto.Decrypt(request, metadata=alice)
    assert (opened.plaintext, opened.key_name) == (b"text", key.name)
    request.key_name = key.name
    assert (await crypto.Decrypt(request, metadata=alice)).plaintext == b"text"
    request.key_name = f"{key.name}x"
    assert await reason(crypto.Decrypt(request, metadata=alice)) == "RESOURCE_NOT_FOUND"
    data_key = await crypto.GenerateDataKey(
        crypto_service_pb2.GenerateDataKeyRequest(key_name=key.name), metadata=alice
    )
    request = crypto_service_pb2.DecryptRequest(ciphertext=data_key.ciphertext)
    assert (await crypto.Decrypt(request, metadata=alice)).plaintext == data_key.plaintext


async def test_policies_decide_about_customer_keys(kms, clients, auth) -> None:
    key = await create_customer_key(kms, clients, auth)
    arn = f"arn:aws:kms:us-east-1:123456789012:key/{key.name.rsplit('/', 1)[1]}"
    crypto, admin = clients(kms, "service/edge").crypto, clients(kms, "service/edge").admin
    only_tenant_a = {"StringEquals": {"kms:EncryptionContext:tenant": "a"}}
    auth.policies["arn:aws:iam::123456789012:user/bob"] = [
        allow("kms:Encrypt", arn), allow("kms:Decrypt", arn, Condition=only_tenant_a)
    ]  # fmt: skip
    bob = bearer(auth.token("bob"))
    sealed = {
        tenant: await crypto.Encrypt(
            crypto_service_pb2.EncryptRequest(
                key_name=key.name, plaintext=b"text", encryption_context={"tenant": tenant}
            ),
            metadata=bob,
        )
        for tenant in "ab"
    }

    def decrypt(tenant: str) -> Awaitable[Any]:
        request = crypto_service_pb2.DecryptRequest(
            ciphertext=sealed[tenant].ciphertext, encryption_context={"tenant": tenant}
        )
        return crypto.Decrypt(request, metadata=bob)

    assert (await decrypt("a")).plaintext == b"text"
    assert await reason(decrypt("b")) == "ACCESS_DENIED"
    data_key = crypto_service_pb2.GenerateDataKeyRequest(key_name=key.name)
    assert await reason(crypto.GenerateDataKey(data_key, metadata=bob)) == "ACCESS_DENIED"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await admin.DisableKey(key_admin_service_pb2.DisableKeyRequest(name=key.name), metadata=bob)
    assert caught.value.details() == (
        "User: arn:aws:iam::123456789012:user/bob is not authorized to perform: kms:DisableKey on resource: "
        f"{arn} because no identity-based policy allows the kms:DisableKey action"
    )


async def test_without_a_token_there_are_no_customer_keys(kms, clients, auth) -> None:
    key = await create_customer_key(kms, clients, auth)
    edge, operator = clients(kms, "service/edge"), clients(kms, "operator/admin")
    request = crypto_service_pb2.GenerateDataKeyRequest(key_name=key.name)
    for stub in (edge.crypto, operator.crypto):
        assert await reason(stub.GenerateDataKey(request)) == "MISSING_CREDENTIALS"
    for metadata in (bearer("x.y.z"), bearer(auth.token("alice", audience="runtime"))):
        assert await reason(edge.crypto.GenerateDataKey(request, metadata=metadata)) == "INVALID_TOKEN"


@pytest.mark.parametrize(
    "changes",
    [{"account": "210987654321"}, {"region": "eu-west-1"}, {"account_incarnation": "purged and reused"}],
    ids=["account", "region", "incarnation"],
)
async def test_keys_of_others_do_not_exist(kms, clients, auth, changes: dict[str, str]) -> None:
    key = await create_customer_key(kms, clients, auth)
    edge = clients(kms, "service/edge")
    sealed = await edge.crypto.Encrypt(
        crypto_service_pb2.EncryptRequest(key_name=key.name, plaintext=b"text"),
        metadata=bearer(auth.token("alice")),
    )
    token = auth.token("mallory", **changes)
    account = changes.get("account", "123456789012")
    auth.policies[f"arn:aws:iam::{account}:user/mallory"] = [ALLOW_ALL]
    mallory = bearer(token)
    get = key_admin_service_pb2.GetKeyRequest(name=key.name)
    disable = key_admin_service_pb2.DisableKeyRequest(name=key.name)
    encrypt = crypto_service_pb2.EncryptRequest(key_name=key.name, plaintext=b"x")
    decrypt = crypto_service_pb2.DecryptRequest(ciphertext=sealed.ciphertext)
    # Which keys another account has is told to nobody: one that is there is refused as one that is not.
    unknown = "ACCESS_DENIED" if "account" in changes else "RESOURCE_NOT_FOUND"
    assert await reason(edge.admin.GetKey(get, metadata=mallory)) == unknown
    assert await reason(edge.admin.DisableKey(disable, metadata=mallory)) == unknown
    assert await reason(edge.crypto.Encrypt(encrypt, metadata=mallory)) == unknown
    assert await reason(edge.crypto.Decrypt(decrypt, metadata=mallory)) == "ACCESS_DENIED"
    parent = f"accounts/{account}/regions/{changes.get('region', 'us-east-1')}"
    listed = await edge.admin.ListKeys(key_admin_service_pb2.ListKeysRequest(parent=parent), metadata=mallory)
    assert not listed.keys


async def test_keys_of_services_and_providers_are_not_customer_keys(kms, clients, auth) -> None:
    auth.policies["arn:aws:iam::123456789012:user/alice"] = [ALLOW_ALL]
    alice = bearer(auth.token("alice"))
    service = await clients(kms, "service/auth").service_keys.GenerateServiceDataKey(
        service_key_service_pb2.GenerateServiceDataKeyRequest()
    )
    key = await provider_key(kms, clients)
    crypto, admin = clients(kms, "service/edge").crypto, clients(kms, "service/edge").admin
    decrypt = crypto_service_pb2.DecryptRequest(ciphertext=service.ciphertext)
    assert await reason(crypto.Decrypt(decrypt, metadata=alice)) == "ACCESS_DENIED"
    for name in (key.name, "services/auth/keys/default", "nonsense"):
        request = crypto_service_pb2.GenerateDataKeyRequest(key_name=name)
        assert await reason(crypto.GenerateDataKey(request, metadata=alice)) == "RESOURCE_NOT_FOUND"
    get = key_admin_service_pb2.GetKeyRequest(name="services/auth/keys/default")
    assert await reason(admin.GetKey(get, metadata=alice)) == "RESOURCE_NOT_FOUND"


async def test_repeating_a_request_id_returns_the_first_key(kms, clients, auth) -> None:
    first = await create_customer_key(kms, clients, auth, request_id="one", description="d")
    assert await create_customer_key(kms, clients, auth, request_id="one", description="d") == first
    assert (await create_customer_key(kms, clients, auth, request_id="two", description="d")) != first
    changed = create_customer_key(kms, clients, auth, request_id="one", description="other")
    assert await reason(changed) == "INVALID_FIELD"


async def test_pages_hold_every_key_once(kms, clients, auth) -> None:
    names = {(await create_customer_key(kms, clients, auth)).name for _ in range(7)}
    admin, alice = clients(kms, "service/edge").admin, bearer(auth.token("alice"))
    seen: list[str] = []
    token, pages = "", 0
    while pages == 0 or token:
        page = await admin.ListKeys(
            key_admin_service_pb2.ListKeysRequest(parent=ACCOUNT, page_size=3, page_token=token),
            metadata=alice,
        )
        seen += [key.name for key in page.keys]
        token, pages = page.next_page_token, pages + 1
    assert (len(seen), set(seen), pages) == (7, names, 3)
    bad = key_admin_service_pb2.ListKeysRequest(parent=ACCOUNT, page_token="%%%")
    assert await reason(admin.ListKeys(bad, metadata=alice)) == "INVALID_FIELD"
