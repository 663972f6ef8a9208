"""A way for the services' own uids into a clone that lies below a folder closed to them, such as /root.

Run by root, every service has its own uid, and none of them may pass through a folder of mode 0700. The
supervisor is then started in a mount namespace of its own, where the clone and its state are also found
below /run/craton; its children see them there. Nobody else does, nothing on disk changes, and the mounts
are gone with the supervisor.

    python view.py SOURCE TARGET [SOURCE TARGET ...] -- COMMAND [ARGUMENT ...]
"""

import dataclasses
import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

from deploy.local.stack import Stack

_BASE = Path("/run/craton")


def inside(stack: Stack) -> Stack:
    """Return the stack as its services find it: elsewhere when they cannot reach where it really lies."""
    if not stack.separate_uids or (_reachable(stack.root) and _reachable(stack.home)):
        return stack
    base = _BASE / hashlib.sha256(str(stack.home).encode()).hexdigest()[:12]
    if stack.home.is_relative_to(stack.root):
        home = base / "root" / stack.home.relative_to(stack.root)
    else:
        home = base / "home"
    return dataclasses.replace(stack, root=base / "root", home=home)


def enter(stack: Stack, seen: Stack) -> list[str]:
    """Return the command prefix that gives a program the view `seen`; empty when there is nothing to do."""
    if seen == stack:
        return []
    mounts = [stack.root, seen.root]
    if not stack.home.is_relative_to(stack.root):
        mounts += [stack.home, seen.home]
    script = [str(stack.python()), "-m", "deploy.local.view", *map(str, mounts), "--"]
    return ["/usr/bin/unshare", "--mount", "--propagation", "private", "--", *script]


def remove(stack: Stack, seen: Stack) -> None:
    """Remove the empty folders that were mounted upon."""
    if seen != stack:
        for folder in (seen.root, seen.home, seen.root.parent):
            try:
                folder.rmdir()
            except OSError:
                # Not there, or still in use by a supervisor that is just ending: harmless either way.
                continue


def _reachable(place: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in place.parents if folder.exists())


def main() -> None:
    """Make the mounts in this (fresh) mount namespace, then become the command."""
    words = sys.argv[1:]
    split = words.index("--")
    pairs, command = words[:split], words[split + 1 :]
    os.umask(0o022)
    for source, target in zip(pairs[::2], pairs[1::2], strict=True):
        Path(target).mkdir(parents=True, exist_ok=True)
        subprocess.run(["/usr/bin/mount", "--rbind", source, target], check=True)
    os.execv(command[0], command)  # noqa: S606 (no shell is wanted)


if __name__ == "__main__":
    main()
