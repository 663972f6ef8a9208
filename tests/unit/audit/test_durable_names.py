"""Names are durable before anything hangs on them, also those that a life before has left."""

from pathlib import Path

import pytest

from services.audit.adapters.file_log import FileLog
from services.chassis.audit.files import OsFiles
from services.witness.adapters.key_file import KeyFile


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> set[Path]:
    folders: set[Path] = set()
    monkeypatch.setattr(OsFiles, "sync_directory", lambda _self, path: folders.add(path))
    return folders


def test_the_names_of_the_logs_folders_are_synced(tmp_path: Path, synced: set[Path]) -> None:
    FileLog(tmp_path / "state" / "log")
    assert synced == {tmp_path, tmp_path / "state"}
    synced.clear()
    FileLog(tmp_path / "state" / "log")
    assert synced == {tmp_path / "state"}


def test_the_name_of_the_witness_key_is_synced_in_every_life(tmp_path: Path, synced: set[Path]) -> None:
    made = KeyFile(tmp_path / "key", "witness.example/one").key
    assert synced == {tmp_path}
    synced.clear()
    assert KeyFile(tmp_path / "key", "witness.example/one").key == made
    assert synced == {tmp_path}
