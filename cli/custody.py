"""Custody of the root key: the commands of `craton kms` that seal, unseal and change it."""

import os
import sys
from typing import Any

import click
from craton.kms.v1 import custody_service_pb2 as pb
from craton.kms.v1.custody_service_pb2_grpc import CustodyServiceStub

from cli.output import CommandError, Exit, as_dict, emit, grpc_errors, json_option
from cli.session import Session
from deploy.local.stack import Stack
from services.chassis.secret import SecretBytes

_MAX_PASSPHRASE = 1024


def _stub(session: Session) -> CustodyServiceStub:
    return CustodyServiceStub(session.channel("kms"))


@click.command()
@json_option
@grpc_errors
def status(as_json: bool) -> None:
    """Show what holds the root key, whether it can be used, and how far the store has come.

    The exit code is 0 when keys can be used, 5 when kms is sealed or does not answer.

    \b
    Example:
      craton kms status --json
    """
    session = Session(Stack.here())
    answer = session.call(_stub(session).GetCustodyStatus, pb.GetCustodyStatusRequest())
    emit(as_dict(answer), as_json=as_json)
    if answer.sealed:
        sys.exit(int(Exit.UNAVAILABLE))


@click.command()
@click.option(
    "--passphrase-fd",
    type=int,
    metavar="N",
    help="Read the passphrase, or the device's PIN, from this file descriptor instead of asking for it.",
)
@json_option
@grpc_errors
def unseal(passphrase_fd: int | None, as_json: bool) -> None:
    """Open custody, so that keys can be used. Asks for the passphrase where custody is under one.

    \b
    Example:
      craton kms unseal
      craton kms unseal --passphrase-fd 3 3< passphrase
    """
    session = Session(Stack.here())
    stub = _stub(session)
    if passphrase_fd is None:
        before = session.call(stub.GetCustodyStatus, pb.GetCustodyStatusRequest())
        passphrase = _asked(before)
    else:
        passphrase = _read(passphrase_fd)
    session.call(stub.Unseal, pb.UnsealRequest(passphrase=passphrase.reveal()))
    emit(as_dict(session.call(stub.GetCustodyStatus, pb.GetCustodyStatusRequest())), as_json=as_json)


@click.command()
@json_option
@grpc_errors
def seal(as_json: bool) -> None:
    """Make kms forget every key until it is unsealed: nothing that is sealed opens meanwhile.

    \b
    Example:
      craton kms seal
    """
    session = Session(Stack.here())
    stub = _stub(session)
    session.call(stub.Seal, pb.SealRequest())
    emit(as_dict(session.call(stub.GetCustodyStatus, pb.GetCustodyStatusRequest())), as_json=as_json)


@click.command("rotate-root")
@json_option
@grpc_errors
def rotate_root(as_json: bool) -> None:
    """Replace the root key. Data and keys stay as they are; older backups of custody open nothing any more.

    \b
    Example:
      craton kms rotate-root
    """
    session = Session(Stack.here())
    answer = session.call(_stub(session).RotateRootKey, pb.RotateRootKeyRequest())
    emit(as_dict(answer), as_json=as_json)


@click.command("change-passphrase")
@click.option(
    "--passphrase-fd",
    type=int,
    metavar="N",
    help="Read the present passphrase from this file descriptor instead of asking for it.",
)
@click.option(
    "--new-passphrase-fd",
    type=int,
    metavar="N",
    help="Read the new passphrase from this file descriptor instead of asking for it.",
)
@json_option
@grpc_errors
def change_passphrase(passphrase_fd: int | None, new_passphrase_fd: int | None, as_json: bool) -> None:
    """Put custody under another passphrase. Keys stay as they are, and kms stays as sealed as it is.

    Copies of the custody file that were made before open with the former passphrase: destroy them.

    \b
    Example:
      craton kms change-passphrase
      craton kms change-passphrase --passphrase-fd 3 3< present --new-passphrase-fd 4 4< new
    """
    session = Session(Stack.here())
    stub = _stub(session)
    present = _given(passphrase_fd, "passphrase-fd", "Present passphrase", again=False)
    new = _given(new_passphrase_fd, "new-passphrase-fd", "New passphrase", again=True)
    request = pb.ChangePassphraseRequest(passphrase=present.reveal(), new_passphrase=new.reveal())
    session.call(stub.ChangePassphrase, request)
    emit(as_dict(session.call(stub.GetCustodyStatus, pb.GetCustodyStatusRequest())), as_json=as_json)


def _given(descriptor: int | None, option: str, prompt: str, *, again: bool) -> SecretBytes:
    """Read a passphrase from a file descriptor, or ask for it on the terminal."""
    if descriptor is not None:
        return _read(descriptor, option)
    _require_terminal(option)
    return SecretBytes(click.prompt(prompt, hide_input=True, confirmation_prompt=again).encode())


def _require_terminal(option: str) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError(f"there is no terminal to ask on: give the passphrase by --{option}")


def _asked(status: Any) -> SecretBytes:
    """Ask on the terminal, where custody has a secret; a file of kms's own uid has none."""
    if status.kind == "file":
        return SecretBytes(b"")
    _require_terminal("passphrase-fd")
    prompt = "PIN of the device (empty for kms's pin_file)" if status.kind == "pkcs11" else "Passphrase"
    empty = "" if status.kind == "pkcs11" else None
    return SecretBytes(click.prompt(prompt, hide_input=True, default=empty, show_default=False).encode())


def _read(descriptor: int, option: str = "passphrase-fd") -> SecretBytes:
    try:
        with os.fdopen(descriptor, "rb") as stream:
            passphrase = stream.read(_MAX_PASSPHRASE + 3).rstrip(b"\r\n")
    except OSError as error:
        raise CommandError(f"--{option} {descriptor}: {error.strerror}") from None
    if len(passphrase) > _MAX_PASSPHRASE:
        raise CommandError(f"--{option} {descriptor}: at most {_MAX_PASSPHRASE} bytes are expected")
    return SecretBytes(passphrase)


COMMANDS: tuple[click.Command, ...] = (status, unseal, seal, rotate_root, change_passphrase)
