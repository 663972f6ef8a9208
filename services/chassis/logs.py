"""Structured logs: one JSON object a line, with an allow list of fields.

The message is a constant that names the event; everything variable is a field, and a field that is not
on the list is dropped, so that no prompt, key or path can slip in.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

ALLOWED_FIELDS = frozenset({
    "attempt", "bytes", "caller", "code", "count", "deployment", "duration_ms", "error_type", "exit_status",
    "generation", "instance_id", "limit", "method", "model_id", "name", "operation", "peer", "pid", "pool",
    "port", "program", "provider", "reason", "request_id", "service", "signal", "state", "status", "stream",
    "task", "upstream", "version",
})  # fmt: skip


class _JsonFormatter(logging.Formatter):
    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
        }
        fields = getattr(record, "fields", None)
        if fields is None:
            # A library's own message: its arguments may carry anything, so only the template is kept.
            entry["event"] = str(record.msg)[:200]
        else:
            entry["event"] = record.msg
            entry.update({key: value for key, value in fields.items() if key in ALLOWED_FIELDS})
        if record.exc_info and record.exc_info[0] is not None:
            # The exception's text may carry customer content: the type and the frames do not.
            entry["error_type"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])[-8:]
            entry["frames"] = [
                f"{frame.filename.rsplit('/', 2)[-1]}:{frame.lineno}:{frame.name}" for frame in frames
            ]
        return json.dumps(entry, ensure_ascii=True, default=str)


class Log:
    """A logger whose methods take an event name and allow-listed fields."""

    def __init__(self, name: str) -> None:
        """Log under `name`, for example "server"."""
        self._logger = logging.getLogger(f"craton.{name}")

    def debug(self, event: str, **fields: object) -> None:
        """Detail that is off by default."""
        if self._logger.isEnabledFor(logging.DEBUG):
            self._logger.debug(event, extra={"fields": fields})

    def info(self, event: str, **fields: object) -> None:
        """Something that an operator wants to see."""
        self._logger.info(event, extra={"fields": fields})

    def warning(self, event: str, **fields: object) -> None:
        """Something that heals by itself but should not happen often."""
        self._logger.warning(event, extra={"fields": fields})

    def error(self, event: str, *, error: BaseException | None = None, **fields: object) -> None:
        """A defect or a failure that needs a person; `error` adds its type and frames, not its text."""
        info = None if error is None else (type(error), error, error.__traceback__)
        self._logger.error(event, extra={"fields": fields}, exc_info=info)


def configure(service: str, level: str = "INFO") -> None:
    """Send all logs to standard error as JSON lines. Call once at start."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("craton").setLevel(level)
