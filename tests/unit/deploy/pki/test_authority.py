"""Certificates say what they should, and nothing more."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from deploy.pki.authority import Authority, Issued, LeafRequest, renewal_due

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
URI = "spiffe://craton.local/service/auth"
WORKLOAD = LeafRequest("service/auth", ["auth.craton.internal"], DAY, uri=URI)


@pytest.fixture
def authority() -> Authority:
    return Authority.create("Test CA", NOW, 3650 * DAY)


def parse(issued: Issued) -> x509.Certificate:
    return x509.load_pem_x509_certificate(issued.certificate)


def test_a_workload_has_exactly_one_uri_and_its_dns_name(authority: Authority) -> None:
    names = parse(authority.issue(WORKLOAD, NOW)).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert names.value.get_values_for_type(x509.UniformResourceIdentifier) == [URI]
    assert names.value.get_values_for_type(x509.DNSName) == ["auth.craton.internal"]


def test_a_public_certificate_names_no_workload_and_is_for_servers_alone(authority: Authority) -> None:
    request = LeafRequest("localhost", ["localhost"], DAY, ip_addresses=["127.0.0.1", "::1"], client=False)
    extensions = parse(authority.issue(request, NOW)).extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert not names.get_values_for_type(x509.UniformResourceIdentifier)
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_a_leaf_verifies_under_its_own_ca_only(authority: Authority) -> None:
    leaf = parse(authority.issue(WORKLOAD, NOW))
    verify(authority, leaf, NOW)
    other = Authority.create("Test CA", NOW, 3650 * DAY)
    with pytest.raises(verification.VerificationError):
        verify(other, leaf, NOW)


def test_a_leaf_ends_after_its_life(authority: Authority) -> None:
    leaf = parse(authority.issue(WORKLOAD, NOW))
    verify(authority, leaf, NOW + DAY - timedelta(seconds=1))
    with pytest.raises(verification.VerificationError):
        verify(authority, leaf, NOW + DAY + timedelta(seconds=1))


def test_a_leaf_cannot_sign(authority: Authority) -> None:
    leaf = parse(authority.issue(WORKLOAD, NOW))
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not leaf.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_every_leaf_has_a_key_of_its_own(authority: Authority) -> None:
    first, second = authority.issue(WORKLOAD, NOW), authority.issue(WORKLOAD, NOW)
    assert first.private_key != second.private_key
    assert parse(first).serial_number != parse(second).serial_number


def test_a_ca_survives_its_storage(authority: Authority) -> None:
    again = Authority.load(authority.export())
    verify(authority, parse(again.issue(WORKLOAD, NOW)), NOW)


def test_a_ca_with_the_key_of_another_is_refused(authority: Authority) -> None:
    other = Authority.create("Other", NOW, DAY)
    with pytest.raises(ValueError, match="do not belong together"):
        Authority.load(Issued(authority.export().certificate, other.export().private_key))


def test_renewal_is_due_after_two_thirds_of_the_life(authority: Authority) -> None:
    due = renewal_due(authority.issue(WORKLOAD, NOW).certificate)
    assert NOW + timedelta(hours=15, minutes=50) < due < NOW + timedelta(hours=16, minutes=10)


def test_private_keys_stay_out_of_repr(authority: Authority) -> None:
    issued = authority.issue(WORKLOAD, NOW)
    assert "PRIVATE" not in repr(issued)
    serialization.load_pem_private_key(issued.private_key, password=None)


def verify(authority: Authority, leaf: x509.Certificate, at: datetime) -> None:
    store = verification.Store([x509.load_pem_x509_certificate(authority.certificate)])
    builder = verification.PolicyBuilder().store(store).time(at)
    builder.build_server_verifier(x509.DNSName("auth.craton.internal")).verify(leaf, [])
