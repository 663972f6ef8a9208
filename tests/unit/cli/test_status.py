"""`craton status` is healthy when every model that the stack should serve is ready, and not before."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

import cli.status
from deploy.local.stack import Stack
from tests.unit.cli.stacks import ONE, TWO, with_models


class Unavailable(grpc.RpcError):
    """What a stub raises for an agent that does not answer."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return with_models(tmp_path)


def shown(
    stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    loaded: dict[str, bool] | Exception,
) -> tuple[int, Any, Any]:
    """The exit code, the report, and what it says of craton's pool, whose agent says `loaded`."""

    def loaded_models(_session: Any, pool: str) -> dict[str, bool]:
        if pool != "craton":
            return {}
        if isinstance(loaded, Exception):
            raise loaded
        return loaded

    monkeypatch.setattr(cli.status, "loaded_models", loaded_models)
    monkeypatch.setattr(cli.status, "Supervisor", lambda _stack: None)
    monkeypatch.setattr(cli.status, "Session", lambda _stack: SimpleNamespace(close=str))
    monkeypatch.setattr(cli.status, "stopped", lambda _stack: None)
    monkeypatch.setattr(cli.status, "audit_health", lambda _stack: {})
    monkeypatch.setattr(cli.status, "health", lambda *_, **__: [])
    code = 0
    try:
        cli.status.show(stack, as_json=True)
    except SystemExit as ended:
        code = int(str(ended.code))
    report = json.loads(capsys.readouterr().out)
    return code, report, next(pool for pool in report["pools"] if pool["name"] == "craton")


@pytest.mark.parametrize(
    ("loaded", "ready"),
    [
        ({ONE: True, TWO: True}, {ONE: True, TWO: True}),
        ({ONE: True}, {ONE: True, TWO: False}),
        ({ONE: True, TWO: False}, {ONE: True, TWO: False}),
        ({}, {ONE: False, TWO: False}),
        (Unavailable(), {ONE: False, TWO: False}),
    ],
)
def test_every_served_model_is_shown_and_must_be_ready(
    stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    loaded: dict[str, bool] | Exception,
    ready: dict[str, bool],
) -> None:
    code, report, pool = shown(stack, monkeypatch, capsys, loaded)
    assert {model["model_id"]: model["ready"] for model in pool["models"]} == ready
    assert report["healthy"] is all(ready.values())
    assert code == (0 if all(ready.values()) else 1)
    unanswered = "its agent does not answer: UNAVAILABLE"
    assert (unanswered in pool["remarks"]) is isinstance(loaded, Exception)
