"""An entry: one event with the columns under which it can be found."""

import hashlib
import re
from dataclasses import dataclass

from craton.audit.v1 import resources_pb2 as pb

from services.audit.domain.leaf import MAX_EVENT_BYTES
from services.audit.domain.user_identity import user_name
from services.audit.errors import invalid_event

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ACCOUNT = re.compile(r"([0-9]{12})?")
_NAME_CHARACTERS = 256
_ID_CHARACTERS = 64
_ARN_CHARACTERS = 2048
_LAST_SECOND = 253_402_300_799
_INDEXED_BYTES = 2048
"""Names that are longer in UTF-8 are found by their digest: PostgreSQL's index entries end at 2704 bytes."""


@dataclass(frozen=True, slots=True)
class Index:
    """What stays in clear beside the sealed event: names, never contents."""

    event_id: bytes
    time_us: int
    account_id: str
    """Empty for an event of the installation."""
    principal_arn: str
    event_name: str
    request_id: str
    resources: tuple[str, ...]
    event_source: str = ""
    user_name: str = ""
    access_key: str = ""
    """See `key_digest`."""
    read_only: bool = False
    record: bool = False
    """Whether it is a record of its own for readers of CloudTrail, see `is_record`."""
    incarnation: str = ""
    """Of the account, where the event says it. Not stored: it tells those that come after a purge."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event on its way into the log."""

    index: Index
    body: bytes


def searchable(name: str) -> str:
    """Return a name as it stands in the index, and so as it is asked for.

    Clients choose names of resources, and no name may be one that a database refuses: the event, and
    everything behind it in its spool, would never be taken in. PostgreSQL's texts hold no NUL character,
    and its indexes no text much longer than this. The sealed event has every name as it was.
    """
    if len(name) > _INDEXED_BYTES // 4 and len(name.encode()) > _INDEXED_BYTES:
        return f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"
    return name.replace("\0", "\ufffd")


def key_digest(key_id: str) -> str:
    """Return what stands in the index for the id of an access key, which stays sealed in the event.

    Ids are random, so that nobody can try them all.
    """
    return hashlib.sha256(key_id.encode()).hexdigest() if key_id else ""


def is_record(event: pb.Event) -> bool:
    """Say whether an event is what CloudTrail has of a call: one record a call, with how it ended.

    The log has more: an intent before each effect, and what each service on a call's way has to say of it.
    A service that calls another for the same call of a client adds nothing to the record at the entrance; one
    that does so under its own name ("bedrock.amazonaws.com" decrypts for somebody) makes a call of its own.
    """
    if event.phase != pb.EVENT_PHASE_OUTCOME or not event.account_id:
        return False
    if not event.HasField("principal") or event.invoked_by:
        return True
    if event.account_id != event.principal.account_id:
        return True
    return "/service/" not in event.caller


def index_of(event: pb.Event) -> Index:
    """Return the columns of an event. Raises DomainError(INVALID_FIELD) for impossible ones."""
    if not _UUID.fullmatch(event.event_id):
        raise invalid_event("event_id is not a UUID")
    if not _ACCOUNT.fullmatch(event.account_id):
        raise invalid_event("account_id is not an account")
    if event.principal.account_id != event.account_id and not event.shared_event_id:
        # Only a copy stands in the log of somebody else than whoever called.
        raise invalid_event("account_id is not the account of the principal")
    if (
        max(len(event.event_name), len(event.event_source)) > _NAME_CHARACTERS
        or len(event.request_id) > _ID_CHARACTERS
        or any(len(name) > _ARN_CHARACTERS for name in (event.principal.arn, *event.resources))
    ):
        raise invalid_event("a name is too long")
    time = event.event_time
    if not (0 <= time.seconds <= _LAST_SECOND and 0 <= time.nanos < 1_000_000_000):
        raise invalid_event("event_time is not of the years 1970 to 9999")
    return Index(
        event_id=bytes.fromhex(event.event_id.replace("-", "")),
        time_us=time.seconds * 1_000_000 + time.nanos // 1000,
        account_id=event.account_id,
        principal_arn=searchable(event.principal.arn),
        event_name=searchable(event.event_name),
        request_id=searchable(event.request_id),
        # A resource may be named twice in a call; it is found once.
        resources=tuple(dict.fromkeys(map(searchable, event.resources))),
        event_source=searchable(event.event_source),
        user_name=searchable(user_name(event)),
        access_key=key_digest(event.principal.access_key_id or event.principal.credential_id),
        read_only=event.read_only,
        record=is_record(event),
        incarnation=_incarnation(event),
    )


def _incarnation(event: pb.Event) -> str:
    own = event.principal.account_id == event.account_id
    return event.principal.account_incarnation if own else ""


def entry_of(event: pb.Event, recorder: str) -> Entry:
    """Check an event that `recorder` shipped. Raises DomainError(INVALID_FIELD) when it cannot be its own."""
    if event.recorder != recorder:
        raise invalid_event("recorder is not the workload that ships the event")
    if event.phase == pb.EVENT_PHASE_UNSPECIFIED:
        raise invalid_event("phase is missing")
    body = event.SerializeToString()
    if len(body) > MAX_EVENT_BYTES:
        raise invalid_event("the event is too large")
    return Entry(index_of(event), body)
