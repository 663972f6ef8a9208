"""`craton endpoints`: private ways in."""

import uuid
from typing import TextIO

import click
from craton.auth.v1 import endpoint_service_pb2 as pb
from craton.auth.v1 import private_listener_service_pb2 as listener_pb
from craton.auth.v1.endpoint_service_pb2_grpc import EndpointServiceStub
from craton.auth.v1.private_listener_service_pb2_grpc import PrivateListenerServiceStub

from cli.findings import emit_written
from cli.output import as_dict, emit, grpc_errors, json_option
from cli.pages import pages
from cli.parameters import ACCOUNT_ID
from cli.session import Session
from deploy.local.stack import Stack

_COLUMNS = ("vpc_endpoint_id", "private_listener", "vpc_id", "services", "allowed_accounts")
_LISTENER_COLUMNS = ("private_listener", "vpc_id", "account_id", "vpc_endpoint_id")


@click.group()
def endpoints() -> None:
    """Manage private ways in: VPC endpoints on listeners of edge with an address of their own.

    The operator assigns a listener to an account; the account registers an endpoint on it. Requests that come
    in by it carry its id as aws:SourceVpce, and its policy binds whoever makes them.

    \b
    Example:
      craton endpoints assign private --account 123456789012
      craton endpoints create private --service bedrock-runtime
    """


def _stub(session: Session) -> EndpointServiceStub:
    return EndpointServiceStub(session.channel("auth"))


def _listeners(session: Session) -> PrivateListenerServiceStub:
    return PrivateListenerServiceStub(session.channel("auth"))


@endpoints.command()
@click.argument("listener")
@click.option(
    "--service", "services", multiple=True, help="Service that answers on it; all when none is named."
)
@click.option(
    "--allow-account",
    "accounts",
    multiple=True,
    help="Another account whose principals may come in by it; '*' for all.",
)
@click.option(
    "--policy", type=click.File("r", encoding="utf-8"), help="Endpoint policy, - for standard input."
)
@json_option
@grpc_errors
def create(
    listener: str, services: tuple[str, ...], accounts: tuple[str, ...], policy: TextIO | None, as_json: bool
) -> None:
    """Register an endpoint on a private listener of your account.

    Services are bedrock, bedrock-runtime, cloudtrail, iam, kms and sts. Without a policy all is allowed to
    principals of your own account.

    \b
    Example:
      craton endpoints create private --service bedrock-runtime --service sts --policy endpoint.json
    """
    session = Session(Stack.here())
    request = pb.CreateVpcEndpointRequest(
        private_listener=listener,
        services=services,
        allowed_accounts=accounts,
        policy_document="" if policy is None else policy.read(),
        request_id=str(uuid.uuid4()),
    )
    answer = session.call(_stub(session).CreateVpcEndpoint, request, metadata=session.token("auth"))
    emit_written(as_dict(answer.vpc_endpoint), answer.findings, as_json=as_json)


@endpoints.command("list")
@json_option
@grpc_errors
def list_(as_json: bool) -> None:
    """List the endpoints of your account.

    \b
    Example:
      craton endpoints list
    """
    session = Session(Stack.here())
    request = pb.DescribeVpcEndpointsRequest()
    found = pages(
        session, _stub(session).DescribeVpcEndpoints, request, "vpc_endpoints", session.token("auth")
    )
    emit([as_dict(each) for each in found], as_json=as_json, columns=_COLUMNS)


@endpoints.command()
@click.argument("endpoint_id")
@json_option
@grpc_errors
def show(endpoint_id: str, as_json: bool) -> None:
    """Show one endpoint with its policy.

    \b
    Example:
      craton endpoints show vpce-0a1b2c3d4e5f60718 --json
    """
    session = Session(Stack.here())
    request = pb.DescribeVpcEndpointsRequest(vpc_endpoint_ids=[endpoint_id])
    answer = session.call(_stub(session).DescribeVpcEndpoints, request, metadata=session.token("auth"))
    emit(as_dict(answer.vpc_endpoints[0]), as_json=as_json)


@endpoints.command()
@click.argument("endpoint_id")
@click.argument("document", type=click.File("r", encoding="utf-8"), required=False)
@click.option("--reset", is_flag=True, help="Back to the policy that allows everything.")
@json_option
@grpc_errors
def policy(endpoint_id: str, document: TextIO | None, reset: bool, as_json: bool) -> None:
    """Replace the policy of an endpoint; DOCUMENT is a file, or - for standard input.

    It is in force everywhere when the command ends, also for streams that are running.

    \b
    Example:
      craton endpoints policy vpce-0a1b2c3d4e5f60718 endpoint.json
      craton endpoints policy vpce-0a1b2c3d4e5f60718 --reset
    """
    if reset == (document is not None):
        raise click.UsageError("give either a DOCUMENT or --reset")
    text = "" if document is None else document.read()
    if not reset and not text.strip():
        raise click.UsageError("DOCUMENT is empty; --reset allows everything")
    _modify(
        pb.ModifyVpcEndpointRequest(vpc_endpoint_id=endpoint_id, policy_document=text, reset_policy=reset),
        as_json,
    )


@endpoints.command()
@click.argument("endpoint_id")
@click.option("--add-service", "add_services", multiple=True, help="Service that answers from now on.")
@click.option("--remove-service", "remove_services", multiple=True, help="Service that does so no longer.")
@click.option("--allow-account", "add_accounts", multiple=True, help="Account, or '*', that may come in.")
@click.option(
    "--refuse-account", "remove_accounts", multiple=True, help="Account, or '*', that may no longer."
)
@json_option
@grpc_errors
def modify(
    endpoint_id: str,
    add_services: tuple[str, ...],
    remove_services: tuple[str, ...],
    add_accounts: tuple[str, ...],
    remove_accounts: tuple[str, ...],
    as_json: bool,
) -> None:
    """Change which services answer on an endpoint, and who may come in by it.

    \b
    Example:
      craton endpoints modify vpce-0a1b2c3d4e5f60718 --allow-account 210987654321 --remove-service iam
    """
    _modify(
        pb.ModifyVpcEndpointRequest(
            vpc_endpoint_id=endpoint_id,
            add_services=add_services,
            remove_services=remove_services,
            add_allowed_accounts=add_accounts,
            remove_allowed_accounts=remove_accounts,
        ),
        as_json,
    )


def _modify(request: pb.ModifyVpcEndpointRequest, as_json: bool) -> None:
    session = Session(Stack.here())
    answer = session.call(_stub(session).ModifyVpcEndpoint, request, metadata=session.token("auth"))
    emit_written(as_dict(answer.vpc_endpoint), answer.findings, as_json=as_json)


@endpoints.command()
@click.argument("endpoint_id")
@json_option
@grpc_errors
def delete(endpoint_id: str, as_json: bool) -> None:
    """Delete an endpoint. When the command ends, nothing is permitted through it any more.

    \b
    Example:
      craton endpoints delete vpce-0a1b2c3d4e5f60718
    """
    session = Session(Stack.here())
    request = pb.DeleteVpcEndpointRequest(vpc_endpoint_id=endpoint_id)
    session.call(_stub(session).DeleteVpcEndpoint, request, metadata=session.token("auth"))
    emit({"deleted": endpoint_id}, as_json=as_json)


@endpoints.command()
@json_option
@grpc_errors
def listeners(as_json: bool) -> None:
    """List the private listeners: all of them for the management account, your own for others.

    \b
    Example:
      craton endpoints listeners
    """
    session = Session(Stack.here())
    answer = session.call(
        _listeners(session).ListPrivateListeners,
        listener_pb.ListPrivateListenersRequest(),
        metadata=session.token("auth"),
    )
    emit([as_dict(each) for each in answer.listeners], as_json=as_json, columns=_LISTENER_COLUMNS)


@endpoints.command()
@click.argument("listener")
@click.option("--account", "account_id", type=ACCOUNT_ID, required=True, help="Twelve digits.")
@json_option
@grpc_errors
def assign(listener: str, account_id: str, as_json: bool) -> None:
    """Assign a private listener to an account, which can then register an endpoint on it.

    \b
    Example:
      craton endpoints assign private --account 210987654321
    """
    session = Session(Stack.here())
    request = listener_pb.AssignPrivateListenerRequest(private_listener=listener, account_id=account_id)
    answer = session.call(_listeners(session).AssignPrivateListener, request, metadata=session.token("auth"))
    emit(as_dict(answer.listener), as_json=as_json)


@endpoints.command()
@click.argument("listener")
@json_option
@grpc_errors
def release(listener: str, as_json: bool) -> None:
    """Take a private listener away from its account, and delete the endpoint that is registered on it.

    \b
    Example:
      craton endpoints release private
    """
    session = Session(Stack.here())
    request = listener_pb.ReleasePrivateListenerRequest(private_listener=listener)
    session.call(_listeners(session).ReleasePrivateListener, request, metadata=session.token("auth"))
    emit({"released": listener}, as_json=as_json)
