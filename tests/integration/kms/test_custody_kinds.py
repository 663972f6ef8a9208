"""A whole kms on every kind of custody: set up, sealed, unsealed, restarted, moved."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from craton.kms.v1 import (
    custody_service_pb2,
    custody_service_pb2_grpc,
    service_key_service_pb2,
    service_key_service_pb2_grpc,
)

from services.chassis.tls import channel_credentials
from tests.fakes import kms_process
from tests.fakes.audit_server import FakeAudit
from tests.fakes.custodies import PASSPHRASE, PIN, SOFTHSM, Place
from tests.fakes.workloads import Workloads

CONTEXT = {"purpose": "test"}
SECRETS = {"file": b"", "passphrase": PASSPHRASE.reveal(), "pkcs11": PIN.reveal()}


class Installation:
    """Configurations of one kms, one a kind of custody."""

    def __init__(self, home: Path, audit: str, workloads: Workloads) -> None:
        self.home, self.workloads = home, workloads
        self.target = kms_process.free_target()
        (home / "state").mkdir()
        (home / "custody").mkdir(mode=0o700)
        self.text = kms_process.template(home, workloads, self.target, audit)
        self.token = Place("pkcs11", home / "token")
        self.environment = os.environ | self.token.environment()

    def command(self, kind: str, *extra: str) -> list[str]:
        """Return the command line of a kms with that custody."""
        own = f'file = "{self.home}/custody/root.key"\n'
        assert own in self.text
        custody = f'kind = "{kind}"\nfile = "{self.home}/custody/{kind}.key"\n'
        if kind == "pkcs11":
            custody += f'module = "{SOFTHSM}"\ntoken_label = "craton-test"\n'
        file = self.home / f"{kind}.toml"
        file.write_text(self.text.replace(own, custody))
        return [sys.executable, "-m", "services.kms", "--config", str(file), *extra]

    def set_up(self, kind: str, *extra: str) -> None:
        """Run a command that ends by itself; the secret comes through a descriptor."""
        with _descriptor(SECRETS[kind]) as reading:
            secret = ["--passphrase-fd", str(reading)] if SECRETS[kind] else []
            command = self.command(kind, *extra, *secret)
            subprocess.run(
                command,
                cwd=kms_process.ROOT,
                env=self.environment,
                check=True,
                pass_fds=[reading],
                timeout=60,
            )

    @contextmanager
    def running(self, kind: str, secret: bytes = b"") -> Iterator["subprocess.Popen[bytes]"]:
        """Run kms until it listens."""
        with (self.home / "log").open("wb") as log, _descriptor(secret) as reading:
            extra = ["--passphrase-fd", str(reading)] if secret else []
            command = self.command(kind, *extra)
            process = subprocess.Popen(
                command,
                cwd=kms_process.ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                pass_fds=[reading],
            )
        try:
            deadline = time.monotonic() + 30
            while b'"event": "listening"' not in (self.home / "log").read_bytes():
                assert process.poll() is None, (self.home / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield process
        finally:
            process.terminate()
            process.wait(20)

    def stub(self, workload: str, make: Any) -> Any:
        """Return a stub of a workload."""
        options = [
            ("grpc.ssl_target_name_override", "kms.craton.internal"), ("grpc.use_local_subchannel_pool", 1),
        ]  # fmt: skip
        credentials = channel_credentials(self.workloads.tls(workload))
        return make(grpc.secure_channel(self.target, credentials, options=options))

    def operator(self) -> Any:
        """Return the operator's stub."""
        return self.stub("operator/admin", custody_service_pb2_grpc.CustodyServiceStub)

    def service(self) -> Any:
        """Return a service's stub."""
        return self.stub("service/auth", service_key_service_pb2_grpc.ServiceKeyServiceStub)


@contextmanager
def _descriptor(secret: bytes) -> Iterator[int]:
    reading, writing = os.pipe()
    os.write(writing, secret + b"\n")
    os.close(writing)
    try:
        yield reading
    finally:
        os.close(reading)


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    workloads = Workloads(tmp_path / "pki")
    audit = FakeAudit(tmp_path, workloads)
    with audit.in_a_thread():
        yield Installation(tmp_path, audit.target, workloads)


def encrypt(service: Any) -> bytes:
    request = service_key_service_pb2.EncryptWithServiceKeyRequest(
        plaintext=b"kept", encryption_context=CONTEXT
    )
    return bytes(_patiently(service.EncryptWithServiceKey, request).ciphertext)


def decrypt(service: Any, ciphertext: bytes) -> bytes:
    request = service_key_service_pb2.DecryptWithServiceKeyRequest(
        ciphertext=ciphertext, encryption_context=CONTEXT
    )
    return bytes(_patiently(service.DecryptWithServiceKey, request).plaintext)


def _patiently(method: Any, request: Any) -> Any:
    """Call, while the store is being opened again and again."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return method(request, timeout=10)
        except grpc.RpcError as error:
            if "is sealed" in error.details() or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def unseal(operator: Any, secret: bytes) -> None:
    operator.Unseal(custody_service_pb2.UnsealRequest(passphrase=secret), timeout=20)


@pytest.mark.parametrize("kind", ["passphrase", "pkcs11"])
def test_it_starts_sealed_and_serves_when_it_is_unsealed(installation: Installation, kind: str) -> None:
    if kind == "pkcs11":
        installation.token.make_token()
    installation.set_up(kind, "--mark-first-boot")
    secret = SECRETS[kind]
    with installation.running(kind):
        operator, service = installation.operator(), installation.service()
        status = operator.GetCustodyStatus(custody_service_pb2.GetCustodyStatusRequest(), timeout=10)
        assert (status.sealed, status.kind) == (True, kind)
        with pytest.raises(grpc.RpcError, match="sealed"):
            encrypt(service)
        with pytest.raises(grpc.RpcError, match="does not open custody"):
            unseal(operator, b"0000 wrong wrong wrong")
        unseal(operator, secret)
        ciphertext = encrypt(service)
        assert operator.RotateRootKey(
            custody_service_pb2.RotateRootKeyRequest(), timeout=20
        ).root_generation == 2  # fmt: skip
        assert decrypt(service, ciphertext) == b"kept"
        operator.Seal(custody_service_pb2.SealRequest(), timeout=20)
        with pytest.raises(grpc.RpcError, match="sealed"):
            decrypt(service, ciphertext)
        unseal(operator, secret)
        assert decrypt(service, ciphertext) == b"kept"
    # It forgot, as it must, and opens what there was.
    with installation.running(kind):
        with pytest.raises(grpc.RpcError, match="sealed"):
            decrypt(installation.service(), ciphertext)
    with installation.running(kind, secret) as process:
        assert decrypt(installation.service(), ciphertext) == b"kept"
        for name in ("cmdline", "environ"):
            assert secret not in Path(f"/proc/{process.pid}/{name}").read_bytes()
    assert secret not in (installation.home / "log").read_bytes()


@pytest.mark.parametrize("kind", ["passphrase", "pkcs11"])
def test_an_installation_moves_out_of_development_custody(installation: Installation, kind: str) -> None:
    if kind == "pkcs11":
        installation.token.make_token()
    installation.set_up("file", "--mark-first-boot")
    with installation.running("file"):
        ciphertext = encrypt(installation.service())
    installation.set_up(kind, "--adopt-custody", str(installation.home / "custody" / "file.key"))
    with installation.running(kind, SECRETS[kind]):
        assert decrypt(installation.service(), ciphertext) == b"kept"
        rotate = custody_service_pb2.RotateRootKeyRequest()
        assert installation.operator().RotateRootKey(rotate, timeout=20).root_generation == 2
    # The file that was left behind is worth nothing for the store any more.
    ended = subprocess.run(
        installation.command("file"), cwd=kms_process.ROOT, env=installation.environment,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.returncode == os.EX_CONFIG
    assert "generation 2 of the root key is not in custody" in ended.stderr


def test_a_wrong_secret_at_start_ends_kms_for_good(installation: Installation) -> None:
    """A supervisor must not try again: a device would lock its token."""
    installation.token.make_token()
    installation.set_up("pkcs11", "--mark-first-boot")
    with _descriptor(b"00000000") as reading:
        ended = subprocess.run(
            installation.command("pkcs11", "--passphrase-fd", str(reading)), cwd=kms_process.ROOT,
            env=installation.environment, capture_output=True, text=True, timeout=60, pass_fds=[reading],
        )  # fmt: skip
    assert ended.returncode == os.EX_CONFIG
    assert "the device refuses the PIN" in ended.stderr


def test_a_device_that_is_away_may_be_tried_again(installation: Installation) -> None:
    installation.token.folder.mkdir()
    installation.token.write_configuration()
    with _descriptor(PIN.reveal()) as reading:
        installation.set_up("pkcs11", "--mark-first-boot")
        ended = subprocess.run(
            installation.command("pkcs11", "--passphrase-fd", str(reading)), cwd=kms_process.ROOT,
            env=installation.environment, capture_output=True, text=True, timeout=60, pass_fds=[reading],
        )  # fmt: skip
    assert ended.returncode == os.EX_TEMPFAIL
    assert "exactly one token" in ended.stderr
