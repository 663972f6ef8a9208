"""Where the checked-in configuration and the definition of the local stack disagree."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.stack import Stack
from services.chassis.config import ConfigError, load

METRICS_OFFSET = 100
"""A service's metrics listen on its port plus this."""


@dataclass(frozen=True, slots=True)
class _Regions:
    regions: tuple[str, ...]


def drift(stack: Stack | None = None) -> list[str]:
    """Return one line for each disagreement; empty when there is none."""
    stack = stack or Stack.here()
    folder = stack.root / "deploy/config"
    problems: list[str] = []
    expected: set[str] = {"edge.toml", "private.toml", "regions.toml"}
    for service in stack.definition.services:
        expected.add(f"{service.name}.toml")
        problems += _listener(stack, folder / f"{service.name}.toml", service.name, "service", service.port)
    for pool in stack.definition.pools:
        name = f"pool-{pool.name}.toml"
        expected.add(name)
        problems += _listener(stack, folder / name, "pool", "pool", pool.port)
        problems += _uids(folder / name, pool.uid, pool.sandbox_uid)
    for witness in stack.definition.witnesses:
        name = f"witness-{witness.name}.toml"
        expected.add(name)
        problems += _listener(stack, folder / name, "witness", "witness", witness.port)
    problems += _loads(folder / "edge.toml", "edge")[1]
    problems += _regions(stack, folder)
    problems += _private(stack, folder)
    found = {path.name for path in folder.glob("*.toml")}
    problems += [f"deploy/config/{name} is not used by the local stack" for name in sorted(found - expected)]
    return problems


def _loads(path: Path, module: str) -> tuple[Any, list[str]]:
    try:
        settings = getattr(importlib.import_module(f"services.{module}.config"), f"{module.title()}Config")
        return load(path, settings), []
    except (ConfigError, ImportError, AttributeError) as error:
        return None, [f"{path.name}: {error}"]


def _listener(stack: Stack, path: Path, module: str, kind: str, port: int) -> Iterator[str]:
    config, problems = _loads(path, module)
    yield from problems
    if config is None:
        return
    server = config.server
    if server.kind != kind:
        yield f"{path.name}: server.kind is {server.kind}, the stack starts a {kind}"
    for key, value, wanted in (
        ("listen", server.listen, port),
        ("metrics_listen", server.metrics_listen, port + METRICS_OFFSET),
    ):
        if value != f"{stack.address}:{wanted}":
            yield f"{path.name}: server.{key} is {value}, stack.toml says port {wanted}"


def _uids(path: Path, agent: int, sandbox: int) -> Iterator[str]:
    config, _ = _loads(path, "pool")
    if config is not None and (config.users.agent, config.users.sandbox) != (agent, sandbox):
        yield f"{path.name}: users are not those of stack.toml"


def _regions(stack: Stack, folder: Path) -> Iterator[str]:
    agreed = load(folder / "regions.toml", _Regions).regions
    if stack.definition.region not in agreed:
        yield f"regions.toml does not serve the stack's own region, {stack.definition.region}"
    for name in ("edge", *(service.name for service in stack.definition.services)):
        config, _ = _loads(folder / f"{name}.toml", name)
        if getattr(config, "regions", agreed) != agreed:
            yield f"{name}.toml: regions are not those of regions.toml; name it in include"


def _private(stack: Stack, folder: Path) -> Iterator[str]:
    """Edge listens where auth believes it to."""
    configs = {name: _loads(folder / f"{name}.toml", name)[0] for name in ("auth", "edge")}
    known = {name: getattr(config, "private_listeners", ()) for name, config in configs.items()}
    if known["auth"] != known["edge"]:
        yield "auth.toml: private_listeners are not those of edge.toml; name private.toml in both includes"
    listening = [each.listen for each in known["edge"]]
    if listening != [f"{stack.address}:{stack.definition.ports.private}"]:
        yield f"private.toml: listens on {listening}, stack.toml says port {stack.definition.ports.private}"
