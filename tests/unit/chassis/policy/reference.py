"""A second evaluator of the policy language, written for obviousness alone.

It reads the JSON document itself, shares no code with the compiled evaluator, indexes nothing and
remembers nothing. AWS's pages on the elements of a policy are its specification.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

Context = Mapping[str, str | tuple[str, ...]]


def evaluate(
    documents: Sequence[str], action: str, resource: str, context: Context
) -> tuple[str, set[tuple[int, int]]]:
    """Return the verdict and every (policy, statement) that could have decided it."""
    denies, allows = set(), set()
    for number, document in enumerate(documents):
        policy = json.loads(document)
        dollar = policy.get("Version") == "2012-10-17"
        for index, statement in enumerate(listed(policy["Statement"])):
            if applies(statement, action, resource, context, dollar):
                (denies if statement["Effect"] == "Deny" else allows).add((number, index))
    if denies:
        return "explicit deny", denies
    if allows:
        return "allow", allows
    return "implicit deny", set()


def applies(statement: Mapping[str, Any], action: str, resource: str, context: Context, dollar: bool) -> bool:
    """Say whether a statement is about a request; `dollar`: whether its policy knows variables."""

    def on(patterns: Any) -> bool:
        return any(_resource_like(resource, each, context, dollar) for each in listed(patterns))

    if "Action" in statement:
        about_action = any(_like(action.lower(), each.lower()) for each in listed(statement["Action"]))
    else:
        about_action = not any(_like(action.lower(), each.lower()) for each in listed(statement["NotAction"]))
    about_resource = (
        on(statement["Resource"]) if "Resource" in statement else not on(statement["NotResource"])
    )
    conditions = statement.get("Condition", {})
    return (
        about_action
        and about_resource
        and all(
            _condition(operator, key, listed(values), context, dollar)
            for operator, keys in conditions.items()
            for key, values in keys.items()
        )
    )


def _condition(operator: str, key: str, values: Sequence[Any], context: Context, dollar: bool) -> bool:
    found = {name.lower(): value for name, value in context.items()}.get(key.lower(), ())
    given = [found] if isinstance(found, str) else list(found)
    if operator == "Null":
        return any((str(value).lower() == "true") == (not given) for value in values)
    every, any_ = operator.startswith("ForAllValues:"), operator.startswith("ForAnyValue:")
    name = operator.split(":")[-1]
    exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    negative = "Not" in name
    if not given:
        return exists or every or (negative and not any_)
    positive = name.replace("Not", "", 1)
    results = [
        any(_compare(positive, each, value, context, dollar) for value in values) != negative
        for each in given
    ]
    return all(results) if every else any(results)


def _compare(operator: str, given: str, value: Any, context: Context, dollar: bool) -> bool:
    if operator in ("StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"):
        pattern = _insert(value, context, dollar)
        if pattern is None:
            return False
        if operator == "StringLike":
            return _like(given, pattern)
        if operator.startswith("Arn"):
            return _arn_like(given, pattern)
        text = "".join(character for character, _ in pattern)
        if operator == "StringEqualsIgnoreCase":
            return len(text) == len(given) and all(map(_same_letter, text, given))
        return text == given
    if operator == "Bool":
        return given.lower() == str(value).lower() and given.lower() in ("true", "false")
    if operator == "BinaryEquals":
        return base64.b64decode(given) == base64.b64decode(value)
    if operator == "IpAddress":
        return _inside(given, value)
    if operator.startswith("Numeric"):
        return _ordered(operator.removeprefix("Numeric"), _fraction(given), _fraction(value))
    if operator.startswith("Date"):
        return _ordered(operator.removeprefix("Date"), _seconds(given), _seconds(value))
    raise AssertionError(operator)


def _same_letter(one: str, other: str) -> bool:
    return one.isascii() == other.isascii() and one.lower() == other.lower()


def _ordered(relation: str, left: Fraction | None, right: Fraction | None) -> bool:
    if left is None or right is None:
        return False
    return {
        "Equals": left == right,
        "LessThan": left < right,
        "LessThanEquals": left <= right,
        "GreaterThan": left > right,
        "GreaterThanEquals": left >= right,
    }[relation]


def _fraction(value: Any) -> Fraction | None:
    return Fraction(str(value)) if re.fullmatch(r"[+-]?[0-9]+([.][0-9]+)?", str(value)) else None


def _seconds(value: Any) -> Fraction | None:
    text = str(value)
    if re.fullmatch("[0-9]{4}", text):
        text += "-01-01"
    if re.fullmatch(r"[0-9]+([.][0-9]+)?", text):
        return Fraction(text)
    if re.fullmatch("[0-9]{4}-[0-9]{2}", text):
        text += "-01"
    if "T" not in text:
        text += "T00:00:00Z"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    fraction = re.search("[.][0-9]+", text)
    whole = moment.replace(microsecond=0, tzinfo=moment.tzinfo or UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return Fraction(whole // timedelta(seconds=1)) + Fraction("0" + fraction[0] if fraction else 0)


def _inside(address: str, network: str) -> bool:
    """Compare the first bits. Written out, as binary digits."""
    base, _, length = network.partition("/")
    given, wanted = _bits(address), _bits(base)
    if given is None or wanted is None or len(given) != len(wanted):
        return False
    size = int(length) if length else len(wanted)
    return given[:size] == wanted[:size]


def _bits(address: str) -> str | None:
    if re.fullmatch(r"[0-9]+([.][0-9]+){3}", address):
        return "".join(f"{int(part):08b}" for part in address.split("."))
    if ":" not in address:
        return None
    if "." in address:
        return _bits(address.rpartition(":")[2])
    left, double, right = address.partition("::")
    groups = left.split(":") if left else []
    others = right.split(":") if right else []
    if double:
        groups += ["0"] * (8 - len(groups) - len(others))
    return "".join(f"{int(group, 16):016b}" for group in groups + others)


def _insert(value: str, context: Context, dollar: bool) -> list[tuple[str, bool]] | None:
    """Return the characters of a value and whether they can be wildcards; None for a missing variable."""
    known = {name.lower(): given for name, given in context.items()}
    pattern: list[tuple[str, bool]] = []
    while value:
        if not dollar or not value.startswith("${"):
            pattern.append((value[0], True))
            value = value[1:]
            continue
        inside, _, value = value[2:].partition("}")
        if inside in ("*", "?", "$"):
            pattern.append((inside, False))
            continue
        key, comma, default = inside.partition(",")
        given = known.get(key.strip().lower(), default.strip()[1:-1] if comma else None)
        if not isinstance(given, str):
            return None
        pattern += [(character, False) for character in given]
    return pattern


def _resource_like(resource: str, pattern: str, context: Context, dollar: bool) -> bool:
    if pattern == "*":
        return True
    wanted = _insert(pattern, context, dollar)
    return wanted is not None and resource.startswith("arn:") and _arn_like(resource, wanted)


def _arn_like(given: str, pattern: list[tuple[str, bool]]) -> bool:
    parts: list[list[tuple[str, bool]]] = [[]]
    for character, special in pattern:
        if character == ":" and special and len(parts) < 6:
            parts.append([])
        else:
            parts[-1].append((character, special))
    texts = given.split(":", 5)
    return len(texts) == 6 and all(_like(text, part) for text, part in zip(texts, parts, strict=True))


def _like(text: str, pattern: str | list[tuple[str, bool]]) -> bool:
    # Every place in the text that the pattern so far can have reached.
    places = {0}
    for character, special in [(each, True) for each in pattern] if isinstance(pattern, str) else pattern:
        if character == "*" and special:
            places = set(range(min(places), len(text) + 1))
        elif character == "?" and special:
            places = {at + 1 for at in places if at < len(text)}
        else:
            places = {at + 1 for at in places if at < len(text) and character == text[at]}
        if not places:
            return False
    return len(text) in places


def listed(value: Any) -> list[Any]:
    """Return a list as it is, and anything else as a list of one."""
    return value if isinstance(value, list) else [value]
