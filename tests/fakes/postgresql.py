"""A PostgreSQL of one test session: real, on a UNIX socket that only its own user and root can enter."""

import atexit
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

BINARIES = Path("/usr/lib/postgresql/15/bin")
"""Where Debian 12's postgresql-15 lies."""
_USER = "postgres"
"""The user that the package makes: the server refuses root, and users without a name."""
_START_S = 30.0


def missing() -> str:
    """Return what keeps this machine from running one, "" when nothing does."""
    if not (BINARIES / "initdb").exists():
        return "postgresql-15 is not installed"
    if importlib.util.find_spec("psycopg") is None:
        return "psycopg is not installed"
    if os.geteuid() == 0 and not any(entry.pw_name == _USER for entry in pwd.getpwall()):
        return f"there is no user {_USER}"
    return ""


class Server:
    """Starts when it is made and ends with this process, however that ends."""

    def __init__(self) -> None:
        # Not below pytest's folder, into which only root can go.
        self._folder = Path(tempfile.mkdtemp(prefix="craton-postgresql-"))
        self._as_user = ["setpriv", "--pdeathsig", "INT"]
        if os.geteuid() == 0:
            entry = pwd.getpwnam(_USER)
            os.chown(self._folder, entry.pw_uid, entry.pw_gid)
            self._as_user += ["--reuid", _USER, "--regid", str(entry.pw_gid), "--clear-groups"]
        self._initialise()
        # Nothing of it outlives the session, so that it need not wait for the disk.
        settings = ("listen_addresses=", "fsync=off", "full_page_writes=off", "max_connections=60")
        command = [str(BINARIES / "postgres"), "-D", str(self._folder / "data"), "-k", str(self._folder)]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*self._as_user, *command, *(part for setting in settings for part in ("-c", setting))],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        atexit.register(self.stop)
        self.url = f"postgresql+psycopg://craton@/postgres?host={self._folder}"
        self._wait()

    def stop(self) -> None:
        """End it and remove everything that it wrote."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _initialise(self) -> None:
        # English order and not that of bytes, because that is what an operator's server is likely to have.
        locale = ("--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US")
        trust = ("--username=craton", "--auth-local=trust", "--auth-host=reject", "--no-sync")
        subprocess.run(
            [*self._as_user, str(BINARIES / "initdb"), "-D", str(self._folder / "data"), *trust, *locale],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # Its messages are in English, and it looks at no file of the tester's.
            env={"LC_ALL": "C.UTF-8", "PATH": os.defpath},
        )

    def _wait(self) -> None:
        engine = sa.create_engine(self.url)
        deadline = time.monotonic() + _START_S
        try:
            while True:
                try:
                    with engine.connect():
                        return
                except sa.exc.OperationalError:
                    if self._process.poll() is not None or time.monotonic() > deadline:
                        log = (self._folder / "log").read_text()
                        self.stop()
                        raise RuntimeError(f"PostgreSQL does not start:\n{log}") from None
                time.sleep(0.05)
        finally:
            engine.dispose()
