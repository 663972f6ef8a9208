"""Places at which a process ends itself by SIGKILL: wrapped around functions by the process of a test.

Nothing of this is in the services: a child of a test calls `arm` before it starts one.
"""

import inspect
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

import services  # noqa: F401 - before anything imports gRPC: see services/__init__.py
from services.audit.adapters import file_log, sql_events
from services.audit.adapters.file_log import FileLog
from services.audit.adapters.kms import KmsKeyService
from services.audit.adapters.kms_log_key import KmsLogSigner
from services.audit.adapters.sql_events import SqlEventStore
from services.audit.adapters.sql_heads import SqlHeadStore
from services.audit.adapters.sql_keys import SqlDataKeyStore
from services.audit.operations.cosigning import Cosigning
from services.audit.operations.log import Log
from services.chassis.audit import recovery
from services.chassis.audit.commits import Commits
from services.chassis.audit.files import OsFiles
from services.chassis.audit.shipper import GrpcIngest
from services.chassis.audit.spool import Spool
from services.chassis.audit.writer import SegmentWriter
from services.chassis.database import Database
from services.witness.adapters import key_file
from services.witness.adapters.sql_logs import SqlKnownLogs
from services.witness.operations.witnessing import Witnessing

Reached = Callable[..., None]
"""Counts a pass; the last one ends the process, after doing what it was given, if anything."""
Around = Callable[[Callable[..., Any], Reached, float], Callable[..., Any]]
"""Makes of a function, of what to call at the failpoint, and of a share from 0 to 1, another function."""


@dataclass(frozen=True, slots=True)
class Failpoint:
    """A place in a function."""

    owner: Any
    name: str
    """Attribute of `owner`: the function."""
    around: Around
    most: int = 1
    """A life ends at one of the first so many passes."""


@dataclass(frozen=True, slots=True)
class Armed:
    """A life that ends at a failpoint."""

    point: str
    hit: int
    """Which pass of it, from 1."""
    share: float = 0.5
    """Of a write that is cut short."""


def before(function: Callable[..., Any], reached: Reached, _share: float) -> Callable[..., Any]:
    """End before the function runs."""

    @wraps(function)
    def wrapped(*arguments: Any, **keywords: Any) -> Any:
        reached()
        return function(*arguments, **keywords)

    return wrapped


def after(function: Callable[..., Any], reached: Reached, _share: float) -> Callable[..., Any]:
    """End after the function has returned, and before its caller goes on."""
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def awaited(*arguments: Any, **keywords: Any) -> Any:
            result = await function(*arguments, **keywords)
            reached()
            return result

        return awaited

    @wraps(function)
    def wrapped(*arguments: Any, **keywords: Any) -> Any:
        result = function(*arguments, **keywords)
        reached()
        return result

    return wrapped


def cut_short(function: Callable[..., Any], reached: Reached, share: float) -> Callable[..., Any]:
    """Write a part of the bytes, and end: a torn tail."""

    @wraps(function)
    def wrapped(files: Any, descriptor: int, data: memoryview, offset: int) -> Any:
        reached(lambda: function(files, descriptor, data[: int(len(data) * share)], offset))
        return function(files, descriptor, data, offset)

    return wrapped


def in_transaction(function: Callable[..., Any], reached: Reached, _share: float) -> Callable[..., Any]:
    """End after the statements of a transaction that writes, and before its commit."""

    @wraps(function)
    def wrapped(database: Any, work: Callable[[Any], Any], read_only: bool) -> Any:
        def last(connection: Any) -> Any:
            result = work(connection)
            if not read_only:
                reached()
            return result

        return function(database, last, read_only)

    return wrapped


AUDIT: Mapping[str, Failpoint] = {
    "schema migrated": Failpoint(Database, "migrate", after),
    "log loads": Failpoint(Log, "_load", before),
    "log loaded": Failpoint(Log, "_load", after),
    "data key made by kms": Failpoint(KmsKeyService, "generate", after),
    "data key stored": Failpoint(SqlDataKeyStore, "add", after),
    "batch arrives": Failpoint(SqlEventStore, "append", before, 3),
    "batch inserted, not committed": Failpoint(sql_events, "_append", after, 3),
    "batch committed, not answered": Failpoint(SqlEventStore, "append", after, 3),
    "files of the log": Failpoint(Log, "_write", before, 2),
    "file of the log begins": Failpoint(file_log.tempfile, "mkstemp", before, 4),
    "file of the log is empty": Failpoint(file_log.tempfile, "mkstemp", after, 4),
    "files renamed, folder not synced": Failpoint(file_log._FILES, "sync_directory", before, 4),
    "files of the log written": Failpoint(Log, "_write", after, 2),
    "checkpoint signed by kms": Failpoint(KmsLogSigner, "sign", after, 2),
    "checkpoint goes to witnesses": Failpoint(Cosigning, "cosign", before, 2),
    "checkpoint cosigned": Failpoint(Cosigning, "cosign", after, 2),
    "transaction not committed": Failpoint(Database, "_attempt", in_transaction, 5),
    "head advanced, not published": Failpoint(SqlHeadStore, "advance", after, 2),
    "checkpoint published": Failpoint(Log, "extend", after, 2),
    "partial tiles go": Failpoint(FileLog, "remove_partial", before),
    "partial tiles gone": Failpoint(FileLog, "remove_partial", after),
}
WITNESS: Mapping[str, Failpoint] = {
    "schema migrated": Failpoint(Database, "migrate", after),
    "checkpoint arrives": Failpoint(Witnessing, "add", before, 2),
    "checkpoint judged, not remembered": Failpoint(SqlKnownLogs, "advance", before, 2),
    "transaction not committed": Failpoint(Database, "_attempt", in_transaction, 2),
    "remembered, not signed": Failpoint(SqlKnownLogs, "advance", after, 2),
    "signed, not answered": Failpoint(Witnessing, "add", after, 2),
}
WITNESS_FIRST: Mapping[str, Failpoint] = {
    "key file drafted": Failpoint(key_file.os, "fsync", before),
    "key file made": Failpoint(key_file, "_make", after),
}
RECORDER: Mapping[str, Failpoint] = {
    "spool recovered": Failpoint(recovery, "recover", after),
    "spool continues a segment": Failpoint(SegmentWriter, "continue_at", after),
    "torn end cut off": Failpoint(OsFiles, "truncate", after, 3),
    "chunk torn": Failpoint(OsFiles, "write", cut_short, 60),
    "chunk written, not synced": Failpoint(SegmentWriter, "write_ahead", after, 60),
    "chunk synced, not counted": Failpoint(Commits, "_synced", before, 60),
    "chunk counted, not acknowledged": Failpoint(Spool, "_finish", before, 60),
    "acknowledged": Failpoint(Spool, "_finish", after, 60),
    "segment begins": Failpoint(SegmentWriter, "_begin_segment", before, 4),
    "segment created, empty": Failpoint(OsFiles, "create", after, 4),
    "segment reserved": Failpoint(OsFiles, "allocate", after, 4),
    "segment's name not synced": Failpoint(OsFiles, "sync_directory", before, 4),
    "segment begun": Failpoint(SegmentWriter, "_begin_segment", after, 4),
    "chunk by the thread, synced": Failpoint(SegmentWriter, "append", after, 4),
    "shipping": Failpoint(GrpcIngest, "append", before, 3),
    "shipped, position not counted": Failpoint(GrpcIngest, "append", after, 6),
    "segment forgotten": Failpoint(OsFiles, "unlink", after, 3),
    "trimmed": Failpoint(Spool, "trim", after, 12),
}
RECORDER_FIRST: Mapping[str, Failpoint] = {
    "spool's id drafted": Failpoint(OsFiles, "fdatasync", after),
    "spool's id made": Failpoint(recovery, "identity", after),
}
POINTS: Mapping[str, Mapping[str, Failpoint]] = {
    "audit": AUDIT,
    "witness": WITNESS | WITNESS_FIRST,
    "recorder": RECORDER | RECORDER_FIRST,
}
"""By the process that they are in."""
FIRST: Mapping[str, Mapping[str, Failpoint]] = {
    "audit": {},
    "witness": WITNESS_FIRST,
    "recorder": RECORDER_FIRST,
}
"""Those that only the first life of an installation passes."""


def arm(role: str, armed: Armed, last_words: int) -> None:
    """Have this process end at a failpoint of its role, whose name it writes to a descriptor before."""
    point = POINTS[role][armed.point]
    left = armed.hit

    def reached(last_act: Callable[[], None] | None = None) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            if last_act is not None:
                last_act()
            os.write(last_words, f"{armed.point}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(point.owner, point.name, point.around(getattr(point.owner, point.name), reached, armed.share))
