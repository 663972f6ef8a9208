"""What `craton up` does, step by step."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from cli.bootstrap import accept_offers, bootstrap
from cli.health import health, unhealthy
from cli.layout import code_digest, compile_code, make_folders
from cli.output import CommandError, console, emit
from cli.pool_logs import PoolLogs
from cli.preflight import check_owner, check_ports, check_readable
from cli.progress import Update, step
from cli.publishing import publish_bundled
from cli.readiness import wait_until_invocable, wait_until_loaded
from cli.running import elsewhere
from cli.sample import run_sample
from cli.session import Session
from deploy.local.install import UP_LOCK
from deploy.local.processes import leftovers, terminate
from deploy.local.redis import configure
from deploy.local.stack import Stack
from deploy.local.supervisor import StackError, Supervisor
from deploy.pki.issue import issue_due

_HEALTHY_LIMIT_S = 120.0
_POLL_S = 0.2
_OVERRIDING = (
    "AWS_CA_BUNDLE",
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)
"""What AWS clients take from the environment instead of the profile."""


def start(stack: Stack, *, sample: bool, as_json: bool) -> None:
    """Bring the stack up and show it at work. Raises CommandError with what to do."""
    started = time.monotonic()
    console.quiet = as_json
    # Files for other uids get their modes one by one; whatever umask the caller has, code is readable.
    os.umask(0o022)
    check_owner(stack)
    check_readable(stack)
    stack.home.mkdir(parents=True, exist_ok=True)
    with _exclusive(stack):
        supervisor = Supervisor(stack)
        if error := elsewhere(stack, supervisor.address()):
            raise error
        _prepare(stack)
        pool_logs = PoolLogs(stack)
        try:
            _run_programs(stack, supervisor)
        except StackError as error:
            raise CommandError(str(error)) from error
        session = Session(stack)
        try:
            with step("waiting until every program is healthy") as update:
                _wait_until_healthy(stack, supervisor, session, pool_logs, update)
            with step("accounts and credentials") as update:
                bootstrap(stack, session, update)
            with step("weights of the models") as update:
                publish_bundled(stack, update)
                wait_until_loaded(stack, session, update)
            with step("agreements of the administrator's account") as update:
                accept_offers(stack, session, update)
            # Whoever reads that the models are well invokes one.
            with step("models") as update:
                wait_until_invocable(stack, update)
            _say_where(stack)
            if sample:
                run_sample(stack, session)
        finally:
            session.close()
    elapsed = time.monotonic() - started
    console.print(f"\nup in {elapsed:.1f} s")
    if as_json:
        emit({"seconds": round(elapsed, 1), "home": str(stack.home), "address": stack.address}, as_json=True)


@contextmanager
def _exclusive(stack: Stack) -> Iterator[None]:
    with (stack.home / UP_LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(f"another `craton up` works on {stack.home} right now") from None
        yield


def _prepare(stack: Stack) -> None:
    if not stack.separate_uids:
        console.print(
            "  [yellow]note[/yellow]  not root: every program runs under your own uid, so the services "
            "are not protected from each other; the pools' sandboxes are the same"
        )
    with step("folders, certificates, secrets"):
        make_folders(stack)
        issue_due(stack, datetime.now(UTC))
        configure(stack)
        compile_code(stack)


def _run_programs(stack: Stack, supervisor: Supervisor) -> None:
    digest, record = code_digest(stack), stack.home / "run/code.sha256"
    if supervisor.running() and (not record.exists() or record.read_text() != digest):
        with step("code or configuration changed: stopping what runs") as update:
            supervisor.stop(update)
    if not supervisor.running():
        orphans = leftovers(stack)
        if orphans:
            with step(f"ending {len(orphans)} processes that outlived their supervisor"):
                terminate(orphans)
        check_ports(stack)
        with step("supervisor"):
            supervisor.start()
        record.write_text(digest)
        return
    for info in supervisor.programs():
        if info["statename"] in ("FATAL", "EXITED", "STOPPED"):
            supervisor.start_program(str(info["name"]))


def _wait_until_healthy(
    stack: Stack, supervisor: Supervisor, session: Session, pool_logs: PoolLogs, update: Update
) -> None:
    deadline = time.monotonic() + _HEALTHY_LIMIT_S
    while True:
        programs = health(stack, supervisor, session)
        waiting = unhealthy(programs)
        if not waiting:
            return
        update("waiting for " + ", ".join(waiting))
        if refusal := pool_logs.refusal():
            raise CommandError(refusal)
        if time.monotonic() > deadline or any(each.state == "FATAL" for each in programs):
            raise CommandError("not healthy:\n" + "\n".join(_last_words(stack, line) for line in waiting))
        time.sleep(_POLL_S)


def _last_words(stack: Stack, who: str) -> str:
    """Return who is not healthy, its log, and the log's last line: most often the cause stands there."""
    log = stack.logs / f"{who.split()[0]}.log"
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return f"  {who}, see {log}\n    {lines[-1][:300] if lines else 'the log is empty'}"


def _say_where(stack: Stack) -> None:
    home = stack.home
    overriding = [name for name in _OVERRIDING if name in os.environ]
    unset = f"unset {' '.join(overriding)}   (set here, it would win over the profile)\n          "
    console.print(
        f"\n  HTTPS   {stack.endpoint}   (CA: {home}/pki/ca.pem)\n"
        f"  gRPC    {stack.address}:{stack.definition.ports.public_grpc}\n"
        f"  AWS     {unset if overriding else ''}export AWS_PROFILE=craton AWS_CONFIG_FILE={home}/aws/config "
        f"AWS_SHARED_CREDENTIALS_FILE={home}/aws/credentials\n"
    )
