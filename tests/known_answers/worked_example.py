"""Writes the worked example of docs/key-hierarchy.md: a small installation, made by kms itself.

    python -m tests.known_answers.worked_example

Its clock stands still and its random bytes are counted, so that the same code makes the same files. A test
makes them again and compares: an example that no longer shows what kms does cannot stay.
"""

import asyncio
import base64
import json
import re
import sqlite3
import subprocess
import sys
import tempfile
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

from services.chassis.randomness import random_uuid
from services.chassis.secret import SecretBytes
from services.kms.adapters.file_custody import FileCustody
from services.kms.operations.encryption import Asked
from services.kms.operations.key_admin import NewKey
from tests.fakes.clock import CountingRandomness
from tests.fakes.kms_installation import Installation
from tests.unit.kms.world import PARENT, call

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs/examples/by_hand"
PAGE = ROOT / "docs/key-hierarchy.md"
PROGRAM = ROOT / "docs/examples/decrypt_by_hand.py"
PLAINTEXT = b"attack at dawn"
CONTEXT = {"purpose": "example"}
_TABLES = ("installation", "head", "records")
_BLOCK = re.compile(r"(?<=<!-- what decrypt_by_hand\.py prints -->\n```\n).*?(?=```)", re.DOTALL)


async def make(home: Path) -> dict[str, str]:
    """Run a kms below `home`, and return the files of the example by their names."""
    randomness = CountingRandomness()
    installation = Installation(home, randomness=randomness)
    custody = FileCustody(installation.place.file, randomness)
    world = await installation.start(custody)
    try:
        creating = replace(call(), call_id=random_uuid(randomness))
        key = await world.admin.create(creating, PARENT, NewKey(description="the worked example"))
        await world.rotation.rotate(call(), key.name)
        ciphertext, _ = await world.encryption.encrypt(
            call(), Asked(str(key.name), CONTEXT), SecretBytes(PLAINTEXT)
        )
    finally:
        await installation.stop()
    encoded = base64.b64encode(ciphertext).decode()
    return {
        "root.key": installation.place.file.read_text(),
        "kms.sql": _dumped(installation.database_file),
        "ciphertext.json": json.dumps({"ciphertext": encoded, "context": CONTEXT}, indent=1) + "\n",
    }


def program() -> Any:
    """Return the by-hand program, loaded from its file as it is."""
    module = types.ModuleType("decrypt_by_hand")
    exec(compile(PROGRAM.read_text(), str(PROGRAM), "exec"), module.__dict__)  # noqa: S102
    return module


def explained(folder: Path) -> str:
    """Restore the database of the files in `folder` and run the by-hand program on them, on its own."""
    example = json.loads((folder / "ciphertext.json").read_text())
    context = [f"{name}={value}" for name, value in example["context"].items()]
    with tempfile.TemporaryDirectory() as temporary:
        database = Path(temporary) / "kms.sqlite"
        with sqlite3.connect(database) as connection:
            connection.executescript((folder / "kms.sql").read_text())
        connection.close()
        command = [sys.executable, "-I", str(PROGRAM), str(folder / "root.key"), str(database)]
        done = subprocess.run(
            [*command, example["ciphertext"], *context],
            cwd=temporary,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    return done.stdout


def shown_on_page() -> str:
    """Return what the page says that the program prints."""
    found = _BLOCK.search(PAGE.read_text())
    assert found is not None
    return found[0]


def _dumped(file: Path) -> str:
    """Return the tables as SQL, the same for the same rows."""
    statements = []
    with sqlite3.connect(file) as database:
        for table in _TABLES:
            (made,) = database.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
            statements.append(" ".join(made.split()))
            for row in sorted(database.execute(f"SELECT * FROM {table}")):  # noqa: S608
                values = ", ".join(
                    f"X'{each.hex()}'" if isinstance(each, bytes) else repr(each) for each in row
                )
                statements.append(f"INSERT INTO {table} VALUES ({values})")  # noqa: S608 - it is only printed
    database.close()
    return "".join(f"{statement};\n" for statement in statements)


def main() -> None:
    """Write the files, and what the program prints of them into the page."""
    with tempfile.TemporaryDirectory() as temporary:
        files = asyncio.run(make(Path(temporary) / "kms"))
    FOLDER.mkdir(exist_ok=True)
    for name, content in files.items():
        (FOLDER / name).write_text(content)
    printed = explained(FOLDER)
    PAGE.write_text(_BLOCK.sub(lambda _: printed, PAGE.read_text()))


if __name__ == "__main__":
    main()
