"""The refusals of web identities, in the words of AWS's exceptions.

AWS: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html#API_AssumeRoleWithWebIdentity_Errors
They say nothing of a token but what its bearer knows, and nothing of an issuer but that it did not answer.
"""

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.auth.errors import access_denied, exists, not_found
from services.chassis.errors import DomainError


def invalid_identity_token(message: str) -> DomainError:
    """The token cannot be accepted (InvalidIdentityToken)."""
    return DomainError(ErrorReason.ERROR_REASON_INVALID_IDENTITY_TOKEN, message)


def unknown_issuer(issuer: str) -> DomainError:
    """The role's account registered no such issuer."""
    return invalid_identity_token(f"No OpenIDConnect provider found in your account for {issuer[:255]}")


def no_verification_key() -> DomainError:
    """The issuer answered, and there is no such key in what it said, or nothing that can be used."""
    return invalid_identity_token(
        "Couldn't retrieve verification key from your identity provider,  please reference "
        "AssumeRoleWithWebIdentity documentation for requirements"
    )


def identity_token_expired(now: int, expires: int) -> DomainError:
    """The token's time is over (ExpiredTokenException); both in Unix seconds."""
    return DomainError(
        ErrorReason.ERROR_REASON_IDENTITY_TOKEN_EXPIRED,
        f"Token expired: current date/time {now} must be before the expiration date/time {expires}",
    )


def identity_token_too_old(age: int) -> DomainError:
    """The token was issued too long ago, whatever it says of its life; `age` in seconds."""
    return DomainError(ErrorReason.ERROR_REASON_IDENTITY_TOKEN_EXPIRED, f"Token too old: {age}")


def identity_claim_rejected(claim: str, why: str) -> DomainError:
    """A claim of a token that was rightly signed cannot be used (IDPRejectedClaim)."""
    return DomainError(
        ErrorReason.ERROR_REASON_IDENTITY_CLAIM_REJECTED, f"The claim {claim} of the token {why}."
    )


def provider_unreachable() -> DomainError:
    """The issuer did not answer (IDPCommunicationError), for whatever reason: our log tells which."""
    return DomainError(
        ErrorReason.ERROR_REASON_IDENTITY_PROVIDER_UNREACHABLE,
        "The identity provider that was asked to verify the web identity token could not be reached.",
        retry_after_s=1.0,
    )


def provider_busy() -> DomainError:
    """Too much is being fetched from issuers of this account already."""
    return DomainError(
        ErrorReason.ERROR_REASON_THROTTLED,
        "Too many requests to identity providers. Try again.",
        retry_after_s=1.0,
    )


def not_authorized(action: str) -> DomainError:
    """The trust policy does not allow it, or there is no such role: both look the same, as at AWS."""
    return access_denied(f"Not authorized to perform {action}")


def provider_not_found(arn: str) -> DomainError:
    """No such provider in the account."""
    return not_found(f"OpenIDConnect Provider not found for arn {arn}", arn)


def provider_exists(url: str) -> DomainError:
    """The account has registered this issuer."""
    return exists(f"Provider with url {url} already exists.", url)
