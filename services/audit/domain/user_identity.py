"""CloudTrail's userIdentity: who called, and by which credentials.

AWS: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from craton.audit.v1 import resources_pb2 as pb
from craton.common.v1.principal_pb2 import Principal

_TIME = "%Y-%m-%dT%H:%M:%SZ"


def user_identity(event: pb.Event) -> dict[str, Any]:
    """Return who an event says has called."""
    if not event.HasField("principal"):
        # A service on its own behalf, or for a role that was passed to it.
        return {"type": "AWSService", "invokedBy": event.invoked_by or event.caller}
    principal = event.principal
    kind = _kind(principal)
    found: dict[str, Any] = {
        "type": kind,
        "principalId": principal.principal_id,
        "arn": principal.arn,
        "accountId": principal.account_id,
        "accessKeyId": principal.access_key_id,
        "credentialId": principal.credential_id,
        "userName": principal.user_name or _user_name(kind, principal.arn),
        "identityProvider": principal.identity_provider,
        "accountIncarnation": principal.account_incarnation,
        "invokedBy": event.invoked_by,
    }
    found = {name: value for name, value in found.items() if value}
    if event.HasField("session_context"):
        found["sessionContext"] = _session(event, kind)
    return found


def user_name(event: pb.Event) -> str:
    """Return the name under which CloudTrail finds events: of a user, of a role's session, of a service."""
    principal = event.principal
    if principal.user_name:
        return principal.user_name
    if not event.HasField("principal") or not principal.arn:
        return event.invoked_by
    return "root" if _kind(principal) == "Root" else principal.arn.rpartition("/")[2]


def read_identity(identity: Mapping[str, Any], event: pb.Event) -> None:
    """Write into an event what `user_identity` said of it."""
    if identity["type"] == "AWSService":
        if identity["invokedBy"] != event.caller:
            event.invoked_by = identity["invokedBy"]
        return
    principal = event.principal
    principal.SetInParent()
    for name, field in (
        ("principalId", "principal_id"),
        ("arn", "arn"),
        ("accountId", "account_id"),
        ("accessKeyId", "access_key_id"),
        ("credentialId", "credential_id"),
        ("identityProvider", "identity_provider"),
        ("accountIncarnation", "account_incarnation"),
    ):
        setattr(principal, field, identity.get(name, ""))
    if identity["type"] == "WebIdentityUser":
        principal.type, principal.user_name = "WebIdentityUser", identity.get("userName", "")
    event.invoked_by = identity.get("invokedBy", "")
    session = identity.get("sessionContext")
    if session is not None:
        event.session_context.source_identity = session.get("sourceIdentity", "")
        created = datetime.strptime(session["attributes"]["creationDate"], _TIME).replace(tzinfo=UTC)
        event.session_context.create_time.seconds = int(created.timestamp())


def _kind(principal: Principal) -> str:
    if principal.type:
        return principal.type
    _, _, resource = principal.arn.rpartition(":")
    prefix = resource.partition("/")[0]
    kinds = {"root": "Root", "user": "IAMUser", "assumed-role": "AssumedRole", "": "AWSAccount"}
    return kinds.get(prefix, "Unknown")


def _user_name(kind: str, arn: str) -> str:
    return arn.rpartition("/")[2] if kind == "IAMUser" else ""


def _session(event: pb.Event, kind: str) -> dict[str, Any]:
    principal, context = event.principal, event.session_context
    seconds = min(max(context.create_time.seconds, 0), 253_402_300_799)
    created = datetime.fromtimestamp(seconds, UTC).strftime(_TIME)
    session: dict[str, Any] = {"attributes": {"creationDate": created, "mfaAuthenticated": "false"}}
    if kind == "AssumedRole":
        role = principal.arn.rpartition(":")[2].split("/")[1:-1]
        session["sessionIssuer"] = {
            "type": "Role",
            "principalId": principal.principal_id.partition(":")[0],
            "arn": principal.arn.replace(":sts:", ":iam:", 1).partition(":assumed-role/")[0]
            + ":role/"
            + "/".join(role),
            "accountId": principal.account_id,
            "userName": role[-1] if role else "",
        }
    if context.source_identity:
        session["sourceIdentity"] = context.source_identity
    return session
