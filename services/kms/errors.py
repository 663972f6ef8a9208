"""The refusals of the key service."""

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError


def invalid_ciphertext() -> DomainError:
    """The one answer to every ciphertext that does not open.

    Damage, a wrong context, another key, an unknown key and a foreign format look the same, so that
    the answer tells a forger nothing about how far the attempt came.
    """
    return DomainError(
        ErrorReason.ERROR_REASON_INVALID_CIPHERTEXT,
        "The ciphertext does not open under this key and encryption context.",
    )


def key_disabled(name: str) -> DomainError:
    """The key exists but is disabled."""
    return DomainError(
        ErrorReason.ERROR_REASON_KEY_DISABLED, f"{name} is disabled.", metadata={"resource": name}
    )


def key_state(name: str, state: str) -> DomainError:
    """The key's state does not permit this: "pending deletion", "pending import", "enabled"."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_STATE, f"{name} is {state}.", metadata={"resource": name}
    )


def alias_not_found(name: str) -> DomainError:
    """No alias of this name is visible to the caller."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND,
        f"Alias {name} is not found.",
        metadata={"resource": name},
    )


def limit_exceeded(message: str) -> DomainError:
    """A quota of the account, or of the key, was reached."""
    return DomainError(ErrorReason.ERROR_REASON_QUOTA_EXCEEDED, message)


def unsupported(message: str) -> DomainError:
    """The operation exists, but not with these parameters or for this key."""
    return DomainError(ErrorReason.ERROR_REASON_UNSUPPORTED_OPERATION, message)


def sealed() -> DomainError:
    """No key can be used, because custody waits to be unsealed."""
    return DomainError(
        ErrorReason.ERROR_REASON_SEALED, "The key service is sealed. An operator must unseal it."
    )


def purge_not_done() -> DomainError:
    """A certificate is asked for of a purge that kms has not done its part of."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_STATE,
        "The keys of this account have not been purged by this purge.",
    )


def store_opening() -> DomainError:
    """Custody is open, and the store is still being verified, or waits for its anchor."""
    return DomainError(
        ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE,
        "The key service is opening its store. Try again.",
        retry_after_s=0.2,
    )


def wrong_passphrase() -> DomainError:
    """What was given does not open custody."""
    return DomainError(ErrorReason.ERROR_REASON_ACCESS_DENIED, "The passphrase does not open custody.")


def custody_refused(why: str) -> DomainError:
    """Custody cannot be used as it is; `why` names neither secrets nor paths."""
    return DomainError(ErrorReason.ERROR_REASON_RESOURCE_STATE, f"Root custody: {why}.")


def custody_unavailable() -> DomainError:
    """The device that holds the root key is away."""
    return DomainError(
        ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "The device that holds the root key does not answer."
    )


def key_not_found(name: str) -> DomainError:
    """No key of this name is visible to the caller."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND,
        f"Key '{name}' does not exist",
        metadata={"resource": name},
    )


def superseded_checkpoint(size: int) -> DomainError:
    """A log asks for a signature under a tree that does not continue the one that was signed last."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_STATE,
        f"A checkpoint of size {size} was signed before: a smaller or another one does not follow.",
    )


def caller_refused(message: str) -> DomainError:
    """The workload is listed for the method, but not for this key."""
    return DomainError(ErrorReason.ERROR_REASON_ACCESS_DENIED, message)


def invalid_field(field: str, message: str) -> DomainError:
    """A request field breaks a rule that the contract cannot express."""
    return DomainError(ErrorReason.ERROR_REASON_INVALID_FIELD, f"{field}: {message}", field=field)


def dry_run_passed() -> DomainError:
    """The request asked for a decision alone, and would have been permitted."""
    return DomainError(
        ErrorReason.ERROR_REASON_DRY_RUN, "The request would have succeeded, but the DryRun option is set."
    )


def wrong_usage(name: str, usage: str, operation: str) -> DomainError:
    """The operation is one of another usage. The words are AWS's."""
    return DomainError(
        ErrorReason.ERROR_REASON_INVALID_KEY_USAGE,
        f"{name} key usage is {usage} which is not valid for {operation}.",
        metadata={"resource": name},
    )


def incompatible_algorithm(algorithm: str, spec: str) -> DomainError:
    """Keys of this spec have not this algorithm. The words are AWS's."""
    return DomainError(
        ErrorReason.ERROR_REASON_INVALID_KEY_USAGE,
        f"Algorithm {algorithm} is incompatible with key spec {spec}.",
    )


def incompatible_usage(spec: str, usage: str) -> DomainError:
    """No key of this spec can have this usage. The words are AWS's."""
    return DomainError(
        ErrorReason.ERROR_REASON_INVALID_FIELD,
        f"KeyUsage {usage} is not compatible with KeySpec {spec}",
        field="usage",
    )


def invalid_signature() -> DomainError:
    """The signature does not verify, for whatever cause."""
    return DomainError(
        ErrorReason.ERROR_REASON_INVALID_SIGNATURE,
        "The signature is not one of this message by this key and algorithm.",
    )


def invalid_mac() -> DomainError:
    """The message authentication code does not verify, for whatever cause."""
    return DomainError(
        ErrorReason.ERROR_REASON_INVALID_MAC,
        "The code is not the one of this message by this key and algorithm.",
    )


def invalid_import_token() -> DomainError:
    """The import token is damaged, foreign, or of another key: one answer to all of them."""
    return DomainError(
        ErrorReason.ERROR_REASON_INVALID_IMPORT_TOKEN,
        "The import token is not one for this key: get parameters for import and use both of them.",
    )


def expired_import_token() -> DomainError:
    """The import token was one for this key once."""
    return DomainError(
        ErrorReason.ERROR_REASON_EXPIRED_IMPORT_TOKEN,
        "The import token has expired: get new parameters for import.",
    )


def incorrect_material(rule: str) -> DomainError:
    """What was imported opens, but is not what the key takes; `rule` says what would be."""
    return DomainError(
        ErrorReason.ERROR_REASON_INCORRECT_KEY_MATERIAL, f"The key material is not right: {rule}."
    )


def wrong_digest_length(algorithm: str) -> DomainError:
    """A message that is called a digest cannot be one of this algorithm's. The words are AWS's."""
    return DomainError(
        ErrorReason.ERROR_REASON_INVALID_FIELD,
        f"Digest is invalid length for algorithm {algorithm}.",
        field="message",
    )


def wrong_message_type(message_type: str, algorithm: str) -> DomainError:
    """The algorithm does not take messages of this type. The words are AWS's."""
    return DomainError(
        ErrorReason.ERROR_REASON_INVALID_FIELD,
        f"Message type {message_type} is incompatible with algorithm {algorithm}.",
        field="message_type",
    )


def plaintext_too_long(algorithm: str, spec: str, bound: int) -> DomainError:
    """RSA encrypts at most `bound` bytes. The words are AWS's."""
    return DomainError(
        ErrorReason.ERROR_REASON_INVALID_FIELD,
        f"Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {bound} bytes.",
        field="plaintext",
    )


def unsupported_wrapping(algorithm: str, wrapping_spec: str, spec: str) -> DomainError:
    """Material of this spec cannot be wrapped so."""
    return DomainError(
        ErrorReason.ERROR_REASON_UNSUPPORTED_OPERATION,
        f"Key material of {spec} cannot be wrapped by {algorithm} under {wrapping_spec}: "
        "RSA_AES_KEY_WRAP_SHA_256 wraps material of every key spec.",
    )


def invalid_tag(message: str) -> DomainError:
    """Tags break a rule."""
    return DomainError(ErrorReason.ERROR_REASON_INVALID_TAG, message)


def already_exists(message: str) -> DomainError:
    """Something of this name exists."""
    return DomainError(ErrorReason.ERROR_REASON_RESOURCE_EXISTS, message)


def invalid_alias_name(message: str) -> DomainError:
    """The name is none that an alias can have, or one that is reserved."""
    return DomainError(ErrorReason.ERROR_REASON_INVALID_ALIAS_NAME, message)


def conflict(message: str) -> DomainError:
    """Something else is under way that must end first."""
    return DomainError(ErrorReason.ERROR_REASON_CONFLICT, message)


def incorrect_key() -> DomainError:
    """The ciphertext names another key than the request."""
    return DomainError(
        ErrorReason.ERROR_REASON_INCORRECT_KEY,
        "The key ID in the request does not identify a CMK that can perform this operation.",
    )


def invalid_grant_token() -> DomainError:
    """The text is no grant token of this key service."""
    return DomainError(
        ErrorReason.ERROR_REASON_INVALID_GRANT_TOKEN, "The grant token is not one of this key service."
    )


def invalid_grant_id() -> DomainError:
    """The id cannot be one of a grant."""
    return DomainError(ErrorReason.ERROR_REASON_INVALID_GRANT_ID, "A grant id is 64 hex digits.")


def grant_not_found(grant_id: str) -> DomainError:
    """The key has no grant of this id."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND,
        f"Grant ID {grant_id} not found",
        metadata={"resource": grant_id},
    )


def locked_out() -> DomainError:
    """Under the policy that is asked for, whoever asks could not change it again."""
    return DomainError(
        ErrorReason.ERROR_REASON_UNSUPPORTED_POLICY,
        "The new key policy will not allow you to update the key policy in the future.",
    )


def foreign_ciphertext() -> DomainError:
    """The one answer to ciphertexts of keys that the caller cannot know of."""
    return DomainError(
        ErrorReason.ERROR_REASON_ACCESS_DENIED,
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, "
        "or you are not allowed to access.",
    )
