"""What must be true before the stack starts; each failure is one message that says what to do."""

import socket

from cli.output import CommandError, Exit
from deploy.local.install import foreign_state
from deploy.local.stack import Stack


def check_ports(stack: Stack) -> None:
    """Refuse to start when somebody else listens on one of our ports."""
    ports = stack.definition.ports
    wanted = {
        "edge": ports.edge,
        "private edge": ports.private,
        "public gRPC": ports.public_grpc,
        "redis": ports.redis,
        "edge metrics": stack.definition.edge.metrics_port,
    }
    wanted |= {name: port for _, name, port in stack.grpc_targets()}
    taken = [f"{port} ({name})" for name, port in wanted.items() if _taken(stack.address, port)]
    if taken:
        raise CommandError(
            f"these ports of {stack.address} are taken by other programs: {', '.join(taken)}. "
            "Stop them, or choose another address: CRATON_ADDRESS=127.0.0.2 CRATON_HOME=<a folder> craton up"
        )


def _taken(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return True
    return False


def check_owner(stack: Stack) -> None:
    """Refuse to start a stack that another user made, running or not."""
    if refusal := foreign_state(stack.home):
        raise CommandError(refusal, Exit.REFUSED)


def check_readable(stack: Stack) -> None:
    """Refuse a clone whose files the services' own uids cannot read, as a strict umask makes them."""
    if not stack.separate_uids:
        return
    for path, bits in ((stack.root, 0o005), (stack.root / "services/__init__.py", 0o004)):
        if path.stat().st_mode & bits != bits:
            raise CommandError(
                f"run by root, every service has a uid of its own, and these cannot read {path}.\n"
                f"Make the clone readable, which holds no secrets: chmod -R go+rX {stack.root}\n"
                "Or run `make up` as an ordinary user: everything then runs under that one uid."
            )
