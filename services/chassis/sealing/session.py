"""Sealed sessions: what a runtime asks and a model process answers, unreadable to what lies between.

A model server copies requests through its heap, queues and shared memory, and cannot be taught to
wipe them. Here it only ever sees AES-256-GCM frames.

Agreement (RFC 9180, HPKE base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM): the
runtime encrypts a random 32-byte session secret to the model process's public key; the info string
binds model id and instance id. The 80-byte ciphertext travels with every request (tensor SESSION),
so that a model process needs no handshake and a runtime none after a restart; the model process
keeps what it opened.

Request frame:   version 1 | type 1 | counter u64 | AES-GCM(request key, nonce = 0 | counter)
Response frame:  version 1 | type 2 | final u8 | sequence u32 | counter u64 | salt (16 bytes)
                 | AES-GCM(response key, nonce = 0 | sequence | final)
Both: numbers big endian, the clear part is the associated data.

The request key is HKDF-SHA256 of the secret; a runtime never uses a counter twice. A response key is
HKDF-SHA256 of the secret over counter and salt, the salt being fresh for every answer: even if the
same request frame were answered twice, no key meets the same nonce again. The model process refuses a
counter that it has seen in the session. The reader demands sequence numbers without a gap and knows
that an answer without its final frame is incomplete.
"""

import hashlib
import struct
from collections import OrderedDict

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from services.chassis.randomness import Randomness
from services.chassis.sealing.replay import ReplayWindow

# What a model process says, in clear, when it cannot open a session or has forgotten it: the runtime
# agrees a new one and asks again. A model server passes this text on as the error of the request.
UNKNOWN_SESSION = "craton: unknown session"
# A frame that does not open inside a known session: altered on its way, or asked twice.
REFUSED_FRAME = "craton: refused frame"

SESSION_SIZE = 80

_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_SECRET_SIZE = 32
_VERSION = 1
_REQUEST, _RESPONSE = 1, 2
_REQUEST_HEADER = struct.Struct(">BBQ")
_RESPONSE_HEADER = struct.Struct(">BBBIQ16s")
_SALT_SIZE = 16
_TAG_SIZE = 16
_MAX_SEQUENCE = (1 << 32) - 1


class SessionError(Exception):
    """A frame or a session was refused. `text` is UNKNOWN_SESSION or REFUSED_FRAME, safe to send in clear."""

    def __init__(self, text: str, detail: str) -> None:
        """Say what to send and, for the log, what was wrong: never content."""
        super().__init__(detail)
        self.text = text


class ClientSession:
    """The runtime's end of a session with one model instance. For one thread or event loop."""

    def __init__(self, public_key: bytes, model_id: str, instance_id: str, randomness: Randomness) -> None:
        """Agree a session. Raises ValueError when `public_key` is no X25519 key of 32 bytes."""
        self.model_id = model_id
        self.instance_id = instance_id
        secret = randomness.token_bytes(_SECRET_SIZE)
        recipient = X25519PublicKey.from_public_bytes(public_key)
        self.encapsulated = _SUITE.encrypt(secret, recipient, _info(model_id, instance_id))
        self._keys = _Keys(secret)
        self._counter = 0

    def request(self, plaintext: bytes) -> "tuple[bytes, ClientExchange]":
        """Seal a request; give its frame and the reader of its answer."""
        self._counter += 1
        frame = self._keys.seal_request(self._counter, plaintext)
        return frame, ClientExchange(self._keys, self._counter)


class ClientExchange:
    """Reads the frames of one answer, in order."""

    __slots__ = ("_cipher", "_counter", "_keys", "_salt", "_sequence", "complete")

    def __init__(self, keys: "_Keys", counter: int) -> None:
        """Only ClientSession.request makes one."""
        self._keys = keys
        self._counter = counter
        self._sequence = 0
        self._salt = b""
        self._cipher: AESGCM | None = None
        self.complete = False

    def open(self, frame: "bytes | memoryview") -> bytes:
        """Open the next response frame; `complete` is set by the final one.

        Raises SessionError for a frame that is altered, of another request, out of order, or after the end.
        """
        if len(frame) < _RESPONSE_HEADER.size + _TAG_SIZE:
            raise SessionError(REFUSED_FRAME, "the response frame is too short")
        version, kind, final, sequence, counter, salt = _RESPONSE_HEADER.unpack_from(frame)
        if version != _VERSION or kind != _RESPONSE or final > 1:
            raise SessionError(REFUSED_FRAME, "not a response frame of version 1")
        if self.complete or counter != self._counter or sequence != self._sequence:
            raise SessionError(REFUSED_FRAME, "the response frame is out of order or of another request")
        if self._cipher is None:
            self._cipher, self._salt = self._keys.response_cipher(counter, salt), salt
        if salt != self._salt:
            raise SessionError(REFUSED_FRAME, "the response frame is of another answer")
        view = memoryview(frame)
        try:
            plaintext = self._cipher.decrypt(
                _response_nonce(sequence, bool(final)),
                bytes(view[_RESPONSE_HEADER.size :]),
                bytes(view[: _RESPONSE_HEADER.size]),
            )
        except InvalidTag as error:
            raise SessionError(REFUSED_FRAME, "the response frame was altered") from error
        self._sequence += 1
        self.complete = bool(final)
        return plaintext


class ModelIdentity:
    """A model process's key pair for one load of its weights; it lives in that process's memory only."""

    def __init__(self, model_id: str, instance_id: str) -> None:
        """Make a fresh key pair from the kernel's generator."""
        self.model_id = model_id
        self.instance_id = instance_id
        self._private = X25519PrivateKey.generate()
        self.public_key = self._private.public_key().public_bytes_raw()

    def open(self, encapsulated: bytes) -> bytes:
        """Open a session secret. Raises SessionError (unknown session) when it is for another instance."""
        if len(encapsulated) != SESSION_SIZE:
            raise SessionError(UNKNOWN_SESSION, f"a session has {SESSION_SIZE} bytes")
        try:
            return _SUITE.decrypt(encapsulated, self._private, _info(self.model_id, self.instance_id))
        except InvalidTag as error:
            raise SessionError(UNKNOWN_SESSION, "the session is not for this model instance") from error


class ModelSessions:
    """The model process's ends of its sessions. For one thread.

    At most `capacity` sessions are kept, the least recently used goes first; one that was let go is
    refused from then on, because its seen counters are gone with it.
    """

    def __init__(self, identity: ModelIdentity, randomness: Randomness, *, capacity: int = 1024) -> None:
        """Start with no session."""
        self._identity = identity
        self._randomness = randomness
        self._capacity = capacity
        self._sessions: OrderedDict[bytes, _ModelSession] = OrderedDict()
        self._retired: OrderedDict[bytes, None] = OrderedDict()

    def open_request(self, encapsulated: bytes, frame: bytes) -> "tuple[bytes, ModelExchange]":
        """Open a request frame; give its plaintext and the writer of its answer. Raises SessionError."""
        session = self._session(encapsulated)
        counter, plaintext = session.open(frame)
        return plaintext, ModelExchange(session.keys, counter, self._randomness.token_bytes(_SALT_SIZE))

    def _session(self, encapsulated: bytes) -> "_ModelSession":
        digest = hashlib.sha256(encapsulated).digest()
        session = self._sessions.get(digest)
        if session is not None:
            self._sessions.move_to_end(digest)
            return session
        if digest in self._retired:
            raise SessionError(UNKNOWN_SESSION, "the session was let go")
        session = _ModelSession(_Keys(self._identity.open(encapsulated)))
        self._sessions[digest] = session
        if len(self._sessions) > self._capacity:
            self._retired[self._sessions.popitem(last=False)[0]] = None
            if len(self._retired) > 64 * self._capacity:
                self._retired.popitem(last=False)
        return session


class ModelExchange:
    """Writes the frames of one answer, in order."""

    __slots__ = ("_cipher", "_counter", "_salt", "_sequence", "complete")

    def __init__(self, keys: "_Keys", counter: int, salt: bytes) -> None:
        """Only ModelSessions.open_request makes one."""
        self._cipher = keys.response_cipher(counter, salt)
        self._counter = counter
        self._salt = salt
        self._sequence = 0
        self.complete = False

    def seal(self, plaintext: bytes, *, final: bool) -> bytes:
        """Seal the next response frame. Raises RuntimeError after the final one."""
        if self.complete or self._sequence > _MAX_SEQUENCE:
            raise RuntimeError("the answer has ended")
        header = _RESPONSE_HEADER.pack(_VERSION, _RESPONSE, final, self._sequence, self._counter, self._salt)
        frame = header + self._cipher.encrypt(_response_nonce(self._sequence, final), plaintext, header)
        self._sequence += 1
        self.complete = final
        return frame


class _ModelSession:
    """Keys of a session and the counters seen in it."""

    __slots__ = ("_seen", "keys")

    def __init__(self, keys: "_Keys") -> None:
        self.keys = keys
        self._seen = ReplayWindow()

    def open(self, frame: bytes) -> tuple[int, bytes]:
        counter, plaintext = self.keys.open_request(frame)
        # Only a frame that opened may move the window, or anybody could close the session.
        if not self._seen.accept(counter):
            raise SessionError(REFUSED_FRAME, "the request frame was seen before")
        return counter, plaintext


class _Keys:
    """The keys of one session."""

    __slots__ = ("_request", "_response_secret")

    def __init__(self, secret: bytes) -> None:
        # HPKE delivers a uniformly random secret, so that HKDF's extract step would add nothing.
        self._request = AESGCM(_expand(secret, b"craton session v1 request"))
        self._response_secret = _expand(secret, b"craton session v1 response")

    def seal_request(self, counter: int, plaintext: bytes) -> bytes:
        header = _REQUEST_HEADER.pack(_VERSION, _REQUEST, counter)
        return header + self._request.encrypt(_request_nonce(counter), plaintext, header)

    def open_request(self, frame: bytes) -> tuple[int, bytes]:
        if len(frame) < _REQUEST_HEADER.size + _TAG_SIZE:
            raise SessionError(REFUSED_FRAME, "the request frame is too short")
        header, body = frame[: _REQUEST_HEADER.size], frame[_REQUEST_HEADER.size :]
        version, kind, counter = _REQUEST_HEADER.unpack(header)
        if version != _VERSION or kind != _REQUEST:
            raise SessionError(REFUSED_FRAME, "not a request frame of version 1")
        try:
            return counter, self._request.decrypt(_request_nonce(counter), body, header)
        except InvalidTag as error:
            raise SessionError(REFUSED_FRAME, "the request frame was altered") from error

    def response_cipher(self, counter: int, salt: bytes) -> AESGCM:
        info = b"craton session v1 answer" + counter.to_bytes(8, "big") + salt
        return AESGCM(_expand(self._response_secret, info))


def _expand(secret: bytes, info: bytes) -> bytes:
    return HKDFExpand(SHA256(), length=32, info=info).derive(secret)


def _request_nonce(counter: int) -> bytes:
    return counter.to_bytes(12, "big")


def _response_nonce(sequence: int, final: bool) -> bytes:
    return (sequence << 8 | final).to_bytes(12, "big")


def _info(model_id: str, instance_id: str) -> bytes:
    parts = [part.encode() for part in (model_id, instance_id)]
    return b"craton session v1" + b"".join(len(part).to_bytes(2, "big") + part for part in parts)
