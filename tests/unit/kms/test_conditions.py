"""What requests on keys say to policies: every condition key of kms, by AWS's names.

https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
"""

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from services.chassis.policy.key_table import KEYS
from services.chassis.policy.keys import find
from services.chassis.principal import PrincipalClaims
from services.kms.domain.keys import Key, KeyOrigin, KeyState
from services.kms.domain.names import AliasName, KeyName
from services.kms.domain.request_facts import GrantFacts, RequestFacts
from services.kms.domain.specs import KeySpec, KeyUsage
from services.kms.operations.conditions import conditions_of

PARENT = "accounts/111122223333/regions/us-east-1"
ALICE = PrincipalClaims(
    *("111122223333", "i1", "arn:aws:iam::111122223333:user/alice", "AIDA", "AKIA", False),
    *(1, "us-east-1", "kms", "t", 0, 60),
)
KEY = Key(
    KeyName.parse(f"{PARENT}/keys/k"),
    *("i1", KeyState.ENABLED, "", datetime(2026, 1, 1, tzinfo=UTC), 1),
    spec=KeySpec.RSA_2048,
    usage=KeyUsage.SIGN_VERIFY,
    origin=KeyOrigin.EXTERNAL,
    tags=(("team", "red"),),
)
ALIAS = AliasName.parse(f"{PARENT}/aliases/reports")
MOMENT = datetime(2027, 2, 3, 4, 5, 6, 789, tzinfo=UTC)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"alias": ALIAS}, {"kms:RequestAlias": "alias/reports"}),
        (
            {"encryption_context": {"a": "1", "b": "2"}},
            {
                "kms:EncryptionContextKeys": ("a", "b"),
                "kms:EncryptionContext:a": "1",
                "kms:EncryptionContext:b": "2",
            },
        ),
        ({"encryption_algorithm": "SYMMETRIC_DEFAULT"}, {"kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}),
        ({"signing_algorithm": "ECDSA_SHA_256"}, {"kms:SigningAlgorithm": "ECDSA_SHA_256"}),
        ({"message_type": "DIGEST"}, {"kms:MessageType": "DIGEST"}),
        ({"mac_algorithm": "HMAC_SHA_256"}, {"kms:MacAlgorithm": "HMAC_SHA_256"}),
        ({"key_agreement_algorithm": "ECDH"}, {"kms:KeyAgreementAlgorithm": "ECDH"}),
        ({"pair_spec": "RSA_2048"}, {"kms:DataKeyPairSpec": "RSA_2048"}),
        ({"same_key": True}, {"kms:ReEncryptOnSameKey": "true"}),
        ({"same_key": False}, {"kms:ReEncryptOnSameKey": "false"}),
        ({"wrapping_algorithm": "RSAES_OAEP_SHA_256"}, {"kms:WrappingAlgorithm": "RSAES_OAEP_SHA_256"}),
        ({"wrapping_key_spec": "RSA_4096"}, {"kms:WrappingKeySpec": "RSA_4096"}),
        ({"import_material": True}, {"kms:ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}),
        (
            {"import_material": True, "expires": MOMENT},
            {"kms:ExpirationModel": "KEY_MATERIAL_EXPIRES", "kms:ValidTo": "2027-02-03T04:05:06Z"},
        ),
        ({"pending_days": 7}, {"kms:ScheduleKeyDeletionPendingWindowInDays": "7"}),
        ({"rotation_days": 90}, {"kms:RotationPeriodInDays": "90"}),
        ({"bypass_lockout_check": False}, {"kms:BypassPolicyLockoutSafetyCheck": "false"}),
        ({"bypass_lockout_check": True}, {"kms:BypassPolicyLockoutSafetyCheck": "true"}),
        ({"spec": "RSA_2048"}, {"kms:KeySpec": "RSA_2048"}),
        ({"usage": "SIGN_VERIFY"}, {"kms:KeyUsage": "SIGN_VERIFY"}),
        ({"origin": "EXTERNAL"}, {"kms:KeyOrigin": "EXTERNAL"}),
        (
            {"tags": {"team": "red"}, "tag_keys": ("team", "old")},
            {"aws:RequestTag/team": "red", "aws:TagKeys": ("team", "old")},
        ),
        ({"tag_keys": ("old",)}, {"aws:TagKeys": ("old",)}),
        ({"about_grants": True}, {"kms:GrantIsForAWSResource": "false"}),
        (
            {"grant": GrantFacts(("Decrypt",), "g", "r", equals={"a": "1"})},
            {
                "kms:GrantOperations": ("Decrypt",),
                "kms:GranteePrincipal": "g",
                "kms:RetiringPrincipal": "r",
                "kms:GrantConstraintType": "EncryptionContextEquals",
            },
        ),
        (
            {"grant": GrantFacts(subset={"a": "1"})},
            {"kms:GrantConstraintType": "EncryptionContextSubset"},
        ),
    ],
)
def test_what_a_request_says(facts: dict[str, Any], expected: dict[str, Any]) -> None:
    said = dict(conditions_of(RequestFacts(**facts), ALICE))
    assert said.pop("kms:CallerAccount") == "111122223333"
    assert said == expected


def test_what_the_key_says() -> None:
    said = conditions_of(RequestFacts(spec="SYMMETRIC_DEFAULT", alias=ALIAS), None, KEY, [ALIAS])
    assert said == {
        "kms:RequestAlias": "alias/reports",
        "kms:ResourceAliases": ("alias/reports",),
        "kms:KeySpec": "RSA_2048",
        "kms:KeyUsage": "SIGN_VERIFY",
        "kms:KeyOrigin": "EXTERNAL",
        "kms:MultiRegion": "false",
        "aws:ResourceTag/team": "red",
    }, "whatever the request says of it; and a workload has no account"


def test_through_which_service_a_request_came() -> None:
    through = dataclasses.replace(ALICE, via=("sts.amazonaws.com", "bedrock.amazonaws.com"))
    said = conditions_of(RequestFacts(about_grants=True), through)
    assert said["kms:ViaService"] == "bedrock.us-east-1.amazonaws.com"
    assert said["kms:GrantIsForAWSResource"] == "true"
    assert "kms:ViaService" not in conditions_of(RequestFacts(), ALICE)


def test_an_encryption_context_cannot_pose_as_another_key() -> None:
    facts = RequestFacts(encryption_context={"CallerAccount": "9", "": "x", "a:b": "c"})
    said = conditions_of(facts, ALICE)
    assert said["kms:CallerAccount"] == "111122223333"
    assert {each for each in said if each.startswith("kms:EncryptionContext:")} == {
        "kms:EncryptionContext:CallerAccount",
        "kms:EncryptionContext:",
        "kms:EncryptionContext:a:b",
    }


def test_every_key_of_the_table_is_filled_in_but_those_of_several_regions() -> None:
    everything = RequestFacts(
        alias=ALIAS,
        encryption_context={"a": "1"},
        encryption_algorithm="x",
        signing_algorithm="x",
        message_type="x",
        mac_algorithm="x",
        key_agreement_algorithm="x",
        pair_spec="x",
        same_key=True,
        wrapping_algorithm="x",
        wrapping_key_spec="x",
        expires=MOMENT,
        import_material=True,
        pending_days=7,
        rotation_days=90,
        bypass_lockout_check=True,
        about_grants=True,
        grant=GrantFacts(("Decrypt",), "g", "r", equals={"a": "1"}),
    )
    through = dataclasses.replace(ALICE, via=("bedrock.amazonaws.com",))
    said = {find(each) for each in conditions_of(everything, through, KEY, [ALIAS])}
    ours = {key for key in KEYS if key.name.startswith("kms:")}
    missing = {"kms:MultiRegionKeyType", "kms:PrimaryRegion", "kms:ReplicaRegion"}
    assert {key.name for key in ours - said} == missing
