"""What root makes, and what a taken-over agent cannot make of it."""

import json
import os
import stat
from pathlib import Path

import pytest

from services.chassis.config import load
from services.pool.config import PoolConfig
from services.pool.launcher import folders
from services.pool.launcher.errors import LauncherError

ROOT = Path(__file__).parents[4]
AS_ROOT = os.geteuid() == 0


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PoolConfig:
    monkeypatch.setenv("CRATON_HOME", str(tmp_path))
    return load(ROOT / "deploy/config/pool-craton.toml", PoolConfig)


@pytest.fixture(autouse=True)
def kept_umask() -> None:
    before = os.umask(0o022)
    os.umask(before)


def test_the_run_folder_is_sticky_and_closed_to_listing(config: PoolConfig) -> None:
    folders.prepare(config, root=AS_ROOT)
    found = config.run_dir.stat()
    assert stat.S_IMODE(found.st_mode) == 0o1771
    assert found.st_uid == os.geteuid()
    assert stat.S_IMODE(config.audit.spool_dir.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(not AS_ROOT, reason="gives files away")
def test_what_is_bound_into_the_sandbox_is_roots_and_the_agent_writes_as_its_group(
    config: PoolConfig,
) -> None:
    folders.prepare(config, root=True)
    for folder in (config.repository, config.handover_dir):
        found = folder.stat()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, config.users.agent, 0o775)


def test_a_link_in_the_place_of_a_folder_is_refused(config: PoolConfig, tmp_path: Path) -> None:
    config.run_dir.mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o750)
    config.repository.symlink_to(elsewhere)
    with pytest.raises(LauncherError):
        folders.prepare(config, root=AS_ROOT)
    assert elsewhere.stat().st_uid == os.geteuid()
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o750


def test_the_status_replaces_a_link_and_does_not_follow_it(config: PoolConfig, tmp_path: Path) -> None:
    folders.prepare(config, root=AS_ROOT)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    config.status_file.symlink_to(victim)
    folders.write_status(config, root=True, capped=True)
    assert victim.read_text() == "precious"
    assert json.loads(config.status_file.read_text())["isolation"] == "full"
    assert not config.status_file.is_symlink()


def test_there_is_one_launcher_a_pool(config: PoolConfig) -> None:
    folders.prepare(config, root=AS_ROOT)
    held = folders.lock(config)
    with pytest.raises(LauncherError):
        folders.lock(config)
    os.close(held)
    os.close(folders.lock(config))


@pytest.mark.skipif(not AS_ROOT, reason="reads as another uid")
def test_root_reads_for_the_agent_only_what_the_agent_may_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("root's")
    secret.chmod(0o600)
    # Another uid must pass through pytest's folders, which are closed to it.
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == 0 and not path.stat().st_mode & stat.S_IXOTH:
            path.chmod(0o755)
    with pytest.raises(LauncherError):
        folders.read_as(20011, secret, root=True)
    os.chown(secret, 20011, 20011)
    assert folders.read_as(20011, secret, root=True) == b"root's"
    assert os.geteuid() == 0
    assert os.getegid() == 0
