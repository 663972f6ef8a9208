"""Sessions of those whom an identity provider vouched for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Federation:
    """What a session keeps of the token that opened it."""

    provider_id: str
    """Of the provider whose deletion ends the session."""
    provider_arn: str
    audience: str
    """The client id that the token was accepted for."""
    subject: str
    authentication_methods: tuple[str, ...] = ()
    """The claim "amr" (RFC 8176)."""

    @property
    def issuer_name(self) -> str:
        """The issuer without its scheme, as ARNs and condition keys name it."""
        return self.provider_arn.partition(":oidc-provider/")[2]

    def session_keys(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return the condition keys that every request of the session carries.

        AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        (aws:FederatedProvider) and .../reference_policies_iam-condition-keys.html (OIDC federation)
        """
        issuer = self.issuer_name
        keys: dict[str, tuple[str, ...]] = {
            "aws:FederatedProvider": (self.provider_arn,),
            f"{issuer}:aud": (self.audience,),
            f"{issuer}:sub": (self.subject,),
        }
        if self.authentication_methods:
            keys[f"{issuer}:amr"] = self.authentication_methods
        return tuple(sorted(keys.items()))
