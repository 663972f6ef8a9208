"""Certificate authorities and leaves: ECDSA P-256, X.509 v3 (RFC 5280)."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_BACKDATE = timedelta(minutes=5)
"""Certificates are valid from a little before they were made: clocks of two machines never agree."""


@dataclass(frozen=True, slots=True)
class LeafRequest:
    """What a leaf certificate shall say.

    A workload's leaf has exactly one `uri`, its SPIFFE id; a leaf without one cannot be taken for a
    workload, which is what the public HTTPS certificate and Triton's certificates are.
    """

    common_name: str
    dns_names: Sequence[str]
    life: timedelta
    uri: str = ""
    ip_addresses: Sequence[str] = ()
    server: bool = True
    client: bool = True

    def names(self) -> x509.SubjectAlternativeName:
        """Return the names that the leaf stands for."""
        names: list[x509.GeneralName] = [x509.DNSName(name) for name in self.dns_names]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in self.ip_addresses]
        if self.uri:
            names.append(x509.UniformResourceIdentifier(self.uri))
        return x509.SubjectAlternativeName(names)


@dataclass(frozen=True, slots=True)
class Issued:
    """A private key and its certificate, both PEM."""

    certificate: bytes
    private_key: bytes

    def __repr__(self) -> str:
        """Keep the private key out of logs and tracebacks."""
        return "Issued(**)"


class Authority:
    """A CA certificate together with its private key."""

    def __init__(self, certificate: x509.Certificate, private_key: ec.EllipticCurvePrivateKey) -> None:
        """Wrap a CA that was made or loaded."""
        self._certificate = certificate
        self._private_key = private_key

    @classmethod
    def create(cls, common_name: str, now: datetime, life: timedelta) -> "Authority":
        """Make a self-signed CA that can sign leaves but no further CA."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        certificate = (
            _builder(name, name, key.public_key(), now, life)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(ca=True), critical=True)
            .add_extension(identifier, critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    @classmethod
    def load(cls, issued: Issued) -> "Authority":
        """Load a CA from PEM. Raises ValueError when certificate and key do not belong together."""
        certificate = x509.load_pem_x509_certificate(issued.certificate)
        key = serialization.load_pem_private_key(issued.private_key, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise ValueError("the CA's certificate and private key do not belong together")
        return cls(certificate, key)

    @property
    def certificate(self) -> bytes:
        """The CA certificate, PEM: what everybody trusts."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def export(self) -> Issued:
        """Return certificate and private key for the CA's own storage."""
        return Issued(self.certificate, _private_pem(self._private_key))

    def issue(self, request: LeafRequest, now: datetime) -> Issued:
        """Make a fresh key and a certificate for it."""
        key = ec.generate_private_key(ec.SECP256R1())
        usages = [ExtendedKeyUsageOID.SERVER_AUTH] * request.server
        usages += [ExtendedKeyUsageOID.CLIENT_AUTH] * request.client
        issuer_key = self._certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, request.common_name)])
        certificate = (
            _builder(subject, self._certificate.subject, key.public_key(), now, request.life)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(request.names(), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key), critical=False
            )
            .sign(self._private_key, hashes.SHA256())
        )
        return Issued(certificate.public_bytes(serialization.Encoding.PEM), _private_pem(key))


def names_differ(certificate: bytes, request: LeafRequest) -> bool:
    """Say whether a leaf stands for other names than are asked for."""
    parsed = x509.load_pem_x509_certificate(certificate)
    names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(names) != set(request.names())


def renewal_due(certificate: bytes) -> datetime:
    """Return when a leaf should be replaced: after two thirds of its life."""
    parsed = x509.load_pem_x509_certificate(certificate)
    life = parsed.not_valid_after_utc - parsed.not_valid_before_utc
    return parsed.not_valid_before_utc + life * 2 / 3


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATE)
        .not_valid_after(now + life)
    )


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
