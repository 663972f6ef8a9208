"""Commands that several kinds of IAM's entities have: boundaries, tags and inline policies."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TextIO

import click
from craton.auth.v1 import resources_pb2

from cli.findings import emit_written
from cli.output import as_dict, emit, grpc_errors, json_option
from cli.pages import pages
from cli.session import Session
from deploy.local.stack import Stack


@dataclass(frozen=True, slots=True)
class EntityKind:
    """A kind of entity, and the service that manages it."""

    name: str
    """For example "user": messages have a field user_name."""
    example: str
    """What one is called in examples."""
    stub: Callable[[Session], Any]
    messages: ModuleType

    @property
    def title(self) -> str:
        """As the names of methods have it."""
        return self.name.capitalize()

    @property
    def argument(self) -> str:
        """As help texts have it."""
        return f"{self.name.upper()}_NAME"

    def named(self, name: str) -> dict[str, str]:
        """Return the field that names an entity."""
        return {f"{self.name}_name": name}

    def request(self, method: str, name: str, **fields: Any) -> Any:
        """Build the request of a method about an entity."""
        return getattr(self.messages, f"{method}Request")(**self.named(name), **fields)

    def call(self, method: str, name: str, **fields: Any) -> Any:
        """Call a method about an entity."""
        session = Session(Stack.here())
        request = self.request(method, name, **fields)
        return session.call(getattr(self.stub(session), method), request, metadata=session.token("auth"))


path_option = click.option(
    "--path", default="", help="Stands before the name in its ARN; begins and ends with /, without * and ?."
)
below_option = click.option("--below", default="", metavar="PATH", help="Only those whose path begins so.")


def key_values(entries: Iterable[str], what: str) -> list[tuple[str, str]]:
    """Split each KEY=VALUE. Raises UsageError."""
    found = [each.partition("=") for each in entries]
    if not all(key and equals for key, equals, _ in found):
        raise click.UsageError(f"{what} is KEY=VALUE")
    return [(key, value) for key, _, value in found]


def tag_messages(entries: Iterable[str]) -> list[resources_pb2.Tag]:
    """Read tags, each as KEY=VALUE. Raises UsageError."""
    return [resources_pb2.Tag(key=key, value=value) for key, value in key_values(entries, "a tag")]


def add_bound(group: click.Group, kind: EntityKind) -> None:
    """Add the command `bound`."""

    @group.command(
        help=f"""Make a managed policy the permissions boundary of a {kind.name}; without one, remove the
        boundary.

        \b
        Example:
          craton {kind.name}s bound {kind.example} arn:aws:iam::aws:policy/AmazonBedrockFullAccess
        """
    )
    @click.argument("name", metavar=kind.argument)
    @click.argument("policy_arn", required=False)
    @json_option
    @grpc_errors
    def bound(name: str, policy_arn: str | None, as_json: bool) -> None:
        if policy_arn:
            kind.call(f"Put{kind.title}PermissionsBoundary", name, permissions_boundary=policy_arn)
        else:
            kind.call(f"Delete{kind.title}PermissionsBoundary", name)
        emit({**kind.named(name), "permissions_boundary": policy_arn or ""}, as_json=as_json)


def add_tags(group: click.Group, kind: EntityKind) -> None:
    """Add the commands `tag` and `untag`."""

    @group.command(
        help=f"""Add or replace tags, each as KEY=VALUE; policies compare them as aws:PrincipalTag/KEY.

        \b
        Example:
          craton {kind.name}s tag {kind.example} team=red
        """
    )
    @click.argument("name", metavar=kind.argument)
    @click.argument("tags", nargs=-1, required=True)
    @json_option
    @grpc_errors
    def tag(name: str, tags: tuple[str, ...], as_json: bool) -> None:
        kind.call(f"Tag{kind.title}", name, tags=tag_messages(tags))
        emit({**kind.named(name), "tagged": ", ".join(tags)}, as_json=as_json)

    @group.command(
        help=f"""Remove tags by their keys.

        \b
        Example:
          craton {kind.name}s untag {kind.example} team
        """
    )
    @click.argument("name", metavar=kind.argument)
    @click.argument("keys", nargs=-1, required=True)
    @json_option
    @grpc_errors
    def untag(name: str, keys: tuple[str, ...], as_json: bool) -> None:
        kind.call(f"Untag{kind.title}", name, tag_keys=keys)
        emit({**kind.named(name), "untagged": ", ".join(keys)}, as_json=as_json)


def add_inline_policies(group: click.Group, kind: EntityKind) -> None:
    """Add the group `policies`, of inline policies."""
    command = f"craton {kind.name}s policies"

    @group.group(
        help=f"""Manage the inline policies of a {kind.name}; `craton policies attach` attaches managed ones.

        \b
        Example:
          {command} put {kind.example} read policy.json
        """
    )
    def policies() -> None:
        """Hold the commands."""

    @policies.command(
        help=f"""Give a {kind.name} a policy of its own, or replace it; DOCUMENT is a file, or - for standard
        input.

        \b
        Example:
          {command} put {kind.example} read policy.json
        """
    )
    @click.argument("name", metavar=kind.argument)
    @click.argument("policy_name")
    @click.argument("document", type=click.File("r", encoding="utf-8"))
    @json_option
    @grpc_errors
    def put(name: str, policy_name: str, document: TextIO, as_json: bool) -> None:
        answer = kind.call(f"Put{kind.title}Policy", name, policy_name=policy_name, document=document.read())
        emit_written(as_dict(answer.policy), answer.findings, as_json=as_json)

    @policies.command(
        help=f"""Show one inline policy.

        \b
        Example:
          {command} get {kind.example} read --json
        """
    )
    @click.argument("name", metavar=kind.argument)
    @click.argument("policy_name")
    @json_option
    @grpc_errors
    def get(name: str, policy_name: str, as_json: bool) -> None:
        answer = kind.call(f"Get{kind.title}Policy", name, policy_name=policy_name)
        emit(as_dict(answer.policy), as_json=as_json)

    @policies.command(
        "list",
        help=f"""List the inline policies of a {kind.name}.

        \b
        Example:
          {command} list {kind.example}
        """,
    )
    @click.argument("name", metavar=kind.argument)
    @json_option
    @grpc_errors
    def list_(name: str, as_json: bool) -> None:
        session, method = Session(Stack.here()), f"List{kind.title}Policies"
        listing = getattr(kind.stub(session), method)
        found = pages(session, listing, kind.request(method, name), "policies", session.token("auth"))
        columns = ("policy_name", "update_time", "document")
        emit([as_dict(each) for each in found], as_json=as_json, columns=columns)

    @policies.command(
        help=f"""Delete an inline policy of a {kind.name}.

        \b
        Example:
          {command} delete {kind.example} read
        """
    )
    @click.argument("name", metavar=kind.argument)
    @click.argument("policy_name")
    @json_option
    @grpc_errors
    def delete(name: str, policy_name: str, as_json: bool) -> None:
        kind.call(f"Delete{kind.title}Policy", name, policy_name=policy_name)
        emit({"deleted": policy_name}, as_json=as_json)


def add_move(group: click.Group, kind: EntityKind) -> None:
    """Add `move`, which changes the name and the path of what has an ARN."""

    @group.command(
        help=f"""Rename a {kind.name}, or move it below another path: its ARN changes, its id and all that
    is about the id stay. When this returns, no service knows it by its old ARN.

    \b
    Example:
      craton {kind.name}s move {kind.example} --name {kind.example}-2 --path /team/red/"""
    )
    @click.argument("entity_name", metavar=kind.argument)
    @click.option("--name", "new_name", default="", help="Its new name; it stays without one.")
    @click.option("--path", "new_path", default="", help="Its new path; it stays without one.")
    @json_option
    @grpc_errors
    def move(entity_name: str, new_name: str, new_path: str, as_json: bool) -> None:
        if not (new_name or new_path):
            raise click.UsageError("say --name, --path or both")
        fields = {f"new_{kind.name}_name": new_name, "new_path": new_path}
        answer = kind.call(f"Update{kind.title}", entity_name, **fields)
        emit(as_dict(getattr(answer, kind.name)), as_json=as_json)
