"""The condition keys of what a service does in its own name for a resource of a customer.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from datetime import datetime

from services.chassis.policy.keys import time_keys


def service_context(
    service: str, source_arn: str, now: datetime, organization_id: str = ""
) -> dict[str, str | tuple[str, ...]]:
    """Return the keys, in lower case, of a request of `service`, for example "bedrock.amazonaws.com".

    `source_arn` is the resource that the service works for: its account is the source's and, of what is
    asked for, the owner. Services come over mutual TLS, and from no address that a customer could know.
    """
    _, _, _, region, account_id, _ = source_arn.split(":", 5)
    context: dict[str, str | tuple[str, ...]] = {
        **time_keys(now),
        "aws:principalisawsservice": "true",
        "aws:principalservicename": service,
        "aws:requestedregion": region,
        "aws:resourceaccount": account_id,
        "aws:securetransport": "true",
        "aws:sourceaccount": account_id,
        "aws:sourcearn": source_arn,
        "aws:viaawsservice": "false",
    }
    if organization_id:
        context["aws:resourceorgid"] = context["aws:sourceorgid"] = organization_id
    return context
