"""The door, with a listening socket in a temporary folder."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.chassis.pool_door import receive_directory
from services.pool.adapters.door_socket import DoorSocket


async def opened(path: Path, uid: int) -> AsyncIterator[DoorSocket]:
    door = DoorSocket(path, uid)
    task = asyncio.create_task(door.serve())
    while not path.exists():
        await asyncio.sleep(0.001)
    yield door
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_folder_is_handed_out_while_the_door_is_open(tmp_path: Path) -> None:
    path = tmp_path / "door.sock"
    folder = os.open(tmp_path, os.O_PATH | os.O_DIRECTORY)
    async for door in opened(path, os.geteuid()):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.to_thread(receive_directory, str(path))
        door.open(folder)
        got = await asyncio.to_thread(receive_directory, str(path))
        assert os.path.samestat(os.fstat(got), tmp_path.stat())
        assert not os.get_inheritable(got)
        os.close(got)
        door.shut()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.to_thread(receive_directory, str(path))
    os.close(folder)


async def test_another_uid_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "door.sock"
    folder = os.open(tmp_path, os.O_PATH | os.O_DIRECTORY)
    async for door in opened(path, os.geteuid() + 1):
        door.open(folder)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.to_thread(receive_directory, str(path))
    os.close(folder)


async def test_something_else_than_a_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "door.sock"
    async for door in opened(path, os.geteuid()):
        with (tmp_path / "file").open("w") as file:
            door.open(file.fileno())
            with pytest.raises(ConnectionRefusedError):
                await asyncio.to_thread(receive_directory, str(path))
