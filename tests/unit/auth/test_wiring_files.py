"""The checked-in files of auth fit together."""

import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest

from services.auth.adapters.bootstrap_file import BootstrapFile
from services.auth.config import AuthConfig
from services.auth.events import EVENTS, events
from services.chassis.audit.ports import Recording, no_resources
from services.chassis.audit.summarised import check_summarised, load_summarised
from services.chassis.config import load
from services.chassis.context import CallContext
from services.chassis.principal import PrincipalClaims

ROOT = Path(__file__).parents[3]


def test_the_checked_in_configuration_is_whole() -> None:
    config = load(ROOT / "deploy/config/auth.toml", AuthConfig)
    assert {"auth", "runtime", "kms", "training", "audit"} <= set(config.audiences)
    assert "us-east-1" in config.regions


def test_exchanges_name_audiences() -> None:
    from dataclasses import replace

    from services.auth.config import ExchangeSettings

    config = load(ROOT / "deploy/config/auth.toml", AuthConfig)
    with pytest.raises(ValueError, match="audiences"):
        replace(config, exchanges=(ExchangeSettings("runtime", "edge"),))


def test_every_described_method_has_callers() -> None:
    listed = tomllib.loads((ROOT / "services/auth/callers.toml").read_text())
    assert listed.keys() - {"/grpc.health.v1.Health/Check"} == EVENTS.keys()
    check_summarised(EVENTS, load_summarised())


def test_what_changes_state_or_releases_a_secret_has_a_durable_intent() -> None:
    changing = ("Create", "Update", "Delete", "Put", "Bootstrap")
    for method, described in EVENTS.items():
        name = method.rsplit("/", 1)[-1]
        if name.startswith(changing):
            assert described.recording is Recording.EFFECT, method


def test_intents_name_what_they_are_about() -> None:
    from craton.auth.v1 import account_service_pb2, model_access_service_pb2, policy_service_pb2

    claims = PrincipalClaims("1" * 12, "i", "arn", "p", "k", False, 1, "eu-central-1", "auth", "t", 0, 60)
    call = CallContext("/m", "r", "c", None, principal=claims)

    def resources(method: str, request: Any) -> list[str]:
        return list(events("aws-x")[f"/craton.auth.v1.{method}"].resources(request, call))

    put = policy_service_pb2.PutUserPolicyRequest(user_name="bob")
    assert resources("PolicyService/PutUserPolicy", put) == [f"arn:aws-x:iam::{'1' * 12}:user/bob"]
    accept = model_access_service_pb2.CreateFoundationModelAgreementRequest(model_id="craton.m")
    assert resources("ModelAccessService/CreateFoundationModelAgreement", accept) == [
        "arn:aws-x:bedrock:eu-central-1::foundation-model/craton.m"
    ]
    create = account_service_pb2.CreateAccountRequest()
    assert resources("AccountService/CreateAccount", create) == []
    create.account_id = "2" * 12
    assert resources("AccountService/CreateAccount", create) == [f"arn:aws-x:iam::{'2' * 12}:root"]
    for method, described in EVENTS.items():
        if described.resources is no_resources:
            name = method.rsplit("/", 1)[-1]
            assert name.startswith(
                (
                    *("List", "Get", "PutUseCase", "Authenticate", "Recall", "Confirm", "Exchange"),
                    *("Bind", "Tell"),
                )
            ), method


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o700])
def test_a_bootstrap_token_that_others_can_read_is_none(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "token"
    path.write_text("t" * 40 + "\n")
    path.chmod(0o600)
    token = BootstrapFile(path).read()
    assert token is not None
    assert token.equals(b"t" * 40)
    path.chmod(mode)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert BootstrapFile(path).read() is None


def test_no_file_a_link_or_a_short_token_is_none(tmp_path: Path) -> None:
    path, link = tmp_path / "token", tmp_path / "link"
    assert BootstrapFile(path).read() is None
    BootstrapFile(path).destroy()
    path.write_text("short")
    path.chmod(0o600)
    assert BootstrapFile(path).read() is None
    path.write_text("t" * 40)
    link.symlink_to(path)
    assert BootstrapFile(link).read() is None
    BootstrapFile(path).destroy()
    assert not path.exists()


def test_a_token_in_a_folder_of_another_owner_is_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "token"
    path.write_text("t" * 40)
    path.chmod(0o600)

    def refused(self: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "unlink", refused)
    BootstrapFile(path).destroy()
    assert path.read_bytes() == b""
