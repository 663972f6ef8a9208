"""Who is at the other end of a connection: its address as the transport saw it, its software as it says."""

import ipaddress
from typing import Any
from urllib.parse import unquote

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def plain_address(text: str) -> Address:
    """Parse an IP address; an IPv4 address that is written as one of IPv6 (::ffff:192.0.2.1) is the former.

    Rules about IPv4 addresses, from a range in a policy to "no client has it", hold for both ways to write
    one. Raises ValueError.
    """
    address = ipaddress.ip_address(text)
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped


def address_of(peer: str) -> str:
    """Return the IP address in gRPC's name of a peer, "" when it names none (a UNIX socket).

    gRPC writes "ipv4:127.0.0.1:4711", "ipv6:[::1]:4711" or, percent-encoded, "ipv6:%5B::1%5D:4711". An
    IPv4 client of a listener for both families is named by its IPv4 address, so that a policy that names
    it matches, and an address of a link comes without the interface of this machine.
    """
    family, _, rest = unquote(peer).partition(":")
    if family not in ("ipv4", "ipv6"):
        return ""
    text = rest.rpartition(":")[0].removeprefix("[").removesuffix("]").partition("%")[0]
    try:
        return str(plain_address(text))
    except ValueError:
        return ""


def user_agent(context: Any) -> str:
    """Return the user agent of a gRPC call, "" when it names none. The client chooses it freely."""
    metadata = dict(context.invocation_metadata() or ())
    return str(metadata.get("user-agent", ""))
