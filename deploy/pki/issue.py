"""Issue what is missing or due, and keep doing so."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from deploy.local.stack import Stack
from deploy.pki.authority import Authority, Issued, names_differ, renewal_due
from deploy.pki.inventory import Leaf, authorities, leaves
from deploy.pki.store import replace_files, write_private

_CA_LIFE = timedelta(days=3650)
RENEW_CHECK_S = 300.0
"""How often the renewal loop looks: a small part of the eight hours between due and expired."""


def issue_due(stack: Stack, now: datetime, *, force: bool = False) -> list[str]:
    """Issue every leaf that is missing, past two thirds of its life or made for other names.

    Returns their folders' names.

    Missing CAs are made. A CA is never replaced: a key without its certificate, or the reverse, raises
    ValueError, because guessing would orphan every leaf that is out there.
    """
    stack.pki.mkdir(parents=True, exist_ok=True)
    stack.pki.chmod(0o711)
    signers = {stem: _authority(stack, stem, name, now) for stem, name in authorities(stack)}
    issued = []
    for leaf in leaves(stack):
        signer = signers[leaf.authority]
        if force or _is_due(leaf, signer, now):
            pair = signer.issue(leaf.request, now)
            files = {
                leaf.certificate_name: pair.certificate,
                leaf.key_name: pair.private_key,
                "ca.crt": signer.certificate,
            }
            replace_files(leaf.directory, files, leaf.uid)
            issued.append(leaf.directory.name)
    return issued


def renew_for_ever(
    stack: Stack,
    now: Callable[[], datetime],
    sleep: Callable[[float], None],
    report: Callable[[str], None],
    reload: Mapping[str, Callable[[], None]],
) -> None:
    """Renew what is due, report it, sleep, and again; runs until the process is stopped.

    `reload` names, by leaf, how a server is told that does not look at its files by itself. What fails
    with OSError is tried again in the next round: there are eight hours until the old leaf expires.
    """
    untold: set[str] = set()
    while True:
        for name in issue_due(stack, now()):
            report(f"renewed {name}")
            untold |= {name} & reload.keys()
        for name in sorted(untold):
            try:
                reload[name]()
                untold.discard(name)
            except OSError as error:
                report(f"{name} was not told of its new certificate yet: {error}")
        sleep(RENEW_CHECK_S)


def _authority(stack: Stack, stem: str, common_name: str, now: datetime) -> Authority:
    certificate, key = stack.pki / f"{stem}.pem", stack.pki / f"{stem}.key"
    if certificate.exists() != key.exists():
        raise ValueError(
            f"{stack.pki}: {stem}.pem and {stem}.key belong together, but one of them is missing"
        )
    if certificate.exists():
        return Authority.load(Issued(certificate.read_bytes(), key.read_bytes()))
    authority = Authority.create(common_name, now, _CA_LIFE)
    pair = authority.export()
    write_private(key, pair.private_key, stack.uid(0))
    write_private(certificate, pair.certificate, stack.uid(0))
    certificate.chmod(0o644)
    return authority


def _is_due(leaf: Leaf, signer: Authority, now: datetime) -> bool:
    try:
        certificate = (leaf.directory / leaf.certificate_name).read_bytes()
        trusted = (leaf.directory / "ca.crt").read_bytes()
        (leaf.directory / leaf.key_name).stat()
    except FileNotFoundError:
        return True
    if trusted != signer.certificate or now >= renewal_due(certificate):
        return True
    # The stack's address stands in some: `make up` with another one needs new leaves.
    return names_differ(certificate, leaf.request)
