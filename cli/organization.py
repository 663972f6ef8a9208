"""`craton organization`: the tree of units and accounts."""

from typing import Any

import click
from craton.auth.v1 import organization_service_pb2 as pb
from craton.auth.v1.organization_service_pb2_grpc import OrganizationServiceStub
from rich.text import Text
from rich.tree import Tree

from cli.organization_policies import disable, enable, policies
from cli.output import as_dict, console, emit, grpc_errors, json_option
from cli.pages import pages
from cli.session import Session
from deploy.local.stack import Stack

ROOT = "root"
"""Stands for the id of the root, of which there is one."""


@click.group()
def organization() -> None:
    """Arrange accounts in units, and bound what they can do.

    \b
    Example:
      craton organization create-ou Research
    """


organization.add_command(policies)
organization.add_command(enable)
organization.add_command(disable)


def _stub(session: Session) -> OrganizationServiceStub:
    return OrganizationServiceStub(session.channel("auth"))


def _root(session: Session) -> pb.OrganizationRoot:
    answer = session.call(_stub(session).ListRoots, pb.ListRootsRequest(), metadata=session.token("auth"))
    root: pb.OrganizationRoot = answer.roots[0]
    return root


def _place(session: Session, place: str) -> str:
    return _root(session).root_id if place == ROOT else place


@organization.command()
@json_option
@grpc_errors
def tree(as_json: bool) -> None:
    """Show the root, all units, and the accounts in them.

    \b
    Example:
      craton organization tree
    """
    session = Session(Stack.here())
    root = _root(session)
    found = _below(session, {"id": root.root_id, "name": root.name, "type": "ROOT"})
    if as_json:
        emit(found, as_json=True)
    else:
        console.print(_drawn(found))


def _below(session: Session, place: dict[str, Any]) -> dict[str, Any]:
    """Return a place with everything below it; five levels at most, so that this ends."""
    metadata, stub = session.token("auth"), _stub(session)
    units = pages(
        session,
        stub.ListOrganizationalUnitsForParent,
        pb.ListOrganizationalUnitsForParentRequest(parent_id=place["id"]),
        "organizational_units",
        metadata,
    )
    children = [
        _below(session, {"id": each.organizational_unit_id, "name": each.name, "type": "ORGANIZATIONAL_UNIT"})
        for each in units
    ]
    accounts = pages(
        session,
        stub.ListAccountsForParent,
        pb.ListAccountsForParentRequest(parent_id=place["id"]),
        "accounts",
        metadata,
    )
    children += [
        {"id": each.account_id, "name": each.display_name, "type": "ACCOUNT", "children": []}
        for each in accounts
    ]
    return {**place, "children": children}


def _drawn(place: dict[str, Any]) -> Tree:
    # As text, not as markup: names are what somebody typed.
    drawn = Tree(Text(f"{place['name']}  {place['id']}"))
    for child in place["children"]:
        drawn.children.append(_drawn(child))
    return drawn


@organization.command("create-ou")
@click.argument("name")
@click.option("--parent", default=ROOT, show_default=True, help="Id of a unit, or root.")
@json_option
@grpc_errors
def create_ou(name: str, parent: str, as_json: bool) -> None:
    """Create a unit below the root or another unit.

    \b
    Example:
      craton organization create-ou Trainees --parent ou-ab12-abcdefgh
    """
    session = Session(Stack.here())
    request = pb.CreateOrganizationalUnitRequest(parent_id=_place(session, parent), name=name)
    answer = session.call(_stub(session).CreateOrganizationalUnit, request, metadata=session.token("auth"))
    emit(as_dict(answer.organizational_unit), as_json=as_json)


@organization.command("rename-ou")
@click.argument("unit_id")
@click.argument("name")
@json_option
@grpc_errors
def rename_ou(unit_id: str, name: str, as_json: bool) -> None:
    """Give a unit another name.

    \b
    Example:
      craton organization rename-ou ou-ab12-abcdefgh Science
    """
    session = Session(Stack.here())
    request = pb.UpdateOrganizationalUnitRequest(organizational_unit_id=unit_id, name=name)
    answer = session.call(_stub(session).UpdateOrganizationalUnit, request, metadata=session.token("auth"))
    emit(as_dict(answer.organizational_unit), as_json=as_json)


@organization.command("delete-ou")
@click.argument("unit_id")
@json_option
@grpc_errors
def delete_ou(unit_id: str, as_json: bool) -> None:
    """Delete a unit in which nothing is left.

    \b
    Example:
      craton organization delete-ou ou-ab12-abcdefgh
    """
    session = Session(Stack.here())
    request = pb.DeleteOrganizationalUnitRequest(organizational_unit_id=unit_id)
    session.call(_stub(session).DeleteOrganizationalUnit, request, metadata=session.token("auth"))
    emit({"deleted": unit_id}, as_json=as_json)


@organization.command()
@click.argument("account_id")
@click.argument("destination")
@json_option
@grpc_errors
def move(account_id: str, destination: str, as_json: bool) -> None:
    """Move an account to a unit, or to root. The policies there bind it at once.

    \b
    Example:
      craton organization move 210987654321 ou-ab12-abcdefgh
    """
    session = Session(Stack.here())
    metadata, stub = session.token("auth"), _stub(session)
    found = session.call(stub.ListParents, pb.ListParentsRequest(child_id=account_id), metadata=metadata)
    source, target = found.parents[0].id, _place(session, destination)
    request = pb.MoveAccountRequest(
        account_id=account_id, source_parent_id=source, destination_parent_id=target
    )
    session.call(stub.MoveAccount, request, metadata=metadata)
    emit({"moved": account_id, "from": source, "to": target}, as_json=as_json)
