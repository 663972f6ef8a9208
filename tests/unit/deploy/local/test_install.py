"""The installer refuses early, with one clear message, and knows what it has done."""

import importlib.util
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
