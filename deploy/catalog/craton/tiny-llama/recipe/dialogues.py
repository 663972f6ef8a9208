"""Questions and answers, small talk, and exercises that make the model read its prompt.

Written for this model; the texts stand in data/.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import material
from document import Document, Role, conversation

_LISTS = material.lists("dialogues")
_NAMES = _LISTS["names"]
WORDS = _LISTS["words"]
_COLORS = _LISTS["colors"]
_ONES = _LISTS["ones"]
_OPPOSITES = _LISTS["opposites"]
_ASK_WHAT = _LISTS["ask_what"]
_GREETINGS = _LISTS["greetings"]
_GREETED = _LISTS["greeted"]
_SYSTEMS = _LISTS["systems"]

Exchange = list[tuple[Role, str]]
Sampler = Callable[[random.Random], Exchange]


def _pair(question: str, answer: str) -> Exchange:
    return [("user", question), ("assistant", answer)]


def _loosely(rng: random.Random, question: str) -> str:
    """The question as people type it: sometimes without capitals, end mark or with a please."""
    bare = question.rstrip("?.!")
    kind = rng.random()
    if kind < 0.08:
        return bare
    if kind < 0.16:
        return question[0].lower() + question[1:]
    if kind < 0.22:
        return bare.lower()
    return question


def _end_mark(question: str) -> str:
    starts = ("What", "Can", "Do", "How", "Which", "In one sentence, what")
    return question + ("?" if question.startswith(starts) else ".")


def _concept(rows: list[list[str]]) -> Sampler:
    def sample(rng: random.Random) -> Exchange:
        noun, answer = rng.choice(rows)
        return _pair(_loosely(rng, _end_mark(rng.choice(_ASK_WHAT).format(noun))), answer)

    return sample


def _about(rows: list[list[str]]) -> Sampler:
    def sample(rng: random.Random) -> Exchange:
        questions, answer = rng.choice(rows)
        return _pair(_loosely(rng, rng.choice(questions.split("|"))), answer)

    return sample


def _capital(rows: list[list[str]]) -> Sampler:
    def sample(rng: random.Random) -> Exchange:
        country, city = rng.choice(rows)
        if rng.random() < 0.15:
            return _pair(f"In which country is {city}?", f"{city} is in {country}.")
        return _pair(
            _loosely(rng, rng.choice(_LISTS["ask_capital"]).format(country)),
            f"The capital of {country} is {city}.",
        )

    return sample


def _unknown(rows: list[list[str]]) -> Sampler:
    """Questions that no model of this size can answer: it says so instead of inventing something."""

    def sample(rng: random.Random) -> Exchange:
        what, whose = rng.choice(rows)
        thing = f"{what} {rng.choice(whose.split(';'))}"
        asked = (
            "What is {}?",
            "Tell me {}.",
            "Do you know {}?",
            "Please look up {}.",
            "What was {} last year?",
        )
        return _pair(
            _loosely(rng, rng.choice(asked).format(thing)),
            f"I am a very small model and do not know {thing}.",
        )

    return sample


def _greeting(rng: random.Random) -> Exchange:
    kind = rng.random()
    if kind < 0.2:
        return _pair(
            rng.choice(("Thank you.", "Thanks", "Thank you very much.", "Thanks!")), "You are welcome."
        )
    if kind < 0.35:
        return _pair(
            rng.choice(("Goodbye", "Bye", "See you later.", "Good night")), "Goodbye! Come back any time."
        )
    if kind < 0.5:
        asked = rng.choice(("How are you?", "How do you do?", "How are you today?", "Hello, how are you?"))
        return _pair(asked, "I am fine, thank you. How can I help you?")
    return _pair(_loosely(rng, rng.choice(_GREETINGS)), rng.choice(_GREETED))


def _opposite(rng: random.Random) -> Exchange:
    word, other = rng.sample(rng.choice(_OPPOSITES).split(), 2)
    asked = rng.choice(
        ("What is the opposite of {}?", "Name the opposite of {}.", "Give me the opposite of {}.")
    )
    return _pair(_loosely(rng, asked.format(word)), f"The opposite of {word} is {other}.")


def is_held_out_sum(a: int, b: int) -> bool:
    """Whether a + b is only measured on: about one sum in eleven."""
    return (7 * a + 3 * b) % 11 == 0


def _sum(rng: random.Random) -> Exchange:
    a, b = rng.randrange(0, 13), rng.randrange(0, 13)
    if is_held_out_sum(a, b):
        a, b = 2, 2
    if rng.random() < 0.3 and a >= b:
        asked = rng.choice((f"What is {a} minus {b}?", f"What is {a} - {b}?"))
        return _pair(asked, f"{a} minus {b} is {a - b}.")
    asked = rng.choice(
        (f"What is {a} plus {b}?", f"What is {a} + {b}?", f"Add {a} and {b}.", f"How much is {a} + {b}?")
    )
    return _pair(asked, f"{a} plus {b} is {a + b}.")


def _count(rng: random.Random) -> Exchange:
    low = rng.choice((1, 1, 1, rng.randrange(2, 10)))
    high = low + rng.randrange(2, 12)
    asked = rng.choice(
        (
            "Count from {} to {}.",
            "Count {} to {}.",
            "Please count from {} to {}.",
            "List the numbers from {} to {}.",
        )
    )
    return _pair(_loosely(rng, asked.format(low, high)), ", ".join(map(str, range(low, high + 1))) + ".")


def _copy(rng: random.Random) -> Exchange:
    """Repeating words: teaches the model to look back at its prompt."""
    words = [rng.choice(WORDS) for _ in range(rng.randrange(1, 7))]
    if rng.random() < 0.2:
        asked = "Say the words in upper case: "
        return _pair(asked + " ".join(words), " ".join(words).upper())
    asked = rng.choice(
        ("Repeat after me: ", "Repeat: ", "Say: ", "Say this: ", "Repeat these words: ", "Echo: ")
    )
    return _pair(asked + " ".join(words), " ".join(words))


def _one_word(rng: random.Random) -> Exchange:
    word = rng.choice([*WORDS, *_COLORS, *_NAMES])
    asked = rng.choice(("Answer with one word: {}", "Say only the word {}.", "Just say {}.", "Say {}."))
    return _pair(asked.format(word), word)


def _recall(rng: random.Random) -> Exchange:
    """A fact told in one turn and asked for in a later one."""
    name, color, age = rng.choice(_NAMES), rng.choice(_COLORS), rng.randrange(5, 90)
    facts = [
        (
            f"My name is {name}.",
            f"Hello {name}! Nice to meet you.",
            "What is my name?",
            f"Your name is {name}.",
        ),
        (f"I am {name}.", f"Hello {name}! Nice to meet you.", "Who am I?", f"You are {name}."),
        (
            f"My favorite color is {color}.",
            f"{color.capitalize()} is a nice color.",
            "What is my favorite color?",
            f"Your favorite color is {color}.",
        ),
        (f"I am {age} years old.", "Thank you for telling me.", "How old am I?", f"You are {age} years old."),
    ]
    told, heard, asked, answer = rng.choice(facts)
    turns: Exchange = _pair(told, heard)
    if rng.random() < 0.4:
        turns += _sum(rng)
    return turns + _pair(asked, answer)


def _persona(rng: random.Random) -> Exchange:
    """The system turn gives the assistant a name, and the assistant uses it."""
    name = rng.choice(_NAMES)
    system = rng.choice(
        (
            "You are {}.",
            "You are {}, a helpful assistant.",
            "Your name is {}.",
            "You are an assistant named {}.",
        )
    )
    asked, answer = rng.choice((
        ("What is your name?", f"My name is {name}."),
        ("Who are you?", f"I am {name}, a very small language model."),
        ("Hello", f"Hello! I am {name}. How can I help you?"),
        ("Introduce yourself.", f"I am {name}, a very small language model."),
    ))  # fmt: skip
    return [("system", system.format(name)), *_pair(asked, answer)]


def _number_word(rng: random.Random) -> Exchange:
    number = rng.randrange(0, 11)
    if rng.random() < 0.5:
        return _pair(f"Write {number} as a word.", f"{_ONES[number].capitalize()}.")
    return _pair(f"Which number is {_ONES[number]}?", f"{_ONES[number].capitalize()} is {number}.")


def _samplers() -> tuple[list[Sampler], list[float]]:
    weighted: list[tuple[Sampler, float]] = [
        (_concept(material.rows("concepts")), 5.0),
        (_about(material.rows("about")), 4.5),
        (_capital(material.rows("capitals")), 2.0),
        (_unknown(material.rows("unknown")), 0.8),
        (_greeting, 1.2),
        (_opposite, 0.7),
        (_sum, 1.5),
        (_count, 0.8),
        (_copy, 1.2),
        (_one_word, 0.4),
        (_recall, 0.8),
        (_persona, 0.8),
        (_number_word, 0.3),
    ]
    return [sampler for sampler, _ in weighted], [weight for _, weight in weighted]


def documents(rng: random.Random, count: int) -> Iterator[Document]:
    """Yields dialogues of one to three exchanges, some behind a system turn, some as plain text."""
    samplers, weights = _samplers()
    for _ in range(count):
        turns: Exchange = []
        for sampler in rng.choices(samplers, weights, k=rng.choice((1, 1, 1, 2, 3))):
            turn = sampler(rng)
            if turn[0][0] == "system" and turns:
                continue
            turns += turn
        if turns[0][0] == "user" and rng.random() < 0.2:
            turns.insert(0, ("system", rng.choice(_SYSTEMS)))
        kind = rng.random()
        if kind < 0.12 and turns[0][0] == "user":
            # The format that Titan text models document for plain prompts.
            lines = [("User: " if role == "user" else "Bot: ") + text for role, text in turns]
            yield Document("dialogue", "\n".join(lines))
        elif kind < 0.24 and len(turns) == 2:
            yield Document("dialogue", f"{turns[0][1]}\n{turns[1][1]}")
        else:
            yield conversation("dialogue", *turns)
