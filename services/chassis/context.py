"""What the chassis knows about the call that is being served."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime

from services.chassis.identity import WorkloadId
from services.chassis.principal import PrincipalClaims


@dataclass(frozen=True, slots=True)
class IssuedCredentials:
    """Credentials that a call has given out, without their secrets."""

    access_key_id: str
    principal_arn: str
    principal_id: str
    expires_at: datetime | None = None
    """None for long-term ones."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a call has signed that its own event vouches for (`tlog.statement`)."""

    event_id: str
    """The id that the statement names, and that the event of the outcome gets."""
    sha256: bytes
    """Of the statement's text."""


@dataclass(slots=True)
class CallContext:
    """One call at one service.

    The interceptors fill it in before the servicer runs; the servicer and the audit recorder read it.
    `resources` and the token counts are written by the servicer, so that the audit event names them.
    """

    method: str
    """Full gRPC method, for example "/craton.auth.v1.UserService/CreateUser"."""
    request_id: str
    """The client's request id; joins the events of all services for one request."""
    call_id: str
    """Joins the intent and the outcome of this call at this service."""
    caller: WorkloadId | None
    """The calling workload; None on the public listener, where clients show no certificate."""
    peer: str = ""
    """Transport address of the caller, for example "127.0.0.1:43210"."""
    principal: PrincipalClaims | None = None
    """The claims of the verified principal token, None when the call carries none."""
    principal_token: str = field(default="", repr=False)
    """The token itself, to lease the principal's policies and to exchange it; never logged or recorded."""
    continuing: bool = False
    """True once an admitted call is asked about again: its token may have expired, its principal not."""
    started: float = 0.0
    """When the call arrived, seconds on the boot-time clock; 0 when nobody looked."""
    deadline: float | None = None
    """Absolute deadline on the boot-time clock, seconds; None when the caller set none."""
    event_name: str = ""
    """AWS name of the operation for the audit event; the method when empty."""
    resources: list[str] = field(default_factory=list)
    """ARNs or resource names the call acts on."""
    request_parameters: str = ""
    """What the event says of the request (`services.chassis.audit.parameters`): set before the intent."""
    response_elements: str = ""
    """What it says of the answer, likewise: set before the outcome."""
    error_code: str = ""
    """The error as the client gets it, by AWS's name; of recorders that answer AWS's clients alone."""
    error_message: str = ""
    """Its message, where nobody but us can have written it."""
    issued: IssuedCredentials | None = None
    """What the call has given out, for the outcome's event."""
    statement: Statement | None = None
    """What the call has signed, for the outcome's event: set before the outcome begins."""
    recipients: list[str] = field(default_factory=list)
    """Accounts besides the principal's own in whose logs the outcome stands, because the call used what is
    theirs."""
    shared_event_id: str = ""
    """What joins the outcome with its copies, once it is written; or with those of a service behind us."""
    invoked_by: str = ""
    """Without a principal: the calling service as policies name it, where it acts as that."""
    traceparent: str = ""
    """W3C trace context that calls made on behalf of this one carry; empty when not traced."""
    intent_id: str = ""
    """Id of the intent's event, once there is one."""
    input_tokens: int = 0
    output_tokens: int = 0
    intent: Awaitable[None] | None = field(default=None, repr=False)
    """What makes this call's intent durable, until somebody waited for it."""

    admitter: Callable[[], Awaitable[None]] | None = field(default=None, repr=False)
    """Begins to make the intent of a call durable whose principal the handler has verified."""
    notable: bool = False
    """Whether a call of a caller who was not admitted is worth an event of its own."""
    admitted: bool = False
    """Whether the handler let somebody in who proved themselves to it."""
    concluder: Callable[[], Awaitable[None]] | None = field(default=None, repr=False)
    """Begins to record that a gated call succeeded."""
    conclusion: Awaitable[None] | None = field(default=None, repr=False)
    """What makes the outcome durable that `conclude` began."""

    async def admit(self, principal: PrincipalClaims) -> None:
        """Let somebody in who proved themselves to the handler; return once the intent is durable.

        To be called before any effect. Raises DomainError(AUDIT_UNAVAILABLE).
        """
        self.principal, self.admitted = principal, True
        admitter, self.admitter = self.admitter, None
        if admitter is not None:
            await admitter()

    async def intended(self) -> None:
        """Return once the intent is durable: to be awaited just before a gated method has any effect.

        Raises DomainError(AUDIT_UNAVAILABLE), and then the effect must not happen.
        """
        intent, self.intent = self.intent, None
        if intent is not None:
            await intent

    def conclude(self) -> None:
        """Say that a gated method has had its effect, its usage is counted, and only rendering is left.

        Its outcome becomes durable meanwhile. When the call fails after all, a second outcome says so.
        """
        if self.concluder is not None and self.conclusion is None:
            self.conclusion = self.concluder()


_current: ContextVar[CallContext] = ContextVar("craton_call")


def current_call() -> CallContext:
    """Return the call being served. Raises LookupError outside a call."""
    return _current.get()


def enter_call(call: CallContext) -> None:
    """Make `call` current in this task: for the server factory and for tests."""
    _current.set(call)
