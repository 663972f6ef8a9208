"""Keys and certificates that a listener takes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.chassis.settings import TlsSettings
from services.chassis.tls import read_key_pair


def _write(folder: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> TlsSettings:
    name = x509.Name([])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(hours=1))
        .sign(key, SHA256())
        .public_bytes(Encoding.PEM)
    )
    files = TlsSettings(folder / "tls.crt", folder / "tls.key", folder / "ca.crt")
    files.certificate.write_bytes(certificate)
    files.ca.write_bytes(certificate)
    files.private_key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


def test_an_elliptic_pair_is_read_and_not_shown(tmp_path: Path) -> None:
    pair = read_key_pair(_write(tmp_path, ec.generate_private_key(ec.SECP256R1())))
    assert b"PRIVATE KEY" in pair.private_key
    assert "KEY" not in repr(pair).replace("KeyPair", "")


def test_an_rsa_key_is_refused_because_tls_1_2_would_work_with_it(tmp_path: Path) -> None:
    files = _write(tmp_path, rsa.generate_private_key(65537, 2048))
    with pytest.raises(ValueError, match=r"TLS 1\.2"):
        read_key_pair(files)


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    other = _write(tmp_path, ec.generate_private_key(ec.SECP256R1())).private_key.read_bytes()
    (tmp_path / "again").mkdir()
    files = _write(tmp_path / "again", ec.generate_private_key(ec.SECP256R1()))
    files.private_key.write_bytes(other)
    with pytest.raises(ValueError, match="does not belong"):
        read_key_pair(files)
