"""The folder that the model server reads its models from, bound read-only into the sandbox."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from services.chassis.manifest import ModelManifest
from services.pool.domain import server_files


class FolderRepository:
    """A Repository in a folder of its own. Nothing in it is secret."""

    def __init__(self, folder: Path, socket: str, python_path: Sequence[Path]) -> None:
        """Write below `folder`; `socket` is the agent's socket as the model processes see it."""
        self._folder = folder
        self._socket = socket
        self._python_path = [str(path) for path in python_path]

    def write(self, manifest: ModelManifest, server_model: str) -> None:
        """Write config.pbtxt and 1/model.py."""
        version = self._folder / server_model / "1"
        version.mkdir(parents=True, exist_ok=True)
        for folder in (version.parent, version):
            folder.chmod(0o755)
        for path, text in (
            (version.parent / "config.pbtxt", server_files.configuration(server_model, self._socket)),
            (version / "model.py", server_files.shim(manifest.task, self._python_path)),
        ):
            path.write_text(text)
            path.chmod(0o644)

    def clear(self) -> None:
        """Remove the models, keeping the folder: it is what is bound."""
        for path in self._folder.iterdir():
            shutil.rmtree(path)
