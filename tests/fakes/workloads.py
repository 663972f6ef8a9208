"""Certificates of any workload for tests, by the authority that issues the installation's own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.pki.authority import Authority, LeafRequest
from services.chassis.identity import WorkloadId
from services.chassis.settings import TlsSettings

TRUST_DOMAIN = "craton.local"
_LIFE = timedelta(hours=1)


class Workloads:
    """Issues a leaf the first time a workload is asked for."""

    def __init__(self, folder: Path, life: timedelta = _LIFE) -> None:
        self._folder = folder
        self._life = life
        self.authority = Authority.create("CA of a test", datetime.now(UTC), life)

    def tls(self, path: str) -> TlsSettings:
        """Return the files of a workload, for example "service/kms"."""
        kind, name = path.split("/")
        folder = self._folder / f"{kind}-{name}"
        settings = TlsSettings(folder / "tls.crt", folder / "tls.key", folder / "ca.crt")
        if not folder.exists():
            folder.mkdir(parents=True)
            identity = WorkloadId(TRUST_DOMAIN, kind, name)
            request = LeafRequest(identity.path, [identity.dns_name], self._life, uri=str(identity))
            issued = self.authority.issue(request, datetime.now(UTC))
            settings.certificate.write_bytes(issued.certificate)
            settings.private_key.write_bytes(issued.private_key)
            settings.private_key.chmod(0o600)
            settings.ca.write_bytes(self.authority.certificate)
        return settings
