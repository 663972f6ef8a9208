"""Turns calls into audit events and makes them durable in the local spool.

The recorder reads the named fields of the call context and of the method's description, and no message. What
of a request or an answer is in these fields was chosen by name: resources and parameters by the method's
description, and at edge, which knows AWS's models, by `services/edge/domain/recorded.py`. Nobody may put a
prompt, an answer of a model, a plaintext, a key or a token there: see
docs/adr/0032-what-of-a-request-is-recorded.md.
"""

import asyncio
from collections.abc import Iterable, Sequence
from functools import lru_cache

from craton.audit.v1 import resources_pb2 as pb
from craton.common.v1.principal_pb2 import AuditContext

from services.chassis.audit.ports import AuditedMethod
from services.chassis.audit.segment import Lane
from services.chassis.audit.spool import Spool
from services.chassis.audit.summaries import Row, SummaryTable
from services.chassis.clock import Clock
from services.chassis.context import CallContext, IssuedCredentials
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.principal import BearerTokenType, PrincipalClaims
from services.chassis.randomness import OrderedUuids, Randomness

OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
"""Reason of the outcome of a call during which the process ended."""
_RESOURCES = 64
_RESOURCES_BYTES = 32 * 1024
"""Of all names together: an entry of the log has 64 KiB, whatever clients call things."""
_RESOURCE_CHARACTERS = 2048
_SHORT_CHARACTERS = 256
_CODE_CHARACTERS = 128
_MESSAGE_BYTES = 1024
_LONGEST_S = 1800.0
"""No call takes longer: streams have a quarter of an hour."""
_NOTES = 600
"""Events about strangers between two summaries, a minute: those beyond are counted."""
_NO_NUL = "\N{REPLACEMENT CHARACTER}".encode()
_PRINCIPALS = 1024
"""A principal's part of its events is kept serialised for this many tokens."""


class SpoolRecorder:
    """The AuditRecorder of every service: see the port for what it promises.

    Intents and reads are refused first when the spool fills; an outcome whose intent is durable may use
    a reserve, so that an admitted call can always end. What comes from callers that nobody
    authenticated is charged to the budget of summaries, which it shares with no authenticated caller.
    """

    def __init__(self, spool: Spool, name: str, clock: Clock, randomness: Randomness) -> None:
        """Record as `name`, for example "runtime" or "pool-craton"."""
        self._spool = spool
        self._name = name
        self._clock = clock
        self._ids = OrderedUuids(clock, randomness)
        self._open: dict[str, tuple[float, asyncio.Future[None], int]] = {}
        self._principals: dict[int, tuple[PrincipalClaims, bytes]] = {}
        self._summaries = SummaryTable()
        self._noted = 0

    @property
    def needed_from(self) -> int | None:
        """The position before which no intent stands whose call is in progress; None without such calls.

        What comes after it must be kept: should the process end now, only the spool could say which calls
        have no outcome.
        """
        begun = self._clock.boottime() - _LONGEST_S
        while self._open:
            call_id, (intended, _, position) = next(iter(self._open.items()))
            if intended >= begun:
                return position
            # No call takes that long: whoever began it has forgotten to end it.
            del self._open[call_id]
        return None

    def intent(self, call: CallContext, method: AuditedMethod) -> "asyncio.Future[None]":
        """Begin to make the intent of `call` durable; the future ends when it is, or says why it is not."""
        now = self._clock.boottime()
        event = self._event(call, method, pb.EVENT_PHASE_INTENT)
        call.intent_id = event.event_id
        self._spool.in_flight = len(self._open) + 1
        durable = self._spool.begin(self._serialised(event, call), _lane(call, Lane.EVENT))
        # Its intent will stand at this place or after it.
        self._open[call.call_id] = now, durable, self._spool.durable_position
        return durable

    def outcome(
        self, call: CallContext, method: AuditedMethod, status: str, reason: str
    ) -> "asyncio.Future[None]":
        """Begin to make an outcome durable. `status` is a gRPC status name, `reason` an ErrorReason or ""."""
        intended, durable, _ = self._open.pop(call.call_id, (None, None, 0))
        event = self._event(call, method, pb.EVENT_PHASE_OUTCOME)
        event.status_code = status
        event.error_reason = reason
        _say_what_came(event, call)
        started = call.started or intended
        if started is not None:
            event.duration_us = max(0, int((self._clock.boottime() - started) * 1e6))
        if call.input_tokens or call.output_tokens:
            event.usage.input_tokens = call.input_tokens
            event.usage.output_tokens = call.output_tokens
        if call.issued is not None:
            event.issued_credentials.CopyFrom(_issued(call.issued))
        if call.statement is not None:
            event.event_id = call.statement.event_id
            event.statement_sha256 = call.statement.sha256
            # An outcome that corrects this one is another event.
            call.statement = None
        lane = _lane(call, Lane.EVENT if durable is None or _failed(durable) else Lane.OUTCOME)
        try:
            if call.recipients:
                call.shared_event_id = self._ids.next()
            event.shared_event_id = call.shared_event_id
            begun = self._spool.begin(self._serialised(event, call), lane)
            if not call.recipients:
                return begun
            copies = [self._copy(event, call, account_id) for account_id in dict.fromkeys(call.recipients)]
            return _all([begun, *(self._spool.begin(copy, lane) for copy in copies)])
        finally:
            self._spool.in_flight = len(self._open)

    async def close_unfinished(self, intents: Iterable[pb.Event]) -> None:
        """Write the outcome of calls that an earlier life of this process began: nobody knows it.

        Raises DomainError when the spool takes none.
        """
        for intent in intents:
            event = pb.Event()
            event.CopyFrom(intent)
            blank = self._blank(pb.EVENT_PHASE_OUTCOME, intent.event_source, intent.event_name)
            event.event_id, event.phase = blank.event_id, blank.phase
            event.event_time.CopyFrom(blank.event_time)
            event.status_code, event.error_reason = "UNKNOWN", OUTCOME_UNKNOWN
            await self._spool.append(event.SerializeToString(), Lane.OUTCOME)

    async def note(self, call: CallContext, method: AuditedMethod, status: str, reason: str) -> bool:
        """Make the outcome of a stranger's call durable, charged to what strangers share."""
        if self._noted >= _NOTES:
            return False
        self._noted += 1
        event = self._event(call, method, pb.EVENT_PHASE_OUTCOME)
        event.status_code = status
        event.error_reason = reason
        # What a stranger has written does not fill the log.
        event.ClearField("request_parameters_json")
        try:
            await self._spool.append(self._serialised(event, call), Lane.SUMMARY)
        except DomainError:
            return False
        return True

    def summarise(self, call: CallContext, method: AuditedMethod, status: str, reason: str) -> None:
        """Count a call for this minute's summary."""
        caller = "" if call.caller is None else _spiffe_id(call.caller)
        self._summaries.count(Row(caller, method.event_source, method.event_name, status, reason))

    async def flush_summaries(self, window_s: float) -> None:
        """Write one event for every row counted in the last `window_s` seconds.

        A row that finds no room stays in the table and goes on counting, so that a flood makes the
        record coarser and never longer.
        """
        self._noted = 0
        rows = self._summaries.take()
        while rows:
            row, count = rows.popitem()
            event = self._blank(pb.EVENT_PHASE_SUMMARY, row.event_source, row.event_name)
            event.caller = row.caller
            event.status_code = row.status
            event.error_reason = row.reason
            event.count = count
            event.duration_us = int(window_s * 1e6)
            event.read_only = True
            try:
                await self._spool.append(event.SerializeToString(), Lane.SUMMARY)
            except DomainError:
                rows[row] = count
                break
        self._summaries.put_back(rows)

    def _blank(self, phase: pb.EventPhase, source: str, name: str) -> pb.Event:
        now = self._clock.now()
        event = pb.Event(
            event_id=self._ids.next(),
            phase=phase,
            recorder=self._name,
            event_source=source,
            event_name=name,
            count=1,
        )
        event.event_time.seconds = int(now.timestamp())
        event.event_time.nanos = now.microsecond * 1000
        return event

    def _event(self, call: CallContext, method: AuditedMethod, phase: pb.EventPhase) -> pb.Event:
        name = _text(call.event_name, _SHORT_CHARACTERS) or method.event_name
        event = self._blank(phase, method.event_source, name)
        event.call_id = call.call_id
        event.request_id = call.request_id
        if call.caller is not None:
            event.caller = _spiffe_id(call.caller)
        event.resources.extend(_resources(call.resources))
        event.omitted_resources = len(call.resources) - len(event.resources)
        event.invoked_by = call.invoked_by
        event.read_only = method.read_only
        event.request_parameters_json = call.request_parameters
        return event

    def _copy(self, event: pb.Event, call: CallContext, account_id: str) -> bytes:
        """Return the event as another account's log has it, where it says of the principal only who it is.

        AWS: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
        """
        copy = pb.Event()
        copy.CopyFrom(event)
        copy.event_id = self._ids.next()
        copy.account_id = account_id
        if call.principal is not None:
            copy.principal.account_id = call.principal.account_id
            copy.principal.principal_id = call.principal.principal_id
            copy.audit_context.CopyFrom(_client_part(call.principal))
            copy.invoked_by = call.principal.calling_service
        return copy.SerializeToString()

    def _serialised(self, event: pb.Event, call: CallContext) -> bytes:
        """Return the event with its principal. Serialised messages that are joined are merged."""
        claims = call.principal
        if claims is None:
            return event.SerializeToString()
        # Tokens are verified once and their claims kept, so that the same object comes again and again.
        known = self._principals.get(id(claims))
        if known is None or known[0] is not claims:
            if len(self._principals) >= _PRINCIPALS:
                self._principals.clear()
            known = self._principals[id(claims)] = (claims, _principal_part(claims).SerializeToString())
        return event.SerializeToString() + known[1]


def _say_what_came(event: pb.Event, call: CallContext) -> None:
    """Add the answer, or the error in its place, as the client gets it."""
    if event.error_reason:
        event.error_code = _text(call.error_code, _CODE_CHARACTERS)
        event.error_message = _cut(call.error_message, _MESSAGE_BYTES)
    elif not event.read_only:
        event.response_elements_json = call.response_elements


def _principal_part(claims: PrincipalClaims) -> pb.Event:
    part = pb.Event(account_id=claims.account_id)
    principal = part.principal
    principal.account_id = claims.account_id
    principal.account_incarnation = claims.account_incarnation
    principal.arn = _text(claims.arn, _RESOURCE_CHARACTERS)
    principal.principal_id = _text(claims.principal_id, _RESOURCE_CHARACTERS)
    if claims.bearer is BearerTokenType.LONG_TERM:
        principal.credential_id = claims.access_key_id
    else:
        principal.access_key_id = claims.access_key_id
    part.call_with_bearer_token = claims.bearer is not None
    if claims.federated is not None:
        principal.type = "WebIdentityUser"
        principal.user_name = _text(claims.federated.user_name, _SHORT_CHARACTERS)
        principal.identity_provider = claims.federated.identity_provider
    part.audit_context.CopyFrom(_client_part(claims))
    part.invoked_by = claims.calling_service
    if claims.session_issued_at:
        part.session_context.create_time.seconds = claims.session_issued_at
        part.session_context.source_identity = claims.source_identity
    return part


def _client_part(claims: PrincipalClaims) -> AuditContext:
    seen, client = AuditContext(), claims.client
    seen.source_ip = _text(client.source_ip, _SHORT_CHARACTERS)
    seen.user_agent = _text(client.user_agent, _SHORT_CHARACTERS)
    seen.tls_version = _text(client.tls_version, _SHORT_CHARACTERS)
    seen.tls_cipher = _text(client.tls_cipher, _SHORT_CHARACTERS)
    seen.endpoint = _text(client.endpoint, _SHORT_CHARACTERS)
    seen.region = claims.region
    if claims.path is not None:
        seen.vpc_endpoint_id = claims.path.endpoint_id
        seen.vpc_endpoint_account_id = claims.path.account_id
    return seen


def _issued(credentials: IssuedCredentials) -> pb.IssuedCredentials:
    message = pb.IssuedCredentials(
        access_key_id=credentials.access_key_id,
        principal_arn=_text(credentials.principal_arn, _RESOURCE_CHARACTERS),
        principal_id=credentials.principal_id,
    )
    if credentials.expires_at is not None:
        message.expire_time.FromDatetime(credentials.expires_at)
    return message


def _all(durable: "Sequence[asyncio.Future[None]]") -> "asyncio.Future[None]":
    """Return a future that ends when all have ended, with the first one's error."""

    async def wait() -> None:
        await asyncio.gather(*durable)

    return asyncio.ensure_future(wait())


def _resources(names: Sequence[str]) -> Sequence[str]:
    """Return as many of the names as an event has room for."""
    room, kept = _RESOURCES_BYTES, []
    for name in names[:_RESOURCES]:
        text = _text(name, _RESOURCE_CHARACTERS)
        room -= len(text.encode())
        if room < 0:
            break
        kept.append(text)
    return kept


def _text(value: str, characters: int) -> str:
    """Cut a string, and replace what a record cannot hold."""
    value = value[:characters]
    return value if value.isascii() and value.isprintable() else _encoded(value).decode()


def _cut(value: str, size: int) -> str:
    """Return as many whole characters as fit into `size` bytes of UTF-8."""
    return _encoded(value)[:size].decode("utf-8", "ignore")


def _encoded(value: str) -> bytes:
    """Replace lone surrogates, which JSON can carry and UTF-8 cannot, and NUL.

    No frame of a spool is without NUL. A client's text that could be one would, within a record that a power
    cut has torn, vouch for that record: see segment.py.
    """
    return value.encode("utf-8", "replace").replace(b"\0", _NO_NUL)


def _failed(durable: "asyncio.Future[None]") -> bool:
    # A caller that went away cancelled the future; its record is written all the same.
    return durable.done() and not durable.cancelled() and durable.exception() is not None


def _lane(call: CallContext, lane: Lane) -> Lane:
    """A call that shows neither certificate nor token cannot use up anybody's room but its own."""
    return Lane.SUMMARY if call.caller is None and call.principal is None else lane


@lru_cache(maxsize=1024)
def _spiffe_id(caller: WorkloadId) -> str:
    return str(caller)
