"""Sealed sessions: what opens, and everything that must not."""

import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.randomness import SystemRandomness
from services.chassis.sealing.session import (
    REFUSED_FRAME,
    SESSION_SIZE,
    UNKNOWN_SESSION,
    ClientSession,
    ModelIdentity,
    ModelSessions,
    SessionError,
)


class CountingRandomness:
    """Different bytes every time, the same in every run."""

    def __init__(self) -> None:
        self._calls = itertools.count()

    def token_bytes(self, count: int) -> bytes:
        return hashlib.shake_256(str(next(self._calls)).encode()).digest(count)


def pair(capacity: int = 8) -> tuple[ClientSession, ModelSessions, ModelIdentity]:
    identity = ModelIdentity("craton.tiny", "instance-1")
    client = ClientSession(identity.public_key, "craton.tiny", "instance-1", CountingRandomness())
    return client, ModelSessions(identity, CountingRandomness(), capacity=capacity), identity


@given(prompt=st.binary(max_size=2000), pieces=st.lists(st.binary(max_size=200), min_size=1, max_size=6))
def test_a_request_and_its_streamed_answer_arrive(prompt: bytes, pieces: list[bytes]) -> None:
    client, model, _ = pair()
    frame, reader = client.request(prompt)
    opened, writer = model.open_request(client.encapsulated, frame)
    assert opened == prompt
    for number, piece in enumerate(pieces):
        assert not reader.complete
        assert reader.open(writer.seal(piece, final=number == len(pieces) - 1)) == piece
    assert reader.complete


def test_frames_hide_what_they_carry() -> None:
    client, model, _ = pair()
    frame, _ = client.request(b"canary-of-the-prompt")
    _, writer = model.open_request(client.encapsulated, frame)
    answer = writer.seal(b"canary-of-the-answer", final=True)
    assert b"canary" not in client.encapsulated + frame + answer
    assert len(client.encapsulated) == SESSION_SIZE


def test_every_flipped_bit_of_a_request_is_refused() -> None:
    client, model, _ = pair()
    frame, _ = client.request(b"hello")
    for position in range(len(frame) * 8):
        changed = bytearray(frame)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(SessionError) as refusal:
            model.open_request(client.encapsulated, bytes(changed))
        assert refusal.value.text == REFUSED_FRAME
    assert model.open_request(client.encapsulated, frame)[0] == b"hello"


def test_every_flipped_bit_of_an_answer_is_refused() -> None:
    client, model, _ = pair()
    frame, reader = client.request(b"hello")
    answer = model.open_request(client.encapsulated, frame)[1].seal(b"world", final=True)
    for position in range(len(answer) * 8):
        changed = bytearray(answer)
        changed[position // 8] ^= 1 << position % 8
        # A reader pins the salt of the first frame it was shown, hence a fresh one each time.
        fresh = type(reader)(reader._keys, reader._counter)
        with pytest.raises(SessionError):
            fresh.open(bytes(changed))
    assert reader.open(answer) == b"world"


def test_a_request_frame_is_answered_once() -> None:
    client, model, _ = pair()
    frame, _ = client.request(b"hello")
    model.open_request(client.encapsulated, frame)
    with pytest.raises(SessionError, match="seen before"):
        model.open_request(client.encapsulated, frame)


def test_requests_may_overtake_each_other_but_not_return_after_the_window() -> None:
    client, model, _ = pair()
    frames = [client.request(b"x")[0] for _ in range(70_000)]
    for frame in reversed(frames[:10]):
        model.open_request(client.encapsulated, frame)
    for frame in frames[10:]:
        model.open_request(client.encapsulated, frame)
    for frame in (frames[0], frames[40_000], frames[-1]):
        with pytest.raises(SessionError, match="seen before"):
            model.open_request(client.encapsulated, frame)


@pytest.mark.parametrize(("taken", "refused"), [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0)])
def test_answers_out_of_order_repeated_or_with_a_gap_are_refused(taken: int, refused: int) -> None:
    client, model, _ = pair()
    frame, reader = client.request(b"hello")
    _, writer = model.open_request(client.encapsulated, frame)
    answers = [writer.seal(bytes([n]), final=n == 2) for n in range(3)]
    for answer in answers[:taken]:
        reader.open(answer)
    with pytest.raises(SessionError, match="out of order"):
        reader.open(answers[refused])


def test_nothing_follows_the_final_frame() -> None:
    client, model, _ = pair()
    frame, reader = client.request(b"hello")
    _, writer = model.open_request(client.encapsulated, frame)
    reader.open(writer.seal(b"", final=True))
    with pytest.raises(RuntimeError):
        writer.seal(b"more", final=False)


def test_an_answer_does_not_open_for_another_request_or_session() -> None:
    client, model, identity = pair()
    other = ClientSession(identity.public_key, "craton.tiny", "instance-1", SystemRandomness())
    frame, _ = client.request(b"one")
    _, second_reader = client.request(b"two")
    _, other_reader = other.request(b"three")
    answer = model.open_request(client.encapsulated, frame)[1].seal(b"for one", final=True)
    for reader in (second_reader, other_reader):
        with pytest.raises(SessionError):
            reader.open(answer)
    with pytest.raises(SessionError, match="altered"):
        model.open_request(other.encapsulated, client.request(b"four")[0])


def test_two_answers_to_one_frame_share_no_key() -> None:
    client, _, identity = pair()
    frame, _ = client.request(b"hello")
    answers = set()
    for _ in range(2):
        sessions = ModelSessions(identity, SystemRandomness())
        answers.add(sessions.open_request(client.encapsulated, frame)[1].seal(b"same", final=True))
    assert len(answers) == 2


def test_a_session_for_another_instance_or_model_is_unknown() -> None:
    identity = ModelIdentity("craton.tiny", "instance-2")
    for model_id, instance_id in (("craton.tiny", "instance-1"), ("craton.other", "instance-2")):
        client = ClientSession(identity.public_key, model_id, instance_id, SystemRandomness())
        with pytest.raises(SessionError) as refusal:
            identity.open(client.encapsulated)
        assert refusal.value.text == UNKNOWN_SESSION
    for wrong in (b"", bytes(SESSION_SIZE), bytes(SESSION_SIZE + 1)):
        with pytest.raises(SessionError) as refusal:
            identity.open(wrong)
        assert refusal.value.text == UNKNOWN_SESSION


def test_a_session_that_was_let_go_stays_refused() -> None:
    client, model, identity = pair(capacity=2)
    frame, _ = client.request(b"x")
    model.open_request(client.encapsulated, frame)
    for _ in range(2):
        other = ClientSession(identity.public_key, "craton.tiny", "instance-1", SystemRandomness())
        model.open_request(other.encapsulated, other.request(b"y")[0])
    with pytest.raises(SessionError) as refusal:
        model.open_request(client.encapsulated, frame)
    assert refusal.value.text == UNKNOWN_SESSION


def test_short_frames_are_refused() -> None:
    client, model, _ = pair()
    frame, reader = client.request(b"")
    for length in range(len(frame)):
        with pytest.raises(SessionError):
            model.open_request(client.encapsulated, frame[:length])
    answer = model.open_request(client.encapsulated, frame)[1].seal(b"", final=True)
    for length in range(len(answer)):
        with pytest.raises(SessionError):
            type(reader)(reader._keys, reader._counter).open(answer[:length])
