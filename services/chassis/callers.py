"""Caller lists: which workload may call which method. Absence denies; a gap fails the boot."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

PUBLIC = "public"
"""Stands for callers on the public listener, who show no certificate."""


class CallersError(ValueError):
    """The callers file does not fit the service; the message names each method at fault."""


def load_callers(path: Path, methods: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """Read callers.toml and hold it against the methods that are served.

    Raises CallersError when a served method is not listed, a listed one is not served, or an entry is
    not "kind/name" or "public".
    """
    table = tomllib.loads(path.read_text())
    served = set(methods)
    missing = sorted(served - table.keys())
    unknown = sorted(table.keys() - served)
    if missing or unknown:
        problems = [f"not listed: {name}" for name in missing] + [f"not served: {name}" for name in unknown]
        raise CallersError(f"{path.name}: " + "; ".join(problems))
    callers: dict[str, frozenset[str]] = {}
    for method, names in table.items():
        for name in names:
            if name != PUBLIC and (name.count("/") != 1 or "*" in name):
                raise CallersError(f"{path.name}: {method}: {name!r} is not kind/name")
        callers[method] = frozenset(names)
    return callers
