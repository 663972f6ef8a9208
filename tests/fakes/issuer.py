"""An OpenID Connect issuer over TLS that does what a test tells it, and tokens as it would sign them."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from deploy.pki.authority import Authority, LeafRequest

AUDIENCE = "craton-tests"
DISCOVERY = "/.well-known/openid-configuration"


@dataclass(frozen=True)
class Key:
    """A signing key of an issuer."""

    key_id: str
    algorithm: str
    private: Any

    @classmethod
    def make(cls, key_id: str, algorithm: str = "RS256", bits: int = 2048) -> "Key":
        """Make a key for an algorithm."""
        if algorithm.startswith("ES"):
            curve = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}[algorithm]
            return cls(key_id, algorithm, ec.generate_private_key(curve))
        return cls(key_id, algorithm, rsa.generate_private_key(65537, bits))

    def jwk(self, **changes: Any) -> dict[str, Any]:
        """Return the public half as a key set has it."""
        kind = ECAlgorithm if self.algorithm.startswith("ES") else RSAAlgorithm
        public = json.loads(kind.to_jwk(self.private.public_key()))
        return {**public, "kid": self.key_id, "use": "sig", "alg": self.algorithm, **changes}

    def sign(self, claims: Mapping[str, Any], **header: Any) -> str:
        """Sign claims; `header` adds parameters or, as None, takes them away."""
        # As it is, also what no library would sign as claims.
        payload = json.dumps(dict(claims)).encode()
        return jwt.PyJWS().encode(payload, self.private, self.algorithm, {"kid": self.key_id, **header})


def claims_of(issuer: str, now: datetime, **changes: Any) -> dict[str, Any]:
    """Return the claims of a good token; None takes one away."""
    seconds = int(now.timestamp())
    good = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": "workload:red",
        "iat": seconds,
        "exp": seconds + 600,
        **changes,
    }
    return {name: value for name, value in good.items() if value is not None}


def discovery(issuer: str, jwks: str = "") -> bytes:
    """Return a discovery document."""
    return json.dumps({"issuer": issuer, "jwks_uri": jwks or f"{issuer}/jwks"}).encode()


def key_set(*keys: Key) -> bytes:
    """Return a key set."""
    return json.dumps({"keys": [key.jwk() for key in keys]}).encode()


def server_tls(authority: Authority, folder: Path, name: str, address: str = "") -> ssl.SSLContext:
    """Return the TLS of a server with a certificate of `authority`."""
    addresses = [address] if address else []
    request = LeafRequest(name, [name], timedelta(hours=1), ip_addresses=addresses, client=False)
    issued = authority.issue(request, datetime.now(UTC))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tls.pem").write_bytes(issued.certificate + issued.private_key)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "tls.pem")
    return tls


@dataclass
class Answer:
    """What a path answers with."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: Callable[[Any], None] | None = None
    """Writes to the connection itself instead."""


class Issuer:
    """Serves a discovery document and a key set on localhost."""

    def __init__(
        self, authority: Authority, folder: Path, name: str = "localhost", address: str = "127.0.0.1"
    ) -> None:
        """Start at `address`, with a certificate of `authority` for `name`.

        At another address than the first the certificate is for that one too, and the issuer is named by it.
        """
        self.asked: list[str] = []
        self.key = Key.make("first")
        by_address = "" if name != "localhost" or address == "127.0.0.1" else address
        tls = server_tls(authority, folder, name, by_address)
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                answer = issuer.answers.get(self.path, Answer(status=404))
                if answer.raw is not None:
                    answer.raw(self)
                    return
                self.send_response(answer.status)
                for header, value in answer.headers.items():
                    self.send_header(header, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: Any) -> None:
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self) -> Any:
                connection, address = self.socket.accept()
                # The handshake is the handler thread's: a client that stops in it must not stop the others.
                return tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

            def handle_error(self, *_: Any) -> None:
                return

        self._server = Server((address, 0), Handler)
        self.port = self._server.server_port
        self.url = f"https://{by_address or 'localhost'}:{self.port}"
        self.answers: dict[str, Answer] = {}
        self.publish(self.key)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def publish(self, *keys: Key) -> None:
        """Serve these keys."""
        self.answers[DISCOVERY] = Answer(discovery(self.url))
        self.answers["/jwks"] = Answer(key_set(*keys))

    def token(self, **changes: Any) -> str:
        """Return a good token, or one whose claims are changed."""
        return self.key.sign(claims_of(self.url, datetime.now(UTC), **changes))

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def drip(pause_s: float) -> Callable[[Any], None]:
    """Return what answers with a header that never ends, a byte at a time."""

    def write(handler: Any) -> None:
        try:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while True:
                handler.wfile.write(b"x")
                handler.wfile.flush()
                time.sleep(pause_s)
        except OSError:
            return

    return write
