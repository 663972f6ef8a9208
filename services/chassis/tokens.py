"""Principal tokens: compact JWS (RFC 7515) signed with EdDSA (RFC 8037), minted by auth, verified everywhere.

A token says for whom a request is made. It lives at most 60 seconds, is for one audience, and carries
what the entry point saw of the client. Verifying costs one Ed25519 operation; a token seen before costs
one hash, from a bounded cache that never outlives the token on a clock that runs in suspend.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import jwt
from craton.common.v1.error_reason_pb2 import ErrorReason
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from services.chassis.principal import BearerTokenType, ClientContext, PrincipalClaims, PrivatePath

ISSUER = "craton-auth"
TYPE = "craton-principal+jwt"
"""The "typ" header keeps tokens of another kind, signed by the same key, from being taken for these."""
MAX_LIFE_S = 60
"""Longest life of a token in seconds: how long a stolen one is worth anything."""
CLOCK_SKEW_S = 5
"""How far in the future "iat" may lie: hosts' clocks differ, but not by more under NTP."""
MAX_TOKEN_CHARS = 8192
_CACHED_TOKENS = 10_000
_REQUIRED = (
    "iss",
    "aud",
    "iat",
    "exp",
    "jti",
    "sub",
    "acct",
    "inc",
    "pid",
    "akid",
    "root",
    "epoch",
    "rgn",
    "ctx",
    "sia",
    "svc",
    "sid",
    "via",
    "inv",
    "brr",
    "gen",
    "vpce",
)
_MAX_VIA = 8
"""Services that one request goes through; there are fewer in an installation."""


class TokenKeySource(Protocol):
    """Where the public keys that verify tokens come from."""

    async def find(self, key_id: str) -> Ed25519PublicKey | None:
        """Return the key with this id, None when auth does not publish it.

        MUST NOT ask auth more often than a fixed rate, whatever key ids strangers send. Raises
        DomainError(DEPENDENCY_UNAVAILABLE) when keys were never fetched and auth is not reachable.
        """


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key that signs tokens, with the id under which its public half is published."""

    key_id: str
    private_key: Ed25519PrivateKey

    def __repr__(self) -> str:
        """Name the key without its value."""
        return f"SigningKey({self.key_id})"


def mint(claims: PrincipalClaims, key: SigningKey) -> str:
    """Sign `claims` into a token. For auth alone: nobody else holds the key.

    Raises ValueError when the claims say a longer life than MAX_LIFE_S.
    """
    if not 0 < claims.expires_at - claims.issued_at <= MAX_LIFE_S:
        raise ValueError(f"a principal token lives at most {MAX_LIFE_S} seconds")
    client = claims.client
    payload = {
        "iss": ISSUER,
        "aud": claims.audience,
        "iat": claims.issued_at,
        "exp": claims.expires_at,
        "jti": claims.token_id,
        "sub": claims.arn,
        "acct": claims.account_id,
        "inc": claims.account_incarnation,
        "pid": claims.principal_id,
        "akid": claims.access_key_id,
        "root": claims.root,
        "epoch": claims.policy_epoch,
        "rgn": claims.region,
        "ctx": {
            "ip": client.source_ip,
            "ua": client.user_agent,
            "tls": client.tls_version,
            "cipher": client.tls_cipher,
            "host": client.endpoint,
        },
        "sia": claims.session_issued_at,
        "svc": claims.signed_service,
        "sid": claims.source_identity,
        "via": list(claims.via),
        "inv": claims.invoked_by,
        "brr": "" if claims.bearer is None else claims.bearer.value,
        "gen": claims.key_generation,
        "vpce": _vpce(claims.path),
    }
    return jwt.encode(payload, key.private_key, algorithm="EdDSA", headers={"kid": key.key_id, "typ": TYPE})


class TokenVerifier:
    """Verifies principal tokens for one audience."""

    def __init__(self, audience: str | None, keys: TokenKeySource, clock: Clock) -> None:
        """Build a verifier for `audience`.

        None accepts every audience: only for auth, which must read other services' tokens to lease
        and exchange them, and compares the audience with the calling workload itself.
        """
        self._audience = audience
        self._keys = keys
        self._clock = clock
        self._verified: OrderedDict[bytes, tuple[PrincipalClaims, float]] = OrderedDict()

    async def verify(self, token: str) -> PrincipalClaims:
        """Return the claims of a valid token. Raises DomainError(INVALID_TOKEN) for any other."""
        digest = hashlib.sha256(token.encode()).digest()
        cached = self._verified.get(digest)
        if cached is not None:
            if self._clock.boottime() < cached[1]:
                return cached[0]
            del self._verified[digest]
        claims = await self._verify(token)
        now = self._clock.now().timestamp()
        self._verified[digest] = (claims, self._clock.boottime() + claims.expires_at - now)
        if len(self._verified) > _CACHED_TOKENS:
            self._verified.popitem(last=False)
        return claims

    async def verify_admitted(self, token: str, longest_s: float) -> PrincipalClaims:
        """As `verify`, of a token that may have expired since it admitted a call, `longest_s` ago at most."""
        return await self._verify(token, longest_s)

    async def _verify(self, token: str, expired_s: float = 0.0) -> PrincipalClaims:
        if len(token) > MAX_TOKEN_CHARS:
            raise _invalid("it is longer than any token of this installation")
        key = await self._keys.find(_key_id(token))
        if key is None:
            raise _invalid("it is signed by an unknown key")
        try:
            payload = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                issuer=ISSUER,
                audience=self._audience,
                # The injected clock decides about time, below.
                options={
                    "require": list(_REQUIRED),
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "verify_aud": self._audience is not None,
                },
            )
            claims = _claims(payload)
        except (jwt.InvalidTokenError, UnsupportedAlgorithm, TypeError, KeyError, ValueError) as error:
            raise _invalid("its signature, issuer, audience or claims are wrong") from error
        now = self._clock.now().timestamp()
        if (
            not 0 < claims.expires_at - claims.issued_at <= MAX_LIFE_S
            or claims.issued_at > now + CLOCK_SKEW_S
        ):
            raise _invalid("its times are impossible")
        if now >= claims.expires_at + expired_s:
            raise _invalid("it has expired")
        return claims


def _key_id(token: str) -> str:
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError as error:
        raise _invalid("it is not a compact JWS") from error
    key_id = header.get("kid")
    if header.get("alg") != "EdDSA" or header.get("typ") != TYPE or not isinstance(key_id, str):
        raise _invalid("its header is not one of a principal token")
    return key_id


def _claims(payload: Mapping[str, Any]) -> PrincipalClaims:
    client = payload["ctx"]
    return PrincipalClaims(
        account_id=_typed(payload["acct"], str),
        account_incarnation=_typed(payload["inc"], str),
        arn=_typed(payload["sub"], str),
        principal_id=_typed(payload["pid"], str),
        access_key_id=_typed(payload["akid"], str),
        root=_typed(payload["root"], bool),
        policy_epoch=_typed(payload["epoch"], int),
        region=_typed(payload["rgn"], str),
        audience=_typed(payload["aud"], str),
        token_id=_typed(payload["jti"], str),
        issued_at=_typed(payload["iat"], int),
        expires_at=_typed(payload["exp"], int),
        client=ClientContext(
            source_ip=_typed(client["ip"], str),
            user_agent=_typed(client["ua"], str),
            tls_version=_typed(client["tls"], str),
            tls_cipher=_typed(client["cipher"], str),
            endpoint=_typed(client["host"], str),
        ),
        session_issued_at=_typed(payload["sia"], int),
        signed_service=_typed(payload["svc"], str),
        source_identity=_typed(payload["sid"], str),
        via=_services(payload["via"]),
        invoked_by=_typed(payload["inv"], str),
        bearer=BearerTokenType(payload["brr"]) if _typed(payload["brr"], str) else None,
        key_generation=_typed(payload["gen"], int),
        path=_path(_typed(payload["vpce"], dict)),
    )


def _services(value: Any) -> tuple[str, ...]:
    if len(_typed(value, list)) > _MAX_VIA:
        raise ValueError("a request went through too many services")
    return tuple(_typed(each, str) for each in value)


def _vpce(path: PrivatePath | None) -> dict[str, str]:
    """Return the claim of a private path, which is there and empty for the public one."""
    if path is None:
        return {}
    return {"id": path.endpoint_id, "vpc": path.vpc_id, "acct": path.account_id, "svc": path.service}


def _path(vpce: Mapping[str, Any]) -> PrivatePath | None:
    if not vpce:
        return None
    return PrivatePath(*(_typed(vpce[name], str) for name in ("id", "vpc", "acct", "svc")))


def _typed(value: Any, kind: type) -> Any:
    # type() and not isinstance(): True is an int to isinstance, and a list is a legal JWT audience.
    if type(value) is not kind:
        raise TypeError("a claim has the wrong type")
    return value


def _invalid(why: str) -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_INVALID_TOKEN, f"The principal token is not valid: {why}.")
