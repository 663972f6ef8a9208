"""What the logs of the pools say while the stack starts: a sandbox that is refused never starts by itself."""

import re

from deploy.local.stack import Stack

_FAILED = re.compile(r"^(?:pool [^ :]+: )?(.*\bbwrap: .*)$", re.MULTILINE)
"""A start that bwrap ended, as the launcher prints it (services.pool.launcher.supervisor)."""
_ENOUGH = 3
"""As many are no accident; the pool tries again after 0.2 s, 0.4 s, and so on."""


class PoolLogs:
    """The pools' logs from where they are now."""

    def __init__(self, stack: Stack) -> None:
        """Note how long the logs are: what stands in them already is of earlier runs."""
        self._logs = {pool.name: stack.logs / f"pool-{pool.name}.log" for pool in stack.definition.pools}
        self._seen = {name: path.stat().st_size if path.exists() else 0 for name, path in self._logs.items()}

    def refusal(self) -> str | None:
        """Say which pools' sandboxes bwrap refuses again and again, why, and what to do; None when none."""
        failed = {name: _FAILED.findall(self._news(name)) for name in self._logs}
        refused = [name for name, lines in failed.items() if len(lines) >= _ENOUGH]
        if not refused:
            return None
        words = failed[refused[-1]][-1]
        logs = ", ".join(str(self._logs[name]) for name in refused)
        files = ", ".join(f"pool-{name}.toml" for name in self._logs)
        return (
            f"no sandbox for {', '.join(f'pool-{name}' for name in refused)}, see {logs}\n    {words}\n"
            "This system does not let bwrap close a pool in. If it says that namespaces are refused, allow "
            "user namespaces\n(sysctl kernel.unprivileged_userns_clone, user.max_user_namespaces, "
            "kernel.apparmor_restrict_unprivileged_userns;\na container must be allowed them, and "
            "inside a plain chroot the kernel never does). For development alone, without isolation:\n"
            f'isolation = "none" in deploy/config/: {files}; model code can then reach network and '
            "disk. `make down` stops what runs."
        )

    def _news(self, name: str) -> str:
        path = self._logs[name]
        if not path.exists():
            return ""
        with path.open("rb") as log:
            # A log that is shorter than it was has been replaced by a new one.
            if path.stat().st_size >= self._seen[name]:
                log.seek(self._seen[name])
            return log.read().decode(errors="replace")
