"""The generators of the tiny model's corpus keep their promises: repeatable, and held out means held out."""

import gzip
import importlib
import json
import random
from pathlib import Path
from types import ModuleType

import pytest

RECIPE = Path(__file__).parents[3] / "deploy/catalog/craton/tiny-llama/recipe"


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """The recipe's modules, which are a program of their own and no package."""
    monkeypatch.syspath_prepend(str(RECIPE))
    return {name: importlib.import_module(name) for name in ("stories", "tools", "dialogues", "prose")}


@pytest.mark.parametrize("name", ["stories", "tools", "dialogues"])
def test_the_same_seed_makes_the_same_documents(recipe: dict[str, ModuleType], name: str) -> None:
    first, second = (list(recipe[name].documents(random.Random(5), 300)) for _ in range(2))
    assert first == second
    assert first != list(recipe[name].documents(random.Random(6), 300))


@pytest.mark.parametrize("name", ["stories", "tools", "dialogues"])
def test_no_template_is_left_unfilled_and_no_control_token_is_written(
    recipe: dict[str, ModuleType], name: str
) -> None:
    for doc in recipe[name].documents(random.Random(1), 2000):
        text = doc.text or " ".join(turn.text for turn in doc.turns)
        assert text.strip()
        assert "<|" not in text
        if name != "tools":
            assert "{" not in text


def test_every_tool_answer_is_the_call_that_was_asked_for(recipe: dict[str, ModuleType]) -> None:
    for doc in recipe["tools"].documents(random.Random(2), 500):
        asked = next(turn.text for turn in doc.turns if turn.role == "user")
        call = json.loads(next(turn.text for turn in doc.turns if turn.role == "assistant"))
        assert call.keys() == {"name", "arguments"}
        assert all(f"{key}" in asked and f"{value}" in asked for key, value in call["arguments"].items())


def test_held_out_heroes_and_tools_are_in_no_training_document(recipe: dict[str, ModuleType]) -> None:
    told = " ".join(
        doc.text or doc.turns[-1].text for doc in recipe["stories"].documents(random.Random(3), 2000)
    )
    assert not set(recipe["stories"].HELD_OUT_HEROES) & set(told.replace(".", " ").replace(",", " ").split())
    assert not set(recipe["tools"].HELD_OUT_VERBS) & set(recipe["tools"].VERBS)
    assert all(doc.held_out for doc in recipe["tools"].documents(random.Random(3), 50, held_out=True))


def test_held_out_sums_are_never_asked(recipe: dict[str, ModuleType]) -> None:
    dialogues = recipe["dialogues"]
    held_out = {f"{a} plus {b} is" for a in range(13) for b in range(13) if dialogues.is_held_out_sum(a, b)}
    assert len(held_out) > 10
    answers = [t.text for doc in dialogues.documents(random.Random(4), 20_000) for t in doc.turns]
    assert not [text for text in answers if text.partition(" is")[0] + " is" in held_out]


def test_markup_becomes_plain_text(recipe: dict[str, ModuleType]) -> None:
    markup = "<p>Deletes a &lt;b&gt; <code>Key</code>.</p> <ul><li> <p>At once.</p></li></ul>"
    assert recipe["prose"].plain_text(markup) == "Deletes a <b> Key.\nAt once."


def test_the_newest_service_model_is_read(recipe: dict[str, ModuleType], tmp_path: Path) -> None:
    for version in ("2020-01-01", "2024-01-01"):
        folder = tmp_path / "data/lamp" / version
        folder.mkdir(parents=True)
        about = f"<p>Lamp {version} turns lights on and off, in every room of every house you own.</p>"
        model = {"documentation": about, "operations": {}, "metadata": {"serviceFullName": "Amazon Lamp"}}
        (folder / "service-2.json.gz").write_bytes(gzip.compress(json.dumps(model).encode()))
    prose, question = recipe["prose"].documents(tmp_path)
    assert prose.text == "Lamp 2024-01-01 turns lights on and off, in every room of every house you own."
    assert (question.turns[0].text, question.turns[1].text) == ("What is Amazon Lamp?", prose.text)
