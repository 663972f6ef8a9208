"""The configuration of auth: deploy/config/auth.toml."""

from dataclasses import dataclass, field
from pathlib import Path

from services.auth.domain.dialling import DialRules
from services.auth.domain.purges import Profile
from services.auth.domain.service_principals import SERVICE_PRINCIPALS
from services.chassis.settings import (
    AuditSettings,
    PrivateListenerSettings,
    RedisSettings,
    ServerSettings,
    TelemetrySettings,
    TlsSettings,
    UpstreamSettings,
    check_listeners,
)


@dataclass(frozen=True, slots=True)
class ExchangeSettings:
    """A service that may exchange its tokens for those of another audience."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class WebIdentitySettings:
    """Which issuers of web identities auth may dial: by default those on the public internet."""

    issuers: tuple[str, ...] = ()
    """Host names of issuers and of where they keep their keys, and "*.example.com" for all below a name.
    None: every host."""
    private_networks: tuple[str, ...] = ()
    """Networks in CIDR notation that are dialled although they are private, loopback or link-local."""
    ca_bundle: str = ""
    """PEM file of authorities that issuers' certificates may come from, besides those of the system."""

    @property
    def rules(self) -> DialRules:
        """The same as rules. Raises ValueError."""
        return DialRules.parse(self.issuers, self.private_networks)


@dataclass(frozen=True, slots=True)
class AuthConfig:
    """Everything auth is told from outside. Secrets are file paths."""

    server: ServerSettings
    tls: TlsSettings
    audit: AuditSettings
    kms: UpstreamSettings
    redis: RedisSettings
    training: UpstreamSettings
    """Asked, as kms and audit are, to remove what it keeps of an account that is purged."""
    database_url: str
    catalog: Path
    """Folder of the signed model manifests and the registered keys of providers."""
    bootstrap_token_file: Path
    regions: tuple[str, ...]
    """Regions that this installation serves; signatures for others are refused."""
    signing_names: tuple[str, ...]
    """SigV4 service names that are accepted in a credential scope."""
    token_hosts: tuple[str, ...]
    """Host names under which clients sign requests for tokens."""
    audiences: tuple[str, ...]
    """Services that tokens are issued for."""
    exchanges: tuple[ExchangeSettings, ...] = ()
    profile: str = Profile.PRODUCTION.value
    """"production", or "development": there one operator purges accounts at once, and their ids go on."""
    partition: str = "aws"
    private_listeners: tuple[PrivateListenerSettings, ...] = ()
    """Listeners of edge on which VPC endpoints can be registered; auth uses their names and networks."""
    token_key_days: int = 30
    """Age at which the key that signs tokens is replaced."""
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
    web_identity: WebIdentitySettings = field(default_factory=WebIdentitySettings)

    def __post_init__(self) -> None:
        """Refuse exchanges that could never be used."""
        for pair in self.exchanges:
            if pair.source not in SERVICE_PRINCIPALS:
                raise ValueError(f"exchanges: policies have no name for the service {pair.source}")
            if pair.source not in self.audiences or pair.target not in self.audiences:
                raise ValueError("exchanges must name audiences")
        if self.profile not in {each.value for each in Profile}:
            raise ValueError(f"profile: {self.profile!r} must be production or development")
        if not self.regions or not self.signing_names:
            raise ValueError("at least one region and one signing name are needed")
        # Read here, so that rules that cannot be understood end the boot instead of a request.
        _ = self.web_identity.rules
        check_listeners(self.private_listeners)
