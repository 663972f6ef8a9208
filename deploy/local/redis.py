"""Redis of the local stack: TLS only, no default user, one account a service with least rights.

Redis holds what several replicas share for seconds. It writes nothing to disk: losing it loses no record.
"""

import hashlib
import secrets
from pathlib import Path

import redis

from deploy.local.stack import Stack
from deploy.local.view import inside
from deploy.pki.store import write_private

_CONNECTION = "+hello +auth +ping +quit +client|setname +client|id"
_ROLES = {
    # Seen signatures and the birth marker of the store; and an ear for revocations.
    "signatures": "~craton:seen:* +get +set +exists +time +eval +evalsha +script|load +info "
    "&craton:revocations +subscribe +unsubscribe",
    # A selector in parentheses is a right of its own: whoever may publish here may only listen there.
    "publisher": "&craton:revocations &craton:revocations:confirmed +publish +subscribe +unsubscribe "
    "(&craton:revocations:keys +subscribe +unsubscribe)",
    "key-publisher": "&craton:revocations +subscribe +unsubscribe (&craton:revocations:keys +publish)",
    "subscriber": "&craton:revocations &craton:revocations:keys +subscribe +unsubscribe",
    # Asks for health, and has the server read its renewed certificate.
    "operator": "+info +config|set",
}
_MEMORY = "128mb"
"""Signatures live for minutes: 128 MiB hold about a million. A full store refuses writes, and the edge
then refuses requests, instead of forgetting signatures that could be replayed."""


_RELOAD_TIMEOUT_S = 5.0
_PASSWORD_BYTES = 43
"""Length of 32 random bytes in base64."""


def password_file(stack: Stack, account: str) -> Path:
    """Return where a service finds its Redis password, 0600 of its own uid."""
    return stack.home / "secrets" / f"redis-{account}"


def configure(stack: Stack) -> Path:
    """Write passwords that are missing and redis.conf; return the latter's path."""
    seen = inside(stack)
    secrets_dir = stack.home / "secrets"
    secrets_dir.mkdir(parents=True, exist_ok=True)
    secrets_dir.chmod(0o711)
    uids = {service.name: service.uid for service in stack.definition.services}
    uids |= {"edge": stack.definition.edge.uid, "operator": 0}
    accounts = []
    for account, role in stack.definition.redis.roles.items():
        path = password_file(stack, account)
        # One that was cut short, by a restore or by hand, would open the account to whoever tries that.
        if not path.exists() or path.stat().st_size < _PASSWORD_BYTES:
            write_private(path, secrets.token_urlsafe(32).encode(), stack.uid(uids[account]))
        # The file of the server holds hashes, so that reading it impersonates nobody.
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        accounts.append(f"user {account} on #{digest} resetchannels -@all {_CONNECTION} {_ROLES[role]}")
    configuration = stack.home / "run/redis/redis.conf"
    pki = seen.pki / "redis"
    lines = [
        f"bind {stack.address}",
        "port 0",
        f"tls-port {stack.definition.ports.redis}",
        f"tls-cert-file {_quoted(pki / 'tls.crt')}",
        f"tls-key-file {_quoted(pki / 'tls.key')}",
        f"tls-ca-cert-file {_quoted(pki / 'ca.crt')}",
        "tls-protocols TLSv1.3",
        "tls-auth-clients optional",
        "daemonize no",
        'save ""',
        "appendonly no",
        f"dir {_quoted(seen.home / 'run/redis')}",
        f"maxmemory {_MEMORY}",
        "maxmemory-policy noeviction",
        "acllog-max-len 32",
        "user default off resetpass resetkeys resetchannels -@all",
        *accounts,
    ]
    write_private(configuration, ("\n".join(lines) + "\n").encode(), stack.uid(stack.definition.redis.uid))
    return configuration


def connect(stack: Stack, account: str, timeout_s: float) -> "redis.Redis":
    """Return a client that connects lazily. Raises OSError when the password cannot be read."""
    return redis.Redis(
        host=stack.address,
        port=stack.definition.ports.redis,
        username=account,
        password=password_file(stack, account).read_text(),
        ssl=True,
        ssl_ca_certs=str(stack.pki / "ca.pem"),
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
    )


def reload_certificate(stack: Stack) -> None:
    """Have a running server read its certificate again, which it does not do by itself.

    Naming the same files is enough. Raises redis.RedisError or OSError when the server cannot be reached.
    """
    with connect(stack, "operator", _RELOAD_TIMEOUT_S) as client:
        pki = inside(stack).pki / "redis"
        client.execute_command(
            "CONFIG", "SET", "tls-cert-file", str(pki / "tls.crt"), "tls-key-file", str(pki / "tls.key")
        )


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
