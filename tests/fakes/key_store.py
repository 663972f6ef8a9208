"""A key store in memory: a fake that keeps the port's contract, for tests without a database."""

from collections.abc import Sequence
from dataclasses import replace

from services.kms.domain.keys import Key, KeyName, KeyParent, KeyState, KeyVersion


class MemoryKeyStore:
    """Keys in a dictionary. Nothing awaits in the middle of an operation, so each is atomic."""

    def __init__(self) -> None:
        self.keys: dict[KeyName, Key] = {}
        self.versions: dict[tuple[KeyName, int], KeyVersion] = {}
        self._requests: dict[tuple[KeyParent, str, str], KeyName] = {}

    async def create(self, key: Key, version: KeyVersion, request_id: str) -> tuple[Key, KeyVersion]:
        request = (key.name.parent, key.incarnation, request_id)
        name = key.name if key.name in self.keys else self._requests.get(request, key.name)
        if name not in self.keys:
            self.keys[name] = key
            self.versions[name, version.number] = version
            if request_id:
                self._requests[request] = name
        stored = self.keys[name]
        return stored, self.versions[name, stored.primary_version]

    async def get(self, name: KeyName) -> Key | None:
        return self.keys.get(name)

    async def find(self, name: KeyName, version: int | None) -> tuple[Key, KeyVersion] | None:
        key = self.keys.get(name)
        if key is None:
            return None
        found = self.versions.get((name, key.primary_version if version is None else version))
        return None if found is None else (key, found)

    async def list(self, parent: KeyParent, incarnation: str, after: str, limit: int) -> Sequence[Key]:
        matching = [
            key
            for name, key in self.keys.items()
            if name.parent == parent and key.incarnation == incarnation and name.key_id > after
        ]
        return sorted(matching, key=lambda key: key.name.key_id)[:limit]

    async def set_state(self, name: KeyName, state: KeyState) -> Key | None:
        if name not in self.keys:
            return None
        self.keys[name] = replace(self.keys[name], state=state)
        return self.keys[name]
