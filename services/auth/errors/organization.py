"""The refusals of the organization, in the words of AWS's exceptions.

AWS: https://docs.aws.amazon.com/organizations/latest/APIReference/API_Operations.html
"""

from services.auth.errors import conflict, exists, not_found
from services.chassis.errors import DomainError


def parent_not_found(parent_id: str) -> DomainError:
    """No root or unit has this id (ParentNotFoundException)."""
    return not_found("We can't find a root or OU with the ParentId that you specified.", parent_id)


def root_not_found(root_id: str) -> DomainError:
    """The organization's root has another id (RootNotFoundException)."""
    return not_found("We can't find a root with the RootId that you specified.", root_id)


def unit_not_found(unit_id: str) -> DomainError:
    """No unit has this id (OrganizationalUnitNotFoundException)."""
    return not_found("We can't find an OU with the OrganizationalUnitId that you specified.", unit_id)


def child_not_found(child_id: str) -> DomainError:
    """No unit or account has this id (ChildNotFoundException)."""
    return not_found("We can't find an OU or account with the ChildId that you specified.", child_id)


def target_not_found(target_id: str) -> DomainError:
    """No root, unit or account has this id (TargetNotFoundException)."""
    return not_found("We can't find a root, OU, or account with the TargetId that you specified.", target_id)


def source_not_found(parent_id: str) -> DomainError:
    """The account does not stand there (SourceParentNotFoundException)."""
    return not_found("The account is not in the root or OU with the SourceParentId.", parent_id)


def destination_not_found(parent_id: str) -> DomainError:
    """No such place (DestinationParentNotFoundException)."""
    return not_found("We can't find the destination root or OU with the DestinationParentId.", parent_id)


def control_policy_not_found(policy_id: str) -> DomainError:
    """No policy has this id (PolicyNotFoundException)."""
    return not_found("We can't find a policy with the PolicyId that you specified.", policy_id)


def unit_exists(name: str) -> DomainError:
    """A sibling has this name (DuplicateOrganizationalUnitException)."""
    return exists("An OU with the same name already exists.", name)


def control_policy_exists(name: str) -> DomainError:
    """A policy of the type has this name (DuplicatePolicyException)."""
    return exists("A policy with the same name already exists.", name)


def already_there(account_id: str) -> DomainError:
    """The account stands at its destination (DuplicateAccountException)."""
    return exists("That account is already present in the specified destination.", account_id)


def unit_not_empty() -> DomainError:
    """Accounts or units stand in it (OrganizationalUnitNotEmptyException)."""
    return conflict("The specified OU is not empty. Move all accounts to another root or OU first.")


def too_deep(limit: int) -> DomainError:
    """Units cannot be nested further (OU_DEPTH_LIMIT_EXCEEDED)."""
    return conflict(f"OUs can be nested at most {limit} levels deep.")


def policy_in_use() -> DomainError:
    """The policy is attached somewhere (PolicyInUseException)."""
    return conflict("The policy is attached to one or more entities. Detach it from all of them first.")


def already_attached() -> DomainError:
    """The target has the policy (DuplicatePolicyAttachmentException)."""
    return conflict("The selected policy is already attached to the specified target.")


def not_attached() -> DomainError:
    """The target does not have the policy (PolicyNotAttachedException)."""
    return conflict("The specified policy isn't attached to the specified target.")


def last_policy() -> DomainError:
    """The target would be left without one (MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED)."""
    return conflict(
        "A root, OU or account has at least one service control policy: attach another one first."
    )


def cannot_be_detached() -> DomainError:
    """RCPFullAWSAccess stays where it is (PolicyChangesNotAllowed)."""
    return conflict("RCPFullAWSAccess is attached to every root, OU and account and can't be detached.")


def aws_managed() -> DomainError:
    """AWS's own policies do not change (PolicyChangesNotAllowed)."""
    return conflict("You can't change or delete an AWS managed policy.")


def type_not_enabled(policy_type: str) -> DomainError:
    """Policies of the type have no effect (PolicyTypeNotEnabledException)."""
    return conflict(f"The policy type {policy_type} isn't enabled for the root.")


def type_already_enabled(policy_type: str) -> DomainError:
    """The type is enabled (PolicyTypeAlreadyEnabledException)."""
    return conflict(f"The policy type {policy_type} is already enabled for the root.")
