"""The names under which policies know the services of an installation.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services
"""

from collections.abc import Mapping

SERVICE_PRINCIPALS: Mapping[str, str] = {
    "audit": "cloudtrail.amazonaws.com",
    "kms": "kms.amazonaws.com",
    "runtime": "bedrock.amazonaws.com",
    "training": "bedrock.amazonaws.com",
}
"""By the service's name in its certificate. Who is not here acts for no principal and is passed no role."""


def passed_on(via: tuple[str, ...], service: str) -> tuple[str, ...]:
    """Return through which services a request has come once `service` has passed it on.

    Raises KeyError for a service without a name in policies. What two services of one name do among
    themselves is not seen from outside: the name stands once.
    """
    name = SERVICE_PRINCIPALS[service]
    return via if via[-1:] == (name,) else (*via, name)
