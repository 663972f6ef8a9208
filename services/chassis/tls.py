"""mTLS between workloads: TLS 1.3 only (see services/__init__.py), rotation without restart on servers."""

import ssl
import threading
from dataclasses import dataclass
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from services.chassis.settings import TlsSettings

TLS_VERSION = "TLSv1.3"
"""What every connection to a gRPC listener of ours speaks; gRPC names neither version nor cipher suite."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """One consistent reading of a workload's files (PEM)."""

    certificate: bytes
    private_key: bytes
    ca: bytes

    def __repr__(self) -> str:
        """Never show the key."""
        return "KeyPair(**)"


def read_key_pair(settings: TlsSettings) -> KeyPair:
    """Read certificate, key and CA.

    Raises ValueError when key and certificate do not belong together, and for an RSA key: with one the
    suite that is left for TLS 1.2 would be usable (see services/__init__.py).
    """
    pair = KeyPair(
        settings.certificate.read_bytes(), settings.private_key.read_bytes(), settings.ca.read_bytes()
    )
    certificate = x509.load_pem_x509_certificate(pair.certificate)
    key = load_pem_private_key(pair.private_key, password=None)
    public = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if certificate.public_key().public_bytes(*public) != key.public_key().public_bytes(*public):
        raise ValueError("the private key does not belong to the certificate")
    rsa = isinstance(key.public_key(), RSAPublicKey)
    if rsa:
        raise ValueError("the key must be an elliptic one: with RSA the listener would also speak TLS 1.2")
    return pair


class CertificateWatcher:
    """Notices new certificate files and reads them as a whole, keeping the old ones until they fit."""

    def __init__(self, settings: TlsSettings) -> None:
        """Read the files once; raises OSError or ValueError when they cannot be used."""
        self._settings = settings
        self._lock = threading.Lock()
        self._seen = self._stamp()
        self.current = read_key_pair(settings)

    def poll(self) -> KeyPair | None:
        """Return the new pair when the files have changed and fit together, else None."""
        with self._lock:
            try:
                stamp = self._stamp()
                if stamp == self._seen:
                    return None
                pair = read_key_pair(self._settings)
            except (OSError, ValueError):
                # The files are being replaced; the next handshake looks again.
                return None
            self._seen = stamp
            self.current = pair
            return pair

    def _stamp(self) -> tuple[int, ...]:
        files = (self._settings.certificate, self._settings.private_key, self._settings.ca)
        return tuple(number for path in files for number in (path.stat().st_mtime_ns, path.stat().st_ino))


def server_credentials(settings: TlsSettings, *, require_client: bool = True) -> grpc.ServerCredentials:
    """Credentials of a listener; certificates are looked at again at every handshake."""
    watcher = CertificateWatcher(settings)

    def configuration(pair: KeyPair) -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration(
            [(pair.private_key, pair.certificate)], root_certificates=pair.ca if require_client else None
        )

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        pair = watcher.poll()
        return None if pair is None else configuration(pair)

    # None means "no change" to gRPC, which its stubs do not say.
    return grpc.dynamic_ssl_server_credentials(
        configuration(watcher.current),
        fetch,  # type: ignore[arg-type]
        require_client_authentication=require_client,
    )


def server_context(settings: TlsSettings) -> ssl.SSLContext:
    """Context of a listener that speaks HTTP/2 itself and demands client certificates, read now.

    Raises OSError and ssl.SSLError.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(settings.ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    # A resumed session would be trusted without another look at the certificate, which may have expired.
    context.num_tickets = 0
    context.load_cert_chain(settings.certificate, settings.private_key)
    context.set_alpn_protocols(["h2"])
    return context


def trusting(ca: Path) -> ssl.SSLContext:
    """Context of a client that trusts one CA, and nobody whom the system trusts besides, read now.

    Raises OSError and ssl.SSLError.
    """
    context = ssl.create_default_context(cafile=str(ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def client_context(settings: TlsSettings) -> ssl.SSLContext:
    """Context of a client that speaks HTTP/2 itself, read now. Raises OSError and ssl.SSLError."""
    context = trusting(settings.ca)
    context.load_cert_chain(settings.certificate, settings.private_key)
    context.set_alpn_protocols(["h2"])
    return context


def channel_credentials(settings: TlsSettings) -> grpc.ChannelCredentials:
    """Credentials of a client, read now: a channel keeps them for its whole life."""
    pair = read_key_pair(settings)
    return grpc.ssl_channel_credentials(
        root_certificates=pair.ca, private_key=pair.private_key, certificate_chain=pair.certificate
    )
