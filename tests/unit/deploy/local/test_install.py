"""The installer refuses early, with one clear message, and knows what it has done."""

import contextlib
import errno
import importlib.util
import os
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).resolve().parents[4] / "deploy/local/install.py"


@pytest.fixture
def install() -> ModuleType:
    spec = importlib.util.spec_from_file_location("craton_install", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_another_system_is_refused_with_the_way_to_try(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CRATON_TRY_ANYWAY", raising=False)
    monkeypatch.setattr(install, "_os_release", lambda: {"ID": "fedora", "PRETTY_NAME": "Fedora 42"})
    with pytest.raises(install.InstallError, match="CRATON_TRY_ANYWAY=1") as caught:
        install.check_system()
    assert "Fedora 42" in str(caught.value)
    monkeypatch.setenv("CRATON_TRY_ANYWAY", "1")
    install.check_system()


def test_another_processor_is_refused(install: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRATON_TRY_ANYWAY", raising=False)
    monkeypatch.setattr(install, "_os_release", lambda: {"ID": "debian", "VERSION_ID": "12"})
    monkeypatch.setattr(install.platform, "machine", lambda: "aarch64")
    with pytest.raises(install.InstallError, match="aarch64"):
        install.check_system()


@pytest.mark.parametrize("content", [b'ID=debian\nPRETTY_NAME="Bad\n', b"ID=\xff\n", b"no pairs"])
def test_a_broken_os_release_is_an_unknown_system(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    monkeypatch.delenv("CRATON_TRY_ANYWAY", raising=False)
    (tmp_path / "os-release").write_bytes(content)
    monkeypatch.setattr(install, "_OS_RELEASE", tmp_path / "os-release")
    with pytest.raises(install.InstallError, match="CRATON_TRY_ANYWAY=1"):
        install.check_system()


def test_another_users_stack_is_refused_before_anything_is_installed(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / install.UP_LOCK).touch()
    monkeypatch.setenv("CRATON_HOME", str(tmp_path / "var"))
    monkeypatch.setattr(install, "VENV", tmp_path / "venv")
    monkeypatch.setattr(install, "check_system", lambda: None)
    monkeypatch.setattr(install.sys, "argv", ["install.py", "--up"])
    monkeypatch.setattr(install.os, "geteuid", lambda: os.getuid() + 1)
    monkeypatch.setattr(install, "install_packages", lambda: pytest.fail("installs"))
    assert install.main() == 1
    said = capsys.readouterr().err
    assert f"{tmp_path}/var holds the stack of " in said
    assert f"(uid {os.getuid()})" in said
    assert "CRATON_HOME=<a folder>" in said
    assert not (tmp_path / "venv").exists()


def test_ones_own_stack_and_an_empty_folder_are_taken(install: ModuleType, tmp_path: Path) -> None:
    assert install.foreign_state(tmp_path / "none") is None
    assert install.foreign_state(tmp_path) is None
    (tmp_path / install.UP_LOCK).touch()
    assert install.foreign_state(tmp_path) is None


def test_another_users_environments_are_one_message(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = Path.open

    def refuse(path: Path, *arguments: object, **keywords: object) -> object:
        if path.name == "install.lock":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return opened(path, *arguments, **keywords)  # type: ignore[call-overload]

    monkeypatch.setattr(install, "VENV", tmp_path)
    monkeypatch.setattr(install, "check_system", lambda: None)
    monkeypatch.setattr(install.sys, "argv", ["install.py"])
    monkeypatch.setattr(Path, "open", refuse)
    assert install.main() == 1
    said = capsys.readouterr().err
    assert f"{tmp_path}/install.lock: Permission denied. {tmp_path} belongs to " in said
    assert "a clone of your own" in said


def test_what_cannot_be_fetched_is_said_first_and_in_whole_lines(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [f"W: line {number} {'x' * 900}" for number in range(20)]
    words += [
        "E: Failed to fetch http://mirror.example/dists  Temporary failure resolving 'mirror.example'",
        "",
    ]

    def fail(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 100, stdout="\n".join(words))

    monkeypatch.setattr(install.subprocess, "run", fail)
    with pytest.raises(install.InstallError) as caught:
        install._quietly(["apt-get", "update"], {})
    first, second, *last = str(caught.value).splitlines()
    assert first.startswith("Packages could not be fetched: is there a network")
    assert first.endswith("This failed: apt-get update")
    assert second == "Its last words:"
    assert last == [f"    {line}" for line in words[13:21]]


def test_what_fails_otherwise_is_not_blamed_on_the_network(install: ModuleType) -> None:
    said = str(
        install._failed(
            ["pip", "-i", "https://user:secret@index.example/simple"],
            "ERROR: [Errno 28] No space left on device\n",
        )
    )
    assert said == (
        "This failed: pip -i https://***@index.example/simple\n"
        "Its last words:\n    ERROR: [Errno 28] No space left on device"
    )


def test_an_index_that_was_not_fetched_is_an_error(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """apt-get update calls it a warning, and then knows no package."""
    ran: list[list[str]] = []

    def run(command: list[str], _: dict[str, str]) -> None:
        ran.append(command)
        raise install.InstallError("stopped here")

    monkeypatch.setattr(install, "NEEDS", (("bubblewrap", lambda: False),))
    monkeypatch.setattr(install.os, "geteuid", lambda: 0)
    monkeypatch.setattr(install.shutil, "which", lambda *_, **__: "/usr/bin/apt-get")
    monkeypatch.setattr(install, "_no_daemons", contextlib.nullcontext)
    monkeypatch.setattr(install, "_quietly", run)
    with pytest.raises(install.InstallError, match="stopped here"):
        install.install_packages()
    assert ran == [["apt-get", "update", "-o", "APT::Update::Error-Mode=any"]]


def test_missing_packages_are_all_named_at_once(install: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tuple((package, lambda: False) for package, _ in install.NEEDS)
    monkeypatch.setattr(install, "NEEDS", missing)
    monkeypatch.setattr(install.os, "geteuid", lambda: 1000)
    with pytest.raises(install.InstallError) as caught:
        install.install_packages()
    assert "sudo apt-get install" in str(caught.value)
    assert all(package in str(caught.value) for package, _ in missing)


def test_an_environment_is_made_again_only_for_another_lock(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(install, "VENV", tmp_path)
    (tmp_path / "services/bin").mkdir(parents=True)
    (tmp_path / "services/bin/pip").touch()
    (tmp_path / "services/lib/python3.11/site-packages").mkdir(parents=True)
    lock = tmp_path / "services.lock"
    lock.write_text("a==1\n")

    def make(command: list[str], _: dict[str, str]) -> None:
        (Path(command[-1]) / "bin").mkdir(parents=True)
        (Path(command[-1]) / "bin/pip").touch()
        (Path(command[-1]) / "lib/python3.11/site-packages").mkdir(parents=True)

    monkeypatch.setattr(install, "_quietly", make)
    package = tmp_path / "services/lib/python3.11/site-packages/a.py"

    def needed() -> bool:
        with install.environment("services", lock) as answer:
            if answer:
                package.touch()
            return bool(answer)

    assert [needed(), needed()] == [True, False]
    lock.write_text("b==1\n")
    with install.environment("services", lock) as answer:
        assert answer
        assert not package.exists()
    assert not needed()


def test_an_installation_that_failed_is_repeated(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(install, "VENV", tmp_path)
    (tmp_path / "services/bin").mkdir(parents=True)
    (tmp_path / "services/bin/pip").touch()
    lock = tmp_path / "services.lock"
    lock.write_text("a==1\n")
    with pytest.raises(RuntimeError), install.environment("services", lock):
        raise RuntimeError("the network went away")
    assert not (tmp_path / "services" / install.STAMP).exists()


def test_the_torch_of_the_installer_is_that_of_the_project(install: ModuleType) -> None:
    assert f'"{install.TORCH}"' in (FILE.parents[2] / "pyproject.toml").read_text()
