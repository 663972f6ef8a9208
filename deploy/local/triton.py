"""Make .venv/triton from the Triton server that the nvidia-pytriton wheel carries (run by `make up`).

    python deploy/local/triton.py [MODELS_ENVIRONMENT [DESTINATION]]

The wheel holds a real tritonserver with its Python backend, and one backend stub for each version of Python.
Triton looks for the stub beside the backend's library, so the one for this Python is linked there. Server,
backend and libraries keep their places relative to each other: they find one another by $ORIGIN. Files are
hard links where the file system allows it. Running it again replaces the result only when the wheel changed.
"""

import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = "3.11"
# What is taken from the wheel; stubs of other Python versions and the Python client are left.
PARTS = (
    "nvidia_pytriton.libs",
    "pytriton/tritonserver/bin",
    "pytriton/tritonserver/backends/python",
    f"pytriton/tritonserver/python_backend_stubs/{PYTHON}",
)
BACKEND = Path("pytriton/tritonserver/backends/python")
STUB = Path(f"../../python_backend_stubs/{PYTHON}/triton_python_backend_stub")


class TritonError(Exception):
    """The server cannot be made; the message says what is missing."""


def build(models: Path, destination: Path) -> Path:
    """Make `destination` from the environment `models`; return the path of tritonserver."""
    packages = models / f"lib/python{PYTHON}/site-packages"
    record = next(iter(packages.glob("nvidia_pytriton-*.dist-info/RECORD")), None)
    if record is None:
        raise TritonError(f"nvidia-pytriton is not installed in {models}")
    if not list(Path("/usr/lib").glob(f"*/libpython{PYTHON}.so.1.0")):
        raise TritonError(f"libpython{PYTHON} is missing: apt-get install libpython{PYTHON}")
    mark = destination / "RECORD"
    server = destination / "pytriton/tritonserver/bin/tritonserver"
    if mark.exists() and mark.read_bytes() == record.read_bytes() and server.exists():
        return server
    fresh = destination.with_name(destination.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    for part in PARTS:
        shutil.copytree(
            packages / part,
            fresh / part,
            copy_function=_link_or_copy,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    (fresh / BACKEND / STUB.name).symlink_to(STUB)
    shutil.copyfile(record, fresh / mark.name)
    shutil.rmtree(destination, ignore_errors=True)
    fresh.rename(destination)
    return server


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def main() -> int:
    """Build from the arguments or the checkout's environments."""
    arguments = [Path(each) for each in sys.argv[1:]]
    models = arguments[0] if arguments else ROOT / ".venv/models"
    destination = arguments[1] if len(arguments) > 1 else ROOT / ".venv/triton"
    try:
        print(build(models.resolve(), destination))
    except TritonError as error:
        print(f"triton: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
