"""Addresses of peers, as gRPC writes them."""

import pytest

from services.chassis.peer import address_of, user_agent


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:192.0.2.7:4711", "192.0.2.7"),
        ("ipv6:%5B2001:db8::7%5D:4711", "2001:db8::7"),
        ("ipv6:[2001:DB8:0::7]:4711", "2001:db8::7"),
        ("ipv6:%5B::ffff:192.0.2.7%5D:4711", "192.0.2.7"),
        ("ipv6:%5Bfe80::1%25eth0%5D:4711", "fe80::1"),
        ("unix:/run/door.sock", ""),
        ("unix:", ""),
        ("ipv4:nonsense:4711", ""),
        ("ipv4:", ""),
        ("", ""),
    ],
)
def test_an_address_is_the_transports_in_one_form(peer: str, address: str) -> None:
    assert address_of(peer) == address


class _Context:
    def __init__(self, *metadata: tuple[str, str]) -> None:
        self._metadata = metadata

    def invocation_metadata(self) -> tuple[tuple[str, str], ...] | None:
        return self._metadata or None


def test_a_user_agent_is_optional() -> None:
    assert user_agent(_Context()) == ""
    assert user_agent(_Context(("x-request-id", "1"), ("user-agent", "grpc-go/1.80"))) == "grpc-go/1.80"
