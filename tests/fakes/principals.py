"""Somebody who calls."""

from services.chassis.principal import ClientContext, PrincipalClaims

ALICE = PrincipalClaims(
    account_id="123456789012",
    account_incarnation="inc",
    arn="arn:aws:iam::123456789012:user/alice",
    principal_id="AIDAALICE",
    access_key_id="AKIAALICE",
    root=False,
    policy_epoch=1,
    region="us-east-1",
    audience="runtime",
    token_id="t",
    issued_at=1,
    expires_at=2,
    client=ClientContext("192.0.2.7", "boto3", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "localhost"),
)
