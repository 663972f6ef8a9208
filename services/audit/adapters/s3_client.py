"""A server that speaks S3, by botocore. Calls block, so that each runs in a thread."""

import asyncio
import configparser
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from botocore.session import get_session

from services.audit.config import S3Settings
from services.audit.errors import BucketError
from services.chassis.logs import Log

T = TypeVar("T")

THREADS = 8
"""Requests of one client at the same time. They are its own: a server that hangs holds up nobody else."""
_CONNECT_S = 5.0
_TIMEOUT_S = 20.0
_NO_KEY = "NoCredentials"

_log = Log("s3")


class S3Client:
    """Makes requests with the key that the operator's file holds at the time."""

    def __init__(self, settings: S3Settings, timeout_s: float = _TIMEOUT_S) -> None:
        """Use the server, the region and the key that `settings` name, from the first request on.

        A request fails when the server is silent for `timeout_s`, twice.
        """
        self._settings = settings
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(THREADS, "s3")
        self._lock = threading.Lock()
        self._read_at = 0
        self._connected: Any = None
        self._has_key = True

    async def ask(self, call: Callable[[Any], T]) -> T:
        """Run `call` with botocore's client and return what it returns. Raises BucketError.

        A ClientError that `call` lets through is raised as a BucketError with S3's code.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, call)

    async def close(self) -> None:
        """End the threads as soon as they are idle."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _ask(self, call: Callable[[Any], T]) -> T:
        try:
            return call(self._client())
        except ClientError as error:
            raise BucketError(error_code(error)) from error
        except (BotoCoreError, ResponseParserError) as error:
            raise BucketError(type(error).__name__) from error

    def _client(self) -> Any:
        """Return a client with the key that the file holds now. Raises BucketError."""
        file = Path(self._settings.credentials_file)
        # Clients may be shared by threads, but one alone may make them.
        with self._lock:
            try:
                changed = file.stat().st_mtime_ns
                if self._connected is None or changed != self._read_at:
                    self._connected, self._read_at = self._connect(*_credentials(file)), changed
            except (OSError, ValueError, configparser.Error, KeyError) as error:
                if self._has_key:
                    _log.error("s3_has_no_key", reason=type(error).__name__)
                self._has_key = False
                raise BucketError(_NO_KEY) from error
            self._has_key = True
            return self._connected

    def _connect(self, key_id: str, secret: str) -> Any:
        return get_session().create_client(
            "s3",
            region_name=self._settings.region,
            endpoint_url=self._settings.endpoint,
            verify=self._settings.ca or None,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            config=Config(
                connect_timeout=min(_CONNECT_S, self._timeout_s),
                read_timeout=self._timeout_s,
                max_pool_connections=THREADS,
                retries={"total_max_attempts": 2, "mode": "standard"},
                s3={"addressing_style": "path"},
                # Few servers besides AWS' know checksums in trailers.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )


def error_code(error: ClientError) -> str:
    """Return S3's code."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def _credentials(file: Path) -> tuple[str, str]:
    """Read the profile "default" of a file as AWS's tools have it."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(file.read_text())
    profile = parser["default"]
    return profile["aws_access_key_id"], profile["aws_secret_access_key"]
