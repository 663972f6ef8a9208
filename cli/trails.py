"""`craton trails`: what trails have delivered."""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from craton.kms.v1 import crypto_service_pb2 as pb
from craton.kms.v1.crypto_service_pb2_grpc import CryptoServiceStub

from cli.output import CommandError, Exit, emit, grpc_errors, json_option
from cli.session import Session
from deploy.local.stack import Stack
from services.chassis.arn import name_of
from services.chassis.encryption_sdk import NotSealedError, open_message
from services.chassis.secret import SecretBytes

_GZIP = zlib.MAX_WBITS | 16
_LONGEST_FILE_BYTES = 256 * 2**20
"""Of records: audit writes files of a few MiB, but anybody may have written these."""
_COLUMNS = ("eventTime", "eventSource", "eventName", "errorCode", "eventID")
_S3 = "aws:s3:arn"


@click.group()
def trails() -> None:
    """Read the log files that trails have delivered.

    \b
    Example:
      craton trails open *_CloudTrail_*.json.gz
    """


@trails.command("open")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--trail", metavar="ARN", default="", help="Refuse what is not sealed for this trail.")
@click.option("--key", metavar="ARN", default="", help="Refuse what is not sealed under this key.")
@json_option
@grpc_errors
def open_(files: tuple[Path, ...], trail: str, key: str, as_json: bool) -> None:
    """Print the records of delivered log files, copied from the bucket under their own names.

    Files that are sealed under a key of yours are opened by it (kms:Decrypt), plain ones are read as they
    are. A sealed file that was delivered under another name is refused: names are compared, folders are not.
    Whoever may use a key that you may open can seal a file for any trail: name yours with --key.
    Whether all files are there, and who wrote them, `aws cloudtrail validate-logs` says.

    \b
    Exit codes: 1 not a log file, or altered; 3 kms refuses, or the file is not what it is called.

    \b
    Example:
      craton trails open 123456789012_CloudTrail_us-east-1_20261122T1200Z_ABCDEFGHIJKLMNOP.json.gz --json
    """
    session = Session(Stack.here())
    opened = [_opened(session, file, key) for file in files]
    for each in opened:
        if trail and each["trail"] != trail:
            raise CommandError(f"{each['file']} is not sealed for {trail}.", Exit.REFUSED)
        if key and not each["sealed"]:
            raise CommandError(f"{each['file']} is not sealed under {key}.", Exit.REFUSED)
    if as_json:
        emit(opened, as_json=True)
        return
    emit([record for each in opened for record in each["records"]], as_json=False, columns=_COLUMNS)


def _unzipped(content: bytes) -> bytes:
    """Return what gzip has made smaller. Raises ValueError for what is cut off, or longer than any file."""
    reader = zlib.decompressobj(_GZIP)
    plain = reader.decompress(content, _LONGEST_FILE_BYTES)
    if not reader.eof or reader.unused_data:
        raise ValueError("not one whole gzip member")
    return plain


def _opened(session: Session, file: Path, wanted_key: str) -> dict[str, Any]:
    context: Mapping[str, str] = {}
    sealed_under = ""

    def open_key(sealed: bytes, key_arn: str, bound_to: Mapping[str, str]) -> SecretBytes:
        nonlocal sealed_under
        sealed_under = key_arn
        if wanted_key not in ("", key_arn):
            raise CommandError(f"{file} is sealed under {key_arn}, not under {wanted_key}.", Exit.REFUSED)
        return _data_key(session, sealed, key_arn, bound_to)

    try:
        content = _unzipped(file.read_bytes())
        if not content.startswith(b"{"):
            body, context = open_message(content, open_key)
            content = _unzipped(body)
        records = _records(content)
    except (NotSealedError, zlib.error, ValueError) as error:
        why = f": {error}" if isinstance(error, NotSealedError) else ""
        raise CommandError(f"{file} is not a log file of a trail, or was altered{why}.") from error
    place = context.get(_S3, "")
    if place and place.rpartition("/")[2] != file.name:
        raise CommandError(f"{file} was delivered as {place}.", Exit.REFUSED)
    return {
        "file": str(file),
        "sealed": bool(sealed_under),
        "key": sealed_under,
        "trail": context.get("aws:cloudtrail:arn", ""),
        "object": place,
        "records": records,
    }


def _records(content: bytes) -> list[dict[str, Any]]:
    """Read a log file that is not sealed, whoever wrote it. Raises ValueError."""
    try:
        file = json.loads(content)
    except RecursionError as error:
        raise ValueError("lists within lists") from error
    records = file.get("Records") if isinstance(file, dict) else None
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise ValueError("no list of records")
    return records


def _data_key(session: Session, sealed: bytes, key_arn: str, context: Mapping[str, str]) -> SecretBytes:
    try:
        name = name_of(key_arn)
    except ValueError as error:
        raise NotSealedError("its key is none of this installation") from error
    request = pb.DecryptRequest(ciphertext=sealed, key_name=name, encryption_context=context)
    stub = CryptoServiceStub(session.channel("kms"))
    return SecretBytes(session.call(stub.Decrypt, request, metadata=session.token("kms")).plaintext)
