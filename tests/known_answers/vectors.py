"""Known-answer vectors of the package cryptography-vectors, as far as they are of keys that kms has.

From NIST's CAVP (FIPS 186-2 and 186-3: RSA, ECDSA; SP 800-56A: ECDH), RSA Laboratories (OAEP), RFC 4231
(HMAC), RFC 6979 (ECDSA), Ed25519's authors and pyca (OAEP with SHA-256, a certificate signed by PSS).
"""

import functools
import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509 import load_pem_x509_certificate

from services.kms.domain.specs import Algorithm, KeySpec
from tests.known_answers import curves
from tests.known_answers.vector import (
    CODE,
    FOLDER,
    PLAINTEXT,
    SIGNATURE,
    KnownAnswer,
    private_der,
    public_der,
    records,
    text_of,
)


@functools.cache
def known_answers() -> tuple[KnownAnswer, ...]:
    """Read all of them: the same ones in the same order, every time."""
    readers = (_rsa, _pss_certificate, _oaep, _ed25519, _hmac, curves.read)
    return tuple(each for reader in readers for each in reader())


def _rsa() -> Iterator[KnownAnswer]:
    """Signatures.

    In no PSS file is a salt as long as the digest, and SigVerRSA is of ANSI X9.31: kms accepts none of those.
    """
    for file, scheme, valid in (
        ("SigGen15_186-3.rsp", "RSASSA_PKCS1_V1_5", True),
        ("SigGen15_186-2.rsp", "RSASSA_PKCS1_V1_5", True),
        ("SigVer15_186-3.rsp", "RSASSA_PKCS1_V1_5", True),
        ("SigVerRSA.rsp", "RSASSA_PKCS1_V1_5", False),
        ("../SigVer15EMTest.txt", "RSASSA_PKCS1_V1_5", True),
        ("SigGenPSS_186-3.rsp", "RSASSA_PSS", False),
        ("SigGenPSS_186-2.rsp", "RSASSA_PSS", False),
        ("SigVerPSS_186-3.rsp", "RSASSA_PSS", False),
    ):
        path, group = f"asymmetric/RSA/FIPS_186-2/{file}", dict[str, str]()
        for _section, number, record in records(path):
            group |= {name: value for name, value in record.items() if name in ("n", "e", "p", "q")}
            bits = int(group["n"], 16).bit_length()
            sha = record.get("SHAAlg", "")
            if sha not in ("SHA256", "SHA384", "SHA512") or f"RSA_{bits}" not in KeySpec.__members__:
                continue
            key, private = _rsa_key(group, record.get("d", ""))
            yield KnownAnswer(
                f"{Path(file).name} {number}",
                SIGNATURE,
                KeySpec(f"RSA_{bits}"),
                Algorithm(f"{scheme}_SHA_{sha[3:]}"),
                key,
                private,
                bytes.fromhex(record["Msg"]),
                bytes.fromhex(record["S"]).rjust(bits // 8, b"\0"),
                valid and record.get("Result", "P").startswith("P"),
            )


def _rsa_key(group: Mapping[str, str], d: str) -> tuple[bytes, bool]:
    """Return a private key where the vector has one that kms takes, the public one otherwise.

    NIST's own exponent is 3 in some groups, and in others the vector changed it: those have no private half.
    """
    public = rsa.RSAPublicNumbers(int(group["e"], 16), int(group["n"], 16))
    if d and "p" in group and public.e > 1 << 16:
        p, q, exponent = int(group["p"], 16), int(group["q"], 16), int(d, 16)
        if (exponent * public.e - 1) % (p - 1) == (exponent * public.e - 1) % (q - 1) == 0:
            return _rsa_pair(p, q, exponent, public.e), True
    return public_der(public.public_key()), False


@functools.cache
def _rsa_pair(p: int, q: int, d: int, e: int) -> bytes:
    """Encode a private key as the vector has it: whoever imports it checks it."""
    crt = (rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
    numbers = rsa.RSAPrivateNumbers(p, q, d, *crt, rsa.RSAPublicNumbers(e, p * q))
    return private_der(numbers.private_key(unsafe_skip_rsa_key_validation=True))


def _pss_certificate() -> Iterator[KnownAnswer]:
    certificate = load_pem_x509_certificate((FOLDER / "x509/custom/rsa_pss_cert.pem").read_bytes())
    yield KnownAnswer(
        "rsa_pss_cert.pem",
        SIGNATURE,
        KeySpec.RSA_2048,
        Algorithm.RSASSA_PSS_SHA_256,
        public_der(certificate.public_key()),
        False,
        certificate.tbs_certificate_bytes,
        certificate.signature,
    )


def _oaep() -> Iterator[KnownAnswer]:
    """Those with two different hashes, or a label, must not open."""
    for path, algorithm, valid in (
        ("pkcs-1v2-1d2-vec/oaep-vect.txt", Algorithm.RSAES_OAEP_SHA_1, True),
        ("oaep-custom/oaep-sha256-sha256.txt", Algorithm.RSAES_OAEP_SHA_256, True),
        ("oaep-custom/oaep-sha1-sha256.txt", Algorithm.RSAES_OAEP_SHA_1, False),
        ("oaep-custom/oaep-sha256-sha1.txt", Algorithm.RSAES_OAEP_SHA_256, False),
        ("oaep-custom/oaep-sha512-sha512.txt", Algorithm.RSAES_OAEP_SHA_256, False),
    ):
        text = text_of(f"asymmetric/RSA/{path}")
        values = re.findall(r"^# ([\w ]+?):\s*((?:^[0-9a-f ]+\s*\n)+)", text, re.MULTILINE)
        fields, number = dict[str, bytes](), 0
        for name, digits in values:
            written = "".join(digits.split())
            fields[name] = bytes.fromhex(written.zfill(len(written) + len(written) % 2))
            if name != "Encryption" or len(fields["Modulus"].lstrip(b"\0")) != 256:
                continue
            p, q, d, e = (
                int.from_bytes(fields[each], "big")
                for each in ("Prime 1", "Prime 2", "Exponent", "Public exponent")
            )
            yield KnownAnswer(
                f"{Path(path).name} {number}",
                PLAINTEXT,
                KeySpec.RSA_2048,
                algorithm,
                _rsa_pair(p, q, d, e),
                True,
                fields["Encryption"],
                fields["Message"],
                valid,
            )
            number += 1


def _ed25519() -> Iterator[KnownAnswer]:
    for number, line in enumerate(text_of("asymmetric/Ed25519/sign.input").splitlines()):
        seed, _public, message, signed = line.split(":")[:4]
        key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed[:64]))
        yield KnownAnswer(
            f"sign.input {number}",
            SIGNATURE,
            KeySpec.ECC_NIST_EDWARDS25519,
            Algorithm.ED25519_SHA_512,
            private_der(key),
            True,
            bytes.fromhex(message),
            bytes.fromhex(signed[:128]),
        )


def _hmac() -> Iterator[KnownAnswer]:
    """HMAC pads short keys with zeros and hashes long ones (RFC 2104): so keys get the length kms takes."""
    for size in (224, 256, 384, 512):
        for _section, number, record in records(f"HMAC/rfc-4231-sha{size}.txt"):
            key, digest = bytes.fromhex(record["Key"]), hashlib.new(f"sha{size}")
            if len(key) > digest.block_size:
                digest.update(key)
                key = digest.digest()
            yield KnownAnswer(
                f"rfc-4231-sha{size}.txt {number}",
                CODE,
                KeySpec(f"HMAC_{size}"),
                Algorithm(f"HMAC_SHA_{size}"),
                key.ljust(size // 8, b"\0"),
                True,
                bytes.fromhex(record["Msg"]),
                bytes.fromhex(record["MD"]),
            )
