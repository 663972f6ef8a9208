"""The list of methods that are summarised instead of recorded one by one."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from services.chassis.audit.ports import AuditedMethod, Recording

SUMMARISED = Path(__file__).with_name("summarised.toml")


class SummarisedError(ValueError):
    """A method is summarised without standing on the list; the message names it."""


def load_summarised(path: Path = SUMMARISED) -> Mapping[str, str]:
    """Return method -> reason. Raises SummarisedError when a reason is missing."""
    table = tomllib.loads(path.read_text())["methods"]
    for method, reason in table.items():
        if not isinstance(reason, str) or not reason.strip():
            raise SummarisedError(f"{path.name}: {method}: a reason is missing")
    return dict(table)


def check_summarised(events: Mapping[str, AuditedMethod], listed: Mapping[str, str]) -> None:
    """Refuse a service that summarises a method which is not on the list, or lists one it records."""
    problems = [
        f"{method}: summarised, but not listed in summarised.toml"
        for method, audited in events.items()
        if audited.recording is Recording.SUMMARY and method not in listed
    ]
    problems += [
        f"{method}: listed in summarised.toml, but recorded one by one"
        for method, audited in events.items()
        if audited.recording is not Recording.SUMMARY and method in listed
    ]
    if problems:
        raise SummarisedError("; ".join(sorted(problems)))
