"""`craton policies`: the inline policies of users, and managed ones."""

from typing import TextIO

import click
from craton.auth.v1 import policy_service_pb2 as pb
from craton.auth.v1.policy_service_pb2_grpc import PolicyServiceStub

from cli.check_policy import check
from cli.findings import emit_written
from cli.managed_policies import attach, attached, detach, managed
from cli.output import as_dict, emit, grpc_errors, json_option
from cli.pages import pages
from cli.session import Session
from cli.simulate import simulate
from deploy.local.stack import Stack


@click.group()
def policies() -> None:
    """Manage what users may do: policies in the IAM language.

    \b
    Example:
      craton policies put alice invoke-tiny policy.json
    """


policies.add_command(managed)
policies.add_command(attach)
policies.add_command(detach)
policies.add_command(attached)
policies.add_command(simulate)
policies.add_command(check)


def _stub(session: Session) -> PolicyServiceStub:
    return PolicyServiceStub(session.channel("auth"))


@policies.command()
@click.argument("user_name")
@click.argument("policy_name")
@click.argument("document", type=click.File("r", encoding="utf-8"))
@json_option
@grpc_errors
def put(user_name: str, policy_name: str, document: TextIO, as_json: bool) -> None:
    """Give a user a policy of its own, or replace it; DOCUMENT is a file, or - for standard input.

    \b
    Example:
      echo '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "bedrock:InvokeModel*",
        "Resource": "arn:aws:bedrock:*::foundation-model/craton.*"}]}' | craton policies put alice invoke -
    """
    session = Session(Stack.here())
    request = pb.PutUserPolicyRequest(user_name=user_name, policy_name=policy_name, document=document.read())
    answer = session.call(_stub(session).PutUserPolicy, request, metadata=session.token("auth"))
    emit_written(as_dict(answer.policy), answer.findings, as_json=as_json)


@policies.command()
@click.argument("user_name")
@click.argument("policy_name")
@json_option
@grpc_errors
def get(user_name: str, policy_name: str, as_json: bool) -> None:
    """Show one inline policy.

    \b
    Example:
      craton policies get alice invoke --json
    """
    session = Session(Stack.here())
    request = pb.GetUserPolicyRequest(user_name=user_name, policy_name=policy_name)
    answer = session.call(_stub(session).GetUserPolicy, request, metadata=session.token("auth"))
    emit(as_dict(answer.policy), as_json=as_json)


@policies.command("list")
@click.argument("user_name")
@json_option
@grpc_errors
def list_(user_name: str, as_json: bool) -> None:
    """List the inline policies of a user.

    \b
    Example:
      craton policies list alice
    """
    session = Session(Stack.here())
    request = pb.ListUserPoliciesRequest(user_name=user_name)
    found = pages(session, _stub(session).ListUserPolicies, request, "policies", session.token("auth"))
    emit(
        [as_dict(each) for each in found], as_json=as_json, columns=("policy_name", "update_time", "document")
    )


@policies.command()
@click.argument("user_name")
@click.argument("policy_name")
@json_option
@grpc_errors
def delete(user_name: str, policy_name: str, as_json: bool) -> None:
    """Delete an inline policy.

    \b
    Example:
      craton policies delete alice invoke
    """
    session = Session(Stack.here())
    request = pb.DeleteUserPolicyRequest(user_name=user_name, policy_name=policy_name)
    session.call(_stub(session).DeleteUserPolicy, request, metadata=session.token("auth"))
    emit({"deleted": policy_name}, as_json=as_json)
