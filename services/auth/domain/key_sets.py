"""JSON Web Key Sets (RFC 7517) of issuers, and their discovery documents: what of them is used.

AWS accepts RS256, RS384, RS512, ES256, ES384 and ES512, and up to 100 keys of each kind:
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from services.auth.domain.oidc import Location

PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey

_RSA_ALGORITHMS = frozenset({"RS256", "RS384", "RS512"})
_EC_ALGORITHMS = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
ALGORITHMS = _RSA_ALGORITHMS | frozenset(_EC_ALGORITHMS.values())
_MAX_KEYS = {"RSA": 100, "EC": 100}
_RSA_BITS = range(2048, 8193)
"""Shorter ones are not secure (NIST SP 800-131A), and verifying with longer ones takes milliseconds."""
_MAX_RSA_EXPONENT = 2**33
_MAX_KEY_ID = 1024


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key, and the one algorithm or the few that signatures verified with it may have."""

    public_key: PublicKey
    algorithms: frozenset[str]


KeySet = Mapping[str, tuple[VerificationKey, ...]]
"""Keys by their ids, those without one under ""; an id can stand for one key of each kind."""


def parse_discovery(document: bytes, issuer: str) -> Location:
    """Return where the issuer's keys are. Raises ValueError for a document that is not the issuer's.

    OpenID Connect Discovery 1.0, section 4.3: the issuer it names must be exactly the one it was asked for.
    """
    found = _object(document)
    if found.get("issuer") != issuer:
        raise ValueError("the discovery document is another issuer's")
    location = found.get("jwks_uri")
    if not isinstance(location, str):
        raise ValueError("the discovery document has no jwks_uri")  # noqa: TRY004 (of a document)
    return Location.parse(location)


def parse_key_set(document: bytes) -> KeySet:
    """Return the keys that signatures can be verified with; others are passed over, as RFC 7517 asks.

    Raises ValueError for a document that is no key set, has no such key, or has too many.
    """
    keys = _object(document).get("keys")
    if not isinstance(keys, list):
        raise ValueError("the key set has no list of keys")  # noqa: TRY004 (of a document)
    for kind, limit in _MAX_KEYS.items():
        if sum(isinstance(each, dict) and each.get("kty") == kind for each in keys) > limit:
            raise ValueError(f"the key set has more than {limit} keys of the kind {kind}")
    if len(keys) > 2 * sum(_MAX_KEYS.values()):
        raise ValueError("the key set has too many keys")
    found: dict[str, tuple[VerificationKey, ...]] = {}
    for each in keys:
        key_id = each.get("kid", "") if isinstance(each, dict) else None
        if not isinstance(key_id, str) or len(key_id) > _MAX_KEY_ID:
            continue
        key = _key(each)
        if key is not None:
            found[key_id] = (*found.get(key_id, ()), key)
    if not found:
        raise ValueError("the key set has no key that signatures can be verified with")
    return found


def _object(document: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise ValueError("the document is no JSON") from error
    if not isinstance(found, dict):
        raise ValueError("the document is no JSON object")  # noqa: TRY004 (of a document)
    return found


def _key(jwk: Mapping[str, Any]) -> VerificationKey | None:
    if jwk.get("use", "sig") != "sig":
        return None
    kind = jwk.get("kty")
    read = {"RSA": _rsa_key, "EC": _ec_key}.get(kind) if isinstance(kind, str) else None
    if read is None:
        return None
    try:
        key = read(jwk)
    except (jwt.InvalidKeyError, UnsupportedAlgorithm, ValueError, TypeError, KeyError):
        return None
    if key is None or "alg" not in jwk:
        return key
    allowed = key.algorithms & {str(jwk["alg"])}
    return VerificationKey(key.public_key, allowed) if allowed else None


def _rsa_key(jwk: Mapping[str, Any]) -> VerificationKey | None:
    # Only the public members: a set that leaks a private key must not make one of it here.
    key = RSAAlgorithm.from_jwk({"kty": "RSA", "n": jwk["n"], "e": jwk["e"]})
    if not isinstance(key, RSAPublicKey) or key.key_size not in _RSA_BITS:
        return None
    if key.public_numbers().e > _MAX_RSA_EXPONENT:
        return None
    return VerificationKey(key, _RSA_ALGORITHMS)


def _ec_key(jwk: Mapping[str, Any]) -> VerificationKey | None:
    # RFC 7518, section 3.4: each algorithm goes with one curve.
    algorithm = _EC_ALGORITHMS.get(str(jwk.get("crv")))
    if algorithm is None:
        return None
    key = ECAlgorithm.from_jwk({"kty": "EC", "crv": jwk["crv"], "x": jwk["x"], "y": jwk["y"]})
    if not isinstance(key, EllipticCurvePublicKey):
        return None
    return VerificationKey(key, frozenset({algorithm}))


def choose(keys: KeySet, key_id: str, algorithm: str) -> PublicKey | None:
    """Return the key that a token names, or the only one when it names none.

    OpenID Connect Core 1.0, section 10.1: where an issuer has several keys, its tokens must name theirs.
    """
    named = keys.get(key_id, ()) if key_id else tuple(key for group in keys.values() for key in group)
    if not key_id and len(named) != 1:
        return None
    return next((key.public_key for key in named if algorithm in key.algorithms), None)
