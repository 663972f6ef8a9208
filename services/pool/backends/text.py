"""From tokens to text, piece by piece: incremental detokenisation and stop sequences. Pure."""

from collections.abc import Callable, Sequence

# Tokens of the prompt's end that give the first generated token its context: decoders that join words by a
# mark on the token drop the first word's leading space when they see it alone.
_CONTEXT_TOKENS = 5
# A character has at most four bytes, hence at most four byte-level tokens: whatever ends in a replacement
# character for longer is the model's own doing and not an unfinished character.
_MAX_UNFINISHED_TOKENS = 4
_REPLACEMENT = "�"


class Detokenizer:
    """Turns a growing list of tokens into text, never emitting half a character."""

    def __init__(self, decode: Callable[[list[int]], str], prompt_ids: Sequence[int] = ()) -> None:
        """`decode` turns tokens into text, leaving out special tokens."""
        self._decode = decode
        self._ids = list(prompt_ids[-_CONTEXT_TOKENS:])
        self._read = len(self._ids)
        self._known = decode(self._ids) if self._ids else ""

    def add(self, token: int) -> str:
        """Return the text that `token` completes; empty while a character is unfinished."""
        self._ids.append(token)
        text = self._decode(self._ids)
        if text.endswith(_REPLACEMENT) and len(self._ids) - self._read < _MAX_UNFINISHED_TOKENS:
            return ""
        piece = text[len(self._known) :]
        # The tokens just read become the context of the next; what is older has no influence any more.
        self._ids = self._ids[max(0, min(self._read, len(self._ids) - _CONTEXT_TOKENS)) :]
        self._read = len(self._ids)
        self._known = self._decode(self._ids)
        return piece


class StopFilter:
    """Cuts text off before the first stop sequence, holding back what might become one.

    The result depends on the characters alone and not on how they come in pieces: of several matches the
    one that is complete first counts, of those the longest.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        """Empty stop sequences are no stop sequences."""
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""

    def add(self, piece: str) -> tuple[str, str | None]:
        """Return (text that may be shown, the stop sequence that was met or None)."""
        if not self._stops:
            return piece, None
        text = self._held + piece
        matches = [(text.find(stop) + len(stop), -len(stop), stop) for stop in self._stops if stop in text]
        if matches:
            end, _, stop = min(matches)
            self._held = ""
            return text[: end - len(stop)], stop
        keep = self._possible_start(text)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep], None

    def rest(self) -> str:
        """The text held back, at the end of a generation that met no stop sequence."""
        rest, self._held = self._held, ""
        return rest

    def _possible_start(self, text: str) -> int:
        longest = min(len(text), max(map(len, self._stops)) - 1)
        for length in range(longest, 0, -1):
            if any(stop.startswith(text[-length:]) for stop in self._stops):
                return length
        return 0
