"""Compiled policies are shared, and bounded by the size of their documents."""

import json

from services.chassis.policy.cache import PolicyCache
from services.chassis.policy.document import canonical, parse, size
from services.chassis.policy.kinds import IDENTITY
from services.chassis.policy.model import Verdict

MODEL = "arn:aws:bedrock:us-east-1::foundation-model/m"


def document(sid: str) -> str:
    statement = {"Sid": sid, "Effect": "Allow", "Action": "*", "Resource": "*"}
    return json.dumps({"Statement": statement})


def test_equal_documents_are_compiled_once() -> None:
    cache = PolicyCache()
    assert cache.compile([document("A")]) is cache.compile((document("A"),))
    assert cache.compile([document("A")]) is not cache.compile([document("A"), document("B")])


def test_the_set_that_was_used_least_recently_makes_room_and_denies() -> None:
    size = len(document("A"))
    cache = PolicyCache(max_chars=2 * size)
    first, second = cache.compile([document("A")]), cache.compile([document("B")])
    cache.compile([document("A")])
    cache.compile([document("C")])
    assert second.retired
    assert not second.evaluate("bedrock:InvokeModel", MODEL, {}).allowed
    assert not first.retired
    assert first.evaluate("bedrock:InvokeModel", MODEL, {}).allowed
    again = cache.compile([document("B")])
    assert again is not second
    assert again.evaluate("bedrock:InvokeModel", MODEL, {}).allowed


def test_one_set_beyond_the_bound_is_usable_all_the_same() -> None:
    cache = PolicyCache(max_chars=1)
    assert cache.compile([document("A")]).evaluate("bedrock:InvokeModel", MODEL, {}).allowed


def test_what_was_accepted_is_compiled_although_its_canonical_form_is_longer() -> None:
    statements = [{"Effect": "Deny", "Action": f"a:b{number:03d}", "Resource": "*"} for number in range(112)]
    written = json.dumps({"Statement": statements}, separators=(",", ":"))
    stored = canonical(parse(written))
    assert size(written) <= IDENTITY.max_chars < size(stored)
    assert PolicyCache().compile([stored]).evaluate("a:b111", "*", {}).verdict is Verdict.EXPLICIT_DENY
