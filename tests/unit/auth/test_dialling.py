"""Where auth may dial, and what can be registered as an issuer."""

import pytest

from services.auth.domain.dialling import DialRules
from services.auth.domain.oidc import Location, check_issuer, discovery_url

PUBLIC = DialRules.parse((), ("",))
OWN = DialRules.parse((), ("10.20.0.0/16", "fd00::/8"))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::1",
        "2001:0:7f00:1::1",
    ],
)
def test_what_is_not_public_is_not_dialled(address: str) -> None:
    assert not PUBLIC.permits_address(address, 443)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07::1", "::ffff:93.184.215.14"])
def test_the_public_internet_is_dialled_on_one_port(address: str) -> None:
    assert PUBLIC.permits_address(address, 443)
    for port in (22, 80, 8443):
        assert not PUBLIC.permits_address(address, port)
        assert not OWN.permits_address(address, port)


def test_networks_of_ones_own() -> None:
    for address in ("10.20.1.2", "fd00::1", "::ffff:10.20.1.2"):
        for port, permitted in ((443, True), (8443, True), (22, False), (80, False)):
            assert OWN.permits_address(address, port) is permitted
    assert not OWN.permits_address("10.21.0.1", 443)


def test_hosts() -> None:
    rules = DialRules.parse(("token.example.com", "*.corp.example"), ())
    assert rules.permits("token.example.com", 443)
    assert rules.permits("a.b.corp.example", 443)
    for host in ("corp.example", "xcorp.example", "example.com", "other.example.com", "93.184.215.14"):
        assert not rules.permits(host, 443)
    assert not rules.permits("token.example.com", 8443)
    assert PUBLIC.permits("anything.example", 443)
    for host in ("127.0.0.1", "169.254.169.254"):
        assert not PUBLIC.permits(host, 443)
    assert OWN.permits("10.20.0.1", 8443)
    with pytest.raises(ValueError, match="network"):
        DialRules.parse((), ("10.20.0.1/16x",))


@pytest.mark.parametrize(
    "url",
    [
        "http://token.example.com",
        "https://token.example.com?x=1",
        "https://token.example.com#x",
        "https://user:password@token.example.com",
        "https://Token.example.com",
        "https://token.example.com:0",
        "https://token.example.com:70000",
        "https://tok_en.example.com",
        "https://token",
        "https://",
        "https://[::1]/",
        "https://token.example.com/%2e%2e",
        "https://token.example.com/é",
        "https://token.example.com\n",
        "token.example.com",
        "https://-a.example.com",
    ],
)
def test_issuers_that_cannot_be_registered(url: str) -> None:
    with pytest.raises(ValueError, match=r"must be https|[Pp]ort|domain"):
        check_issuer(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://token.actions.githubusercontent.com",
        "https://oidc.eks.us-east-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE",
        "https://tenant.auth0.com/",
        "https://localhost:8443",
        "https://idp.corp.example:8443/realms/one",
    ],
)
def test_issuers_that_can_be_registered(url: str) -> None:
    check_issuer(url)
    assert Location.parse(discovery_url(url)).target.endswith("/.well-known/openid-configuration")
    assert "//." not in discovery_url(url)
