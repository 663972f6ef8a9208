"""Kinds of arguments and options: what is called wrongly is refused (exit code 2) before anything is done."""

import base64
import binascii
import os
import re
from pathlib import Path
from typing import Any

import click

from services.chassis.identity import WORKLOAD_NAME

_PUBLIC_KEY_BYTES = 32
"""Of Ed25519."""


class _Matching(click.ParamType[str]):
    """Text of one form."""

    def __init__(self, name: str, pattern: str, form: str) -> None:
        self.name = name
        self._pattern = re.compile(pattern)
        self._form = form

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return text that has the form. Raises click.BadParameter."""
        if not self._pattern.fullmatch(value):
            self.fail(f"{value!r} is none: it has {self._form}.", param, ctx)
        return str(value)


ACCOUNT_ID = _Matching("account", r"[0-9]{12}", "twelve digits")
OPERATOR = _Matching(
    "operator", WORKLOAD_NAME, "a lower-case letter, and at most 31 of these, digits and hyphens after it"
)


class PublicKey(click.ParamType[bytes]):
    """An Ed25519 key in base64: its 32 bytes."""

    name = "key"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        """Return the key's bytes. Raises click.BadParameter."""
        try:
            key = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            self.fail("it is no base64.", param, ctx)
        if len(key) != _PUBLIC_KEY_BYTES:
            self.fail(f"an Ed25519 key has {_PUBLIC_KEY_BYTES} bytes, this one {len(key)}.", param, ctx)
        return key


class OutputFile(click.Path):
    """A file to write what comes: found out afterwards that it cannot be written, that would be lost."""

    def __init__(self, *, new: bool = False) -> None:
        """Accept a file that can be written; with `new`, only one that there is not."""
        super().__init__(dir_okay=False, writable=True, path_type=Path)
        self._new = new

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path. Raises click.BadParameter."""
        file = Path(os.fsdecode(super().convert(value, param, ctx)))
        # A link that leads nowhere yet is a file that is there, to whoever opens a new one.
        if self._new and os.path.lexists(file):
            self.fail(f"{file} exists: name another file.", param, ctx)
        if not (file.parent.is_dir() and os.access(file.parent, os.W_OK | os.X_OK)):
            self.fail(f"{file.parent} is no folder that you may write to.", param, ctx)
        return file


def output_file(name: str, *, new: bool = False) -> Path:
    """Return the path of a file that nobody named, if it can be written. Raises click.BadParameter."""
    return OutputFile(new=new).convert(name, None, click.get_current_context())
