"""Vectors of elliptic curves: ECDSA, ECDH, and keys that are ones or not."""

import base64
import functools
import re
from collections.abc import Iterator, Mapping

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from services.kms.domain.specs import Algorithm, KeySpec
from tests.known_answers.vector import (
    KEY,
    SECRET,
    SIGNATURE,
    KnownAnswer,
    private_der,
    public_der,
    records,
    text_of,
)

_CURVES: Mapping[str, tuple[KeySpec, ec.EllipticCurve, Algorithm]] = {
    "P-256": (KeySpec.ECC_NIST_P256, ec.SECP256R1(), Algorithm.ECDSA_SHA_256),
    "P-384": (KeySpec.ECC_NIST_P384, ec.SECP384R1(), Algorithm.ECDSA_SHA_384),
    "P-521": (KeySpec.ECC_NIST_P521, ec.SECP521R1(), Algorithm.ECDSA_SHA_512),
    "K-256": (KeySpec.ECC_SECG_P256K1, ec.SECP256K1(), Algorithm.ECDSA_SHA_256),
}
_SECTION = re.compile(r"\[(?P<curve>[PK]-\d+)(, ?SHA-?(?P<sha>\d+))?\]")
_PARAMETER_SETS = {"EC - SHA256": "P-256", "ED - SHA384": "P-384", "EE - SHA512": "P-521"}


def read() -> Iterator[KnownAnswer]:
    """Read all of them."""
    for reader in (_ecdsa, _rfc_6979, _key_pairs, _ecdh):
        yield from reader()


def _ecdsa() -> Iterator[KnownAnswer]:
    folder = "asymmetric/ECDSA"
    for file in (
        "FIPS_186-2/SigGen.txt",
        "FIPS_186-3/SigGen.txt",
        "SECP256K1/SigGen.txt",
        "FIPS_186-2/SigVer.rsp",
        "FIPS_186-3/SigVer.rsp",
    ):
        for section, number, record in records(f"{folder}/{file}"):
            found = _SECTION.match(section)
            if found is None or found["curve"] not in _CURVES or "R" not in record:
                continue
            spec, curve, algorithm = _CURVES[found["curve"]]
            if algorithm.value != f"ECDSA_SHA_{found['sha']}":
                continue
            valid = record.get("Result", "P").startswith("P")
            point = _point(curve, record["Qx"], record["Qy"])
            key = _pair(curve, record["d"], record["Qx"], record["Qy"]) if "d" in record else point
            signature = encode_dss_signature(int(record["R"], 16), int(record["S"], 16))
            yield KnownAnswer(
                f"{file} {number}",
                SIGNATURE,
                spec,
                algorithm,
                key,
                "d" in record,
                bytes.fromhex(record["Msg"]),
                signature,
                valid,
            )


def _rfc_6979() -> Iterator[KnownAnswer]:
    text = text_of("asymmetric/ECDSA/RFC6979/evppkey_ecdsa_rfc6979.txt")
    keys = {
        name: base64.b64decode(body)
        for name, body in re.findall(r"PrivateKey=(P-\d+)_PRIV\n-+BEGIN.*?-+\n(.*?)-+END", text, re.DOTALL)
    }
    for number, block in enumerate(text.split("\n\n")):
        fields = dict(re.findall(r"^(\w+) = (.*)$", block, re.MULTILINE))
        name = fields.get("Key", "").rsplit("_", 1)[0]
        sha = fields.get("DigestSign", fields.get("DigestVerify", ""))
        if name not in _CURVES or _CURVES[name][2].value != f"ECDSA_SHA_{sha[3:]}":
            continue
        spec, _curve, algorithm = _CURVES[name]
        message, signature = fields["Input"].strip('"').encode(), bytes.fromhex(fields["Output"])
        yield KnownAnswer(
            f"rfc6979 {number}",
            SIGNATURE,
            spec,
            algorithm,
            keys[name],
            True,
            message,
            signature,
            "Result" not in fields,
        )


def _key_pairs() -> Iterator[KnownAnswer]:
    """Pairs, the same with the point of the pair before, and public keys that are and are not points."""
    for folder in ("FIPS_186-2", "FIPS_186-3"):
        before: dict[str, str] = {}
        for section, number, record in records(f"asymmetric/ECDSA/{folder}/KeyPair.rsp"):
            # The curve is said by the last but one heading: by the length of the numbers instead.
            name = {64: "P-256", 96: "P-384", 131: "P-521", 132: "P-521"}.get(len(record.get("Qx", "")), "")
            if "d" not in record or not name or section.startswith(("[K", "[B-")):
                continue
            spec, curve, _algorithm = _CURVES[name]
            if not _on(curve, record):
                continue
            source = f"{folder}/KeyPair.rsp {number}"
            pair = _pair(curve, record["d"], record["Qx"], record["Qy"])
            yield KnownAnswer(source, KEY, spec, None, pair, True)
            if before.get("curve") == name:
                mixed = _pair(curve, record["d"], before["Qx"], before["Qy"])
                yield KnownAnswer(f"{source} mixed", KEY, spec, None, mixed, True, valid=False)
            before = {**record, "curve": name}
        for section, number, record in records(f"asymmetric/ECDSA/{folder}/PKV.rsp"):
            found = _SECTION.match(section)
            if found is None or found["curve"] not in _CURVES:
                continue
            spec, curve, _algorithm = _CURVES[found["curve"]]
            if max(len(record["Qx"]), len(record["Qy"])) > 2 * _size(curve):
                continue  # It cannot even be written down.
            key = _point(curve, record["Qx"], record["Qy"])
            valid = record["Result"].startswith("P")
            yield KnownAnswer(f"{folder}/PKV.rsp {number}", KEY, spec, None, key, False, valid=valid)


def _ecdh() -> Iterator[KnownAnswer]:
    for role in ("init", "resp"):
        file = f"KASValidityTest_ECCStaticUnified_NOKC_ZZOnly_{role}.fax"
        for section, number, record in records(f"asymmetric/ECDH/{file}"):
            name = _PARAMETER_SETS.get(section.strip("[]"), "")
            if not name or "Z" not in record:
                continue
            spec, curve, _algorithm = _CURVES[name]
            yield KnownAnswer(
                f"{file} {number}",
                SECRET,
                spec,
                Algorithm.ECDH,
                _pair(curve, record["dsIUT"], record["QsIUTx"], record["QsIUTy"]),
                True,
                _point(curve, record["QsCAVSx"], record["QsCAVSy"]),
                bytes.fromhex(record["Z"].rjust(2 * _size(curve), "0")),
                record["Result"].startswith("P"),
            )


def _size(curve: ec.EllipticCurve) -> int:
    return (curve.key_size + 7) // 8


def _coordinates(curve: ec.EllipticCurve, x: str, y: str) -> bytes:
    return b"".join(int(each, 16).to_bytes(_size(curve), "big") for each in (x, y))


def _on(curve: ec.EllipticCurve, record: Mapping[str, str]) -> bool:
    """Say whether a point lies on a curve: headings of one file name several curves of one size."""
    try:
        ec.EllipticCurvePublicNumbers(int(record["Qx"], 16), int(record["Qy"], 16), curve).public_key()
    except ValueError:
        return False
    return True


@functools.cache
def _template(name: str) -> tuple[bytes, bytes]:
    """Encodings of some key of the curve, whose last bytes are its point."""
    curve = next(each for _spec, each, _algorithm in _CURVES.values() if each.name == name)
    key = ec.derive_private_key(1, curve)
    return private_der(key), public_der(key.public_key())


def _point(curve: ec.EllipticCurve, x: str, y: str) -> bytes:
    """Encode a public key, a point or not: `cryptography` would refuse to."""
    return _template(curve.name)[1][: -2 * _size(curve)] + _coordinates(curve, x, y)


def _pair(curve: ec.EllipticCurve, d: str, x: str, y: str) -> bytes:
    """Encode a private key beside a point that may be another's."""
    one = (1).to_bytes(_size(curve), "big")
    head, tail = _template(curve.name)[0][: -2 * _size(curve)].split(one, 1)
    return head + int(d, 16).to_bytes(_size(curve), "big") + tail + _coordinates(curve, x, y)
