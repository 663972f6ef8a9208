"""Tokens of identity providers: compact JWS (RFC 7515) whose claims say who somebody is (OpenID Connect).

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeGuard

import jwt

from services.auth.domain.key_sets import ALGORITHMS, PublicKey
from services.auth.domain.roles import Tags
from services.auth.errors.web_identity import (
    identity_claim_rejected,
    identity_token_expired,
    identity_token_too_old,
    invalid_identity_token,
)
from services.chassis.secret import SecretBytes

MAX_TOKEN_CHARS = 20_000
"""As at AWS."""
CLOCK_SKEW = timedelta(minutes=5)
"""How far an issuer's clock may differ from ours. AWS gives a token as much beyond its "exp"."""
MAX_AGE = timedelta(hours=24)
"""How old a token may be, however long it says that it lives."""
_MAX_ISSUER = 255
_MAX_SUBJECT = 255
_MAX_KEY_ID = 1024
_MAX_METHODS = 20
_MAX_METHOD = 128
_MAX_TAG_KEY, _MAX_TAG_VALUE = 128, 256
_TAGS = "https://aws.amazon.com/tags"
_SOURCE_IDENTITY = "https://aws.amazon.com/source_identity"
_NAME = re.compile(r"[A-Za-z0-9+=,.@_-]{2,64}")
_NOT_A_TOKEN = (
    "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"  # noqa: S105
)
_WRONG_SIGNATURE = "The web identity token's signature cannot be verified with the key that it names."


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """A token of which nothing is believed yet: it only says with which key of whom to verify it."""

    compact: SecretBytes = field(repr=False)
    issuer: str
    key_id: str
    """Empty when the header names none: then the issuer must have one key alone."""
    algorithm: str


@dataclass(frozen=True, slots=True)
class WebIdentity:
    """What a verified token says."""

    issuer: str
    subject: str
    audience: str
    """The client id that it was accepted for."""
    claims: Mapping[str, tuple[str, ...]]
    """Claims that trust policies can refer to, by their names: aud, sub and, where it has them, others."""
    authentication_methods: tuple[str, ...]
    tags: Tags
    transitive_keys: tuple[str, ...]
    source_identity: str


def read_unverified(compact: str) -> UnverifiedToken:
    """Read which key of which issuer a token claims to be signed with.

    No other parameter of the header has any effect: keys and their locations in it are not looked at.
    Raises DomainError(INVALID_IDENTITY_TOKEN).
    """
    if len(compact) > MAX_TOKEN_CHARS or not compact.isascii():
        raise invalid_identity_token(_NOT_A_TOKEN)
    try:
        header = jwt.get_unverified_header(compact)
        payload = jwt.decode(compact, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError):
        raise invalid_identity_token(_NOT_A_TOKEN) from None
    issuer, algorithm, key_id = payload.get("iss"), header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise invalid_identity_token(f"The web identity token must be signed with one of {_listed()}.")
    if "crit" in header:
        # RFC 7515, section 4.1.11: none of the extensions that it lists is understood here.
        raise invalid_identity_token("The web identity token's header has critical extensions.")
    if "kid" not in header:
        key_id = ""
    elif not isinstance(key_id, str) or not 0 < len(key_id) <= _MAX_KEY_ID:
        raise invalid_identity_token("The web identity token's header does not name a key (kid).")
    if not _is_text(issuer, _MAX_ISSUER):
        raise invalid_identity_token("Missing a required claim: iss")
    return UnverifiedToken(SecretBytes(compact.encode()), issuer, key_id, algorithm)


def verify(token: UnverifiedToken, key: PublicKey, client_ids: tuple[str, ...], now: datetime) -> WebIdentity:
    """Verify a token with a key of its issuer and return what it says.

    Raises DomainError: INVALID_IDENTITY_TOKEN, IDENTITY_TOKEN_EXPIRED, IDENTITY_CLAIM_REJECTED.
    """
    # The clock that is injected decides about time, below; who the audience is decides its own rule.
    try:
        payload = jwt.decode(
            token.compact.reveal(),
            key,
            algorithms=[token.algorithm],
            options={
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "verify_aud": False,
                "verify_iss": False,
                "verify_sub": False,
                "verify_jti": False,
            },
        )
    except (jwt.InvalidTokenError, ValueError, TypeError):
        raise invalid_identity_token(_WRONG_SIGNATURE) from None
    if payload.get("iss") != token.issuer:
        raise invalid_identity_token("The web identity token's issuer (iss) is not the provider's.")
    _check_times(payload, now)
    subject = payload.get("sub")
    if not _is_text(subject, _MAX_SUBJECT):
        raise invalid_identity_token("Missing a required claim: sub")
    claims = {"sub": (subject,), **_audience(payload, client_ids)}
    email = payload.get("email")
    if _is_text(email, _MAX_SUBJECT):
        claims["email"] = (email,)
    methods = _methods(payload.get("amr"))
    if methods:
        claims["amr"] = methods
    tags, transitive_keys = _session_tags(payload)
    return WebIdentity(
        issuer=token.issuer,
        subject=subject,
        audience=claims["aud"][0],
        claims=claims,
        authentication_methods=methods,
        tags=tags,
        transitive_keys=transitive_keys,
        source_identity=_source_identity(payload),
    )


def _is_text(value: Any, longest: int) -> TypeGuard[str]:
    """Say whether a claim is a text that can be kept and told: JSON carries half characters as well."""
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()


def _listed() -> str:
    return ", ".join(sorted(ALGORITHMS))


def _check_times(payload: Mapping[str, Any], now: datetime) -> None:
    seconds, skew = int(now.timestamp()), int(CLOCK_SKEW.total_seconds())
    expires, issued = _instant(payload, "exp"), _instant(payload, "iat")
    if expires is None or issued is None:
        raise invalid_identity_token(f"Missing a required claim: {'exp' if expires is None else 'iat'}")
    if seconds >= expires + skew:
        raise identity_token_expired(seconds, expires)
    if seconds - issued > int(MAX_AGE.total_seconds()) + skew:
        raise identity_token_too_old(seconds - issued)
    not_before = _instant(payload, "nbf")
    for name, moment in (("iat", issued), ("nbf", not_before)):
        if moment is not None and moment > seconds + skew:
            raise identity_claim_rejected(name, "lies in the future")


def _instant(payload: Mapping[str, Any], name: str) -> int | None:
    value = payload.get(name)
    if value is None:
        return None
    # AWS: an integer. type() and not isinstance(), because True is an int to isinstance.
    if type(value) is not int:
        raise invalid_identity_token(f"The claim {name} is not a whole number of seconds.")
    return value


def _audience(payload: Mapping[str, Any], client_ids: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return the claims about the audience, as trust policies see them.

    A token can be issued to one party ("azp") for another ("aud"). AWS takes the first for the audience where
    there is one, and "oaud" is then what stood in "aud". Without it, none of several audiences can be chosen.
    """
    audience = payload.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or not all(isinstance(each, str) for each in audiences):
        raise invalid_identity_token("Incorrect token audience")
    authorized = payload.get("azp")
    if authorized is not None and not isinstance(authorized, str):
        raise invalid_identity_token("Incorrect token audience")
    if authorized is None and len(audiences) != 1:
        raise invalid_identity_token("Incorrect token audience")
    accepted = authorized if authorized is not None else audiences[0]
    if accepted not in client_ids:
        raise invalid_identity_token("Incorrect token audience")
    found: dict[str, tuple[str, ...]] = {"aud": (accepted,)}
    if authorized is not None:
        found["azp"] = (authorized,)
        if len(audiences) == 1:
            found["oaud"] = (audiences[0],)
    return found


def _methods(value: Any) -> tuple[str, ...]:
    methods = [value] if isinstance(value, str) else value
    if methods is None:
        return ()
    if not isinstance(methods, list) or len(methods) > _MAX_METHODS:
        raise identity_claim_rejected("amr", f"is not a list of at most {_MAX_METHODS} texts")
    if not all(_is_text(each, _MAX_METHOD) for each in methods):
        raise identity_claim_rejected("amr", f"is not a list of texts of at most {_MAX_METHOD} characters")
    return tuple(methods)


def _session_tags(payload: Mapping[str, Any]) -> tuple[Tags, tuple[str, ...]]:
    """Return the session tags and which of them are transitive, from either of the forms that AWS knows.

    Nested: one claim with "principal_tags" and "transitive_tag_keys". Flattened: a claim for each tag, whose
    name goes on after "principal_tags/".
    """
    nested = payload.get(_TAGS, {})
    if not isinstance(nested, dict):
        raise identity_claim_rejected(_TAGS, "is not an object")
    given = nested.get("principal_tags", {})
    transitive = nested.get("transitive_tag_keys", payload.get(f"{_TAGS}/transitive_tag_keys", []))
    if not isinstance(given, dict):
        raise identity_claim_rejected(_TAGS, "has principal_tags that are not an object")
    prefix = f"{_TAGS}/principal_tags/"
    flattened = {
        name.removeprefix(prefix): value for name, value in payload.items() if name.startswith(prefix)
    }
    if given and flattened:
        raise identity_claim_rejected(_TAGS, "stands there nested and flattened")
    keys = [transitive] if isinstance(transitive, str) else transitive
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise identity_claim_rejected(_TAGS, "has transitive_tag_keys that are not a list of texts")
    tags = sorted((key, _tag_value(value)) for key, value in (given or flattened).items())
    if not all(0 < len(key) <= _MAX_TAG_KEY for key, _ in tags):
        raise identity_claim_rejected(_TAGS, f"has a key that is empty or longer than {_MAX_TAG_KEY}")
    return tuple(tags), tuple(keys)


def _tag_value(value: Any) -> str:
    values = value if isinstance(value, list) else [value]
    if len(values) != 1 or not isinstance(values[0], str) or len(values[0]) > _MAX_TAG_VALUE:
        raise identity_claim_rejected(_TAGS, f"has a tag whose value is not one text of {_MAX_TAG_VALUE}")
    return values[0]


def _source_identity(payload: Mapping[str, Any]) -> str:
    value = payload.get(_SOURCE_IDENTITY)
    if value is None:
        return ""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise identity_claim_rejected(_SOURCE_IDENTITY, "is not 2 to 64 characters of A-Za-z0-9+=,.@_-")
    return value
