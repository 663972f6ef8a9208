"""Policy documents and ARNs as they are written, damaged at random, by seed."""

import json
import random
import string
from collections.abc import Callable
from typing import Any

from services.chassis.policy import kinds
from services.chassis.policy.key_table import KEYS
from services.chassis.policy.kinds import PolicyKind
from tests.unit.chassis.policy import test_differential as single
from tests.unit.chassis.policy.document_samples import ARNS, DOCUMENTS
from tests.unit.chassis.policy.layered_cases import layered_set
from tests.unit.chassis.policy.reference_grammar import FAMILIES

KINDS = (
    kinds.IDENTITY,
    kinds.SESSION,
    kinds.SERVICE_CONTROL,
    kinds.RESOURCE_CONTROL,
    kinds.ENDPOINT,
    kinds.KEY,
    kinds.MODEL,
    kinds.TRUST,
)

_ODD = (
    *string.printable,
    *("é", "\u0130", "\u200b", "\x00", "\ud800", "\U0001f600", "\\u0000", "\\ud800", "${", "*"),
)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**40, float("nan"), [], {}, [[]], [{}], ["*", "*"], {"AWS": "*"}),
    *("", "*", "**", "?", "x" * 300, "Allow", "kms:*", "*:*", "arn:aws:iam::1:root", "${aws:userid}", "1e9"),
    *("2026", "2026-13-01", "0000-01-01", "2026-11-21T10:30:00+24:00"),
    *("10.0.0.0/33", "::/0", "::ffff:1.2.3.4", "10.0.0.0/255.0.0.0", {"a": {"b": {}}}),
)
_NAMES = (
    *("Version", "Statement", "Id", "", "AWS", "Service", "Federated", "Condition", "Sid", "Effect"),
    *("Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Bool", "Null"),
    *("StringEquals", "ForAnyValue:ArnLike", "ForAllValues:DateLessThanIfExists", "NullIfExists"),
    *("IpAddress", "aws:userid", "AWS:UserId", "aws:SourceIp", "kms:EncryptionContext:", "aws:TagKeys"),
    "idp.example:sub",
)


def document_case(random_: random.Random) -> tuple[str, PolicyKind]:
    """Draw a document and the kind that it shall be of; some are whole, most are damaged."""
    kind, text = _written(random_)
    if random_.random() < 0.05:
        kind = random_.choice(KINDS)
    for _ in range(random_.choice((0, 1, 1, 1, 2, 3, 8))):
        text = _rebuilt(random_, text) if random_.random() < 0.6 else _damaged(random_, text)
    return text, kind


def arn_case(random_: random.Random) -> str:
    """Draw an ARN, mostly damaged."""
    text = random_.choice(ARNS)
    for _ in range(random_.choice((0, 1, 1, 2, 4))):
        text = _damaged(random_, text)
    return text


def _written(random_: random.Random) -> tuple[PolicyKind, str]:
    drawn = random_.random()
    if drawn < 0.5:
        kind, value = random_.choice(DOCUMENTS)
    elif drawn < 0.7:
        kind, value = kinds.IDENTITY, json.loads(single.document(random_))
    else:
        made = layered_set(random_)
        written = [(made.kind(key[0]), each) for key, texts in made.documents.items() for each in texts]
        kind, text = random_.choice(written or [(kinds.IDENTITY, single.document(random_))])
        value = json.loads(text)
    indent = random_.choice((None, None, 1, 2))
    return kind, json.dumps(value, indent=indent, ensure_ascii=random_.random() < 0.5)


def _damaged(random_: random.Random, text: str) -> str:
    """Change characters, as an editor or a broken transfer does."""
    at = random_.randrange(len(text) + 1)
    end = min(len(text), at + random_.choice((0, 1, 1, 2, 8, 40)))
    kind = random_.randrange(7)
    if kind == 0:
        return text[:at] + random_.choice(_ODD) + text[end:]
    if kind == 1:
        return text[:at] + text[end:]
    if kind == 2:
        return text[:end] + text[at:]
    if kind == 3:
        return text[:at]
    if kind == 4:
        return text[:at] + text[at:end].swapcase() + text[end:]
    if kind == 5:
        other = random_.randrange(len(text) + 1)
        return text[:at] + text[other : other + random_.choice((1, 5, 30))] + text[end:]
    piece = random_.choice(("[", "{", '"a":', '"', "]", "}", ","))
    return text[:at] + piece * random_.choice((1, 2, 3000)) + text[at:]


def _rebuilt(random_: random.Random, text: str) -> str:
    """Change the structure, as a program with a mistake does; what is no JSON is damaged instead."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return _damaged(random_, text)
    places: list[tuple[Any, Any]] = []

    def collect(node: Any, depth: int = 0) -> None:
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for step, below in list(items):
            places.append((node, step))
            if depth < 20:
                collect(below, depth + 1)

    collect(value)
    if not places:
        return _damaged(random_, text)
    conditions = [each for each in places if isinstance(each[0], dict) and str(each[1])[:1].isalpha()]
    conditions = [each for each in conditions if ":" in each[1] or each[1] in FAMILIES]
    chosen = conditions if conditions and random_.random() < 0.2 else places
    node, step = random_.choice(chosen)
    twice = isinstance(node, dict) and random_.random() < 0.1
    if not twice:
        random_.choice(_CHANGES)(random_, node, step)
    written = json.dumps(value, indent=random_.choice((None, 1)), ensure_ascii=random_.random() < 0.5)
    if twice:
        name = json.dumps(step) + ": "
        return written.replace(name, f"{name}0, {name}", 1)
    # Deeper than any policy, and than Python reads.
    return written.replace('"*"', "[" * 3000 + "]" * 3000, 1) if random_.random() < 0.02 else written


def _replaced(random_: random.Random, node: Any, step: Any) -> None:
    node[step] = random_.choice(_VALUES)


def _removed(_random: random.Random, node: Any, step: Any) -> None:
    del node[step]


def _wrapped(random_: random.Random, node: Any, step: Any) -> None:
    node[step] = random_.choice(([node[step]], {"AWS": node[step]}, [node[step], node[step]]))


def _renamed(random_: random.Random, node: Any, step: Any) -> None:
    name = random_.choice(_NAMES)
    if isinstance(node, dict):
        node[name] = node.pop(step)
    else:
        node[step] = {name: node[step]}


def _recast(random_: random.Random, node: Any, step: Any) -> None:
    """Give a condition another operator, or another key."""
    if not isinstance(node, dict):
        _scribbled(random_, node, step)
    elif ":" in step and not step.startswith("For"):
        key = random_.choice(KEYS).name
        node[key.replace("*:", "idp.example:").replace("*", "a")] = node.pop(step)
    else:
        prefix = random_.choice(("", "", "ForAllValues:", "ForAnyValue:"))
        suffix = random_.choice(("", "", "IfExists"))
        node[f"{prefix}{random_.choice(tuple(FAMILIES))}{suffix}"] = node.pop(step)


def _added(random_: random.Random, node: Any, _step: Any) -> None:
    if isinstance(node, dict):
        node[random_.choice(_NAMES)] = random_.choice(_VALUES)
    else:
        node.append(random_.choice(_VALUES))


def _scribbled(random_: random.Random, node: Any, step: Any) -> None:
    if isinstance(node[step], str):
        node[step] = _damaged(random_, node[step])
    else:
        node[step] = str(node[step])


def _lengthened(random_: random.Random, node: Any, step: Any) -> None:
    if isinstance(node[step], str):
        node[step] *= random_.choice((2, 40, 2000))
    elif isinstance(node[step], list):
        node[step] *= random_.choice((2, 200))


_CHANGES: tuple[Callable[[random.Random, Any, Any], None], ...] = (
    _replaced,
    _removed,
    _wrapped,
    _renamed,
    _recast,
    _recast,
    _added,
    _scribbled,
    _scribbled,
    _lengthened,
)
