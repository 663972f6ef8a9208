"""When `craton up` says that the models are well, each has answered."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

import cli.readiness
import cli.start
from cli.output import CommandError, Exit
from cli.readiness import served_models, wait_until_invocable, wait_until_loaded
from deploy.local.stack import Stack
from services.chassis.authorization import MODEL_ACCESS_MESSAGE
from tests.unit.cli.stacks import ONE, TWO, Time, with_models

INVALID = "The provided model identifier is invalid."


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return with_models(tmp_path)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    one = Time()
    monkeypatch.setattr(cli.readiness, "time", one)
    return one


class Runtime:
    """Answers every model after it has refused it as it was told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *refusals: Exception) -> None:
        self.left = list(refusals)
        self.asked: list[str] = []
        self.answered: list[str] = []
        monkeypatch.setattr(cli.readiness, "client", lambda _stack, _service: self)

    def invoke_model(self, *, modelId: str, body: str) -> Any:  # noqa: N803 (AWS's name)
        assert json.loads(body)
        self.asked.append(modelId)
        if self.left:
            raise self.left.pop(0)
        self.answered.append(modelId)
        return {"body": io.BytesIO(b"{}")}


def refusal(code: str, message: str = "") -> ClientError:
    """What botocore raises for an answer of AWS's form."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "InvokeModel")


def nothing(_text: str) -> None:
    """Show nothing."""


def test_models_that_no_pool_serves_or_of_another_region_are_not_waited_for(stack: Stack) -> None:
    assert [each.model_id for each in served_models(stack)] == [ONE, TWO]


def test_every_served_model_has_answered(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Runtime(monkeypatch)
    shown: list[str] = []
    wait_until_invocable(stack, shown.append)
    assert runtime.answered == shown == [ONE, TWO]


@pytest.mark.parametrize(
    "passing",
    [
        refusal("ModelNotReadyException"),
        refusal("ServiceUnavailableException"),
        refusal("ValidationException", INVALID),
        refusal("AccessDeniedException", MODEL_ACCESS_MESSAGE),
    ],
)
def test_what_passes_is_waited_for(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, clock: Time, passing: ClientError
) -> None:
    runtime = Runtime(monkeypatch, passing, passing)
    wait_until_invocable(stack, nothing)
    assert runtime.asked == [ONE, ONE, ONE, TWO]
    assert clock.now > 0


@pytest.mark.parametrize(
    ("lasting", "code"),
    [
        (refusal("AccessDeniedException", "no identity-based policy allows it"), Exit.REFUSED),
        (refusal("ValidationException", "Malformed input request"), Exit.FAILED),
        (EndpointConnectionError(endpoint_url="https://localhost:1"), Exit.FAILED),
    ],
)
def test_what_does_not_pass_is_said_at_once(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, clock: Time, lasting: Exception, code: Exit
) -> None:
    Runtime(monkeypatch, lasting)
    with pytest.raises(CommandError) as caught:
        wait_until_invocable(stack, nothing)
    assert caught.value.exit_code == code
    assert clock.now == 0


def test_a_model_that_never_answers_is_given_up(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, clock: Time
) -> None:
    runtime = Runtime(monkeypatch, *[refusal("ModelNotReadyException")] * 1000)
    with pytest.raises(CommandError) as caught:
        wait_until_invocable(stack, nothing)
    assert caught.value.exit_code == Exit.UNAVAILABLE
    assert set(runtime.asked) == {ONE}
    assert 30 < clock.now < 31


class Pools:
    """A session whose pools load one more model at every look."""

    def __init__(self, *loading: str) -> None:
        self.loading = loading
        self.looks = 0

    def channel(self, _name: str, _kind: str) -> Any:
        return SimpleNamespace(unary_unary=lambda *_, **__: None)

    def call(self, _method: Any, _request: Any) -> Any:
        self.looks += 1
        return SimpleNamespace(
            instances=[
                SimpleNamespace(model_id=name, ready=number < self.looks)
                for number, name in enumerate(self.loading)
            ]
        )


def test_loading_lasts_until_the_last_model_is_ready(stack: Stack) -> None:
    pools, shown = Pools(ONE, TWO), list[str]()
    wait_until_loaded(stack, pools, shown.append)  # type: ignore[arg-type]
    assert pools.looks == 2
    assert shown == [f"loading {TWO}"]


def test_a_model_that_does_not_load_is_named_with_its_log(stack: Stack, clock: Time) -> None:
    with pytest.raises(CommandError) as caught:
        wait_until_loaded(stack, Pools(ONE), nothing)  # type: ignore[arg-type]
    assert f"did not load: {TWO}. Logs: {stack.logs}/pool-craton.log" in caught.value.message
    assert 180 < clock.now < 181


def test_the_models_are_called_well_after_they_have_answered(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []

    @contextmanager
    def step(title: str) -> Iterator[Any]:
        yield nothing
        happened.append(f"ok {title}")

    monkeypatch.setattr(cli.start, "step", step)
    for name in ("Supervisor", "Session"):
        monkeypatch.setattr(cli.start, name, lambda *_: SimpleNamespace(address=str, close=str))
    quiet = ("check_readable", "elsewhere", "_prepare", "_run_programs", "_wait_until_healthy", "bootstrap")
    for name in (*quiet, "publish_bundled", "wait_until_loaded", "accept_offers"):
        monkeypatch.setattr(cli.start, name, lambda *_: None)
    runtime = Runtime(monkeypatch, refusal("ModelNotReadyException"))
    ask = runtime.invoke_model

    def invoke_model(**asked: str) -> Any:
        answer = ask(**asked)
        happened.append(asked["modelId"])
        return answer

    monkeypatch.setattr(runtime, "invoke_model", invoke_model)
    monkeypatch.setattr(cli.start, "emit", lambda *_, **__: None)
    monkeypatch.setattr(cli.start.console, "quiet", True)
    monkeypatch.setattr(cli.start.os, "umask", lambda _mask: 0)
    cli.start.start(stack, sample=False, as_json=True)
    assert happened[-3:] == [ONE, TWO, "ok models"]
    assert happened.count("ok models") == 1
