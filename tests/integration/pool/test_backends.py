"""The model backends in a real Triton server: text, embeddings and echo, all through sealed sessions."""

import asyncio
import math
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from craton.pool.v1.model_exchange_pb2 import (
    ChatMessage,
    EmbedRequest,
    FailureReason,
    FinishReason,
    GenerateRequest,
    ModelRequest,
    ModelResponse,
    Sampling,
)
from triton_wire import inference_pb2

from services.chassis import triton
from services.chassis.sealing.session import REFUSED_FRAME, UNKNOWN_SESSION
from tests.integration.pool.backend_stack import CATALOG, ECHO_MANIFEST, Client, ModelFailed, Stack, running

TEXT = "craton.tiny-chat-v1"
EMBED, ECHO = "sbert.minilm-embed-v1", "craton.echo-v1"
PROMPT = "Once upon a time there was a"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    models = [CATALOG / model.split(".")[0] / model / "manifest.toml" for model in (TEXT, EMBED)]
    with running([(path, None) for path in (*models, ECHO_MANIFEST)]) as stack:
        yield stack


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[Client]:
    client = stack.client()
    yield client
    await client.close()


def generate(prompt: str = PROMPT, max_tokens: int = 24, **sampling: float | int) -> ModelRequest:
    sampling = sampling or {"temperature": 0.0}
    return ModelRequest(
        generate=GenerateRequest(prompt=prompt, max_tokens=max_tokens, sampling=Sampling(**sampling))  # type: ignore[arg-type]
    )


async def whole(client: Client, request: ModelRequest, model: str = TEXT) -> list[ModelResponse]:
    return [response async for response in client.ask(model, request)]


async def text_of(client: Client, request: ModelRequest, model: str = TEXT) -> str:
    return "".join(response.generate.text for response in await whole(client, request, model))


async def test_a_greedy_answer_is_streamed_counted_and_repeatable(client: Client) -> None:
    responses = await whole(client, generate(max_tokens=40))
    first, last = responses[0].generate, responses[-1].generate
    assert len("".join(response.generate.text for response in responses)) > 40
    # The first token goes at once; what comes later may be coalesced.
    assert first.token_count == 1
    assert first.input_tokens == last.input_tokens > 3
    assert sum(response.generate.token_count for response in responses) == last.output_tokens == 40
    assert last.finish_reason == FinishReason.FINISH_REASON_MAX_TOKENS
    assert [response.final for response in responses] == [False] * (len(responses) - 1) + [True]
    assert 1 < len(responses) <= 40
    again = await text_of(client, generate(max_tokens=40))
    assert again == "".join(response.generate.text for response in responses)


async def test_a_seed_gives_the_same_text_whoever_else_is_served(client: Client) -> None:
    seeded = generate(max_tokens=60, temperature=0.9, top_p=0.95, seed=7)
    alone = await text_of(client, seeded)
    others = [
        generate(
            prompt=f"{PROMPT} {'very ' * number}", max_tokens=20 + number * 3, temperature=1.0, seed=number
        )
        for number in range(31)
    ]
    _, *beside = await asyncio.gather(
        *(text_of(client, other) for other in others[:16]),
        *(text_of(client, seeded) for _ in range(3)),
        *(text_of(client, other) for other in others[16:]),
    )
    assert beside[15:18] == [alone] * 3
    different = {
        await text_of(client, generate(max_tokens=60, temperature=0.9, seed=seed)) for seed in range(4)
    }
    assert len(different) == 4


async def test_without_a_seed_every_answer_is_another(client: Client) -> None:
    requests = [generate(max_tokens=30, temperature=1.0) for _ in range(4)]
    assert len({await text_of(client, request) for request in requests}) == 4


async def test_sampling_parameters_narrow_the_choice(client: Client) -> None:
    greedy = await text_of(client, generate())
    for narrow in ({"top_k": 1}, {"top_p": 1e-6}, {"temperature": 1e-5}):
        assert await text_of(client, generate(**{"temperature": 1.0, "seed": 3, **narrow})) == greedy


async def test_a_stop_sequence_is_never_shown_wherever_it_lies(client: Client) -> None:
    full = await text_of(client, generate(max_tokens=40))
    for start in range(0, 24, 3):
        stop = full[start : start + 4]
        request = generate(max_tokens=40)
        request.generate.stop_sequences.extend(["no such text", stop])
        responses = await whole(client, request)
        shown = "".join(response.generate.text for response in responses)
        assert shown == full[: full.index(stop)]
        last = responses[-1].generate
        assert (last.finish_reason, last.stop_sequence) == (FinishReason.FINISH_REASON_STOP_SEQUENCE, stop)
        assert last.output_tokens == sum(response.generate.token_count for response in responses) < 40


async def test_a_conversation_ends_by_itself(client: Client) -> None:
    request = ModelRequest(
        generate=GenerateRequest(
            messages=[ChatMessage(role="user", text="What is the capital of France?")],
            max_tokens=200,
            sampling=Sampling(temperature=0),
        )
    )
    responses = await whole(client, request)
    assert responses[-1].generate.finish_reason == FinishReason.FINISH_REASON_END_TURN
    shown = "".join(response.generate.text for response in responses)
    assert shown.strip()
    assert "<|" not in shown


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"max_tokens": 0}, FailureReason.FAILURE_REASON_INVALID_PARAMETER),
        ({"max_tokens": 100_000}, FailureReason.FAILURE_REASON_INVALID_PARAMETER),
        ({"prompt": ""}, FailureReason.FAILURE_REASON_INVALID_PARAMETER),
        ({"temperature": -1.0}, FailureReason.FAILURE_REASON_INVALID_PARAMETER),
        ({"temperature": math.nan}, FailureReason.FAILURE_REASON_INVALID_PARAMETER),
        ({"top_p": 0.0}, FailureReason.FAILURE_REASON_INVALID_PARAMETER),
        ({"top_p": 1.5}, FailureReason.FAILURE_REASON_INVALID_PARAMETER),
        ({"top_k": 0}, FailureReason.FAILURE_REASON_INVALID_PARAMETER),
        ({"prompt": "word " * 3000}, FailureReason.FAILURE_REASON_PROMPT_TOO_LONG),
        ({"prompt": "x" * 5_000_000}, FailureReason.FAILURE_REASON_PROMPT_TOO_LONG),
    ],
)
async def test_requests_out_of_range_are_refused_in_words_without_content(
    client: Client, change: dict[str, float | int | str], reason: int
) -> None:
    (response,) = await whole(client, generate(**change))  # type: ignore[arg-type]
    assert response.final
    assert response.failure.reason == reason
    assert response.failure.message
    assert "word" not in response.failure.message


async def test_a_model_refuses_what_it_does_not_do(client: Client) -> None:
    for model, request in (
        (TEXT, ModelRequest(embed=EmbedRequest(texts=["x"]))),
        (TEXT, ModelRequest()),
        (EMBED, generate()),
        (ECHO, ModelRequest()),
    ):
        (response,) = await whole(client, request, model)
        assert response.failure.reason == FailureReason.FAILURE_REASON_INVALID_PARAMETER


async def test_cancelled_streams_stop_working_and_give_their_place_back(stack: Stack, client: Client) -> None:
    async def abandon() -> None:
        async for _ in client.ask(TEXT, generate(max_tokens=512, temperature=1.0)):
            return

    await asyncio.gather(*(abandon() for _ in range(64)))
    await asyncio.sleep(0.3)
    before = _cpu_ticks(stack)
    await asyncio.sleep(1.0)
    # 64 streams would keep the model process busy for seconds; ticks are hundredths of a second.
    assert _cpu_ticks(stack) - before < 30
    assert await text_of(client, generate()) == await text_of(client, generate())


async def test_more_requests_than_can_wait_are_refused_and_the_rest_is_served(client: Client) -> None:
    results = await asyncio.gather(
        *(text_of(client, generate(max_tokens=8)) for _ in range(300)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, ModelFailed)]
    served = [result for result in results if isinstance(result, str)]
    assert len(refused) + len(served) == 300
    assert len(set(served)) == 1
    assert all("craton: overloaded" in str(each) for each in refused)


async def test_a_busy_model_answers_a_question_for_one_token_or_word_next(client: Client) -> None:
    busy = [
        asyncio.ensure_future(text_of(client, generate(max_tokens=200, temperature=1.0))) for _ in range(120)
    ]
    texts = ["many words " * 20] * 32
    more = [
        asyncio.ensure_future(whole(client, ModelRequest(embed=EmbedRequest(texts=texts)), EMBED))
        for _ in range(40)
    ]
    await asyncio.sleep(0.3)
    (token,) = await whole(client, generate(".", max_tokens=1))
    assert token.generate.output_tokens == 1
    # Most of those that came before are still waiting or being served.
    assert sum(not task.done() for task in busy) > 60
    (word,) = await whole(client, ModelRequest(embed=EmbedRequest(texts=["."])), EMBED)
    assert len(word.embed.embeddings) == 1
    assert sum(not task.done() for task in more) > 5
    for task in (*busy, *more):
        task.cancel()
    await asyncio.gather(*busy, *more, return_exceptions=True)


async def test_frames_altered_repeated_or_of_an_unknown_session_are_refused(client: Client) -> None:
    model = client.loaded[ECHO]
    session = client.session(ECHO)

    async def send(encapsulated: bytes, frame: bytes) -> str:
        call = client.infer(triton.sealed_request(model.server_model, encapsulated, frame), timeout=10)
        async for raw in call:
            answer = inference_pb2.ModelStreamInferResponse.FromString(raw)
            if answer.error_message:
                return str(answer.error_message)
        return ""

    frame, _ = session.request(generate().SerializeToString())
    altered = frame[:-1] + bytes([frame[-1] ^ 1])
    assert REFUSED_FRAME in await send(session.encapsulated, altered)
    assert await send(session.encapsulated, frame) == ""
    assert REFUSED_FRAME in await send(session.encapsulated, frame)
    other = session.encapsulated[:-1] + bytes([session.encapsulated[-1] ^ 1])
    assert UNKNOWN_SESSION in await send(other, frame)
    assert UNKNOWN_SESSION in await send(b"", frame)


async def test_embeddings_have_norm_one_and_related_sentences_are_nearer(client: Client) -> None:
    texts = ["A cat sits on the mat.", "A kitten is lying on a rug.", "The stock market fell sharply today."]
    request = ModelRequest(embed=EmbedRequest(texts=texts, normalize=True))
    (response,) = await whole(client, request, EMBED)
    vectors = [list(each.values) for each in response.embed.embeddings]
    assert [len(vector) for vector in vectors] == [384] * 3
    assert all(
        math.isclose(math.fsum(value * value for value in vector), 1, abs_tol=1e-5) for vector in vectors
    )

    def near(one: int, two: int) -> float:
        return math.fsum(x * y for x, y in zip(vectors[one], vectors[two], strict=True))

    assert near(0, 1) > near(0, 2) + 0.3
    assert response.embed.input_tokens > 20
    # What is embedded together does not depend on each other.
    singles = await asyncio.gather(
        *(
            whole(client, ModelRequest(embed=EmbedRequest(texts=[text], normalize=True)), EMBED)
            for text in texts
        )
    )
    for (single,), vector in zip(singles, vectors, strict=True):
        assert list(single.embed.embeddings[0].values) == pytest.approx(vector, abs=1e-5)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (EmbedRequest(), FailureReason.FAILURE_REASON_INVALID_PARAMETER),
        (EmbedRequest(texts=[""]), FailureReason.FAILURE_REASON_INVALID_PARAMETER),
        (EmbedRequest(texts=["x"] * 257), FailureReason.FAILURE_REASON_INVALID_PARAMETER),
        (EmbedRequest(texts=["x"], dimensions=256), FailureReason.FAILURE_REASON_INVALID_PARAMETER),
        (EmbedRequest(texts=["word " * 300]), FailureReason.FAILURE_REASON_PROMPT_TOO_LONG),
        (EmbedRequest(texts=["x" * 1_000_000]), FailureReason.FAILURE_REASON_PROMPT_TOO_LONG),
    ],
)
async def test_texts_that_cannot_be_embedded_are_refused(
    client: Client, request_: EmbedRequest, reason: int
) -> None:
    (response,) = await whole(client, ModelRequest(embed=request_), EMBED)
    assert response.failure.reason == reason


async def test_echo_gives_the_prompt_back_in_pieces(client: Client) -> None:
    for pieces in (1, 7, 48):
        responses = await whole(client, generate("x" * 1000 + "end", max_tokens=pieces), ECHO)
        assert len(responses) == pieces
        assert "".join(response.generate.text for response in responses) == "x" * 1000 + "end"


async def test_no_prompt_stays_in_the_memory_of_any_process_after_its_answer(
    stack: Stack, client: Client
) -> None:
    canary = "marzipan-quilt-" * 3
    request = generate(f"Remember {canary} and {canary}", max_tokens=16)
    conversation = ModelRequest(
        generate=GenerateRequest(messages=[ChatMessage(role="user", text=canary)], max_tokens=16)
    )
    embedding = ModelRequest(embed=EmbedRequest(texts=[canary]))

    def hunt(needle: bytes) -> list[tuple[str, bytes]]:
        return [found for pid in [stack.process.pid, *stack.stubs()] for found in _found(pid, needle)]

    # The hunt finds what is there: a token of the embedding model's vocabulary.
    assert hunt(b"[unused99]")
    await asyncio.gather(
        *(whole(client, request) for _ in range(16)),
        *(whole(client, conversation) for _ in range(16)),
        *(whole(client, embedding, EMBED) for _ in range(16)),
    )
    for _ in range(20):
        await whole(client, generate("short", max_tokens=2))
        await whole(client, ModelRequest(embed=EmbedRequest(texts=["short"])), EMBED)
    await asyncio.sleep(1)
    assert hunt(canary.encode()) == []
    assert hunt(canary.encode("utf-32-le")) == []


def _cpu_ticks(stack: Stack) -> int:
    ticks = 0
    for pid in stack.stubs():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks


def _found(pid: int, needle: bytes) -> list[tuple[str, bytes]]:
    """Where `needle` lies in the writable memory of a process: (mapping, surroundings)."""
    found = []
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, access, *_, name = line.split(None, 5)
            start, end = (int(number, 16) for number in span.split("-"))
            if access[:2] != "rw":
                continue
            try:
                memory.seek(start)
                content = memory.read(end - start)
            except OSError:
                continue
            for match in re.finditer(re.escape(needle), content):
                found.append((name, content[max(0, match.start() - 64) : match.end() + 64]))
    return found
