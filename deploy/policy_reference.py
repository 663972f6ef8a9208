"""Write docs/policy-reference.md from the tables of condition keys and actions (run by `make generate`).

Everything on the page stands somewhere else already: kinds of keys in services/chassis/policy/key_table.py,
actions in services/chassis/policy/catalogue.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from services.chassis.policy.actions import Action, Service, catalogue
from services.chassis.policy.key_table import KEYS, Key
from services.chassis.policy.operators import Kind

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/policy-reference.md"
_KINDS = {
    Kind.STRING: "string",
    Kind.ARN: "ARN",
    Kind.BOOL: "`true` or `false`",
    Kind.NUMBER: "number",
    Kind.DATE: "date",
    Kind.ADDRESS: "address",
    Kind.BINARY: "base64",
}
_PARAGRAPHS = (
    "<!-- Written by deploy/policy_reference.py: change the tables and run `make generate`. -->\n"
    "# Condition keys and actions",
    "What [policies](policy-language.md) can name. Keys are filled in by the enforcement point: those of "
    "`aws:` from the verified token, from what auth says of the principal, from the connection and its own "
    "clock; those of a service by its operations. None comes from a header.\nA request that has "
    "no value for a key, such as `aws:username` of a role's session, does not carry it.",
    "## Condition keys",
    "*Not yet*: the key is known, and no operation fills it in; a policy that names it is stored with the "
    "[finding](policy-language.md#findings) `CONDITION_KEY_NOT_FILLED`. *Provider* stands for the url of an "
    "OpenID Connect provider without `https://`.",
    "| key | values | carried by |\n|---|---|---|\n",
)
_LIMIT = 12
"""Actions that a row names; more are counted."""


def render() -> str:
    """Return the page."""
    lines = [
        _key_row(key) for key in sorted(KEYS, key=lambda key: (key.name.startswith("*"), key.name.lower()))
    ]
    sections = ["\n".join(_service(service)) for _, service in sorted(catalogue().services.items())]
    return "\n\n".join(_PARAGRAPHS) + "\n".join(lines) + "\n\n" + "\n\n".join(sections) + "\n"


def drift() -> list[str]:
    """Return the page's path when it says something else than the tables."""
    current = PAGE.read_text() if PAGE.exists() else ""
    return [] if current == render() else [str(PAGE.relative_to(ROOT))]


def _key_row(key: Key) -> str:
    values = f"{_KINDS[key.kind]}{', several' if key.several else ''}"
    return f"| {_key_name(key.name)} | {values} | {_carried(key)} |"


def _key_name(name: str) -> str:
    if name.startswith("*"):
        return f"*provider*`{name[1:]}`"
    return f"`{name[:-1]}`*name*" if name.endswith("*") else f"`{name}`"


def _carried(key: Key) -> str:
    carrying = [action for action in catalogue() if key.name in action.keys]
    served = [f"`{action.full_name}`" for action in carrying if action.served]
    if not key.filled:
        where = "not yet"
        if carrying:
            where += f"; of {_named([f'`{action.full_name}`' for action in carrying])}"
    elif key.name.startswith("*"):
        where = "sessions of the provider, and the calls that begin them"
    elif carrying:
        where = _named(served or [f"`{action.full_name}`" for action in carrying])
    else:
        where = "any action"
    return f"{where}: {key.when}" if key.when else where


def _named(names: list[str]) -> str:
    more = len(names) - _LIMIT
    return ", ".join(names[:_LIMIT]) + (f" and {more} more" if more > 0 else "")


def _service(service: Service) -> Iterator[str]:
    yield f"## Actions of {service.name}"
    yield ""
    served = [action for action in service.actions.values() if action.served]
    yield "| action | level | resources | condition keys |"
    yield "|---|---|---|---|"
    for action in served:
        yield _action_row(action)
    others = [f"`{action.name}`" for action in service.actions.values() if not action.served]
    if others:
        yield ""
        yield f"Known, and asked for by no operation yet: {', '.join(others)}."
    if service.resources:
        yield ""
        yield "| resource | ARN |"
        yield "|---|---|"
        wanted = {each.name for action in served for each in action.resources}
        for each in service.resources.values():
            if each.name in wanted:
                yield f"| {each.name} | `{each.form.text}` |"


def _action_row(action: Action) -> str:
    resources = ", ".join(
        f"**{each.name}**" if each.name in action.required else each.name for each in action.resources
    )
    keys = ", ".join(_key_name(key) for key in action.keys)
    return f"| `{action.name}` | {action.level.value} | {resources or '`*`'} | {keys} |"


def main() -> int:
    """Write the page."""
    PAGE.write_text(render())
    return 0


if __name__ == "__main__":
    sys.exit(main())
