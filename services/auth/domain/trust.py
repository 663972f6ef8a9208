"""Whom a trust policy lets in, of those who ask for a role."""

from dataclasses import replace

from services.chassis.named_principals import session_of
from services.chassis.policy.model import Policy
from services.chassis.policy.principals import Name, NameKind
from services.chassis.principal import PrincipalClaims


def as_asked(policy: Policy, asking: PrincipalClaims | None) -> Policy:
    """Return a trust policy that is kept by ids so that a session is named in it by its own ARN.

    `asking` is whoever asks for the role, None for who can be no session. All other sessions get a name that
    nobody has, so that a role of an old name is not taken for the old role.
    """
    statements = []
    for statement in policy.statements:
        principals = statement.principals
        if principals is not None:
            names = tuple(_as_asked(name, asking) for name in principals.names)
            principals = replace(principals, names=names)
        statements.append(replace(statement, principals=principals))
    return replace(policy, statements=tuple(statements))


def _as_asked(name: Name, asking: PrincipalClaims | None) -> Name:
    session = session_of(name.value) if name.kind is NameKind.AWS else None
    if session is None:
        return name
    principal_id = f"{session.role_name}:{session.session_name}"
    if asking is not None and asking.role_arn and asking.principal_id == principal_id:
        return Name(NameKind.AWS, asking.arn)
    return Name(NameKind.AWS, principal_id)
