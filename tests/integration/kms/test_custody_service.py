"""CustodyService over mTLS, and the commands that call it."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from click.testing import CliRunner, Result
from craton.kms.v1 import custody_service_pb2, custody_service_pb2_grpc

from cli import custody as commands
from cli.main import main
from services.chassis.callers import load_callers
from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.randomness import SystemRandomness
from services.chassis.rich_status import from_rpc_error
from services.chassis.server import Server
from services.chassis.settings import ServerSettings, TelemetrySettings, TlsSettings, UpstreamSettings
from services.chassis.tls import channel_credentials
from services.kms.events import EVENTS
from services.kms.servicer.custody import CustodyServicer
from tests.fakes.auth_server import UnrecordedCalls
from tests.fakes.custodies import PASSPHRASE
from tests.fakes.sealed_process import Everything
from tests.fakes.workloads import TRUST_DOMAIN, Workloads

SERVICE = "/craton.kms.v1.CustodyService/"
METHODS = ("GetCustodyStatus", "Unseal", "Seal", "RotateRootKey", "ChangePassphrase")
OWN_CALLERS = Path(__file__).parents[3] / "services" / "kms" / "callers.toml"


class Sessions:
    """What the commands find in place of a session with a whole stack."""

    def __init__(self, target: str, tls: TlsSettings) -> None:
        options = [("grpc.ssl_target_name_override", "kms.craton.internal")]
        self._channel = grpc.secure_channel(target, channel_credentials(tls), options=options)

    def channel(self, _name: str) -> grpc.Channel:
        return self._channel

    def call(self, method: Any, request: Any) -> Any:
        return method(request, timeout=10)

    def close(self) -> None:
        self._channel.close()


class Kms:
    """A server with the custody service alone, as kms's own files describe it."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.everything = Everything(folder, kind)
        self.workloads = Workloads(folder / "pki")
        self.revoked: list[bool] = []
        own = OWN_CALLERS.read_text().splitlines()
        lines = [line for line in own if SERVICE in line or "Health/Check" in line]
        (folder / "callers.toml").write_text("\n".join(lines))
        self.server = Server(
            ServerSettings("kms", "127.0.0.1:0", "", drain_s=0.2),
            self.workloads.tls("service/kms"),
            callers=folder / "callers.toml",
            events={SERVICE + name: EVENTS[SERVICE + name] for name in METHODS},
            clock=SystemClock(),
            randomness=SystemRandomness(),
            recorder=UnrecordedCalls(),
            tokens=None,
            telemetry=TelemetrySettings(),
        )
        seal = self.everything.seal
        self.server.add(
            custody_service_pb2_grpc.add_CustodyServiceServicer_to_server, CustodyServicer(seal, self)
        )
        self.server.add_task("seal", seal.run)
        self.server.add_readiness("unsealed", seal.ready)
        self.server.add_closer(seal.close)

    async def revoke_all(self) -> None:
        """Be told, as whoever holds data keys in memory, that they end."""
        self.revoked.append(self.everything.seal.sealed)

    def sessions(self) -> Sessions:
        return Sessions(f"127.0.0.1:{self.server.port}", self.workloads.tls("operator/admin"))

    def channel(self, workload: str) -> Channel:
        upstream = UpstreamSettings(f"127.0.0.1:{self.server.port}", "kms")
        return Channel(upstream, self.workloads.tls(workload), TRUST_DOMAIN, SystemClock())


@pytest.fixture(params=["passphrase"])
async def kms(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kms]:
    made = Kms(tmp_path, request.param)
    await made.server.start()
    yield made
    await made.server.stop()


async def craton(
    kms: Kms,
    monkeypatch: pytest.MonkeyPatch,
    *arguments: str,
    passphrase: bytes | None = None,
    new_passphrase: bytes | None = None,
) -> Result:
    """Run a command on another thread, for the server lives on this one."""
    sessions = kms.sessions()
    monkeypatch.setattr(commands, "Session", lambda _stack: sessions)
    extra: list[str] = []
    for option, secret in (("--passphrase-fd", passphrase), ("--new-passphrase-fd", new_passphrase)):
        if secret is not None:
            reading, writing = os.pipe()
            os.write(writing, secret)
            os.close(writing)
            extra += [option, str(reading)]
    result = await asyncio.to_thread(CliRunner().invoke, main, ["kms", *arguments, *extra])
    sessions.close()
    return result


async def test_an_operator_unseals_rotates_and_seals(kms: Kms, monkeypatch: pytest.MonkeyPatch) -> None:
    result = await craton(kms, monkeypatch, "status", "--json")
    assert result.exit_code == 5
    status = json.loads(result.stdout)
    assert (status["sealed"], status["kind"]) == (True, "passphrase")

    result = await craton(kms, monkeypatch, "rotate-root")
    assert result.exit_code == 5
    assert "SEALED" in result.output

    wrong = b"a wrong passphrase, long enough"
    result = await craton(kms, monkeypatch, "unseal", passphrase=wrong)
    assert result.exit_code == 3
    assert "ACCESS_DENIED" in result.output
    assert wrong.decode() not in result.output
    result = await craton(kms, monkeypatch, "unseal")
    assert result.exit_code == 2
    assert "--passphrase-fd" in result.output

    right = PASSPHRASE.reveal() + b"\n"
    result = await craton(kms, monkeypatch, "unseal", "--json", passphrase=right)
    assert result.exit_code == 0, result.output
    status = json.loads(result.stdout)
    assert (status["sealed"], status["root_generation"], status["shred_generation"]) == (False, 1, 1)
    assert status["store_id"] == kms.everything.custody.store_id
    assert (status["epoch"], status["anchored_epoch"]) == (7, 6)

    result = await craton(kms, monkeypatch, "rotate-root", "--json")
    assert json.loads(result.stdout) == {"root_generation": 2}
    assert (await craton(kms, monkeypatch, "status")).exit_code == 0
    result = await craton(kms, monkeypatch, "seal", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["sealed"] is True
    assert kms.everything.store.key is None
    # Data keys in use elsewhere end after nobody can open them again, and before sealing is acknowledged.
    assert kms.revoked == [True]


async def test_an_operator_changes_the_passphrase(kms: Kms, monkeypatch: pytest.MonkeyPatch) -> None:
    present, new = PASSPHRASE.reveal(), b"another staple, of another horse"
    change = ("change-passphrase", "--json")
    refused = await craton(kms, monkeypatch, *change, passphrase=new, new_passphrase=new)
    assert refused.exit_code == 3
    assert "ACCESS_DENIED" in refused.output
    refused = await craton(kms, monkeypatch, *change, passphrase=present, new_passphrase=b"x" * 14)
    assert refused.exit_code == 1
    assert "new_passphrase" in refused.output
    refused = await craton(kms, monkeypatch, *change, passphrase=present)
    assert refused.exit_code == 2
    assert "--new-passphrase-fd" in refused.output
    changed = await craton(kms, monkeypatch, *change, passphrase=present + b"\n", new_passphrase=new + b"\n")
    assert changed.exit_code == 0, changed.output
    assert json.loads(changed.stdout)["sealed"] is True
    assert (await craton(kms, monkeypatch, "unseal", passphrase=present)).exit_code == 3
    assert (await craton(kms, monkeypatch, "unseal", passphrase=new)).exit_code == 0
    for result in (refused, changed):
        assert present.decode() not in result.output
        assert new.decode() not in result.output


async def test_nobody_but_an_operator_touches_custody(kms: Kms) -> None:
    callers = load_callers(OWN_CALLERS, [*(SERVICE + name for name in METHODS), *_others()])
    assert {tuple(sorted(callers[SERVICE + name])) for name in METHODS} == {("operator/admin",)}
    for workload in ("service/edge", "service/auth", "pool/craton", "provider/craton"):
        channel = kms.channel(workload)
        stub: Any = custody_service_pb2_grpc.CustodyServiceStub(channel)
        for call, message in (
            (stub.GetCustodyStatus, custody_service_pb2.GetCustodyStatusRequest()),
            (stub.Unseal, custody_service_pb2.UnsealRequest(passphrase=PASSPHRASE.reveal())),
            (stub.Seal, custody_service_pb2.SealRequest()),
            (stub.RotateRootKey, custody_service_pb2.RotateRootKeyRequest()),
            (
                stub.ChangePassphrase,
                custody_service_pb2.ChangePassphraseRequest(
                    passphrase=PASSPHRASE.reveal(), new_passphrase=b"x" * 15
                ),
            ),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(message)
            assert from_rpc_error(caught.value, "kms").reason_name == "CALLER_NOT_LISTED"
        await channel.close()
    assert kms.everything.seal.sealed


def _others() -> list[str]:
    lines = OWN_CALLERS.read_text().splitlines()
    return [line.split('"')[1] for line in lines if line.startswith('"') and SERVICE not in line]
