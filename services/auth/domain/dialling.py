"""Where auth may dial: the hosts, ports and addresses at which issuers of web identities may be.

An account's administrator names an issuer, and auth fetches from it. Without rules that would make auth a
probe into networks that only auth can reach.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from services.chassis.peer import Address, plain_address

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

HTTPS_PORT = 443
_FIRST_UNPRIVILEGED = 1024
_TUNNELS = tuple(
    ipaddress.IPv6Network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)
"""NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056) and Teredo (RFC 4380): each carries an address of IPv4."""


@dataclass(frozen=True, slots=True)
class DialRules:
    """What may be dialled."""

    hosts: frozenset[str] = frozenset()
    """Names of hosts, and "*.example.com" for all below a name. None: every host."""
    private_networks: tuple[Network, ...] = ()
    """Networks that are no part of the public internet, whose addresses are dialled all the same."""

    @classmethod
    def parse(cls, hosts: Iterable[str], private_networks: Iterable[str]) -> "DialRules":
        """Read the rules of a configuration; empty texts are left out. Raises ValueError."""
        networks = tuple(ipaddress.ip_network(text) for text in private_networks if text)
        return cls(frozenset(host.lower() for host in hosts if host), networks)

    def permits(self, host: str, port: int) -> bool:
        """Say whether a host, a lower-case name or the text of an address, may be asked for at all.

        Whether a connection is opened is decided by the address that its name stands for at that moment.
        """
        if port != HTTPS_PORT and not (self.private_networks and port >= _FIRST_UNPRIVILEGED):
            return False
        if self.hosts and host not in self.hosts:
            labels = host.split(".")
            above = (".".join(labels[start:]) for start in range(1, len(labels)))
            if not any(f"*.{name}" in self.hosts for name in above):
                return False
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return True
        return self.permits_address(host, port)

    def permits_address(self, text: str, port: int) -> bool:
        """Say whether a connection to this address may be opened.

        At public addresses HTTPS' own port is open; in the listed private networks also those from 1024 up.
        """
        address = plain_address(text.partition("%")[0])
        if any(address in network for network in self.private_networks):
            return port == HTTPS_PORT or port >= _FIRST_UNPRIVILEGED
        return port == HTTPS_PORT and _is_public(address)


def _is_public(address: Address) -> bool:
    if any(address in network for network in _TUNNELS):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
