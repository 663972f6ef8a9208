"""Requests that botocore signs are verified as the edge does it; one byte changed, and they are refused."""

import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from unittest.mock import patch

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from services.chassis import sigv4
from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes
from services.edge.domain.admission import admit, signed_fields, string_to_sign
from tests.campaigns.campaign import Campaign, Finding

_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
_REGIONS = frozenset({"us-east-1", "eu-west-1", "ap-southeast-2"})
_ALPHABET = "abcXYZ0189-._~ !$&'()*+,;=:@/?%#[]\"\\<>{}|^`éßλ中😀\x7f"
_HEADER_TEXT = "abc XYZ 0189-._~  !$&'()*+,;=:@/?%#[]{}\té中"
_HEADERS = ("Content-Type", "Accept", "X-Amz-Target", "X-Amzn-Bedrock-Accept", "X-One", "x-two", "Trace")
_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")
_MUTATIONS = 12
_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Request:
    """A request as it stands on the wire."""

    method: str
    path: bytes
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    """Names in lower case."""
    body: bytes


class SigV4Campaign(Campaign):
    """One case is a signed request, its clock, and changes to it; some are neutral by the rules of SigV4."""

    name = "sigv4"
    summary = (
        "The edge's checks accept what botocore signs (random paths, queries, headers, bodies, clock) "
        f"and refuse {_MUTATIONS} changes of a byte or a header a case: method, path, query, signed "
        "headers, Authorization, date, body; unsigned headers are never readable."
    )
    fault = "a verifier that skips a signed header when its name comes a second time."
    sources = ("services/chassis/sigv4.py", "services/edge/domain/admission.py", "tests/campaigns/sigv4.py")

    def case(self, seed: int, index: int) -> None:
        """Sign, verify, change, verify."""
        random = self.random(seed, index)
        secret = "".join(random.choice("abcdefghijklmnopqrstuvwxyzABCDEFXYZ0123456789+/") for _ in range(40))
        signed_at = _START + timedelta(seconds=random.randrange(10**8))
        region = random.choice(sorted(_REGIONS))
        request = _sign(random, secret, region, signed_at)
        skew = random.choice((0, 0, 0, 0, 299, -300, 301, -301, random.randrange(-900, 900)))
        outcome = _verify(request, secret, signed_at + timedelta(seconds=skew))
        if (outcome is None) is not (abs(skew) <= 300):
            raise Finding(f"signed with a clock {skew} s away: {outcome or 'accepted'}; {request}")
        meant = _meaning(request)
        for _ in range(_MUTATIONS):
            what, changed = random.choice(_CHANGES)(random, request)
            if changed == request or _meaning(changed) == meant:
                continue
            if _verify(changed, secret, signed_at) is None:
                raise Finding(f"accepted with a changed {what}: {_difference(request, changed)}")

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Keep the first of repeated headers instead of joining them."""
        original = sigv4.header_fields

        def first_only(headers: tuple[tuple[bytes, bytes], ...]) -> dict[bytes, bytes]:
            seen = dict(reversed(headers))
            return original([(name, seen.pop(name)) for name, _ in headers if name in seen])

        with patch.object(sigv4, "header_fields", first_only):
            yield


def _verify(request: _Request, secret: str, now: datetime) -> str | None:
    """Return why the request is refused, None when it is accepted: the edge's steps, with auth's key."""
    fields = sigv4.header_fields(request.headers)
    try:
        admitted = admit(fields, _REGIONS, now)
        credential = admitted.authorization.credential
        if credential.access_key_id != _KEY_ID:
            return "unknown key id"
        key = sigv4.derive_signing_key(
            SecretBytes(secret.encode()), credential.date, credential.region, credential.service
        )
        payload = sha256(request.body).hexdigest().encode()
        to_sign = string_to_sign(admitted, request.method, request.path, request.query, fields, payload)
        sigv4.verify(key, to_sign, admitted.signature)
    except DomainError as error:
        return error.message or "refused"
    if not set(signed_fields(admitted, fields)) <= set(admitted.authorization.signed_headers):
        raise Finding(f"an unsigned header is readable: {request}")
    return None


def _sign(random: Random, secret: str, region: str, signed_at: datetime) -> _Request:
    segments = [_text(random, _ALPHABET, 1, 10) for _ in range(random.randrange(5))]
    path = "/" + "/".join(_path_segment(random, each) for each in segments if each not in (".", ".."))
    pairs = [
        (_text(random, _ALPHABET, 1, 8), _text(random, _ALPHABET, 0, 8)) for _ in range(random.randrange(4))
    ]
    query = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in pairs)
    extra = {
        name: _text(random, _HEADER_TEXT, 0, 20) for name in random.sample(_HEADERS, random.randrange(4))
    }
    body = random.randbytes(random.choice((0, 0, 1, 64, 5000)))
    url = f"https://localhost:8443{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method=random.choice(_METHODS), url=url, data=body, headers=extra)
    with patch("botocore.auth.get_current_datetime", lambda: signed_at.replace(tzinfo=None)):
        SigV4Auth(Credentials(_KEY_ID, secret), "bedrock", region).add_auth(request)
    headers = [(name.lower().encode(), value.encode()) for name, value in request.headers.items()]
    headers.append((b"host", b"localhost:8443"))
    random.shuffle(headers)
    return _Request(request.method, path.encode(), query.encode(), tuple(headers), body)


def _text(random: Random, alphabet: str, low: int, high: int) -> str:
    return "".join(random.choice(alphabet) for _ in range(random.randint(low, high)))


def _encoded(text: str) -> str:
    return urllib.parse.quote(text, safe="-._~")


def _path_segment(random: Random, text: str) -> str:
    """Encode as SDKs do; sometimes leave what a path may hold plainly, as other clients do."""
    return urllib.parse.quote(text, safe="-._~" if random.random() < 0.7 else "-._~!$&'()*+,;=:@")


def _meaning(request: _Request) -> object:
    """Return what the request means by the rules of SigV4: changes that keep it may be accepted.

    Parameters of the query have no order and no particular encoding; blanks in a header count as one; the
    parts of Authorization may stand apart. Unsigned headers mean nothing, unless they must be signed.
    """
    headers: dict[bytes, list[bytes]] = {}
    for name, value in request.headers:
        headers.setdefault(name, []).append(b" ".join(value.split()))
    algorithm, _, parameters = headers.pop(b"authorization", [b""])[0].partition(b" ")
    parts = sorted(part.strip() for part in parameters.split(b",") if part.strip())
    signed = next((part for part in parts if part.startswith(b"SignedHeaders=")), b"").partition(b"=")[2]
    believed = {
        name: b",".join(values)
        for name, values in headers.items()
        if name in signed.split(b";") or name.startswith((b"x-amz-", b"x-amzn-bedrock-"))
    }
    query = sorted(
        tuple(urllib.parse.unquote_to_bytes(side) for side in part.partition(b"=")[::2])
        for part in request.query.split(b"&")
        if part
    )
    return request.method, request.path, query, algorithm, parts, believed, request.body


def _one_byte(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    new = bytes(
        [random.choice(b"abcdefAB012345 /%&=;:,.+~-\t") if random.random() < 0.8 else random.randrange(256)]
    )
    how = random.randrange(3)
    if how == 0 or not data:
        return data[:at] + new + data[at:]
    at = min(at, len(data) - 1)
    return data[:at] + (new if how == 1 else b"") + data[at + 1 :]


def _difference(request: _Request, changed: _Request) -> str:
    """Return the parts that differ, before and after."""
    parts = []
    for name in ("method", "path", "query", "body"):
        before, after = getattr(request, name), getattr(changed, name)
        if before != after:
            parts.append(f"{name} {before!r} to {after!r}")
    gone = [header for header in request.headers if header not in changed.headers]
    more = list(changed.headers)
    for header in request.headers:
        if header in more:
            more.remove(header)
    if gone or more:
        parts.append(f"headers {gone} to {more}")
    return "; ".join(parts)


def _method(random: Random, request: _Request) -> tuple[str, _Request]:
    return "method", replace(request, method=random.choice((*_METHODS, "HEAD", request.method.lower())))


def _path(random: Random, request: _Request) -> tuple[str, _Request]:
    return "path", replace(request, path=_one_byte(random, request.path))


def _query(random: Random, request: _Request) -> tuple[str, _Request]:
    return "query", replace(request, query=_one_byte(random, request.query))


def _body(random: Random, request: _Request) -> tuple[str, _Request]:
    return "body", replace(request, body=_one_byte(random, request.body))


def _header_value(random: Random, request: _Request) -> tuple[str, _Request]:
    """A byte of any header: signed ones, the date, Authorization and its signature."""
    at = random.randrange(len(request.headers))
    name, value = request.headers[at]
    return f"header {name.decode()}", _with_header(request, at, (name, _one_byte(random, value)))


def _signature(random: Random, request: _Request) -> tuple[str, _Request]:
    at = next(i for i, (name, _) in enumerate(request.headers) if name == b"authorization")
    value = bytearray(request.headers[at][1])
    place = len(value) - 1 - random.randrange(64)
    value[place] = random.choice(b"0123456789abcdef")
    return "signature", _with_header(request, at, (b"authorization", bytes(value)))


def _header_gone(random: Random, request: _Request) -> tuple[str, _Request]:
    at = random.randrange(len(request.headers))
    headers = request.headers[:at] + request.headers[at + 1 :]
    return f"header {request.headers[at][0].decode()} (gone)", replace(request, headers=headers)


def _header_twice(random: Random, request: _Request) -> tuple[str, _Request]:
    name, value = random.choice(request.headers)
    again = (name, random.choice((value, b"other", b"")))
    return f"header {name.decode()} (twice)", replace(request, headers=(*request.headers, again))


def _header_more(random: Random, request: _Request) -> tuple[str, _Request]:
    """A header that the signature does not cover; x-amz-* and x-amzn-bedrock-* must be refused."""
    name = random.choice((b"x-amz-other", b"x-amzn-bedrock-guardrailidentifier", b"x-unsigned"))
    return f"header {name.decode()} (more)", replace(request, headers=(*request.headers, (name, b"1")))


def _with_header(request: _Request, at: int, header: tuple[bytes, bytes]) -> _Request:
    return replace(request, headers=(*request.headers[:at], header, *request.headers[at + 1 :]))


_CHANGES: tuple[Callable[[Random, _Request], tuple[str, _Request]], ...] = (
    _method,
    _path,
    _query,
    _body,
    _header_value,
    _header_value,
    _signature,
    _header_gone,
    _header_twice,
    _header_more,
)
