"""The definition of the local stack (stack.toml) and where its files lie."""

import contextlib
import ipaddress
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.chassis.config import ConfigError, environment, load

DEFINITION = Path(__file__).with_name("stack.toml")
_UNUSABLE = re.compile(r"[^A-Za-z0-9_./~+@=-]")
"""What may not stand in the path of the state: it becomes part of URLs, of PYTHONPATH, of other programs'
configuration files and command lines, which disagree about everything else."""
_LOCALHOST = "127.0.0.1"
_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


@dataclass(frozen=True, slots=True)
class Ports:
    """Public ports of the stack."""

    edge: int
    private: int
    public_grpc: int
    redis: int


@dataclass(frozen=True, slots=True)
class RedisDefinition:
    """Redis' uid, and the role of each of its accounts."""

    uid: int
    roles: dict[str, str]


@dataclass(frozen=True, slots=True)
class Service:
    """A gRPC service: `python -m services.<name>`."""

    name: str
    uid: int
    port: int
    prompts: bool = False
    """Whether prompts pass through its memory: its allocator is then set to overwrite freed memory."""


@dataclass(frozen=True, slots=True)
class Edge:
    """The HTTPS edge."""

    uid: int
    metrics_port: int


@dataclass(frozen=True, slots=True)
class Pool:
    """An escrow pool: an agent, and a sandbox under a uid of its own."""

    name: str
    uid: int
    sandbox_uid: int
    port: int


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness of the audit log: `python -m services.witness`."""

    name: str
    uid: int
    port: int


@dataclass(frozen=True, slots=True)
class Provider:
    """A model provider whose bundled models are published into the catalogue."""

    name: str
    display_name: str


@dataclass(frozen=True, slots=True)
class Definition:
    """Everything stack.toml says."""

    trust_domain: str
    region: str
    account: str
    administrator: str
    ports: Ports
    redis: RedisDefinition
    services: tuple[Service, ...]
    edge: Edge
    pools: tuple[Pool, ...]
    witnesses: tuple[Witness, ...]
    providers: tuple[Provider, ...]


@dataclass(frozen=True, slots=True)
class Stack:
    """The definition together with the place and the uids of one running stack."""

    definition: Definition
    root: Path
    """The repository."""
    home: Path
    """State of this stack: CRATON_HOME."""
    address: str
    """Loopback address of every listener: CRATON_ADDRESS."""
    separate_uids: bool
    """True when run by root: every service has its own uid."""

    @classmethod
    def here(cls) -> "Stack":
        """Return the stack that the environment names. Raises ConfigError for a broken definition, and for a
        CRATON_HOME or CRATON_ADDRESS that no stack can run with.
        """
        variables = environment()
        return cls(
            definition=load(DEFINITION, Definition),
            root=Path(variables["CRATON_ROOT"]),
            home=_home(variables["CRATON_HOME"]),
            address=_address(variables["CRATON_ADDRESS"]),
            separate_uids=os.geteuid() == 0,
        )

    def uid(self, wanted: int) -> int:
        """Return the uid a program really gets: everything is one uid when rootless."""
        return wanted if self.separate_uids else os.geteuid()

    def python(self, environment_name: str = "services") -> Path:
        """Return the interpreter of an environment."""
        return self.root / ".venv" / environment_name / "bin/python"

    @property
    def endpoint(self) -> str:
        """The URL that AWS clients of this machine use."""
        host = self.address
        if host == _LOCALHOST:
            # A minimal Debian has no /etc/hosts, and there nobody knows this name.
            with contextlib.suppress(OSError):
                known = socket.getaddrinfo("localhost", None, family=socket.AF_INET)
                if any(address[0] == _LOCALHOST for *_, address in known):
                    host = "localhost"
        return f"https://{host}:{self.definition.ports.edge}"

    @property
    def control_socket(self) -> Path:
        """supervisord's UNIX socket, 0600."""
        return self.home / "run/supervisor.sock"

    @property
    def logs(self) -> Path:
        """One log file a program."""
        return self.home / "log"

    @property
    def pki(self) -> Path:
        """Certificates."""
        return self.home / "pki"

    @property
    def catalog(self) -> Path:
        """Signed manifests and the registered keys of providers."""
        return self.home / "catalog"

    def identity_dir(self, kind: str, name: str) -> Path:
        """Return where a workload's tls.crt, tls.key and ca.crt lie."""
        return self.pki / f"{kind}-{name}"

    def grpc_targets(self) -> Iterator[tuple[str, str, int]]:
        """Yield (kind, name, port) of everything that answers grpc.health.v1."""
        for service in self.definition.services:
            yield "service", service.name, service.port
        for pool in self.definition.pools:
            yield "pool", pool.name, pool.port
        for witness in self.definition.witnesses:
            yield "witness", witness.name, witness.port


def _home(value: str) -> Path:
    home = Path(value).absolute()
    if found := _UNUSABLE.search(str(home)):
        raise ConfigError(
            f"CRATON_HOME: the path {str(home)!r} has the character {found[0]!r}, which not every program "
            "of the stack can take: use letters, digits and _ . / ~ + @ = - (CRATON_HOME=<another folder>)"
        )
    return home


def _address(value: str) -> str:
    try:
        usable = ipaddress.IPv4Address(value) in _LOOPBACK
    except ipaddress.AddressValueError:
        usable = False
    if not usable:
        raise ConfigError(
            f"CRATON_ADDRESS: {value!r} is not an IPv4 address of 127.0.0.0/8, and the stack listens on "
            "no other: use 127.0.0.1 (the default), 127.0.0.2, ..."
        )
    return value
