"""Short stories, grown from a small grammar that was written for this model."""

from __future__ import annotations

import random
from collections.abc import Iterator

from document import Document, conversation, with_article

HEROES = (
    "fox owl rabbit bear mouse cat dog turtle dragon robot baker sailor gardener painter wizard princess "
    "knight clockmaker farmer penguin squirrel hedgehog frog whale elephant lion wolf deer bee duck horse goat "
    "swan crow tailor miller shepherd librarian pilot fisherman girl boy giant snail spider sheep parrot monkey "
    "tiger kitten puppy king queen teacher doctor postman raven mole beaver badger camel donkey"
).split()
# Only measured on: a story about these shows that the model reads the request.
HELD_OUT_HEROES = "otter lizard dolphin carpenter panda goose".split()

_NAMES = (
    "Anna Ben Clara David Ella Finn Grace Hugo Ivy Jack Kira Leo Mia Noah Olive Paul Quinn Rosa Sam Tara "
    "Uma Victor Wendy Max Zoe Lily Tom Nina Oscar Pip Ruby Toby Milo Luna Hazel Arlo Bella Otto Lucy Emil"
).split()
_TRAITS = (
    "small brave curious gentle lonely clever shy cheerful patient sleepy kind old young quiet honest"
).split()
_PLACES = (
    "in a quiet forest;by the sea;on a green hill;in a small village;at the edge of a wide river;"
    "under the old bridge;in a tall tower;near a frozen lake;in a sunny valley;on a little island;"
    "behind the mill;in a busy harbor;at the foot of a mountain;in a garden full of roses;"
    "in a cottage with a red door;beside a deep well"
).split(";")
_THINGS = (
    "lantern key book bell map kite drum boat ring seed feather stone letter clock cloak mirror "
    "basket coin violin teapot ladder shell compass button scarf acorn whistle candle box star"
).split()
_WISHES = (
    "wanted to see the stars up close;dreamed of a friend;wanted to learn how to sing;"
    "hoped to find the end of the rainbow;wished to help others;wanted to be brave;"
    "dreamed of crossing the river;wanted to know where the wind goes;longed to see the sea;"
    "wanted to build something that would last"
).split(";")
_FINDS = (
    "One morning {n} found {a} {t} {w}.;One day {a} {t} lay in the grass {w}.;"
    "One evening {n} saw {a} {t} shining {w}.;After a long storm, {n} found {a} {t} {w}.;"
    "On the first day of spring, someone left {a} {t} {w}."
).split(";")
_WHERE = (
    "under a tree;near the door;on the path;by the water;behind a rock;in the snow;beside the road;between two roots"
).split(";")
_TROUBLES = (
    "But the night was dark and the way was long.;But the {t} was broken.;But the {t} belonged to somebody else.;"
    "But a great storm was coming.;But nobody knew what it was for.;But the river had washed the bridge away.;"
    "But {n} was afraid to go alone.;But the {t} was too heavy to carry."
).split(";")
_HELPERS = (
    '{A} {h} came along and said, "Let us try together.";{A} {h} heard the noise and came to help.;'
    '"Do not worry," said {a} {h}. "Two are stronger than one.";'
    "{n} asked {a} {h} for help, and the {h} smiled.;{A} {h} who lived nearby knew what to do.;"
    "Then {n} met {a} {h}, who was looking for the very same {t}."
).split(";")
_DEEDS = (
    "They worked all day, and step by step the trouble grew smaller.;"
    "Together they walked until the sun came up.;They shared their bread and made a plan.;"
    "They waited for the storm to pass and told each other stories.;"
    "They looked everywhere, and they did not give up.;"
    "They carried the {t} home and laughed all the way."
).split(";")
_ENDINGS = (
    "From that day on, {n} was never lonely again.;In the end {n} learned that a small light is enough to find the way.;"
    "And {n} kept the {t} for ever, to remember that day.;That night {n} slept well and dreamed of tomorrow.;"
    "And {n} gave the {t} back, and gained a friend.;And they all lived happily ever after.;"
    "{n} smiled, because the best things are the ones we share.;"
    "And if you listen at night, you can still hear them laughing."
).split(";")
_OPENINGS = (
    "Once upon a time, {a} {k} {h} named {n} lived {p}.;There was once {a} {k} {h} called {n} who lived {p}.;"
    "Long ago, {p}, there lived {a} {k} {h} named {n}.;{n} was {a} {k} {h} who lived {p}."
).split(";")
_REQUESTS = (
    "Tell me a story about {a} {h}.;Tell me a short story about {a} {h}.;Write a short story about {a} {h}.;"
    "Write a story about {a} {h} and {b} {t}.;Please tell me a story about {a} {h}.;"
    "Can you tell me a story about {a} {h}?;I would like a story about {a} {h} named {n}.;"
    "Tell a story about {a} {h} and {b} {t}.;A story about {a} {h}, please.;"
    "Write a bedtime story about {a} {h}.;Make up a story about {a} {h} called {n}."
).split(";")
_OPEN_REQUESTS = (
    "Tell me a story.;Tell me a short story.;Write a story.;Please tell me a story.;Can you tell me a story?;"
    "I would like to hear a story.;Write a short story.;Tell me a bedtime story."
).split(";")


def _article(noun: str) -> str:
    return with_article(noun).split(" ", 1)[0]


def story(rng: random.Random, hero: str, name: str, thing: str) -> str:
    """One story of five to eight sentences about that hero and that thing."""
    helper = rng.choice([other for other in HEROES if other != hero])
    trait = rng.choice(_TRAITS)

    def fill(template: str, noun: str) -> str:
        return template.format(
            n=name, h=helper, t=thing, k=trait, w=rng.choice(_WHERE), p=rng.choice(_PLACES),
            a=_article(noun), A=_article(noun).capitalize(),
        )  # fmt: skip

    opening = rng.choice(_OPENINGS).format(a=_article(trait), k=trait, h=hero, n=name, p=rng.choice(_PLACES))
    sentences = [
        opening[0].upper() + opening[1:],
        f"The {hero} {rng.choice(_WISHES)}.",
        fill(rng.choice(_FINDS), thing),
        fill(rng.choice(_TROUBLES), thing),
        fill(rng.choice(_HELPERS), helper),
        fill(rng.choice(_DEEDS), thing),
        fill(rng.choice(_ENDINGS), thing),
    ]
    if rng.random() < 0.3:
        del sentences[1]
    return " ".join(sentences)


def request(rng: random.Random, hero: str, name: str, thing: str) -> str:
    """A way to ask for that story."""
    return rng.choice(_REQUESTS).format(a=_article(hero), h=hero, n=name, b=_article(thing), t=thing)


def documents(rng: random.Random, count: int) -> Iterator[Document]:
    """Yields stories: on request in a conversation, on request in plain text, or unasked."""
    for _ in range(count):
        hero, name, thing = rng.choice(HEROES), rng.choice(_NAMES), rng.choice(_THINGS)
        text = story(rng, hero, name, thing)
        asked = request(rng, hero, name, thing) if rng.random() < 0.8 else rng.choice(_OPEN_REQUESTS)
        kind = rng.random()
        if kind < 0.25:
            yield Document("story", text)
        elif kind < 0.4:
            yield Document("story", f"{asked}\n{text}")
        else:
            yield conversation("story", ("user", asked), ("assistant", text))


def held_out(rng: random.Random, count: int) -> Iterator[Document]:
    """Yields stories about heroes that no training document is about."""
    for _ in range(count):
        hero, name, thing = rng.choice(HELD_OUT_HEROES), rng.choice(_NAMES), rng.choice(_THINGS)
        text = story(rng, hero, name, thing)
        turns = ("user", request(rng, hero, name, thing)), ("assistant", text)
        yield conversation("story", *turns, held_out=True)
