"""Names of keys, and what wrapped material is bound to."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.chassis.settings import AuditSettings, ServerSettings, TlsSettings, UpstreamSettings
from services.kms.config import CustodySettings, KmsConfig
from services.kms.domain.keys import Key, KeyState, wrapping_context
from services.kms.domain.names import KeyClass, KeyName, KeyParent


@pytest.mark.parametrize(
    ("text", "key_class", "owner"),
    [
        ("accounts/123456789012/regions/us-east-1/keys/a-B-9", KeyClass.CUSTOMER, "123456789012"),
        ("providers/craton/keys/1", KeyClass.PROVIDER, "craton"),
        ("services/auth/keys/default", KeyClass.SERVICE, "auth"),
    ],
)
def test_names(text: str, key_class: KeyClass, owner: str) -> None:
    name = KeyName.parse(text)
    assert (name.parent.key_class, name.parent.owner, str(name)) == (key_class, owner, text)
    assert KeyParent.parse(text.rsplit("/keys/", 1)[0]).key(name.key_id) == name


@pytest.mark.parametrize(
    "text",
    [
        "", "keys/1", "accounts/1/regions/us-east-1/keys/1", "accounts/123456789012/keys/1",
        "providers/craton/keys/", "providers/Craton/keys/1", "services/auth/keys/a/b",
        "services/auth/keys/default\n", "providers/craton/keys/" + "x" * 65, "pools/craton/keys/1",
    ],
)  # fmt: skip
def test_what_is_no_name_of_a_key(text: str) -> None:
    with pytest.raises(ValueError, match="not the resource name of a key"):
        KeyName.parse(text)


def test_wrapped_material_is_bound_to_key_incarnation_and_version() -> None:
    key = Key(
        KeyName.parse("providers/craton/keys/1"),
        "i",
        KeyState.ENABLED,
        "d",
        datetime(2026, 1, 1, tzinfo=UTC),
        1,
    )
    contexts = {
        wrapping_context(key, 1),
        wrapping_context(key, 2),
        wrapping_context(replace(key, incarnation=""), 1),
        wrapping_context(replace(key, name=KeyName.parse("providers/craton/keys/1i")), 1),
        wrapping_context(replace(key, name=KeyName.parse("providers/craton/keys/1i"), incarnation=""), 1),
    }
    assert len(contexts) == 5
    # What may change during a key's life is not part of it.
    assert wrapping_context(replace(key, state=KeyState.DISABLED, description="x"), 1) in contexts


def test_custody_beside_the_database_is_refused(tmp_path: Path) -> None:
    def config(custody: Path) -> KmsConfig:
        path = Path("x")
        return KmsConfig(
            ServerSettings("kms", "127.0.0.1:0", ""),
            TlsSettings(path, path, path),
            AuditSettings(path, UpstreamSettings("127.0.0.1:1", "audit")),
            UpstreamSettings("127.0.0.1:1", "auth"),
            f"sqlite:///{tmp_path}/state/kms.sqlite",
            CustodySettings(custody),
        )

    config(tmp_path / "custody" / "root.key")
    for inside in ("state/root.key", "state/custody/root.key", "custody/../state/root.key"):
        with pytest.raises(ValueError, match="outside"):
            config(tmp_path / inside)
