"""The sample at the end of `craton up`: a streamed answer, then the audit record of that very call."""

import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from craton.audit.v1 import lookup_service_pb2 as pb

from cli.audit import find_events
from cli.bedrock import Prompt, client, request_body, stream_text
from cli.invoke import aws_error
from cli.output import CommandError, console
from cli.session import Session
from deploy.local.stack import Stack

_MODEL = "craton.tiny-chat-v1"
_PROMPT = "Tell me a short story about a robot."
_RECORD_LIMIT_S = 15.0
_RECORDERS = {"edge", "runtime"}
"""Who records an invocation, each in a spool of its own."""
_POLL_S = 0.1


def run_sample(stack: Stack, session: Session) -> None:
    """Invoke a model through the whole stack and show the record. Raises CommandError."""
    console.print(f"[bold]boto3> invoke_model_with_response_stream(modelId={_MODEL!r}, …)[/bold]")
    console.print(f"prompt: {_PROMPT}", markup=False)
    started = time.monotonic()
    count = 0
    try:
        runtime = client(stack, "bedrock-runtime")
        body = request_body("anthropic-messages", Prompt(_PROMPT, max_tokens=120, temperature=0.0))
        pieces, request_id = stream_text(runtime, _MODEL, body)
        for piece in pieces:
            count += bool(piece)
            console.print(piece, end="", markup=False)
    except ClientError as error:
        raise aws_error(error) from error
    except BotoCoreError as error:
        raise CommandError(str(error)) from error
    console.print(f"\n({count} pieces in {time.monotonic() - started:.1f} s, request id {request_id})\n")
    console.print(f"[bold]craton> audit lookup --request-id {request_id}[/bold]")
    events = _records(session, request_id)
    for event in reversed(events):
        console.print(
            f"  {event['event_time']}  {event['recorder']:<8}"
            f"{event['phase'].removeprefix('EVENT_PHASE_').lower():<8}"
            f"{event['event_name']}  {event['status_code']}",
            markup=False,
        )
    event = next(each for each in events if _is_outcome(each, "runtime"))
    principal, client_seen = event.get("principal", {}), event.get("audit_context", {})
    console.print(f"  principal  {principal.get('arn')}", markup=False)
    console.print(f"  resources  {', '.join(event['resources'])}", markup=False)
    console.print(
        f"  client     {client_seen.get('source_ip')}, {client_seen.get('tls_version')}", markup=False
    )
    usage = event.get("usage", {})
    console.print(
        f"  usage      {usage.get('input_tokens', 0)} tokens read, {usage.get('output_tokens', 0)} generated",
        markup=False,
    )


def _records(session: Session, request_id: str) -> list[dict[str, Any]]:
    """Return the events of a request, newest first, once every recorder's outcome was shipped."""
    deadline = time.monotonic() + _RECORD_LIMIT_S
    while True:
        events = find_events(session, pb.LookupEventsRequest(request_id=request_id))
        recorders = _RECORDERS | {str(each["recorder"]) for each in events}
        missing = sorted(name for name in recorders if not any(_is_outcome(each, name) for each in events))
        if not missing:
            return events
        if time.monotonic() > deadline:
            raise CommandError(
                f"no outcome of request {request_id} from {', '.join(missing)} within {_RECORD_LIMIT_S:.0f} s"
            )
        time.sleep(_POLL_S)


def _is_outcome(event: dict[str, Any], recorder: str) -> bool:
    return (event["recorder"], event["phase"]) == (recorder, "EVENT_PHASE_OUTCOME")
