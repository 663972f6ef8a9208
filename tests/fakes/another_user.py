"""Running a command as another user."""


def as_user(uid: int) -> list[str]:
    """Return what stands before a command so that it runs under `uid`, in no group but its own.

    subprocess' own `user` forks without the kernel's help: in a process with gRPC's threads the child then
    runs gRPC's code before the command, and may crash in it.
    """
    return ["/usr/bin/setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--"]
