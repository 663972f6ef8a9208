"""From a request's head to who sends it: headers first, then the body, then the signature over both."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.chassis import sigv4
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.principal import ClientContext
from services.edge.domain.admission import admit, missing_credentials, signed_fields, string_to_sign
from services.edge.domain.dialect import REST_JSON
from services.edge.domain.model import ENDPOINTS
from services.edge.events import UNSERVED_AUDIENCE, served
from services.edge.http.body import BodyBudget, Receive, read_body
from services.edge.http.exchange import Request
from services.edge.operations.bearers import Bearers
from services.edge.operations.sessions import Sessions
from services.edge.ports import AHEAD_S, Caller, Entrance, Presented, Proof

_USER_AGENT = 256
_HOST = 255


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A request whose sender is known."""

    caller: Caller
    fields: Mapping[bytes, bytes]
    """The headers that the sender stands for: the only ones an operation may read."""
    content: bytes
    proof: Proof | None
    """The signature; None for an API key, which is shown again and again."""

    def __repr__(self) -> str:
        """Name the principal without what it sent."""
        return f"Authenticated({self.caller.claims.arn})"


class Authenticator:
    """Says who sends a request."""

    def __init__(
        self,
        sessions: Sessions,
        bearers: Bearers,
        clock: Clock,
        regions: frozenset[str],
        unauthenticated_bytes: int,
    ) -> None:
        """Verify signatures of `regions` with `sessions`, and API keys with `bearers`."""
        self._sessions = sessions
        self._bearers = bearers
        self._clock = clock
        self._regions = regions
        self._budget = BodyBudget(unauthenticated_bytes)

    @property
    def unverified_bytes(self) -> int:
        """Body bytes in memory whose signature is not verified yet."""
        return self._budget.used

    async def authenticate(self, request: Request, receive: Receive, call: CallContext) -> Authenticated:
        """Read a request to its end and verify who sent it; `call` gets to know the principal.

        Raises DomainError, Fault, ClientGoneError.
        """
        scope, fields, dialect = request.scope, request.fields, request.dialect
        sigv4.refuse_other_forms(scope["query_string"], fields)
        # API keys are for bedrock alone; to other services they are no credentials at all.
        if dialect is REST_JSON and fields.get(b"authorization", b"")[:7].lower() == b"bearer ":
            return await self._with_api_key(request, receive, call)
        now = self._clock.now()
        admitted = admit(fields, self._regions, now, dialect.signing_names)
        ahead = (admitted.signed_at - now).total_seconds() > AHEAD_S
        credential = admitted.authorization.credential
        known = self._sessions.known(credential, call.peer, admitted.session_token)
        body = await read_body(
            receive, _declared(fields), self._budget, known=known, limit=dialect.max_body_bytes
        )
        try:
            to_sign = string_to_sign(
                admitted, scope["method"], scope["raw_path"], scope["query_string"], fields, body.sha256_hex
            )
            presented = Presented(credential, to_sign, admitted.signature, admitted.session_token, ahead)
            caller = await self._sessions.open(
                presented, client_of(request, call), _audience(request), entrance_of(request)
            )
            call.principal = caller.claims
            if body.too_large:
                raise dialect.too_large()
            proof = Proof(admitted.signature, admitted.signed_at.timestamp(), call.started, remembered=ahead)
            return Authenticated(caller, signed_fields(admitted, fields), body.content(), proof)
        finally:
            body.close()

    async def _with_api_key(self, request: Request, receive: Receive, call: CallContext) -> Authenticated:
        """Verify first: a stranger's body is not read at all."""
        fields, dialect = request.fields, request.dialect
        bearer = fields[b"authorization"][7:].strip()
        client, audience = client_of(request, call), _audience(request)
        caller = await self._bearers.open(bearer, client, audience, entrance_of(request))
        call.principal = caller.claims
        body = await read_body(
            receive, _declared(fields), self._budget, known=True, limit=dialect.max_body_bytes
        )
        try:
            # A body may take minutes: what was verified before may be revoked, or its token at its end.
            caller = await self._bearers.open(bearer, client, audience, entrance_of(request))
            call.principal = caller.claims
            if body.too_large:
                raise dialect.too_large()
            content = body.content()
        finally:
            body.close()
        # No header is signed, and whoever holds the key may write what it likes: all are its word.
        readable = {name: value for name, value in fields.items() if name != b"authorization"}
        return Authenticated(caller, readable, content, None)

    async def read_unsigned(self, request: Request, receive: Receive, limit: int) -> bytes:
        """Read the body of a request that nobody signed, of at most `limit` bytes.

        Raises DomainError(MISSING_CREDENTIALS) for one that says it is larger, or does not say.
        """
        declared = _declared(request.fields) if request.scope["method"] == "POST" else 0
        if declared is None or declared > limit:
            raise missing_credentials()
        body = await read_body(receive, declared, self._budget, known=False, limit=limit)
        try:
            return body.content()
        finally:
            body.close()


def client_of(request: Request, call: CallContext) -> ClientContext:
    """Return what is seen of the client: its connection, and what it says of itself."""
    tls, fields = request.scope["craton.connection"].tls, request.fields
    return ClientContext(
        source_ip=call.peer,
        user_agent=fields.get(b"user-agent", b"").decode("latin-1")[:_USER_AGENT],
        tls_version=tls[0],
        tls_cipher=tls[1],
        endpoint=fields.get(b"host", b"").decode("latin-1")[:_HOST],
    )


def entrance_of(request: Request) -> Entrance | None:
    """Return the private way in by which the connection was accepted: nothing that was sent says it."""
    listener = request.scope["craton.connection"].listener
    if not listener:
        return None
    operation = request.operation
    service = request.dialect.service if operation is None else operation.service
    return Entrance(listener, ENDPOINTS.get(service, service))


def _audience(request: Request) -> str:
    found = None if request.operation is None else served(request.operation)
    return UNSERVED_AUDIENCE if found is None else found.audience


def _declared(fields: Mapping[bytes, bytes]) -> int | None:
    text = fields.get(b"content-length", b"")
    return int(text) if text.isdigit() else None
