"""Write the committed Python stubs from protos/ (run by `make generate`).

protoc and the gRPC plugin both come from grpcio-tools, so that the stubs and
the runtime libraries stay one pin.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def sources() -> list[Path]:
    """Return our own proto files."""
    return sorted((ROOT / "protos/craton").rglob("*.proto"))


def protoc(*arguments: str) -> None:
    """Run protoc with everything that protos/ imports on its path."""
    import grpc_tools

    include = [
        f"-I{ROOT / 'protos/third_party'}",  # before its parent, else its files get two names
        f"-I{ROOT / 'protos'}",
        f"-I{Path(grpc_tools.__file__).parent / '_proto'}",
    ]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *include, *arguments], check=True)


def generate(out: Path) -> None:
    """Write _pb2.py, .pyi and _pb2_grpc.py of every message and service below `out`."""
    files = [*sources(), *sorted((ROOT / "protos/third_party").rglob("*.proto"))]
    services = [path for path in files if "\nservice " in path.read_text()]
    protoc(f"--python_out={out}", f"--pyi_out={out}", *map(str, files))
    protoc(f"--grpc_python_out={out}", *map(str, services))


def main() -> None:
    """Replace the committed stubs, or write them to the folder given as the argument."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "protos/gen/python"
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        # A proto that does not compile leaves the stubs as they are.
        fresh, old = Path(folder) / "fresh", Path(folder) / "old"
        fresh.mkdir()
        generate(fresh)
        if out.exists():
            out.rename(old)
        fresh.rename(out)


if __name__ == "__main__":
    main()
