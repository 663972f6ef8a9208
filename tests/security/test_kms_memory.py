"""Where the keys of a running kms are not: in no file, log or core file, and in nobody else's sight."""

import base64
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from services.chassis.hardening import swap_devices, swap_forbidden
from tests.fakes import kms_process
from tests.fakes.another_user import as_user
from tests.fakes.workloads import Workloads

UID, STRANGER = 20004, 20099
ROOT = Path(__file__).parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="processes under other uids need root")


class Running:
    """A kms. Its canaries are the root and the shred key that this installation happens to have."""

    def __init__(self, home: Path, process: "subprocess.Popen[bytes]") -> None:
        self.home, self.process = home, process
        lines = (home / "custody" / "root.key").read_text().splitlines()
        self.keys = [bytes.fromhex(line.split()[3]) for line in lines[2:]]

    def proc(self, name: str) -> Path:
        return Path(f"/proc/{self.process.pid}/{name}")


@pytest.fixture
def start() -> Iterator[Callable[[], Running]]:
    """Start a kms that has made and used keys; several may run."""
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    # It inherits permission to write core files, and has to give it up itself.
    resource.setrlimit(resource.RLIMIT_CORE, (limits[1], limits[1]))
    # Whatever a shell starts in the background ignores it, and so would what is started here.
    quitting = signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    with ExitStack() as stack:

        def starting() -> Running:
            # Not pytest's own folder, which other uids cannot reach.
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="craton-kms-")))
            home.chmod(0o755)
            workloads, target = Workloads(home / "pki"), kms_process.free_target()
            provider = workloads.tls("provider/craton")
            uid = UID if os.geteuid() == 0 else None
            process = stack.enter_context(kms_process.running(home, workloads, target, uid))
            keys = kms_process.ProviderKeys(target, provider, "craton")
            keys.disable(keys.create())
            keys.close()
            return Running(home, process)

        try:
            yield starting
        finally:
            resource.setrlimit(resource.RLIMIT_CORE, limits)
            signal.signal(signal.SIGQUIT, quitting)


def spellings(secret: bytes) -> list[bytes]:
    encoded = base64.b64encode(secret).rstrip(b"=")
    return [
        secret, secret.hex().encode(), secret.hex().upper().encode(), encoded,
        base64.urlsafe_b64encode(secret).rstrip(b"="), repr(secret)[2:-1].encode(),
        str(list(secret)).encode(),
    ]  # fmt: skip


def shows(text: bytes, secrets: list[bytes]) -> bool:
    return any(spelling in text for secret in secrets for spelling in spellings(secret))


def read_as(uid: int, path: Path) -> str:
    """Try to read a file as another uid, without capabilities. Returns "read" or the error."""
    code = (
        "import sys\ntry:\n    open(sys.argv[1], 'rb').read(64)\n    print('read')\n"
        "except OSError as error:\n    print(error.strerror)"
    )
    ended = subprocess.run(
        [*as_user(uid), sys.executable, "-I", "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    return ended.stdout.strip()


def how_it_ended(pid: int) -> int:
    """Return CLD_DUMPED or CLD_KILLED, and leave the process to whoever started it."""
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert ended is not None
    return ended.si_code


def test_no_key_is_in_a_file_a_log_or_the_process_own_words(start: Callable[[], Running]) -> None:
    kms = start()
    assert len(kms.keys) == 2
    assert shows(kms.proc("cmdline").read_bytes(), [b"services.kms"])
    for name in ("cmdline", "environ", "status", "maps"):
        assert not shows(kms.proc(name).read_bytes(), kms.keys)
    kms.process.send_signal(signal.SIGTERM)
    kms.process.wait(20)
    files = [path for path in kms.home.rglob("*") if path.is_file()]
    found = {str(path.relative_to(kms.home)) for path in files if shows(path.read_bytes(), kms.keys)}
    assert found == {"custody/root.key"}
    assert b'"event": "unsealed"' in (kms.home / "log").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV, signal.SIGQUIT])
def test_a_crash_leaves_no_core_file(start: Callable[[], Running], number: signal.Signals) -> None:
    kms = start()
    kms.process.send_signal(number)
    assert how_it_ended(kms.process.pid) == os.CLD_KILLED
    assert [path for path in kms.home.rglob("core*") if path.is_file()] == []


def test_the_same_crash_of_another_process_leaves_one(start: Callable[[], Running], tmp_path: Path) -> None:
    """What the test above looks for is there when nothing prevents it."""
    if resource.getrlimit(resource.RLIMIT_CORE)[0] == 0:
        pytest.skip("this session may not write core files at all")
    process = subprocess.Popen([sys.executable, "-I", "-c", "import os; os.abort()"], cwd=tmp_path)
    ended = how_it_ended(process.pid)
    process.wait()
    assert ended == os.CLD_DUMPED


@as_root
@pytest.mark.parametrize("uid", [UID, STRANGER])
def test_nobody_without_the_capability_reads_its_memory(start: Callable[[], Running], uid: int) -> None:
    kms = start()
    for name in ("mem", "environ", "maps", "fd/0", "syscall"):
        assert read_as(uid, kms.proc(name)) == "Permission denied", name
    assert read_as(uid, kms.home / "custody" / "root.key") == ("read" if uid == UID else "Permission denied")


@as_root
def test_another_process_of_that_uid_can_be_read(tmp_path: Path) -> None:
    """What the test above tries works on a process that does not defend itself."""
    waiting = "import time; print('here', flush=True); time.sleep(60)"
    command = [*as_user(UID), sys.executable, "-I", "-c", waiting]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd="/")
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        assert read_as(UID, Path(f"/proc/{process.pid}/environ")) == "read"
        assert read_as(STRANGER, Path(f"/proc/{process.pid}/environ")) == "Permission denied"
    finally:
        process.kill()
        process.communicate()


# Swap.


def test_swap_devices_are_recognised() -> None:
    header = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
    assert swap_devices(header) == []
    assert swap_devices(header + "/dev/sda2 partition 2097148 0 -2\n/swap file 1 0 -3\n") == [
        "/dev/sda2", "/swap",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "forbidden"),
    [
        ({}, False),
        ({"a/b": "max"}, False),
        ({"a/b": "0"}, True),
        ({"a": "0", "a/b": "max"}, True),
        ({"a": "4096"}, False),
        ({"other": "0"}, False),
    ],
)
def test_a_group_or_one_above_it_forbids_swap(
    tmp_path: Path, limits: dict[str, str], forbidden: bool
) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    for group, limit in limits.items():
        (tmp_path / group / "memory.swap.max").write_text(limit + "\n")
    assert swap_forbidden("4:memory:/x\n0::/a/b\n", tmp_path) is forbidden
    assert swap_forbidden("4:memory:/x\n", tmp_path) is False


SWAPPING = """
import sys
from pathlib import Path
from services.chassis import hardening
hardening._SWAPS = Path(sys.argv[1])
hardening._OWN_CGROUP = Path("/dev/null")
hardening._may_lock_all = lambda: False
import resource
resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
from services.kms.__main__ import main
sys.argv[1:] = ["--config", sys.argv[2]]
sys.exit(main())
"""


def test_kms_does_not_start_where_it_could_be_swapped_out(tmp_path: Path) -> None:
    swaps = tmp_path / "swaps"
    swaps.write_text("Filename Type Size Used Priority\n/dev/sda2 partition 2097148 0 -2\n")
    config = tmp_path / "kms.toml"
    text = kms_process.template(tmp_path, Workloads(tmp_path / "pki"), "127.0.0.1:0", "127.0.0.1:9")
    config.write_text(text.replace('swap = "warn"\n', ""))
    command = [sys.executable, "-c", SWAPPING, str(swaps), str(config)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == os.EX_CONFIG
    assert "there is swap, and memory cannot be locked" in ended.stderr
    config.write_text(text)
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "kms starts, but its keys may reach a disk" in ended.stderr
    # That it ends all the same is for want of a custody.
    assert "the folder of the custody file cannot be used" in ended.stderr


@as_root
def test_memory_is_locked_where_that_is_permitted() -> None:
    code = (
        "from services.chassis.hardening import keep_out_of_swap\nassert keep_out_of_swap() == ''\n"
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmLck')))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert int(ended.stdout.split()[1]) > 1000
