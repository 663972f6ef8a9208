"""One generation: what is sent when, what is counted, and how it ends."""

from typing import Any

import pytest
from craton.pool.v1.model_exchange_pb2 import (
    ChatMessage,
    FailureReason,
    FinishReason,
    GenerateRequest,
    ModelResponse,
)
from craton.pool.v1.model_exchange_pb2 import Sampling as WantedSampling

from services.pool.backends.generation import (
    COALESCE_S,
    Generation,
    Limits,
    RequestRefused,
    Sampling,
    check,
    check_length,
)

LIMITS = Limits(context=100, max_input_tokens=80, max_output_tokens=50)
END = 0


class Recorder:
    """A reply that keeps what it is given."""

    def __init__(self, *, broken: bool = False) -> None:
        self.sent: list[tuple[ModelResponse, bool]] = []
        self.gone = False
        self.broken = broken

    def send(self, response: ModelResponse, *, final: bool) -> None:
        if self.broken:
            raise RuntimeError("the caller is gone")
        self.sent.append((response, final))

    def cancelled(self) -> bool:
        return self.gone

    @property
    def chunks(self) -> list[Any]:
        return [response.generate for response, _ in self.sent]


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def letters(ids: list[int]) -> str:
    return "".join(chr(each) for each in ids if each)


def make(
    reply: Recorder, time: Time, *, prompt: str = "ab", max_tokens: int = 10, stops: tuple[str, ...] = ()
) -> Generation:
    return Generation(
        request=GenerateRequest(prompt=prompt, max_tokens=max_tokens, stop_sequences=stops),
        prompt=[ord(letter) for letter in prompt],
        sampling=Sampling(),
        seed=1,
        limits=LIMITS,
        end_tokens=frozenset([END]),
        decode=letters,
        reply=reply,
        boottime=time,
    )


def feed(generation: Generation, time: Time, text: str, gap_s: float) -> bool:
    ended = False
    for letter in text:
        assert not ended
        ended = generation.take(ord(letter))
        time.now += gap_s
    return ended


def test_the_first_token_goes_at_once_and_later_ones_travel_together() -> None:
    reply, time = Recorder(), Time()
    assert not feed(make(reply, time), time, "abcdefghi", COALESCE_S / 3.9)
    assert [chunk.text for chunk in reply.chunks] == ["a", "bcde", "fghi"]
    assert [chunk.token_count for chunk in reply.chunks] == [1, 4, 4]
    assert [chunk.input_tokens for chunk in reply.chunks] == [2, 0, 0]


def test_slow_tokens_travel_alone() -> None:
    reply, time = Recorder(), Time()
    feed(make(reply, time), time, "abc", COALESCE_S * 1.01)
    assert [chunk.text for chunk in reply.chunks] == ["a", "b", "c"]


def test_an_end_token_ends_the_turn_and_shows_nothing() -> None:
    reply, time = Recorder(), Time()
    generation = make(reply, time)
    feed(generation, time, "abc", 0.0)
    assert generation.take(END)
    response, final = reply.sent[-1]
    assert final
    assert response.final
    last = response.generate
    assert (last.text, last.token_count, last.output_tokens, last.input_tokens) == ("bc", 3, 4, 2)
    assert last.finish_reason == FinishReason.FINISH_REASON_END_TURN


def test_text_held_back_for_a_stop_sequence_is_shown_when_it_was_none() -> None:
    for end, reason in (
        (True, FinishReason.FINISH_REASON_END_TURN),
        (False, FinishReason.FINISH_REASON_MAX_TOKENS),
    ):
        reply, time = Recorder(), Time()
        generation = make(reply, time, max_tokens=4, stops=("cdX",))
        ended = feed(generation, time, "abc" if end else "abcd", 0.0)
        assert generation.take(END) if end else ended
        assert "".join(chunk.text for chunk in reply.chunks) == ("abc" if end else "abcd")
        assert reply.chunks[-1].finish_reason == reason


def test_nothing_of_a_stop_sequence_is_shown_while_it_is_slow_to_come() -> None:
    reply, time = Recorder(), Time()
    generation = make(reply, time, stops=("cde",))
    assert feed(generation, time, "abcde", COALESCE_S * 2)
    assert "".join(chunk.text for chunk in reply.chunks) == "ab"
    assert reply.chunks[-1].stop_sequence == "cde"
    assert reply.chunks[-1].output_tokens == 5


def test_the_context_bounds_an_answer_as_max_tokens_does() -> None:
    reply, time = Recorder(), Time()
    generation = make(reply, time, prompt="p" * 95, max_tokens=50)
    assert feed(generation, time, "abcde", 0.0)
    assert reply.chunks[-1].finish_reason == FinishReason.FINISH_REASON_MAX_TOKENS
    assert reply.chunks[-1].output_tokens == 5


def test_a_cancelled_or_broken_generation_ends_once_with_its_counts() -> None:
    for end, reason in (
        (Generation.cancel, FailureReason.FAILURE_REASON_CANCELLED),
        (Generation.fail, FailureReason.FAILURE_REASON_INTERNAL),
    ):
        reply, time = Recorder(), Time()
        generation = make(reply, time)
        feed(generation, time, "abc", 0.0)
        assert not generation.cancelled()
        reply.gone = True
        assert generation.cancelled()
        end(generation)
        end(generation)
        assert [final for _, final in reply.sent] == [False, True]
        failure = reply.sent[-1][0].failure
        assert (failure.reason, failure.input_tokens, failure.output_tokens) == (reason, 2, 3)


def test_a_reader_that_is_gone_ends_its_own_generation_only() -> None:
    reply, time = Recorder(broken=True), Time()
    generation = make(reply, time)
    assert generation.take(ord("a"))
    assert generation.cancelled()
    generation.fail()


def test_draws_follow_from_the_seed() -> None:
    first, second = (make(Recorder(), Time()) for _ in range(2))
    assert [first.draw.random() for _ in range(9)] == [second.draw.random() for _ in range(9)]


@pytest.mark.parametrize(
    ("sampling", "greedy"),
    [(Sampling(), False), (Sampling(0.0), True), (Sampling(1.0, 1.0, 1), True), (Sampling(0.01), False)],
)
def test_temperature_zero_and_top_k_one_are_greedy(sampling: Sampling, greedy: bool) -> None:
    assert sampling.greedy is greedy


@pytest.mark.parametrize(
    ("request_", "word"),
    [
        (GenerateRequest(max_tokens=1), "prompt"),
        (GenerateRequest(prompt="x", messages=[ChatMessage(role="user")], max_tokens=1), "prompt"),
        (GenerateRequest(messages=[ChatMessage(role="tool")], max_tokens=1), "role"),
        (GenerateRequest(prompt="x", max_tokens=51), "max_tokens"),
        (GenerateRequest(prompt="x", max_tokens=1, stop_sequences=["a"] * 17), "stop sequences"),
        (GenerateRequest(prompt="x", max_tokens=1, stop_sequences=[""]), "stop sequence"),
        (GenerateRequest(prompt="x", max_tokens=1, stop_sequences=["a" * 513]), "stop sequence"),
        (GenerateRequest(prompt="x", max_tokens=1, sampling=WantedSampling(temperature=101)), "temperature"),
    ],
)
def test_parameters_out_of_range_are_named(request_: GenerateRequest, word: str) -> None:
    with pytest.raises(RequestRefused, match=word) as refusal:
        check(request_, LIMITS)
    assert refusal.value.reason == FailureReason.FAILURE_REASON_INVALID_PARAMETER


def test_a_prompt_must_leave_room_for_an_answer() -> None:
    small = Limits(context=50, max_input_tokens=80, max_output_tokens=50)
    for limits, most in ((LIMITS, 80), (small, 49)):
        check_length(most, limits)
        with pytest.raises(RequestRefused) as refusal:
            check_length(most + 1, limits)
        assert refusal.value.reason == FailureReason.FAILURE_REASON_PROMPT_TOO_LONG
        assert refusal.value.input_tokens == most + 1
