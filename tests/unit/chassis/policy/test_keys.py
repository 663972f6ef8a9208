"""Which names are condition keys."""

import pytest

from services.chassis.policy.key_table import KEYS
from services.chassis.policy.keys import find, merge
from services.chassis.policy.operators import Kind


@pytest.mark.parametrize(
    ("name", "kind", "several"),
    [
        ("AWS:sourcevpce", Kind.STRING, False),
        ("aws:ResourceTag/a:sub", Kind.STRING, False),
        ("aws:VpcSourceIp", Kind.ADDRESS, False),
        ("aws:CalledVia", Kind.STRING, True),
        ("kms:EncryptionContext:idp.example:amr", Kind.STRING, False),
        ("idp.example:sub", Kind.STRING, False),
        ("IdP.example/tenant/A/:Sub", Kind.STRING, False),
        ("idp.example:amr", Kind.STRING, True),
        ("localhost:8765/issuer:aud", Kind.STRING, False),
    ],
)
def test_a_name_is_a_key_of_its_kind(name: str, kind: Kind, several: bool) -> None:
    known = find(name)
    assert known is not None
    assert (known.kind, known.several) == (kind, several)


@pytest.mark.parametrize(
    "name",
    [
        "aws:Referer",
        "aws:ResourceTag/",
        "kms:EncryptionContext:",
        "sub",
        ":sub",
        "idp:sub",
        "kms:sub",
        "aws:x/idp.example:sub",
        "idp.example:subject",
        "idp.example:sub:sub",
        "https://idp.example:sub",
        "idp..example:sub",
        "idp.example/a b:sub",
        "idp.example:sub ",
        "*:sub",
        "*",
        "",
    ],
)
def test_any_other_name_is_none(name: str) -> None:
    assert find(name) is None


def test_no_name_stands_twice() -> None:
    names = [key.name.lower() for key in KEYS]
    assert len(names) == len(set(names))
    assert [key.name for key in KEYS if "*" not in key.name and find(key.name) is not key] == []


def test_what_an_operation_says_is_merged_under_lower_case_names() -> None:
    said = {"nobody:Knows": "x", "kms:ViaService": "s3", "kms:EncryptionContextKeys": ["a", "b"]}
    merged = merge({"aws:username": "alice"}, said)
    assert merged == {
        "aws:username": "alice",
        "kms:viaservice": "s3",
        "kms:encryptioncontextkeys": ("a", "b"),
    }
