"""Short stories, grown from a small grammar that was written for this model."""

from __future__ import annotations

import random
from collections.abc import Iterator

import material
from document import Document, conversation, with_article

_LISTS = material.lists("stories")
HEROES = _LISTS["heroes"]
# Only measured on: a story about these shows that the model reads the request.
HELD_OUT_HEROES = _LISTS["held_out_heroes"]

_NAMES = _LISTS["names"]
_TRAITS = _LISTS["traits"]
_PLACES = _LISTS["places"]
_THINGS = _LISTS["things"]
_WISHES = _LISTS["wishes"]
_FINDS = _LISTS["finds"]
_WHERE = _LISTS["where"]
_TROUBLES = _LISTS["troubles"]
_HELPERS = _LISTS["helpers"]
_DEEDS = _LISTS["deeds"]
_ENDINGS = _LISTS["endings"]
_OPENINGS = _LISTS["openings"]
_REQUESTS = _LISTS["requests"]
_OPEN_REQUESTS = _LISTS["open_requests"]


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
