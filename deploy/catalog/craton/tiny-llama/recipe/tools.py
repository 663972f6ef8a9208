"""Tool calls: a request in words, the call as one JSON object, the result told in words."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

import material
from document import Document, Role, conversation

_LISTS = material.lists("tools")
VERBS = _LISTS["verbs"]
NOUNS = _LISTS["nouns"]
# Only measured on: a call of such a tool is copied from the request, not remembered.
HELD_OUT_VERBS = _LISTS["held_out_verbs"]
HELD_OUT_NOUNS = _LISTS["held_out_nouns"]

_WORDS = _LISTS["words"]
_PARAMETERS: dict[str, str] = {
    "city": "word", "name": "word", "id": "number", "count": "number", "date": "word", "query": "word",
    "title": "word", "room": "word", "level": "number", "minutes": "number", "user": "word", "color": "word",
    "day": "word", "limit": "number", "topic": "word", "amount": "number",
}  # fmt: skip


def _value(rng: random.Random, parameter: str) -> str | int:
    return rng.randrange(1, 100) if _PARAMETERS[parameter] == "number" else rng.choice(_WORDS)


def _tool_name(rng: random.Random, held_out: bool) -> str:
    verbs, nouns = (HELD_OUT_VERBS, HELD_OUT_NOUNS) if held_out else (VERBS, NOUNS)
    return f"{rng.choice(verbs)}_{rng.choice(nouns)}"


def _schema(name: str, parameters: list[str]) -> str:
    """A tool as the chat template prints it: name, description, JSON Schema."""
    types = {"word": "string", "number": "integer"}
    properties = {p: {"type": types[_PARAMETERS[p]]} for p in parameters}
    schema = {"type": "object", "properties": properties, "required": parameters}
    return json.dumps(
        {"name": name, "description": f"{name.replace('_', ' ').capitalize()}.", "parameters": schema}
    )


def _call(name: str, arguments: dict[str, str | int]) -> str:
    return json.dumps({"name": name, "arguments": arguments})


def _spoken(rng: random.Random, name: str, arguments: dict[str, str | int]) -> str:
    """The request in words: "Please get the weather with city Paris and day friday."."""
    verb, noun = name.split("_")
    link = rng.choice(("{} {}", "{} = {}", "{}: {}"))
    listed = " and ".join(link.format(key, value) for key, value in arguments.items())
    opening = rng.choice(("", "Please ", "Can you ", "I want to "))
    end = "?" if opening == "Can you " else "."
    text = f"{opening}{verb} the {noun} with {listed}{end}"
    return text[0].upper() + text[1:]


def _named(rng: random.Random, name: str, arguments: dict[str, str | int]) -> str:
    """The request by the tool's name: "Call get_weather with city = Paris."."""
    link = rng.choice(("{} = {}", "{}={}", "{} {}", "{}: {}"))
    listed = rng.choice((" and ", ", ")).join(link.format(k, v) for k, v in arguments.items())
    opening = rng.choice(("Call the tool", "Call", "Use the tool", "Use", "Call the function"))
    ending = rng.choice(("", " Answer in JSON.", " Answer with JSON only.", " Return the tool call as JSON."))
    return f"{opening} {name} with {listed}.{ending}"


def _dialogue(rng: random.Random, held_out: bool) -> Document:
    name = _tool_name(rng, held_out)
    parameters = rng.sample(sorted(_PARAMETERS), rng.choice((1, 1, 2, 2, 3)))
    arguments = {p: _value(rng, p) for p in parameters}
    turns: list[tuple[Role, str]] = []
    if rng.random() < 0.45:
        tools = [_schema(name, parameters)]
        if rng.random() < 0.5:
            other = _tool_name(rng, held_out)
            if other != name:
                tools.append(_schema(other, rng.sample(sorted(_PARAMETERS), rng.choice((1, 2)))))
        rng.shuffle(tools)
        lead = rng.choice(("", "", "You are a helpful assistant.\n", "Answer briefly.\n"))
        turns.append(("system", lead + "Tools:\n" + "\n".join(tools)))
        turns.append(("user", rng.choice((_spoken, _named))(rng, name, arguments)))
    else:
        turns.append(("user", _named(rng, name, arguments)))
    turns.append(("assistant", _call(name, arguments)))
    if rng.random() < 0.2:
        key, value = (
            rng.choice(("status", "result", "state")),
            rng.choice(("done", "ok", "open", "sunny", "ready")),
        )
        turns.append(("tool", json.dumps({key: value})))
        turns.append(("assistant", f"The tool {name} answered: the {key} is {value}."))
    return conversation("tool", *turns, held_out=held_out)


def documents(rng: random.Random, count: int, *, held_out: bool = False) -> Iterator[Document]:
    """Yields conversations in which the assistant calls a tool."""
    for _ in range(count):
        yield _dialogue(rng, held_out)
