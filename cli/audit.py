"""`craton audit`."""

from datetime import UTC, datetime

import click
from craton.audit.v1 import lookup_service_pb2 as pb
from craton.audit.v1.lookup_service_pb2_grpc import LookupServiceStub
from google.protobuf.message import Message

from cli import audit_log
from cli.output import as_dict, emit, grpc_errors, json_option
from cli.pages import pages
from cli.parameters import ACCOUNT_ID
from cli.session import Session
from deploy.local.stack import Stack
from services.audit.domain import cloudtrail

_COLUMNS = (
    "time",
    "event",
    "phase",
    "status",
    "principal",
    "resources",
    "recorder",
    "request_id",
    "event_id",
)


@click.group()
def audit() -> None:
    """Ask the audit log, and check it.

    \b
    Example:
      craton audit lookup --event-name InvokeModel --max 5
    """


for _command in (audit_log.key, audit_log.checkpoint, audit_log.prove, audit_log.verify, audit_log.fsck):
    audit.add_command(_command)


@audit.command()
@click.option("--event-name", default="", help="For example InvokeModel.")
@click.option("--principal", default="", help="ARN of the principal.")
@click.option("--resource", default="", help="Resource exactly as recorded, for example a model's ARN.")
@click.option("--request-id", default="", help="The request id that the client got.")
@click.option("--event-id", default="", help="Id of one event.")
@click.option("--event-source", default="", help="For example kms.amazonaws.com.")
@click.option("--user", default="", help="Name of a user or of a role's session; root for a root user.")
@click.option("--access-key", default="", help="Id of the access key that the client showed.")
@click.option("--resource-type", default="", help="For example AWS::KMS::Key; of records alone.")
@click.option("--read-only/--read-write", default=None, help="Calls that change nothing, or others.")
@click.option("--account-id", type=ACCOUNT_ID, help="Events of one account.")
@click.option("--since", type=click.DateTime(), help="Events at or after this time, UTC.")
@click.option("--until", type=click.DateTime(), help="Events before this time, UTC.")
@click.option(
    "--max",
    "limit",
    type=click.IntRange(1, 100_000),
    default=50,
    show_default=True,
    help="Most events to print, the newest first.",
)
@click.option("--records", is_flag=True, help="Print CloudTrail's records, one a call, as in its log files.")
@json_option
@grpc_errors
def lookup(
    event_name: str,
    principal: str,
    resource: str,
    request_id: str,
    event_id: str,
    event_source: str,
    user: str,
    access_key: str,
    resource_type: str,
    read_only: bool | None,
    account_id: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    records: bool,
    as_json: bool,
) -> None:
    """Find events, newest first, as the operator: in every account.

    \b
    Example:
      craton audit lookup --principal arn:aws:iam::123456789012:user/alice --since 2026-01-01
    """
    request = pb.LookupEventsRequest(
        event_name=event_name,
        principal_arn=principal,
        resource=resource,
        request_id=request_id,
        event_id=event_id,
        event_source=event_source,
        user_name=user,
        access_key_id=access_key,
        resource_type=resource_type,
        read_only=read_only,
        account_id=account_id or "",
        records_only=records or bool(resource_type),
    )
    if since:
        request.start_time.FromDatetime(since.replace(tzinfo=UTC))
    if until:
        request.end_time.FromDatetime(until.replace(tzinfo=UTC))
    session = Session(Stack.here())
    method = LookupServiceStub(session.channel("audit")).LookupEvents
    events = pages(session, method, request, "events", limit=limit)
    if records:
        emit({"Records": [cloudtrail.emit(event) for event in events]}, as_json=True)
        return
    found = [as_dict(event) for event in events]
    emit(found if as_json else [_row(event) for event in found], as_json=as_json, columns=_COLUMNS)


def find_events(session: Session, request: Message) -> list[dict[str, object]]:
    """Return the events that match, for other commands."""
    method = LookupServiceStub(session.channel("audit")).LookupEvents
    return [as_dict(event) for event in pages(session, method, request, "events", limit=50)]


def _row(event: dict[str, object]) -> dict[str, object]:
    principal = event.get("principal") or {}
    resources = event.get("resources") or []
    assert isinstance(principal, dict)  # noqa: S101 (the shape of the message)
    assert isinstance(resources, list)  # noqa: S101
    return {
        "time": str(event["event_time"])[:23],
        "event": event["event_name"],
        "phase": str(event["phase"]).removeprefix("EVENT_PHASE_").lower(),
        "status": event["error_code"] or event["error_reason"] or event["status_code"],
        "principal": principal.get("arn") or event["caller"],
        "resources": " ".join(resources),
        "recorder": event["recorder"],
        "request_id": event["request_id"],
        "event_id": event["event_id"],
    }
