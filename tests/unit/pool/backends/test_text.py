"""Incremental text: whole characters only, and never a stop sequence."""

from hypothesis import given
from hypothesis import strategies as st

from services.pool.backends.text import Detokenizer, StopFilter


def decode_bytes(ids: list[int]) -> str:
    """A byte-level tokenizer with one token a byte; 256 and above are special."""
    return bytes(each for each in ids if each < 256).decode(errors="replace")


def decode_words(ids: list[int]) -> str:
    """Words with a leading space but for the first, as SentencePiece decoders join them."""
    return " ".join(f"w{each}" for each in ids)


# The replacement character itself is left out: at the very end it cannot be told from an unfinished one.
@given(
    text=st.text(st.characters(codec="utf-8", exclude_characters="�"), max_size=60),
    prompt=st.binary(max_size=9),
)
def test_characters_of_several_tokens_come_whole(text: str, prompt: bytes) -> None:
    ascii_prompt = [each % 128 for each in prompt]
    pieces = Detokenizer(decode_bytes, ascii_prompt)
    out = [pieces.add(byte) for byte in text.encode()]
    assert "".join(out) == text
    assert not any("�" in piece for piece in out)


@given(st.lists(st.integers(0, 255), max_size=80))
def test_nonsense_bytes_never_stall_the_text(ids: list[int]) -> None:
    pieces = Detokenizer(decode_bytes)
    for byte in [*ids, *b"plain text"]:
        last = pieces.add(byte)
    assert last == "t"


@given(prompt=st.lists(st.integers(0, 9), min_size=1), ids=st.lists(st.integers(0, 9), min_size=1))
def test_words_keep_their_leading_space_after_a_prompt(prompt: list[int], ids: list[int]) -> None:
    pieces = Detokenizer(decode_words, prompt)
    assert "".join(pieces.add(each) for each in ids) == "".join(f" w{each}" for each in ids)


def test_special_tokens_give_no_text() -> None:
    pieces = Detokenizer(decode_bytes, [256])
    assert [pieces.add(each) for each in (257, 65, 258, 66)] == ["", "A", "", "B"]


def naive(text: str, stops: list[str]) -> tuple[str, str | None]:
    """The definition: read character by character, stop at the first complete match, the longest of them."""
    for end in range(len(text) + 1):
        for stop in sorted((stop for stop in stops if stop), key=len, reverse=True):
            if text[:end].endswith(stop):
                return text[: end - len(stop)], stop
    return text, None


@given(
    pieces=st.lists(st.text("abc", max_size=4), max_size=12),
    stops=st.lists(st.text("abc", max_size=4), max_size=4),
)
def test_the_result_is_the_definitions_however_the_text_is_cut(pieces: list[str], stops: list[str]) -> None:
    wanted, wanted_stop = naive("".join(pieces), stops)
    stop_filter, shown, met = StopFilter(stops), "", None
    for piece in pieces:
        text, met = stop_filter.add(piece)
        shown += text
        # Whatever was shown stays true: it is the beginning of the final text.
        assert wanted.startswith(shown)
        if met is not None:
            break
    else:
        shown += stop_filter.rest()
    assert (shown, met) == (wanted, wanted_stop)


def test_nothing_is_held_back_without_need() -> None:
    stop_filter = StopFilter(["\n\nHuman:"])
    assert stop_filter.add("Hello\nworld\n") == ("Hello\nworld", None)
    assert stop_filter.add("\nHum") == ("", None)
    assert stop_filter.add("ble") == ("\n\nHumble", None)
