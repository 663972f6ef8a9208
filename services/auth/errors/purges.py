"""The refusals of purges."""

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError


def purge_state(purge_id: str, state: str, wanted: str) -> DomainError:
    """The purge is in another state than this needs."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_STATE,
        f"The purge {purge_id} is {state}; this needs one that is {wanted}.",
        metadata={"resource": purge_id},
    )


def own_purge() -> DomainError:
    """Whoever asked cannot approve."""
    return DomainError(
        ErrorReason.ERROR_REASON_ACCESS_DENIED,
        "Whoever asked for a purge cannot approve it: another operator must.",
    )


def no_such_purge(purge_id: str) -> DomainError:
    """There is none of this id."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND,
        f"There is no purge {purge_id}.",
        metadata={"resource": purge_id},
    )


def already_purged(account_id: str) -> DomainError:
    """The account has a purge that is not over."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_EXISTS,
        f"The account {account_id} has a purge already that is neither done nor cancelled.",
        metadata={"resource": account_id},
    )


def management_account() -> DomainError:
    """The installation hangs on this account."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_STATE,
        "The management account cannot be purged: the organization and all accounts are managed from it.",
    )


def has_principals(account_id: str) -> DomainError:
    """A first key is for an account that nobody can get into."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_STATE,
        f"The account {account_id} has a user or a key already, or is closed. Keys of its root user are "
        "created with `CreateRootAccessKey`.",
    )


def purge_changed() -> DomainError:
    """Somebody else has changed the purge meanwhile."""
    return DomainError(
        ErrorReason.ERROR_REASON_CONFLICT, "The purge was changed meanwhile. Try again.", retry_after_s=0.1
    )
