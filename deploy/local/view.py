"""A way for the services' own uids into a clone that lies below a folder closed to them, such as /root.

Run by root, every service has its own uid, and none of them may pass through a folder of mode 0700. The
supervisor is then started in a mount namespace of its own, where the clone and its state are also found
below /run/craton; its children see them there. Nobody else does, nothing on disk changes, and the mounts
are gone with the supervisor. An empty /run/craton stays: removing it would take away the mounts that
another installation has made on it.

    python -m deploy.local.view SOURCE TARGET [SOURCE TARGET ...] -- COMMAND [ARGUMENT ...]
    python -m deploy.local.view --run COMMAND [ARGUMENT ...]

The second form runs a command in the clone, inside a view when one is needed: `make test` starts pools too.
"""

import dataclasses
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from deploy.local.stack import Stack
from services.chassis.config import ConfigError

_BASE = Path("/run/craton")
_MOUNT = ("/usr/bin/mount",)


def inside(stack: Stack) -> Stack:
    """Return the stack as its services find it: elsewhere when they cannot reach where it really lies."""
    if not stack.separate_uids or (_reachable(stack.root) and _reachable(stack.home)):
        return stack
    root = _BASE / "root"
    inner = stack.home.is_relative_to(stack.root)
    home = root / stack.home.relative_to(stack.root) if inner else _BASE / "home"
    return dataclasses.replace(stack, root=root, home=home)


def enter(stack: Stack, seen: Stack) -> list[str]:
    """Return the command prefix that gives a program the view `seen`; empty when there is nothing to do."""
    if seen == stack:
        return []
    mounts = [stack.root, seen.root]
    if not stack.home.is_relative_to(stack.root):
        mounts += [stack.home, seen.home]
    script = [str(stack.python()), "-m", "deploy.local.view", *map(str, mounts), "--"]
    return ["/usr/bin/unshare", "--mount", "--propagation", "private", "--", *script]


def run(command: list[str]) -> NoReturn:
    """Become `command`, in the clone as the services find it."""
    stack = Stack.here()
    seen = inside(stack)
    if seen == stack:
        os.execvp(command[0], command)  # noqa: S606 (no shell is wanted)
    stack.home.mkdir(exist_ok=True)
    os.environ["PYTHONPATH"] = f"{seen.root}:{seen.root}/protos/gen/python"
    words = [*enter(stack, seen), "/usr/bin/env", "-C", str(seen.root), *command]
    os.execv(words[0], words)  # noqa: S606


def _reachable(place: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in place.parents if folder.exists())


def main() -> None:
    """Make the mounts in this (fresh) mount namespace, then become the command."""
    words = sys.argv[1:]
    if words[0] == "--run":
        try:
            run(words[1:])
        except ConfigError as error:
            sys.exit(f"Error: {error}")
    split = words.index("--")
    pairs, command = words[:split], words[split + 1 :]
    os.umask(0o022)
    _BASE.mkdir(exist_ok=True)
    # The folders to mount upon are made in memory, of this namespace alone.
    subprocess.run([*_MOUNT, "-t", "tmpfs", "-o", "size=64k,mode=755", "craton", str(_BASE)], check=True)
    for source, target in zip(pairs[::2], pairs[1::2], strict=True):
        Path(target).mkdir(parents=True, exist_ok=True)
        subprocess.run([*_MOUNT, "--rbind", source, target], check=True)
    os.execv(command[0], command)  # noqa: S606 (no shell is wanted)


if __name__ == "__main__":
    main()
