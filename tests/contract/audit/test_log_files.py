"""What must be true of the log's files wherever they lie: in a folder, and at a real S3 server."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from services.audit.adapters.file_log import FileLog
from services.audit.adapters.s3_client import S3Client
from services.audit.adapters.s3_log import S3Log
from services.audit.config import S3Settings
from services.audit.errors import BucketError
from services.audit.ports import LogFiles
from tests.fakes import s3_server, tcp
from tests.fakes.s3_server import S3Server

BUCKET = "craton-log"
MANY = {f"tile/0/{number:03}": bytes((number,)) * 8192 for number in range(40)}


class Place(Protocol):
    """Where files lie."""

    def replica(self) -> LogFiles:
        """Return one more replica's store of the same files."""

    def names(self) -> list[str]:
        """Return the names of what lies there."""

    async def close(self) -> None:
        """Let the replicas go."""


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def replica(self) -> FileLog:
        return FileLog(self.path)

    def names(self) -> list[str]:
        return sorted(str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file())

    async def close(self) -> None:
        pass


class Bucket:
    """A part of a bucket that nobody else uses."""

    def __init__(self, server: S3Server, home: Path) -> None:
        self.server = server
        self.prefix = f"{uuid.uuid4()}/log/"
        self.key_file = home / "key"
        server.write_key(self.key_file)
        self._clients: list[S3Client] = []

    def replica(self, endpoint: str = "", timeout_s: float = 20.0, bucket: str = BUCKET) -> S3Log:
        settings = S3Settings(endpoint or self.server.endpoint, credentials_file=str(self.key_file))
        self._clients.append(S3Client(settings, timeout_s))
        return S3Log(self._clients[-1], bucket, self.prefix)

    def names(self) -> list[str]:
        found = self.server.client().list_objects_v2(Bucket=BUCKET, Prefix=self.prefix)
        return sorted(item["Key"].removeprefix(self.prefix) for item in found.get("Contents", ()))

    async def close(self) -> None:
        for client in self._clients:
            await client.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server.running(tmp_path_factory.mktemp("s3")) as running:
        running.client().create_bucket(Bucket=BUCKET)
        yield running


@pytest.fixture
async def bucket(server: S3Server, tmp_path: Path) -> AsyncIterator[Bucket]:
    opened = Bucket(server, tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "log")


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(request.param)
    return found


async def test_files_are_as_they_were_written(place: Place) -> None:
    files = place.replica()
    assert await files.get("checkpoint") is None
    written = {"checkpoint": b"1", "tile/0/x001/234/067": b"full", "tile/entries/000.p/17": bytes(100_000)}
    await files.put(written)
    for path, content in written.items():
        assert await files.get(path) == content
    await files.put({"checkpoint": b"22"})
    assert await files.get("checkpoint") == b"22"
    assert await place.replica().get("checkpoint") == b"22"
    assert place.names() == sorted(written)


async def test_what_is_not_there_is_nothing(place: Place) -> None:
    files = place.replica()
    await files.put({"tile/0/000.p/12": b"12"})
    for path in ("tile/0/000", "tile/0/000.p/1", "tile/0/x000/000", "checkpoint"):
        assert await files.get(path) is None
    await files.put({})


async def test_the_same_again_changes_nothing(place: Place) -> None:
    written = {"checkpoint": b"1", "tile/0/000": bytes(8192)}
    for _ in range(3):
        await place.replica().put(written)
    assert [await place.replica().get(path) for path in written] == list(written.values())
    assert place.names() == sorted(written)


async def test_many_files_at_once(place: Place) -> None:
    await place.replica().put(MANY)
    files = place.replica()
    assert await asyncio.gather(*map(files.get, MANY)) == list(MANY.values())


async def test_the_largest_bundle(place: Place) -> None:
    content = bytes(range(256)) * (2 + 65535)
    await place.replica().put({"tile/entries/000": content})
    assert await place.replica().get("tile/entries/000") == content


async def test_partial_files_go_with_their_full_one(place: Place) -> None:
    files = place.replica()
    await files.remove_partial("tile/0/000")
    partial = {f"tile/0/000.p/{width}": b"%d" % width for width in range(1, 31)}
    others = {
        "tile/0/000": b"full",
        "tile/0/001.p/1": b"3",
        "tile/0/x000/000.p/1": b"4",
        "tile/1/000.p/1": b"5",
    }
    await files.put(partial | others)
    await asyncio.gather(*(each.remove_partial("tile/0/000") for each in (files, place.replica())))
    for path in partial:
        assert await files.get(path) is None
    for path, content in others.items():
        assert await files.get(path) == content
    assert place.names() == sorted(others)


async def test_replicas_write_one_file_at_the_same_time(place: Place) -> None:
    replicas = [place.replica() for _ in range(4)]
    for size in (100_000, 50, 200_000):
        writes = [each.put({"tile/0/000": bytes(size)}) for each in replicas for _ in range(5)]
        await asyncio.gather(*writes)
        assert await replicas[0].get("tile/0/000") == bytes(size)
    assert place.names() == ["tile/0/000"]


async def test_a_reader_never_sees_a_part(place: Place) -> None:
    versions = [bytes((number,)) * 300_000 for number in range(1, 9)]
    writer, reader = place.replica(), place.replica()
    await writer.put({"checkpoint": versions[0]})
    seen = []

    async def read() -> None:
        while True:
            seen.append(await reader.get("checkpoint"))

    reading = asyncio.create_task(read())
    for content in versions:
        await writer.put({"checkpoint": content})
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert seen
    assert all(content in versions for content in seen)


async def test_whoever_is_nobody_can_read_no_folder(folder: Folder) -> None:
    await folder.replica().put({"checkpoint": b"1", "tile/0/x001/234/067": b"full"})
    assert {path.stat().st_mode & 0o777 for path in folder.path.rglob("*")} == {0o600, 0o700}


async def test_a_write_that_a_crash_left_is_no_file(folder: Folder) -> None:
    files = folder.replica()
    await files.put({"checkpoint": b"1"})
    (folder.path / ".x1y2.new").write_bytes(b"half")
    assert await files.get("checkpoint") == b"1"
    await files.put({"checkpoint": b"2"})
    assert await files.get("checkpoint") == b"2"


async def test_objects_have_the_types_that_readers_of_logs_expect(bucket: Bucket) -> None:
    await bucket.replica().put({"checkpoint": b"1", "tile/entries/000": b"full"})
    heads = [
        bucket.server.client().head_object(Bucket=BUCKET, Key=bucket.prefix + path)
        for path in ("checkpoint", "tile/entries/000")
    ]
    types = [head["ContentType"].lower().replace(" ", "") for head in heads]
    assert types == ["text/plain;charset=utf-8", "application/octet-stream"]


async def test_a_server_that_goes_away_and_comes_back(bucket: Bucket) -> None:
    files = bucket.replica()
    await files.put(MANY)
    with bucket.server.away():
        for call in (files.put(MANY), files.get("tile/0/000"), files.remove_partial("tile/0/000")):
            started = time.monotonic()
            with pytest.raises(OSError):
                await call
            assert time.monotonic() - started < 15
    for path, content in MANY.items():
        assert await files.get(path) == content
    await files.put({"checkpoint": b"1"})
    await files.remove_partial("tile/0/000")
    assert await files.get("checkpoint") == b"1"


async def test_a_server_that_says_nothing(bucket: Bucket) -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with tcp.serving(silent) as port:
        files = bucket.replica(f"http://127.0.0.1:{port}", timeout_s=0.5)
        for call in (
            files.put({"checkpoint": b"1"}),
            files.get("checkpoint"),
            files.remove_partial("tile/0/000"),
        ):
            started = time.monotonic()
            with pytest.raises(OSError, match="Timeout"):
                await call
            assert time.monotonic() - started < 10
        await bucket.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 15\r\n\r\n<html>no</html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 17000000\r\n\r\n" + bytes(17_000_000),
    ],
    ids=["nothing", "a proxy", "cut", "cut chunks", "too large"],
)
async def test_what_is_no_answer_is_no_file(bucket: Bucket, answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async with tcp.serving(serve) as port:
        files = bucket.replica(f"http://127.0.0.1:{port}", timeout_s=1)
        with pytest.raises(OSError):
            await files.get("checkpoint")


async def test_a_bucket_that_is_not_there(bucket: Bucket) -> None:
    files = bucket.replica(bucket="craton-nowhere")
    for call in (
        files.get("checkpoint"),
        files.put({"checkpoint": b"1"}),
        files.remove_partial("tile/0/000"),
    ):
        with pytest.raises(BucketError) as refused:
            await call
        assert refused.value.code == "NoSuchBucket"


async def test_a_key_is_read_again_when_it_changes(bucket: Bucket) -> None:
    files = bucket.replica()
    await files.put({"checkpoint": b"1"})
    right = bucket.key_file.read_text()
    for text, code in (
        (right.replace("testing", "guessed"), "SignatureDoesNotMatch"),
        ("[default]\n", "NoCredentials"),
        (None, "NoCredentials"),
    ):
        bucket.key_file.unlink() if text is None else bucket.key_file.write_text(text)
        with pytest.raises(BucketError) as refused:
            await files.get("checkpoint")
        assert refused.value.code == code
    bucket.key_file.write_text(right)
    assert await files.get("checkpoint") == b"1"
