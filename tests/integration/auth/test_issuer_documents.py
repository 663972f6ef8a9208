"""Fetching from issuers over real TLS: what is dialled, what is believed, and how long it may take."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.pki.authority import Authority
from services.auth.adapters.issuer_documents import MAX_BYTES, HttpsIssuerDocuments
from services.auth.domain.dialling import DialRules
from services.auth.domain.oidc import Location
from services.auth.ports.oidc import IssuerDocumentError, IssuerUnreachableError
from tests.fakes.issuer import DISCOVERY, Answer, Issuer, drip

LOOPBACK = DialRules.parse((), ("127.0.0.0/8", "::1/128"))
TIMEOUT_S = 2.0


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create("issuers", datetime.now(UTC), timedelta(hours=1))


@pytest.fixture
def issuer(authority: Authority, tmp_path: Path) -> Iterator[Issuer]:
    one = Issuer(authority, tmp_path / "issuer")
    yield one
    one.stop()


@pytest.fixture
def bundle(authority: Authority, tmp_path: Path) -> Path:
    file = tmp_path / "ca.pem"
    file.write_bytes(authority.certificate)
    return file


@pytest.fixture
async def documents(bundle: Path) -> AsyncIterator[HttpsIssuerDocuments]:
    one = HttpsIssuerDocuments(LOOPBACK, bundle, TIMEOUT_S)
    yield one
    await one.close()


def at(issuer: Issuer, target: str = DISCOVERY, host: str = "localhost") -> Location:
    return Location(host, issuer.port, target)


async def test_a_document_is_fetched_with_nothing_but_its_name(
    issuer: Issuer, documents: HttpsIssuerDocuments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    seen: dict[str, str] = {}

    def write(handler: Any) -> None:
        seen.update(handler.headers.items())
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    issuer.answers["/a?b=c"] = Answer(raw=write)
    assert await documents.read(at(issuer, "/a?b=c")) == b"{}"
    assert seen.pop("Host") == f"localhost:{issuer.port}"
    assert sorted(seen) == ["Accept", "Accept-Encoding", "Connection", "User-Agent"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(
    issuer: Issuer, documents: HttpsIssuerDocuments, status: int
) -> None:
    issuer.answers["/from"] = Answer(status=status, headers={"Location": f"{issuer.url}/jwks"})
    with pytest.raises(IssuerDocumentError, match=str(status)):
        await documents.read(at(issuer, "/from"))
    assert issuer.asked == ["/from"]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_an_issuer_in_trouble_is_one_that_does_not_answer(
    issuer: Issuer, documents: HttpsIssuerDocuments, status: int
) -> None:
    issuer.answers["/x"] = Answer(status=status)
    with pytest.raises(IssuerUnreachableError):
        await documents.read(at(issuer, "/x"))


async def test_documents_have_a_size(issuer: Issuer, documents: HttpsIssuerDocuments) -> None:
    issuer.answers["/most"] = Answer(b"x" * MAX_BYTES)
    assert len(await documents.read(at(issuer, "/most"))) == MAX_BYTES
    issuer.answers["/more"] = Answer(b"x" * (MAX_BYTES + 1))
    with pytest.raises(IssuerDocumentError, match="more than"):
        await documents.read(at(issuer, "/more"))

    def endless(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                handler.wfile.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        except OSError:
            return

    issuer.answers["/endless"] = Answer(raw=endless)
    with pytest.raises(IssuerDocumentError, match="more than"):
        await documents.read(at(issuer, "/endless"))


async def test_a_compressed_document_is_not_opened(issuer: Issuer, documents: HttpsIssuerDocuments) -> None:
    issuer.answers["/zip"] = Answer(b"\x1f\x8b" + b"0" * 100, headers={"Content-Encoding": "gzip"})
    assert (await documents.read(at(issuer, "/zip"))).startswith(b"\x1f\x8b")


def _silent(handler: Any) -> None:
    time.sleep(3 * TIMEOUT_S)


def _half(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    time.sleep(3 * TIMEOUT_S)


def _slow_body(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    try:
        while True:
            handler.wfile.write(b"x")
            time.sleep(0.05)
    except OSError:
        return


@pytest.mark.parametrize("slow", [_silent, _half, _slow_body, drip(0.05)])
async def test_whoever_is_slow_is_left_in_time_and_nothing_waits_meanwhile(
    issuer: Issuer, documents: HttpsIssuerDocuments, slow: Any
) -> None:
    issuer.answers["/slow"] = Answer(raw=slow)
    began, longest = time.monotonic(), 0.0
    reading = asyncio.ensure_future(documents.read(at(issuer, "/slow")))
    while not reading.done():
        before = time.monotonic()
        await asyncio.sleep(0.01)
        longest = max(longest, time.monotonic() - before)
    with pytest.raises(IssuerUnreachableError):
        await reading
    assert time.monotonic() - began < 2 * TIMEOUT_S
    # The event loop is the one of every other call; it has a slow machine to share, and no second to lose.
    assert longest < TIMEOUT_S


async def test_threads_come_back_from_whoever_drips(issuer: Issuer, bundle: Path) -> None:
    documents = HttpsIssuerDocuments(LOOPBACK, bundle, TIMEOUT_S)
    issuer.answers["/slow"] = Answer(raw=drip(0.02))
    slow = [asyncio.ensure_future(documents.read(at(issuer, "/slow"))) for _ in range(32)]
    failed = await asyncio.gather(*slow, return_exceptions=True)
    assert all(isinstance(each, IssuerUnreachableError) for each in failed)
    async with asyncio.timeout(10):
        while True:
            try:
                assert await documents.read(at(issuer)) == issuer.answers[DISCOVERY].body
                break
            except IssuerUnreachableError:
                continue
    await documents.close()


async def test_a_handshake_that_never_ends(documents: HttpsIssuerDocuments) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with pytest.raises(IssuerUnreachableError):
            await documents.read(Location("localhost", listener.getsockname()[1], "/"))


async def test_nobody_there(documents: HttpsIssuerDocuments) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(IssuerUnreachableError):
        await documents.read(Location("localhost", port, "/"))
    with pytest.raises(IssuerUnreachableError):
        await documents.read(Location("no-such-name.invalid", 443, "/"))


async def test_certificates_are_verified(
    issuer: Issuer, documents: HttpsIssuerDocuments, authority: Authority, tmp_path: Path
) -> None:
    system = HttpsIssuerDocuments(LOOPBACK, None, TIMEOUT_S)
    with pytest.raises(IssuerUnreachableError):
        await system.read(at(issuer))
    await system.close()
    stranger = Authority.create("others", datetime.now(UTC), timedelta(hours=1))
    for ca, name in ((stranger, "localhost"), (authority, "other.example.com")):
        false = Issuer(ca, tmp_path / name, name)
        with pytest.raises(IssuerUnreachableError):
            await documents.read(at(false))
        assert false.asked == []
        false.stop()
    with pytest.raises(IssuerUnreachableError):
        # Its address is in no certificate of it.
        await documents.read(at(issuer, host="127.0.0.1"))
    assert issuer.asked == []


@pytest.mark.parametrize(
    "rules",
    [
        DialRules(),
        DialRules.parse((), ("10.0.0.0/8",)),
        DialRules.parse(("token.example.com",), ("127.0.0.0/8", "::1/128")),
    ],
)
async def test_what_the_rules_do_not_permit_is_not_dialled(
    issuer: Issuer, bundle: Path, rules: DialRules
) -> None:
    closed = HttpsIssuerDocuments(rules, bundle, TIMEOUT_S)
    with pytest.raises(IssuerDocumentError, match="may not be dialled"):
        await closed.read(at(issuer))
    await closed.close()
    assert issuer.asked == []


@pytest.mark.parametrize(
    "addresses",
    [["169.254.169.254"], ["93.184.215.14", "127.0.0.1"], ["93.184.215.14", "::1"], ["::ffff:10.0.0.1"]],
)
async def test_names_that_stand_for_closed_addresses(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    dialled: list[Any] = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "connect", lambda _self, address: dialled.append(address))
    public = HttpsIssuerDocuments(DialRules(), bundle, TIMEOUT_S)
    with pytest.raises(IssuerDocumentError, match="may not be dialled"):
        await public.read(Location("rebound.example.com", 443, "/"))
    assert dialled == []
    await public.close()


async def test_the_address_that_was_checked_is_the_one_that_is_dialled(
    issuer: Issuer, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that stands for something else at the next question (DNS rebinding)."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *rest: Any, **more: Any) -> Any:
        asked.append(host)
        return real("127.0.0.1" if host == "localhost" else host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    one = HttpsIssuerDocuments(LOOPBACK, bundle, TIMEOUT_S)
    assert await one.read(at(issuer))
    assert asked.count("localhost") == 1
    assert set(asked) == {"localhost", "127.0.0.1"}
    await one.close()


def test_a_bundle_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "junk.pem").write_text("junk")
    for name in ("junk.pem", "absent.pem"):
        with pytest.raises((OSError, ssl.SSLError)):
            HttpsIssuerDocuments(LOOPBACK, tmp_path / name)
