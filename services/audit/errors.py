"""The refusals of the audit service."""

from uuid import UUID

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.audit.shipper import EXPECTED_POSITION
from services.chassis.errors import DomainError

_UUID_BYTES = 16

NO_STORE = "NoObjectStore"
"""Instead of a code of S3's, where no store is configured."""


class DeliveryError(OSError):
    """Something cannot be delivered; `code` says why, as S3 does, or by a name of ours for what has none."""

    def __init__(self, code: str) -> None:
        """Say why."""
        super().__init__(code)
        self.code = code


class BucketError(DeliveryError):
    """An object store refused, or did not answer."""


class TrailKeyError(DeliveryError):
    """A customer's key cannot be used for a trail."""


def code_of(error: DomainError | OSError) -> str:
    """Return what may stand in logs and be told to customers: the text of an error may name a path."""
    if isinstance(error, DomainError):
        return error.reason_name
    return error.code if isinstance(error, DeliveryError) else type(error).__name__


class LogDamagedError(Exception):
    """Log and database do not fit each other: one of them is not what it was. The text says where."""


def unknown_event() -> DomainError:
    """No such event, or none that the caller may know of."""
    return DomainError(ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND, "There is no such event.")


def no_such_file() -> DomainError:
    """The log has no such file, or not yet, or a wider one instead."""
    return DomainError(ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND, "The log has no file of this path.")


def files_away() -> DomainError:
    """Where the log's files lie, nobody answers; nothing is said about them."""
    return DomainError(
        ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE,
        "The files of the log cannot be read at present.",
        retry_after_s=1.0,
    )


def damaged_log() -> DomainError:
    """A file of the log is missing or cut; this must never be answered by another proof."""
    return DomainError(ErrorReason.ERROR_REASON_INTERNAL, "A file of the log fails its integrity check.")


def not_in_the_log_yet() -> DomainError:
    """An event that was taken in and that no checkpoint covers yet."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_STATE,
        "The event is recorded; a checkpoint of the log will cover it within seconds.",
        retry_after_s=1.0,
    )


def no_checkpoint_yet() -> DomainError:
    """A log that has just begun."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_STATE,
        "The log has no checkpoint yet; the first one comes within seconds.",
        retry_after_s=1.0,
    )


def purged_event(index: int) -> DomainError:
    """An event whose account was purged: its entry is in the log, and nobody can open it."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_STATE,
        f"The event was purged with its account. Its entry is in the log, with the index {index}.",
    )


def purged_account() -> DomainError:
    """A call that was admitted before its account was purged, and is late."""
    return DomainError(ErrorReason.ERROR_REASON_RESOURCE_STATE, "The account has been purged.")


def being_purged() -> DomainError:
    """A batch of an account whose purge has just begun: it is taken in when it comes again, and not kept."""
    return DomainError(
        ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE,
        "The account's purge has just begun. Try again.",
        retry_after_s=1.0,
    )


def check_is_running() -> DomainError:
    """Somebody checks the database already: one check takes half of a processor."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_STATE,
        "A check of the database is running already. Wait for its end.",
    )


def gap(expected: int) -> DomainError:
    """A batch begins after the end of what is held of its spool: events in between would be lost."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_STATE,
        f"The batch leaves a gap: position {expected} is expected.",
        metadata={EXPECTED_POSITION: str(expected)},
    )


def conflict(position: int) -> DomainError:
    """A position that is held already comes again with another event: the spool is not what it was."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_STATE,
        f"Position {position} of this spool holds another event already.",
    )


def foreign_spool() -> DomainError:
    """The spool belongs to another workload."""
    return DomainError(
        ErrorReason.ERROR_REASON_ACCESS_DENIED, "The spool belongs to another workload than the caller."
    )


def foreign_store() -> DomainError:
    """The store belongs to another workload."""
    return DomainError(
        ErrorReason.ERROR_REASON_ACCESS_DENIED, "The store belongs to another workload than the caller."
    )


def superseded(epoch: int) -> DomainError:
    """A store says that it is in an older state than it was, or in another one of the same epoch."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_STATE,
        f"The store was in another state at epoch {epoch}: it was put back to an earlier one, or has forked.",
        metadata={"epoch": str(epoch)},
    )


def put_back() -> DomainError:
    """The log is not what a witness has seen of it; what differs stands in this service's own log."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_STATE,
        "The audit log is not what a witness has seen of it: it was put back, or altered.",
    )


def invalid_event(why: str) -> DomainError:
    """An event that no honest recorder writes."""
    return invalid_field("events", why)


def invalid_field(field: str, why: str) -> DomainError:
    """A request field breaks a rule that the contract cannot express."""
    return DomainError(ErrorReason.ERROR_REASON_INVALID_FIELD, f"{field}: {why}", field=field)


def foreign_account() -> DomainError:
    """A principal asks about an account that is not its own."""
    return DomainError(
        ErrorReason.ERROR_REASON_ACCESS_DENIED, "Events of another account are shown to operators only."
    )


def unknown_trail() -> DomainError:
    """No such trail, in this account and region."""
    return DomainError(ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND, "There is no trail of this name.")


def trail_exists() -> DomainError:
    """A trail of that name is there already."""
    return DomainError(ErrorReason.ERROR_REASON_RESOURCE_EXISTS, "There is a trail of this name already.")


def too_many_trails(limit: int) -> DomainError:
    """The account has as many trails in the region as it can have."""
    return DomainError(
        ErrorReason.ERROR_REASON_QUOTA_EXCEEDED, f"An account has at most {limit} trails in a region."
    )


def too_many_tags(limit: int) -> DomainError:
    """The trail would have more labels than it can have."""
    return DomainError(
        ErrorReason.ERROR_REASON_QUOTA_EXCEEDED, f"A trail has at most {limit} tags.", field="tags"
    )


def foreign_trail() -> DomainError:
    """A trail of another account, of which nothing is said, not even whether it is there."""
    return DomainError(
        ErrorReason.ERROR_REASON_ACCESS_DENIED, "The trail is not one of the caller's account."
    )


def not_at_home(region: str) -> DomainError:
    """A trail is changed in its home alone."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_STATE,
        f"The home region of this trail is {region}: it can be changed there alone.",
        field="name",
    )


def changed_meanwhile() -> DomainError:
    """Somebody else has changed the trail at the same time."""
    return DomainError(
        ErrorReason.ERROR_REASON_CONFLICT, "The trail was changed at the same time. Try again."
    )


def unusable_bucket(code: str) -> DomainError:
    """Nothing can be delivered to a bucket; `code` says why, as S3 does."""
    texts = {
        "NoSuchBucket": "There is no bucket of this name.",
        "AccessDenied": "The bucket's policy does not let cloudtrail.amazonaws.com put this trail's files.",
        "MalformedPolicy": "The bucket's policy cannot be evaluated here.",
        NO_STORE: "This installation delivers no files: its operator has named no object store.",
    }
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_STATE,
        texts.get(code, "The bucket cannot be used."),
        field="bucket",
        metadata={"code": code},
    )


def unusable_key(code: str) -> DomainError:
    """Nothing can be sealed under a key; `code` says why, as S3 does."""
    texts = {
        "KMS.NotFoundException": "There is no key of this name in the trail's region.",
        "KMS.AccessDeniedException": "The key's policy does not let cloudtrail.amazonaws.com use it for this "
        "trail: kms:GenerateDataKey* and kms:DescribeKey are needed.",
        "KMS.DisabledException": "The key is disabled.",
        "KMS.KMSInvalidStateException": "The key is pending deletion, or has no material.",
        "KMS.InvalidKeyUsageException": "The key is no symmetric one that encrypts.",
    }
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_STATE,
        texts.get(code, "The key cannot be used."),
        field="key_name",
        metadata={"code": code},
    )


def damaged(sequence: int, event_id: bytes) -> DomainError:
    """A stored entry fails its integrity check; this must never be answered by leaving it out."""
    named = str(UUID(bytes=event_id)) if len(event_id) == _UUID_BYTES else event_id.hex()
    return DomainError(
        ErrorReason.ERROR_REASON_INTERNAL,
        f"The stored entry {sequence}, of event {named}, fails its integrity check: the database is not "
        "what the log says. The operator runs `craton audit fsck`.",
        metadata={"sequence": str(sequence), "event_id": named},
    )
