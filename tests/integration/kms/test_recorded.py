"""What kms records of a key's use: with what context it was, and not which key a ciphertext merely claims."""

import json
from pathlib import Path
from typing import Any

from craton.audit.v1 import resources_pb2

from services.kms.domain.names import KeyName
from tests.fakes.auth_server import ALLOW_ALL, FakeAuth
from tests.integration.kms.test_key_access import OTHER, PARENT, Calling, new_key, reason, user
from tests.integration.kms.test_key_access import calling as calling
from tests.integration.kms.test_resilience import events

CONTEXT = {"tenant": "blue"}
SECRET = b"plaintext-that-is-nowhere"


def last(home: Path, name: str, phase: int = resources_pb2.EVENT_PHASE_OUTCOME) -> tuple[Any, list[str]]:
    """Return what the newest event of this name says of the request, and its resources."""
    [*_, event] = [each for each in events(home) if (each.event_name, each.phase) == (name, phase)]
    assert SECRET not in event.SerializeToString()
    text = event.request_parameters_json
    return json.loads(text) if text else None, list(event.resources)


async def test_uses_of_a_key(calling: Calling, home: Path) -> None:
    admin = calling("admin")
    key = await new_key(admin)
    arn = KeyName.parse(key).displayed
    sealed = await admin.crypto("Encrypt", key_name=key, plaintext=SECRET, encryption_context=CONTEXT)
    for phase in (resources_pb2.EVENT_PHASE_INTENT, resources_pb2.EVENT_PHASE_OUTCOME):
        assert last(home, "Encrypt", phase) == ({"keyId": arn, "encryptionContext": CONTEXT}, [arn])
    opening = {"ciphertext": sealed.ciphertext}
    assert await reason(admin.crypto("Decrypt", **opening, encryption_context={"a": "b"})) == (
        "INVALID_CIPHERTEXT"
    )
    # The caller was admitted to the key that the ciphertext names, and tried it.
    assert last(home, "Decrypt") == ({"encryptionContext": {"a": "b"}}, [arn])
    await admin.crypto(
        "ReEncrypt", **opening, source_encryption_context=CONTEXT, destination_key_name=key, dry_run=False
    )
    asked = {"sourceEncryptionContext": CONTEXT, "destinationKeyId": arn}
    assert last(home, "ReEncrypt") == (asked, [arn, arn])


async def test_a_key_that_a_ciphertext_alone_claims(calling: Calling, auth: FakeAuth, home: Path) -> None:
    admin, eve = calling("admin"), calling("eve", OTHER)
    key, another = await new_key(admin), await new_key(admin)
    sealed = (await admin.crypto("Encrypt", key_name=key, plaintext=SECRET)).ciphertext
    claimed = sealed.replace(key[-12:].encode(), b"0" * 12)
    assert claimed != sealed
    # As AWS answers what refers to a key that there is not, or that is not the caller's.
    assert await reason(admin.crypto("Decrypt", ciphertext=claimed)) == "ACCESS_DENIED"
    assert last(home, "Decrypt") == (None, [])
    auth.policies[user("eve", OTHER)] = [ALLOW_ALL]
    assert await reason(eve.crypto("Decrypt", ciphertext=sealed)) == "ACCESS_DENIED"
    assert last(home, "Decrypt") == (None, [])
    assert await reason(calling("alice").crypto("Decrypt", ciphertext=sealed)) == "ACCESS_DENIED"
    assert last(home, "Decrypt") == (None, [KeyName.parse(key).displayed])
    asked_for = KeyName.parse(another).displayed
    assert await reason(admin.crypto("Decrypt", ciphertext=sealed, key_name=another)) == "INCORRECT_KEY"
    assert last(home, "Decrypt") == ({"keyId": asked_for}, [asked_for])
    alias = f"{PARENT}/aliases/mine"
    await admin.aliases("CreateAlias", name=alias, key_name=key)
    await admin.crypto("Decrypt", ciphertext=sealed, key_name=alias)
    shown = f"arn:aws:kms:us-east-1:{PARENT.split('/')[1]}:alias/mine"
    assert last(home, "Decrypt") == ({"keyId": shown}, [shown, KeyName.parse(key).displayed])
    assert await reason(eve.crypto("Decrypt", ciphertext=sealed, key_name=alias)) == "ACCESS_DENIED"
    assert last(home, "Decrypt") == ({"keyId": shown}, [shown])
