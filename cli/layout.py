"""Folders of the stack's state: who owns each, and who may look into it."""

import compileall
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from deploy.local.stack import Stack
from services.kms.adapters.first_boot import first_boot_mark

_OPEN, _PASS, _PRIVATE = 0o755, 0o711, 0o700
_CODE = ("services", "protos/gen/python", "deploy", "tlog")
"""What runs in supervised processes, and so decides whether they must be started again."""


def make_folders(stack: Stack) -> None:
    """Make the folders that do not exist yet, with owners and modes; repairs those of existing ones."""
    _make_custody(stack)
    for path, uid, mode in _folders(stack):
        path.mkdir(parents=True, exist_ok=True)
        if stack.separate_uids:
            os.chown(path, uid, uid)
        path.chmod(mode)


def _folders(stack: Stack) -> Iterator[tuple[Path, int, int]]:
    home, definition, own = stack.home, stack.definition, stack.uid(0)
    yield home, own, _OPEN
    for name, mode in (
        ("run", _OPEN),
        ("state", _PASS),
        ("secrets", _PASS),
        ("catalog", _OPEN),
        ("objects", _OPEN),
        ("log", _PRIVATE),
        ("providers", _PRIVATE),
    ):
        yield home / name, own, mode
    owners = {service.name: service.uid for service in definition.services}
    owners["edge"] = definition.edge.uid
    owners |= {f"pool-{pool.name}": pool.uid for pool in definition.pools}
    owners |= {f"witness-{witness.name}": witness.uid for witness in definition.witnesses}
    for name, uid in owners.items():
        yield home / "state" / name, uid, _PRIVATE
    for name, uid in (owners | {"redis": definition.redis.uid}).items():
        yield home / "run" / name, uid, _PASS
    # The root key lies apart from everything that it protects.
    yield home / "custody", owners["kms"], _PRIVATE


def _make_custody(stack: Stack) -> None:
    """Make the folder of the root key with the mark that lets kms create the key, once.

    A custody folder that exists is never marked again: kms would take a lost key for a new installation.
    """
    folder = stack.home / "custody"
    if folder.exists():
        return
    # Folder and mark appear together, so that a crash between them leaves neither.
    draft = stack.home / "custody.new"
    draft.mkdir(mode=_PRIVATE, exist_ok=True)
    mark = first_boot_mark(draft / "kms-root.key")
    mark.touch(mode=0o600)
    if stack.separate_uids:
        uid = next(service.uid for service in stack.definition.services if service.name == "kms")
        os.chown(draft, uid, uid)
        os.chown(mark, uid, uid)
    draft.rename(folder)


def compile_code(stack: Stack) -> None:
    """Compile what the services import: under uids of their own they cannot write into the repository."""
    for folder in _CODE:
        compileall.compile_dir(stack.root / folder, quiet=2, maxlevels=20)


def code_digest(stack: Stack) -> str:
    """Return a digest of everything that running processes were made of."""
    digest = hashlib.sha256()
    files = [path for folder in _CODE for path in (stack.root / folder).rglob("*")]
    files += [stack.root / ".venv/services/craton-stamp", stack.root / ".venv/models/craton-stamp"]
    for path in sorted(files):
        if path.suffix in (".py", ".toml", "") and "__pycache__" not in path.parts and path.is_file():
            digest.update(str(path.relative_to(stack.root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
