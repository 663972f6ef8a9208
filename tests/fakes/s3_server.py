"""A real S3 server for tests: OpenStack Swift with its S3 API, one node, one replica, on loopback.

It lies in an environment of its own, .venv/s3, and holds objects in the folder that it is given.
"""

import contextlib
import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.fakes.ports import free_ports

REGION = "us-east-1"
ROOT = Path(__file__).resolve().parents[2]
_BIN = ROOT / ".venv/s3/bin"
_KINDS = ("account", "container", "object")
_LIMIT_S = 60.0

_START = """\
import runpy, sys
from swift.common import constraints, utils
home, kind, script = sys.argv[1:]
utils.set_swift_dir(home)
constraints.reload_constraints()
sys.argv = [script, f"{home}/{kind}.conf"]
runpy.run_path(script, run_name="__main__")
"""
# Swift reads its constraints when it is imported, from /etc: the folder is told before its server begins.
_SERVER = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {home}
devices = {home}/devices
mount_check = false
workers = 0
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""

_PROXY = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {home}
workers = 0
[pipeline:main]
pipeline = catch_errors cache listing_formats s3api tempauth copy slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = {region}
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = {secret} .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
"""


class _Process:
    """One of its servers."""

    def __init__(self, home: Path, kind: str, port: int) -> None:
        self._home, self._kind, self._port = home, kind, port
        self._log = home / f"{kind}.log"

    def start(self) -> None:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [
                    str(_BIN / "python"),
                    *("-c", _START, str(self._home), self._kind, str(_BIN / f"swift-{self._kind}-server")),
                ],
                stdout=output,
                stderr=output,
                env={"PATH": "/usr/bin:/bin", "HOME": str(self._home), "LANG": "C.UTF-8"},
                start_new_session=True,
            )

    def until_listening(self) -> None:
        deadline = time.monotonic() + _LIMIT_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1):
                return
            assert self._process.poll() is None, self._log.read_text()[-2000:]
            assert time.monotonic() < deadline, self._log.read_text()[-2000:]
            time.sleep(0.05)

    def stop(self) -> None:
        # A server that has ended has no group any more.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)


@dataclass(frozen=True)
class S3Server:
    """Where it is, and who may use it."""

    endpoint: str
    _proxy: _Process
    access_key: str = "test:tester"
    secret_key: str = "testing"

    def client(self) -> Any:
        """Return a client of boto3's."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
        )

    def write_key(self, file: Path) -> None:
        """Write the key as AWS's tools have it."""
        file.write_text(
            f"[default]\naws_access_key_id = {self.access_key}\naws_secret_access_key = {self.secret_key}\n"
        )

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Nobody answers meanwhile. What was stored is there afterwards."""
        self._proxy.stop()
        try:
            yield
        finally:
            self._proxy.start()
            self._proxy.until_listening()


@contextlib.contextmanager
def running(home: Path, port: int | None = None) -> Iterator[S3Server]:
    """Run one below `home`, at `port` when that is given."""
    (home / "devices" / "d1").mkdir(parents=True)
    (home / "swift.conf").write_text(
        "[swift-hash]\nswift_hash_path_prefix = craton\nswift_hash_path_suffix = tests\n"
        "[storage-policy:0]\nname = only\ndefault = yes\n"
        # As S3 has it: signatures of digests stand in metadata, and have 512 characters.
        "[swift-constraints]\nmax_meta_value_length = 2048\n"
    )
    user = pwd.getpwuid(os.geteuid()).pw_name
    ports = dict(zip((*_KINDS, "proxy"), free_ports(len(_KINDS) + 1), strict=True))
    if port is not None:
        ports["proxy"] = port
    for kind in _KINDS:
        text = _SERVER.format(kind=kind, port=ports[kind], user=user, home=home)
        (home / f"{kind}.conf").write_text(text)
        ring = [str(_BIN / "swift-ring-builder"), str(home / f"{kind}.builder")]
        for words in (
            ("create", "4", "1", "0"),
            ("add", f"r1z1-127.0.0.1:{ports[kind]}/d1", "1"),
            ("rebalance",),
        ):
            subprocess.run([*ring, *words], check=True, capture_output=True, timeout=_LIMIT_S)
    processes = {kind: _Process(home, kind, port) for kind, port in ports.items()}
    server = S3Server(f"http://127.0.0.1:{ports['proxy']}", processes["proxy"])
    (home / "proxy.conf").write_text(
        _PROXY.format(port=ports["proxy"], user=user, home=home, region=REGION, secret=server.secret_key)
    )
    with contextlib.ExitStack() as stack:
        for process in processes.values():
            process.start()
            stack.callback(process.stop)
        for process in processes.values():
            process.until_listening()
        yield server
