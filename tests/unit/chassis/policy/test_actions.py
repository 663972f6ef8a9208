"""The table of actions: whole, consistent, and what the services ask for."""

import ast
import functools
import re
from pathlib import Path

import botocore.session
import pytest

from services.chassis.policy.actions import AccessLevel, Action, catalogue
from services.chassis.policy.arn_forms import ArnForm
from services.chassis.policy.key_table import KEYS
from services.chassis.policy.templates import parse_template

ROOT = Path(__file__).resolve().parents[4]
ALL = list(catalogue())
UNLISTED = {
    "bedrock-runtime": {
        "Converse": "InvokeModel",
        "ConverseStream": "InvokeModelWithResponseStream",
        "InvokeModelWithBidirectionalStream": "InvokeModel",
        "StartAsyncInvoke": "InvokeModel",
    },
    "kms": {"ReEncrypt": "ReEncryptFrom"},
}
"""Operations that ask for actions of other names. AWS: the Service Authorization Reference."""


@pytest.mark.parametrize(
    ("model", "service"),
    [
        ("bedrock", "bedrock"),
        ("bedrock-runtime", "bedrock"),
        ("kms", "kms"),
        ("sts", "sts"),
        ("iam", "iam"),
        ("organizations", "organizations"),
    ],
)
def test_every_operation_of_aws_has_an_action(model: str, service: str) -> None:
    operations = botocore.session.get_session().get_service_model(model).operation_names
    names = {UNLISTED.get(model, {}).get(operation, operation) for operation in operations}
    assert sorted(name for name in names if catalogue().find(f"{service}:{name}") is None) == []


@functools.cache
def used() -> tuple[set[str], list[re.Pattern[str]]]:
    """Return the actions that services name, and the forms of those that they put together."""
    names: set[str] = set()
    forms = []
    prefixes = "|".join(catalogue().services)
    for path in (ROOT / "services").rglob("*.py"):
        if path.name == "key_table.py":
            continue
        tree = list(ast.walk(ast.parse(path.read_text())))
        parts = {id(part) for node in tree if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in tree:
            if id(node) in parts:
                continue
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                text = "".join(
                    re.escape(part.value) if isinstance(part, ast.Constant) else "[A-Za-z]+"
                    for part in node.values
                )
                if re.match(rf"(?:aws|{prefixes}|\[A-Za-z\]\+):[A-Za-z]", text):
                    forms.append(re.compile(text))
    return names, forms


def test_every_action_that_a_service_asks_for_is_known_and_marked() -> None:
    prefixes = "|".join(catalogue().services)
    asked = {name for name in used()[0] if re.fullmatch(rf"(?:{prefixes}):[A-Z][A-Za-z]+", name)}
    keys = {key.name for key in KEYS}
    unmarked = sorted(
        name for name in asked - keys if (found := catalogue().find(name)) is None or not found.served
    )
    assert unmarked == [], "each needs `served = true` in services/chassis/policy/catalogue"


def test_what_is_marked_is_asked_for_somewhere() -> None:
    names, forms = used()
    forgotten = [
        action.full_name
        for action in ALL
        if action.served
        and action.full_name not in names
        # What needs no permission is asked for by nobody, and organizations name the operation alone.
        and action.name not in names
        and not any(form.fullmatch(action.full_name) for form in forms)
    ]
    assert forgotten == []


def test_every_key_is_known_and_one_that_belongs_to_a_service_is_carried_by_an_action() -> None:
    known = {key.name for key in KEYS}
    carried = catalogue().service_keys
    assert carried <= known
    # Buckets are no resources of this installation's: nothing here is asked for an action on them.
    assert sorted(name for name in known - carried if not name.startswith(("aws:", "s3:"))) == []


def test_a_form_names_its_type_once() -> None:
    for service in catalogue().services.values():
        forms = [each.form.text for each in service.resources.values()]
        assert len(forms) == len(set(forms)), service.name
        assert {each.name for action in service.actions.values() for each in action.resources} <= set(
            service.resources
        )


def test_the_table_says_of_invoke_model_what_aws_does() -> None:
    action = catalogue().find("Bedrock:invokemodel")
    assert action is not None
    assert (action.full_name, action.level, action.served) == ("bedrock:InvokeModel", AccessLevel.READ, True)
    assert {"foundation-model", "inference-profile", "custom-model-deployment"} <= action.required
    assert action.carries("bedrock:guardrailidentifier")
    assert action.carries("aws:ResourceTag/team")
    assert not action.carries("kms:ViaService")
    assert not action.carries("aws:Nothing")


def names(found: list[Action]) -> list[str]:
    return sorted(action.full_name for action in found)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("kms:decrypt", ["kms:Decrypt"]),
        ("KMS:*Key", ["kms:CreateKey", "kms:DescribeKey", "kms:DisableKey"]),
        ("kms:ListKey?", ["kms:ListKeys"]),
        ("*:GetSessionToken", ["sts:GetSessionToken"]),
        ("kms:Dcrypt", []),
        ("s3:*", []),
        ("*:Nothing*", []),
    ],
)
def test_a_pattern_stands_for_actions(pattern: str, expected: list[str]) -> None:
    assert names(catalogue().matching(pattern))[:3] == expected


@pytest.mark.parametrize("pattern", ["*", "*:*"])
def test_a_star_stands_for_all(pattern: str) -> None:
    assert len(catalogue().matching(pattern)) == len(ALL) > 500


@pytest.mark.parametrize(
    ("service", "wrong", "right"),
    [
        ("kms", "Dcrypt", "kms:Decrypt"),
        ("kms", "decrypts", "kms:Decrypt"),
        ("bedrock", "InvokeModelWithResponsStream", "bedrock:InvokeModelWithResponseStream"),
        ("bedrock", "Frobnicate", ""),
    ],
)
def test_the_nearest_action_is_proposed(service: str, wrong: str, right: str) -> None:
    assert catalogue().services[service].nearest(wrong) == right


def test_an_action_is_what_is_said_of_it_and_nothing_more() -> None:
    bare = Action("s", "A", AccessLevel.READ)
    assert (bare.resources, bare.required, bare.keys) == ((), frozenset(), ())
    assert (bare.served, bare.permission_free) == (False, False)
    free = {each.full_name for each in ALL if each.permission_free}
    assert free == {"sts:GetCallerIdentity"}, "the only one that AWS names"


FORM = ArnForm("arn:${Partition}:bedrock:${Region}:${Account}:flow/${FlowId}/alias/${FlowAliasId}")


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("arn:aws:bedrock:us-east-1:1:flow/a/alias/b", True),
        ("arn:*:bedrock:*:*:*", True),
        ("arn:aws:bedrock:*:*:flow/*", True),
        ("arn:aws:bedrock:*:*:*/b", True),
        ("arn:aws:bedrock:*:*:f?ow/?/alia?/b", True),
        ("arn:aws:bedrock:*:*:flow/${aws:username}", True),
        ("arn:aws:bedrock:*:*:${aws:username}", True),
        ("arn:aws:bedrock:*:*:flow/a${*}/alias/b", True),
        ("arn:aws:bedrock:*:*:flow/a", False),
        ("arn:aws:bedrock:*:*:flow/a/alia/b", False),
        ("arn:aws:bedrock:*:*:flo?", False),
        ("arn:aws:bedrock:*:*:${*}low/a/alias/b", False),
        ("arn:aws:bedrock:*:*:flow/a/alias${*}/b", False),
        ("arn:aws:bedrock:*:*:flow${$}/a/alias/b", False),
        ("arn:aws:bedrock:*:*:flow/${?}${$}/alias/b", True),
        ("arn:aws:kms:*:*:flow/a/alias/b", False),
        ("arn:aws:bedrock:*:flow/a/alias/b", False),
    ],
)
def test_a_pattern_can_match_a_form(pattern: str, fits: bool) -> None:
    assert FORM.may_match(parse_template(pattern)) is fits


@pytest.mark.parametrize("text", ["arn:aws:kms", "nra:a:b:c:d:e"])
def test_what_is_no_form_of_an_arn(text: str) -> None:
    with pytest.raises(ValueError, match="not the form of an ARN"):
        ArnForm(text)


def test_a_key_that_is_filled_in_is_named_where_that_is_done() -> None:
    texts, _ = used()
    places = {text.lower() for text in texts} | {form.pattern.replace("\\", "").lower() for form in used()[1]}

    def named(key: str) -> bool:
        stem = key.removesuffix("*").lower()
        # Tags of resources have two names, put together at one place.
        either = f"[a-za-z]+:{stem.partition(':')[2]}"
        return any(text == stem or (key.endswith("*") and text.startswith((stem, either))) for text in places)

    filled = {key.name for key in KEYS if key.filled and not key.name.startswith("*")}
    assert sorted(key for key in filled if not named(key)) == [], "each needs filled=False in key_table.py"
    others = {key.name for key in KEYS if not key.filled}
    assert sorted(key for key in others if named(key)) == [], "each is filled in: drop filled=False"
