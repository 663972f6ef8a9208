"""What must be true before the stack starts; each failure is one message that says what to do."""

import socket
import stat
from pathlib import Path

from cli.output import CommandError
from deploy.local.stack import Stack


def check_ports(stack: Stack) -> None:
    """Refuse to start when somebody else listens on one of our ports."""
    ports = stack.definition.ports
    wanted = {
        "edge": ports.edge,
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


def check_reachable(stack: Stack) -> None:
    """Refuse a place that the services' own uids cannot reach."""
    if not stack.separate_uids:
        return
    for wanted in (stack.root, stack.home):
        for folder in (wanted, *wanted.parents):
            if folder.exists() and not folder.stat().st_mode & stat.S_IXOTH:
                raise CommandError(_unreachable(wanted, folder))


def _unreachable(wanted: Path, folder: Path) -> str:
    return (
        f"run by root, every service has a uid of its own, and these cannot reach {wanted}, because "
        f"{folder} is closed to other users.\n"
        f"Either move the clone to a place that they can enter, for example: mv {wanted} /opt/craton\n"
        f"or open the folder for passing through (not for listing): chmod o+x {folder}\n"
        "or run `make up` as an ordinary user: everything then runs under that one uid."
    )
