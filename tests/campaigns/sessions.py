"""Sealed sessions through a model server that may do anything with the frames that pass it."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any
from unittest.mock import patch

from services.chassis.sealing import session
from services.chassis.sealing.session import (
    ClientExchange,
    ClientSession,
    ModelExchange,
    ModelIdentity,
    ModelSessions,
    SessionError,
)
from tests.campaigns.campaign import Campaign, Finding
from tests.campaigns.sealing import SeededRandomness

_REQUESTS = 6


class _Call:
    """A request on its way, and its answer."""

    def __init__(self, client: ClientSession, random: Random) -> None:
        self.client = client
        self.prompt = random.randbytes(random.choice((0, 1, 100, 2000)))
        self.frame, self.reader = client.request(self.prompt)
        self.pieces = [random.randbytes(random.choice((0, 5, 300))) for _ in range(random.randint(1, 5))]
        self.answer: list[bytes] = []


class SessionsCampaign(Campaign):
    """One case is two clients and two model instances, requests out of order, and attacks on each frame."""

    name = "sessions"
    summary = (
        "Requests and streamed answers between two clients and two model instances arrive as they were, in "
        "any order of the requests; flipped, cut, repeated, reordered, swapped and misdirected frames are "
        f"refused: {_REQUESTS} requests a case, some fifty attacks."
    )
    fault = "a model process that does not remember the requests it has answered."
    sources = (
        "services/chassis/sealing/session.py",
        "tests/campaigns/sealing.py",
        "tests/campaigns/sessions.py",
    )

    def case(self, seed: int, index: int) -> None:
        """Ask, attack, answer, attack."""
        random = self.random(seed, index)
        randomness = SeededRandomness(random)
        identities = [ModelIdentity("craton.tiny", f"instance-{number}") for number in range(2)]
        models = [ModelSessions(each, randomness, capacity=random.choice((2, 8))) for each in identities]
        clients = [
            ClientSession(identities[0].public_key, "craton.tiny", "instance-0", randomness) for _ in range(2)
        ]
        calls = [_Call(random.choice(clients), random) for _ in range(_REQUESTS)]
        random.shuffle(calls)
        for call in calls:
            self._attack_request(random, models, clients, call)
            opened, writer = models[0].open_request(call.client.encapsulated, call.frame)
            if opened != call.prompt:
                raise Finding(f"a prompt of {len(call.prompt)} bytes arrived as {len(opened)} others")
            call.answer = _written(call, writer)
            _refused(models[0], call.client.encapsulated, call.frame, "a request asked twice")
        for call in calls:
            self._attack_answer(random, calls, call)

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Open every request that is authentic."""

        def opened(self: Any, frame: bytes) -> tuple[int, bytes]:
            found: tuple[int, bytes] = self.keys.open_request(frame)
            return found

        with patch.object(session._ModelSession, "open", opened):
            yield

    def _attack_request(
        self, random: Random, models: list[ModelSessions], clients: list[ClientSession], call: _Call
    ) -> None:
        encapsulated, frame = call.client.encapsulated, call.frame
        _refused(models[0], encapsulated, _changed(random, frame), "a changed request")
        if random.random() < 0.3:
            _refused(models[0], _changed(random, encapsulated), frame, "a request with a changed session")
        if random.random() < 0.3:
            _refused(models[1], encapsulated, frame, "a request to another instance")
        stranger = clients[1 - clients.index(call.client)]
        _refused(models[0], stranger.encapsulated, frame, "a request in another client's session")

    def _attack_answer(self, random: Random, calls: list[_Call], call: _Call) -> None:
        """Read an answer with wrong frames tried in front of each right one: they must leave no trace."""
        others = [each for each in calls if each is not call]
        for number, (frame, piece) in enumerate(zip(call.answer, call.pieces, strict=True)):
            # A reader pins the salt of the first frame that it is shown, even of a wrong one, hence a fresh
            # one for the first place.
            reader = call.reader if number else ClientExchange(call.reader._keys, call.reader._counter)
            _unread(reader, random.choice(random.choice(others).answer), number, "a frame of another answer")
            reader = call.reader if number else ClientExchange(call.reader._keys, call.reader._counter)
            _unread(reader, _changed(random, frame), number, "a changed frame")
            if number:
                _unread(call.reader, call.answer[number - 1], number, "a frame shown twice")
            later = random.randrange(number, len(call.answer))
            if later != number:
                _unread(call.reader, call.answer[later], number, "a frame too early")
            if call.reader.complete:
                raise Finding(f"an answer of {len(call.answer)} frames is complete after {number}")
            if call.reader.open(frame) != piece:
                raise Finding(f"frame {number} of an answer arrived as another")
        if not call.reader.complete:
            raise Finding("an answer is not complete after its last frame")
        for frame in (call.answer[-1], call.frame, random.randbytes(60)):
            _unread(call.reader, frame, len(call.answer), "a frame after the end")


def _written(call: _Call, writer: ModelExchange) -> list[bytes]:
    last = len(call.pieces) - 1
    return [writer.seal(piece, final=number == last) for number, piece in enumerate(call.pieces)]


def _refused(model: ModelSessions, encapsulated: bytes, frame: bytes, what: str) -> None:
    try:
        model.open_request(encapsulated, frame)
    except SessionError:
        return
    raise Finding(f"{what} was opened")


def _unread(reader: ClientExchange, frame: bytes, number: int, what: str) -> None:
    try:
        reader.open(frame)
    except SessionError:
        return
    raise Finding(f"{what} was read as frame {number} of an answer")


def _changed(random: Random, data: bytes) -> bytes:
    how = random.randrange(4)
    if how == 0:
        return data[: random.randrange(len(data))]
    if how == 1:
        return data + random.randbytes(random.randint(1, 20))
    changed = bytearray(data)
    changed[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(changed)
