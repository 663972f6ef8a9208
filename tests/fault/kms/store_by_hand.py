"""A key store looked through by hand, with none of the service's code: is every key in it whole?"""

import base64
import shutil
import sqlite3
import tempfile
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.known_answers.worked_example import program

_BY_HAND = program()


@dataclass
class StoreByHand:
    """What a store and its custody hold, and what is wrong with them."""

    versions: dict[str, int] = field(default_factory=dict)
    """By the names of keys: how many versions there are, all of which open."""
    mentioned: set[str] = field(default_factory=set)
    """Names of keys that any record knows of; certificates name them by their ids alone."""
    certificates: set[str] = field(default_factory=set)
    """Ids of keys that are certified to be deleted."""
    generations: dict[str, int] = field(default_factory=dict)
    """How many root and shred keys custody has."""
    problems: list[str] = field(default_factory=list)


def look(database: Path, custody: Path) -> StoreByHand:
    """Look through copies of a database, as a crash has left it, and of its custody file."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / database.name
        # With its log: opening the files themselves would change them.
        for each in (database, database.with_name(database.name + "-wal")):
            if each.exists():
                shutil.copy(each, folder)
        found = StoreByHand()
        for line in custody.read_text().splitlines()[2:]:
            kind = line.partition(" ")[0]
            found.generations[kind] = found.generations.get(kind, 0) + 1
        with closing(sqlite3.connect(copy)) as connection:
            _Look(connection, custody, found).look()
    return found


class _Look:
    def __init__(self, database: sqlite3.Connection, custody: Path, found: StoreByHand) -> None:
        self._database = database
        self._store_id, self._unwrap = _BY_HAND.custody_file(custody)
        self._found = found
        self._pages: dict[int, bytes] = {}

    def look(self) -> None:
        try:
            store_key = _BY_HAND.store_key(self._database, self._unwrap, self._store_id)
        except (KeyError, InvalidTag):
            self._found.problems.append("custody lacks the root key that the store key hangs on")
            return
        bodies = HKDF(SHA256(), 32, self._store_id.encode(), b"craton-kms store bodies v1").derive(store_key)
        self._bodies = bodies
        places = defaultdict(list)
        for row in self._database.execute("SELECT collection, partition, sort FROM records ORDER BY 1, 2, 3"):
            collection, partition, sort = (each.decode() for each in row)
            places[collection].append((partition, sort))
        self._found.certificates = {sort for _, sort in places["certificates"]}
        on_pages = dict.fromkeys(((sort, int(page)) for page, sort in places["page-keys"]))
        for partition, sort in places["pages"]:
            self._page(partition, sort, sum(page == int(sort) for _, page in on_pages))
        versions = defaultdict(list)
        for name, number in places["versions"]:
            versions[name].append(int(number))
        for parent, key_id in places["keys"]:
            name = f"{parent}/keys/{key_id}"
            key = self._record("keys", parent, key_id)
            if (name, key["page"]) not in on_pages:
                self._found.problems.append(f"{name} is not on its page")
            self._key(name, key, versions[name])
        due = {sort.partition(" ")[2] for _, sort in places["due"]}
        self._found.mentioned = {*versions, *self._found.versions, *(name for name, _ in on_pages), *due}
        for name in self._found.mentioned - {f"{parent}/keys/{key_id}" for parent, key_id in places["keys"]}:
            self._found.problems.append(f"something is left of {name}, which there is not")

    def _record(self, *place: str) -> Any:
        return _BY_HAND.record(self._database, self._bodies, *place)

    def _page(self, partition: str, sort: str, keys: int) -> None:
        number = int(sort)
        if self._record("pages", partition, sort)["keys"] != keys:
            self._found.problems.append(f"page {number} does not say how many keys it has")
        try:
            page_key = _BY_HAND.page_key(self._database, self._bodies, self._unwrap, self._store_id, number)
            self._pages[number] = page_key
        except (KeyError, InvalidTag):
            self._found.problems.append(f"custody lacks the shred key that page {number} hangs on")

    def _key(self, name: str, key: Any, versions: list[int]) -> None:
        if versions != list(range(1, key["primary_version"] + 1)):
            self._found.problems.append(f"{name} lacks versions: {versions} of {key['primary_version']}")
        page_key = self._pages.get(key["page"])
        if page_key is None:
            self._found.problems.append(f"{name} hangs on a page that does not open")
            return
        for number in versions:
            version = self._record("versions", name, f"{number:08d}")
            try:
                _BY_HAND.key_material(page_key, base64.b64decode(version["wrapped"]), key, number)
            except InvalidTag:
                self._found.problems.append(f"version {number} of {name} does not open")
        self._found.versions[name] = key["primary_version"]
