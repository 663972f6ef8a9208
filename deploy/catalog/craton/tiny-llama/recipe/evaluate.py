"""Measures an artifact on what training never saw, and prints one JSON object.

    python evaluate.py DIR [--samples]

The folder is loaded as any user would load it: AutoTokenizer and AutoModelForCausalLM, offline.
Generation is greedy, so that two runs print the same figures; --samples prints some texts instead.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import corpus
import dialogues
import material
import stories
import tools
import torch
from document import Document
from tokenizer import CONTEXT
from train import Plan
from transformers import AutoModelForCausalLM, AutoTokenizer

# Another seed than training's: the questions below were not drawn from its stream.
_SEED = 1_000_003
_MAX_NEW_TOKENS = 260
# Perplexity is measured over at most this many tokens of each source.
_MAX_TOKENS = 60_000
_WINDOW = 512

Message = dict[str, str]


@dataclass(frozen=True)
class Question:
    """A conversation to continue, and the check of the answer."""

    messages: Sequence[Message]
    correct: Callable[[str], bool]


class Model:
    """The artifact under test."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        self.network.eval()

    @torch.inference_mode()
    def loss(self, docs: Sequence[Document], window: int = _WINDOW) -> float:
        """Mean cross-entropy in nats a token over the counted tokens of the documents."""
        stream = corpus.encode(self.tokenizer.backend_tokenizer, docs)
        total, counted = 0.0, 0
        for start in range(0, min(len(stream.ids), _MAX_TOKENS) - window, window):
            ids = torch.from_numpy(stream.ids[start : start + window + 1]).long()
            learned = torch.from_numpy(stream.counts[start + 1 : start + window + 1])
            logits = self.network(ids[None, :-1]).logits[0][learned]
            total += torch.nn.functional.cross_entropy(logits, ids[1:][learned], reduction="sum").item()
            counted += int(learned.sum())
        return total / counted

    @torch.inference_mode()
    def chat(self, messages: Sequence[Message], **sampling: object) -> tuple[str, bool]:
        """The answer, and whether the model ended it by itself."""
        ids = self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt")[
            "input_ids"
        ]
        return self._continue(ids, **sampling)

    @torch.inference_mode()
    def text(self, prompt: str, **sampling: object) -> tuple[str, bool]:
        """The continuation of plain text, and whether the model ended it by itself."""
        return self._continue(self.tokenizer(prompt, return_tensors="pt")["input_ids"], **sampling)

    def _continue(self, ids: torch.Tensor, **sampling: object) -> tuple[str, bool]:
        chosen: dict[str, object] = {"do_sample": False, "temperature": None, "top_p": None} | sampling
        mask = torch.ones_like(ids)
        out = self.network.generate(ids, attention_mask=mask, max_new_tokens=_MAX_NEW_TOKENS, **chosen)
        new = out[0, ids.shape[1] :]
        ended = bool(new[-1] == self.tokenizer.eos_token_id)
        return self.tokenizer.decode(new, skip_special_tokens=True), ended


def _messages(doc: Document) -> tuple[list[Message], str]:
    """The turns before the first answer, and that answer."""
    first = next(i for i, turn in enumerate(doc.turns) if turn.role == "assistant")
    return [{"role": t.role, "content": t.text} for t in doc.turns[:first]], doc.turns[first].text


def _equals(expected: str) -> Callable[[str], bool]:
    return lambda answer: answer == expected


def _is_call(expected: str) -> Callable[[str], bool]:
    def correct(answer: str) -> bool:
        try:
            return bool(json.loads(answer) == json.loads(expected))
        except ValueError:
            return False

    return correct


def _mentions(word: str) -> Callable[[str], bool]:
    return lambda answer: word in answer.split(".")[0]


def questions(rng: random.Random, count: int) -> dict[str, list[Question]]:
    """The exercises by name."""
    asked: dict[str, list[Question]] = {}
    concepts = material.rows("concepts")
    capitals = material.rows("capitals")

    def ask(name: str, text: str, correct: Callable[[str], bool]) -> None:
        asked.setdefault(name, []).append(Question([{"role": "user", "content": text}], correct))

    for noun, answer in concepts:
        ask("known concept, new wording", f"Could you please tell me what {noun} is?", _equals(answer))
    for country, city in capitals:
        ask(
            "known capital, new wording",
            f"I would like to know the capital of {country}.",
            lambda a, c=city: c in a,
        )
    for _ in range(count):
        words = " ".join(rng.choice(dialogues.WORDS) for _ in range(4))
        ask("repeats four random words", f"Repeat after me: {words}", _equals(words))
        name = rng.choice(HELD_OUT_NAMES)
        asked.setdefault("uses a name from the system turn, new name", []).append(
            Question(
                [
                    {"role": "system", "content": f"You are {name}."},
                    {"role": "user", "content": "What is your name?"},
                ],
                _equals(f"My name is {name}."),
            )
        )
    for a in range(13):
        for b in range(13):
            if dialogues.is_held_out_sum(a, b):
                ask(
                    "sum never seen in training",
                    f"What is {a} plus {b}?",
                    _equals(f"{a} plus {b} is {a + b}."),
                )
    for doc in tools.documents(rng, count, held_out=True):
        messages, answer = _messages(doc)
        asked.setdefault("tool call, tool never seen in training", []).append(
            Question(messages, _is_call(answer))
        )
    for hero in stories.HELD_OUT_HEROES:
        for _ in range(count // 5):
            text = stories.request(rng, hero, "Anna", "lantern")
            ask("story about a hero never seen in training", text, _mentions(hero))
    return asked


HELD_OUT_NAMES = ("Nadia", "Felix", "Roman", "Stella", "Marco", "Irene")


def measure(model: Model, count: int) -> dict[str, object]:
    """All figures."""
    docs = [doc for doc in corpus.documents(corpus.find_botocore(), Plan.seed) if doc.held_out]
    figures: dict[str, object] = {}
    for source in ("prose", "story", "tool"):
        loss = model.loss([doc for doc in docs if doc.source == source])
        figures[f"{source}: held-out loss, nats a token"] = round(loss, 3)
        figures[f"{source}: held-out perplexity"] = round(math.exp(loss), 2)
    prose = [doc for doc in docs if doc.source == "prose"]
    figures["prose: the same in windows of 2048 tokens"] = round(model.loss(prose, CONTEXT), 3)
    ended = total = 0
    for name, asked in questions(random.Random(_SEED), count).items():  # noqa: S311  (repeatable, not secret)
        answers = [model.chat(question.messages) for question in asked]
        right = sum(question.correct(text) for question, (text, _) in zip(asked, answers, strict=True))
        figures[name] = f"{right}/{len(asked)}"
        ended += sum(stopped for _, stopped in answers)
        total += len(answers)
    figures["answers that ended by themselves"] = f"{ended}/{total}"
    return figures


def show(model: Model) -> None:
    """Prints sampled answers and continuations of data/samples.toml, for reading."""
    torch.manual_seed(1)
    sampling: dict[str, object] = {"do_sample": True, "temperature": 0.4, "top_p": 0.9}
    texts = material.lists("samples")
    for text in texts["chats"]:
        answer, ended = model.chat([{"role": "user", "content": text}], **sampling)
        print(f"--- {text}\n{answer}{'' if ended else ' [cut]'}")
    for text in texts["prompts"]:
        answer, ended = model.text(text, **sampling)
        print(f"=== {text}|{answer}{'' if ended else ' [cut]'}")


def main() -> None:
    """Measures or shows the artifact in a folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=50, help="questions of each random exercise")
    parser.add_argument("--samples", action="store_true", help="print texts instead of figures")
    given = parser.parse_args()
    torch.set_num_threads(1)
    model = Model(given.folder)
    if given.samples:
        show(model)
    else:
        print(json.dumps(measure(model, given.count), indent=2))


if __name__ == "__main__":
    main()
