"""What commands print: tables for people, JSON for programs, errors with meaningful exit codes."""

import enum
import functools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

import click
import grpc
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from rich.console import Console
from rich.table import Table
from rich.text import Text

_UNBOUNDED = 100_000
"""Columns of a pipe: a row is one line, so that grep and cut work."""
_LONG = (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

F = TypeVar("F", bound=Callable[..., Any])

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


class Exit(enum.IntEnum):
    """Exit codes, so that scripts need not read messages. 2 is a usage error, from click."""

    FAILED = 1
    REFUSED = 3
    NOT_FOUND = 4
    UNAVAILABLE = 5


_EXIT_OF_STATUS = {
    grpc.StatusCode.PERMISSION_DENIED: Exit.REFUSED,
    grpc.StatusCode.UNAUTHENTICATED: Exit.REFUSED,
    grpc.StatusCode.NOT_FOUND: Exit.NOT_FOUND,
    grpc.StatusCode.UNAVAILABLE: Exit.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: Exit.UNAVAILABLE,
}


class CommandError(click.ClickException):
    """A failure with an exit code; its message is for people."""

    def __init__(self, message: str, code: Exit = Exit.FAILED) -> None:
        """Build an error that ends the command with `code`."""
        super().__init__(message)
        vars(self)["exit_code"] = int(code)


def json_option(function: F) -> F:
    """Add --json to a command."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def as_dict(message: Message) -> dict[str, Any]:
    """Return a protobuf message as JSON would show it, with its own field names, and numbers as numbers."""
    shown = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return _with_numbers(message.DESCRIPTOR, shown)


def _with_numbers(descriptor: Any, shown: dict[str, Any]) -> dict[str, Any]:
    """Make 64-bit integers numbers: protobuf's JSON has them as text, for JavaScript's sake."""
    fields = descriptor.fields_by_name
    return {name: _with_number(fields[name], value) for name, value in shown.items()}


def _with_number(field: Any, value: Any) -> Any:
    inner = field.message_type
    if inner is not None and inner.GetOptions().map_entry:
        return {key: _with_number(inner.fields_by_name["value"], each) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_number(field, each) for each in value]
    if field.cpp_type in _LONG:
        return int(value)
    # Times and their like have forms of their own in JSON.
    if inner is None or inner.file.package == "google.protobuf":
        return value
    return _with_numbers(inner, value)


def emit(data: Any, *, as_json: bool, columns: Sequence[str] = ()) -> None:
    """Print rows (a list of mappings) or one mapping: JSON, or a table of `columns`."""
    if as_json:
        print(json.dumps(data, indent=2, default=str))
    elif isinstance(data, list):
        _print_table(data, columns)
    else:
        width = max((len(key) for key in data), default=0)
        for key, value in data.items():
            console.print(f"{key:<{width}}  {_shown(value)}", markup=False)


def _print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    if not rows:
        console.print("nothing found")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Text(_shown(row.get(column, ""))) for column in columns))
    wide = Console(highlight=False, soft_wrap=True, width=_UNBOUNDED)
    (console if console.is_terminal else wide).print(table)


def _shown(value: Any) -> str:
    """Return a value as text that no terminal obeys: others have chosen much of what is printed."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", str(value))


def grpc_errors(function: F) -> F:
    """Turn gRPC errors of a command into a message and an exit code."""

    @functools.wraps(function)
    def wrapped(*arguments: Any, **keywords: Any) -> Any:
        try:
            return function(*arguments, **keywords)
        except grpc.RpcError as error:
            raise_command_error(error)

    return wrapped  # type: ignore[return-value]


def reason_of(error: grpc.RpcError) -> str:
    """Return the reason in google.rpc.ErrorInfo, for example "RESOURCE_EXISTS"; empty when there is none."""
    metadata: Any = error.trailing_metadata()
    for key, value in metadata or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info):
                    return str(info.reason)
    return ""


def raise_command_error(error: grpc.RpcError, exit_code: Exit | None = None) -> NoReturn:
    """Raise the CommandError that says what a gRPC error means; `exit_code` where the caller knows better."""
    code = error.code()
    reason = reason_of(error) or code.name
    known = _EXIT_OF_STATUS.get(code, Exit.FAILED) if exit_code is None else exit_code
    raise CommandError(f"{reason}: {error.details()}", known) from error
