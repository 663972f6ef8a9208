"""Documents of issuers over HTTPS, by urllib3 in threads of their own."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import urllib3
from urllib3.connection import HTTPSConnection

from services.auth.domain.dialling import HTTPS_PORT, DialRules
from services.auth.domain.oidc import Location
from services.auth.ports.oidc import IssuerDocumentError, IssuerUnreachableError

MAX_BYTES = 256 * 1024
"""Of one document. 200 keys of 4,096 bits have 150 KB."""
TIMEOUT_S = 5.0
"""For name, connection, handshake, headers and body together: AWS waits for an issuer as long."""
_THREADS = 16
_CHUNK = 16 * 1024
_OK = 200
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_HEADERS = {
    "Accept": "application/json",
    # No compressed documents: a small one could become large.
    "Accept-Encoding": "identity",
    "User-Agent": "craton-auth",
    "Connection": "close",
}


class HttpsIssuerDocuments:
    """An IssuerDocuments. It resolves names itself, so that what is dialled is the address that was checked.

    Proxies and credentials of the environment have no effect.
    """

    def __init__(self, rules: DialRules, ca_bundle: Path | None, timeout_s: float = TIMEOUT_S) -> None:
        """Dial what `rules` permit, trusting the system's authorities and those in `ca_bundle`.

        Raises OSError and ssl.SSLError for a bundle that cannot be used.
        """
        self._rules = rules
        self._timeout_s = timeout_s
        self._tls = ssl.create_default_context()
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        if ca_bundle is not None:
            self._tls.load_verify_locations(ca_bundle)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="issuer")

    async def read(self, location: Location) -> bytes:
        """Fetch a document in a thread, which ends by itself soon after this does."""
        deadline = time.monotonic() + self._timeout_s
        fetching = asyncio.get_running_loop().run_in_executor(self._threads, self._fetch, location, deadline)
        try:
            # The resolver's own patience is not ours: nobody waits here for longer.
            return await asyncio.wait_for(fetching, self._timeout_s)
        except TimeoutError:
            raise IssuerUnreachableError("no answer in time") from None

    async def close(self) -> None:
        """Start nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _fetch(self, location: Location, deadline: float) -> bytes:
        if not self._rules.permits(location.host, location.port):
            raise IssuerDocumentError("the host or the port may not be dialled")
        addresses = self._resolve(location)
        for last, address in ((address == addresses[-1], address) for address in addresses):
            try:
                with self._connected(location, address, deadline) as connection:
                    return _read(connection, location, deadline)
            except (OSError, urllib3.exceptions.HTTPError) as error:
                # What exactly failed stays here: it would tell whoever registered the issuer what is there.
                if last or time.monotonic() >= deadline:
                    raise IssuerUnreachableError(f"{type(error).__name__} while asking") from None
        raise IssuerUnreachableError("the name has no address")

    def _resolve(self, location: Location) -> list[str]:
        """Return the addresses of a host, if every one of them may be dialled."""
        try:
            found = socket.getaddrinfo(location.host, location.port, type=socket.SOCK_STREAM)
        except OSError:
            raise IssuerUnreachableError("the name cannot be resolved") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not all(self._rules.permits_address(address, location.port) for address in addresses):
            # Also when only some are closed: a name that mixes them is made to get past this very check.
            raise IssuerDocumentError("the name stands for an address that may not be dialled")
        return addresses

    @contextmanager
    def _connected(self, location: Location, address: str, deadline: float) -> Iterator[HTTPSConnection]:
        connection = HTTPSConnection(
            address,
            location.port,
            timeout=_left(deadline),
            ssl_context=self._tls,
            # The certificate must be the host's, although its address is dialled.
            server_hostname=location.host,
        )
        try:
            # The time is that of TCP's connection and once more of TLS' handshake; what follows has a timer.
            connection.connect()
            end = threading.Timer(_left(deadline), _abort, (connection.sock,))
            end.daemon = True
            end.start()
            try:
                yield connection
            finally:
                end.cancel()
        finally:
            connection.close()


def _read(connection: HTTPSConnection, location: Location, deadline: float) -> bytes:
    headers = {**_HEADERS, "Host": _host_header(location)}
    connection.request("GET", location.target, headers=headers, preload_content=False, decode_content=False)
    # The response has the connection from here on, and so has to be closed itself.
    with closing(connection.getresponse()) as response:
        if time.monotonic() >= deadline:
            # Headers that the timer cut short read like headers that ended.
            raise IssuerUnreachableError("no whole answer in time")
        if response.status in _TRANSIENT:
            raise IssuerUnreachableError(f"status {response.status}")
        if response.status != _OK:
            # Redirects too: what is behind one was not registered by anybody.
            raise IssuerDocumentError(f"status {response.status}")
        content = bytearray()
        while len(content) <= MAX_BYTES:
            part = response.read1(_CHUNK)
            if time.monotonic() >= deadline:
                raise IssuerUnreachableError("no whole answer in time")
            if not part:
                return bytes(content)
            content += part
    raise IssuerDocumentError(f"the document has more than {MAX_BYTES} bytes")


def _host_header(location: Location) -> str:
    host = location.host
    return host if location.port == HTTPS_PORT else f"{host}:{location.port}"


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _abort(connected: socket.socket | None) -> None:
    """End whatever waits on a connection, also for the next byte of a header that never ends."""
    if connected is not None:
        try:
            # Of the socket itself: TLS' own farewell would wait for the other side.
            socket.socket.shutdown(connected, socket.SHUT_RDWR)
        except OSError:
            return
