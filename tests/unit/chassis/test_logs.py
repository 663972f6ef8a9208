"""Logs keep to the allow list."""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.chassis import logs


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    root, craton = logging.getLogger(), logging.getLogger("craton")
    before = root.handlers[:], root.level, craton.level
    logs.configure("runtime")
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.handlers[:], root.level, craton.level = before[0], before[1], before[2]


def test_only_listed_fields_are_written(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logs.Log("x").info("something_happened", method="/a/B", prompt="canary-1", path="/etc/canary-2")
    (entry,) = lines()
    assert entry["event"] == "something_happened"
    assert entry["method"] == "/a/B"
    assert "canary" not in json.dumps(entry)


def test_exceptions_keep_their_text(lines: Callable[[], list[dict[str, Any]]]) -> None:
    try:
        raise ValueError("canary-3")
    except ValueError as error:
        logs.Log("x").error("failed", error=error)
    (entry,) = lines()
    assert entry["error_type"] == "ValueError"
    assert entry["frames"]
    assert "canary" not in json.dumps(entry)


def test_libraries_cannot_log_arguments(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logging.getLogger("some.library").error("sent %s", "canary-4")
    (entry,) = lines()
    assert entry["event"] == "sent %s"
    assert "canary" not in json.dumps(entry)
