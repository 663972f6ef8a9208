"""The refusals of auth, in AWS's words where AWS has some."""

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError


def invalid_field(field: str, message: str) -> DomainError:
    """A request field breaks a rule that the contract cannot express."""
    return DomainError(ErrorReason.ERROR_REASON_INVALID_FIELD, f"{field}: {message}", field=field)


def unknown_access_key() -> DomainError:
    """No such key, an inactive one, or one whose principal is gone: all look the same."""
    return DomainError(
        ErrorReason.ERROR_REASON_UNKNOWN_ACCESS_KEY, "The security token included in the request is invalid."
    )


def invalid_token(why: str) -> DomainError:
    """A principal token that cannot be used here."""
    return DomainError(ErrorReason.ERROR_REASON_INVALID_TOKEN, f"The principal token is not valid: {why}.")


def signature_replayed() -> DomainError:
    """The signature was used before."""
    return DomainError(
        ErrorReason.ERROR_REASON_SIGNATURE_REPLAYED, "The request signature has already been used."
    )


def unknown_region(region: str) -> DomainError:
    """The credential scope names a region that is not served."""
    return DomainError(
        ErrorReason.ERROR_REASON_UNKNOWN_REGION, f"The region {region} is not served by this installation."
    )


def access_denied(message: str) -> DomainError:
    """Refused by a rule that is no policy."""
    return DomainError(ErrorReason.ERROR_REASON_ACCESS_DENIED, message)


def already_bootstrapped() -> DomainError:
    """The installation has its first account."""
    return DomainError(
        ErrorReason.ERROR_REASON_ALREADY_BOOTSTRAPPED, "This installation has already been bootstrapped."
    )


def not_found(message: str, resource: str) -> DomainError:
    """The named resource does not exist."""
    return DomainError(ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND, message, metadata={"resource": resource})


def exists(message: str, resource: str) -> DomainError:
    """A resource of this name exists."""
    return DomainError(ErrorReason.ERROR_REASON_RESOURCE_EXISTS, message, metadata={"resource": resource})


def conflict(message: str) -> DomainError:
    """The state of the resource does not permit this."""
    return DomainError(ErrorReason.ERROR_REASON_RESOURCE_STATE, message)


def quota_exceeded(quota: str, limit: int) -> DomainError:
    """A fixed quota was reached."""
    return DomainError(ErrorReason.ERROR_REASON_QUOTA_EXCEEDED, f"Cannot exceed quota for {quota}: {limit}")


def too_many_points() -> DomainError:
    """A service takes leases under more names than it may have processes."""
    return DomainError(
        ErrorReason.ERROR_REASON_THROTTLED,
        "Too many processes of one service take leases. Try again.",
        retry_after_s=1.0,
    )


def user_not_found(user_name: str) -> DomainError:
    """No such user in the account."""
    return not_found(f"The user with name {user_name} cannot be found.", user_name)


def role_not_found(role_name: str) -> DomainError:
    """No such role in the account."""
    return not_found(f"The role with name {role_name} cannot be found.", role_name)


def session_expired() -> DomainError:
    """The temporary credentials have ended."""
    return DomainError(
        ErrorReason.ERROR_REASON_INVALID_TOKEN, "The security token included in the request is expired"
    )


def account_not_found(account_id: str) -> DomainError:
    """No such account, or one that the caller may not see."""
    return not_found("You specified an account that doesn't exist.", account_id)


def access_key_not_found(access_key_id: str) -> DomainError:
    """No such key of this user."""
    return not_found(f"The Access Key with id {access_key_id} cannot be found.", access_key_id)


def inline_policy_not_found(kind: str, policy_name: str) -> DomainError:
    """No such inline policy of this user, group or role; `kind` says which of them it is."""
    return not_found(f"The {kind} policy with name {policy_name} cannot be found.", policy_name)


def service_credential_not_found(credential_id: str) -> DomainError:
    """No such service-specific credential of this user."""
    message = f"The service specific credential with id {credential_id} cannot be found."
    return not_found(message, credential_id)


def group_not_found(group_name: str) -> DomainError:
    """No such group in the account."""
    return not_found(f"The group with name {group_name} cannot be found.", group_name)


def inline_policies_too_long(kind: str, name: str, limit: int) -> DomainError:
    """All inline policies of this user, group or role together are too long; in AWS's words."""
    return DomainError(
        ErrorReason.ERROR_REASON_QUOTA_EXCEEDED,
        f"Maximum policy size of {limit} bytes exceeded for {kind} {name}",
    )


def managed_policy_not_found(policy_name: str) -> DomainError:
    """No such managed policy, of the account or built in."""
    return not_found(f"The managed policy with name {policy_name} cannot be found.", policy_name)


def policy_not_attached(arn: str) -> DomainError:
    """The managed policy is not attached to what was named; AWS says it in these words."""
    return not_found(f"Policy {arn} was not found.", arn)


def policy_version_not_found(policy_name: str, number: int) -> DomainError:
    """The managed policy has no such version, or has it no more."""
    return not_found(f"The managed policy {policy_name} has no version v{number}.", policy_name)


def built_in_policy(policy_name: str) -> DomainError:
    """A built-in policy is the same for everybody."""
    return access_denied(f"The policy {policy_name} is built in and cannot be changed.")


def model_not_found(model_id: str) -> DomainError:
    """No such model in this region."""
    return not_found(f"The model {model_id} does not exist in this region.", model_id)
