"""What was tested, and on what: the digest over a campaign's modules, and the machine without its name."""

import hashlib
import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def digest(sources: Iterable[str], root: Path = ROOT) -> str:
    """Return SHA-256 over the lines "<sha256>  <path>" of the files, sorted by path.

    Raises FileNotFoundError for a source that is not there: a renamed module must not leave the digest.
    """
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(root)}\n"
        for path in files(sources, root)
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def files(sources: Iterable[str], root: Path = ROOT) -> list[Path]:
    """Return the files that the sources name, sorted; folders stand for the Python files below them."""
    found: set[Path] = set()
    for source in sources:
        path = root / source
        inside = set(path.rglob("*.py")) if path.is_dir() else {path}
        if not inside or not all(each.is_file() for each in inside):
            raise FileNotFoundError(f"{source}: there is no such module")
        found |= inside
    return sorted(found)


def machine() -> str:
    """Describe processor, cores, memory, kernel and Python: what counts and rates depend on."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    # What follows the numbers in a kernel's release names who built it, and sometimes the machine.
    kernel = re.match(r"[0-9.]+", platform.release())
    return ", ".join(
        (
            model[1].strip().replace("|", "/") if model else platform.machine(),
            f"{os.cpu_count()} cores",
            f"{int(memory[1]) / 1024**2:.0f} GiB" if memory else "unknown memory",
            f"Linux {kernel[0] if kernel else 'of unknown version'}",
            f"Python {platform.python_version()}",
        )
    )
