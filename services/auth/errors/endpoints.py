"""The refusals about private listeners and VPC endpoints, in AWS's words where AWS has some.

AWS: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

from services.auth.errors import access_denied, not_found
from services.chassis.errors import DomainError


def endpoint_not_found(endpoint_id: str) -> DomainError:
    """No such endpoint of the account in this region."""
    return not_found(f"The Vpc Endpoint Id '{endpoint_id}' does not exist", endpoint_id)


def listener_not_found(listener: str) -> DomainError:
    """The installation has no private listener of this name."""
    return not_found(f"There is no private listener {listener} in the configuration.", listener)


def listener_not_assigned(listener: str) -> DomainError:
    """The listener is nobody's or another account's: which of them is not told."""
    return access_denied(f"The private listener {listener} is not assigned to your account.")


def no_endpoint() -> DomainError:
    """Nothing is registered on the listener, or no longer what the token names."""
    return access_denied("No VPC endpoint is registered at the address that the request came in by.")


def not_through(endpoint_id: str) -> DomainError:
    """The endpoint is not open to the principal's account."""
    return access_denied(f"The VPC endpoint {endpoint_id} is not open to principals of your account.")


def not_served(endpoint_id: str, service: str) -> DomainError:
    """The endpoint serves other services."""
    return access_denied(f"The VPC endpoint {endpoint_id} does not serve {service}.")
