"""A grammar of talk that asks nothing, some of it close to the requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.training.language import spoken_prompts

if TYPE_CHECKING:
    import random

_PEOPLE = (
    "my brother", "the teacher", "our neighbour", "the driver", "a farmer", "his cousin", "maria",
    "the doctor", "your uncle", "the waiter", "an old man", "the girl", "peter", "the nurse",
    "the company", "their team", "the manager", "a guest", "the agent", "everyone", "my mother",
    "the captain", "the lawyer", "the child", "the engineer", "a stranger", "susan", "the customer",
)  # fmt: skip
_VERBS = (
    "bought", "painted", "forgot", "cleaned", "described", "carried", "found", "watched", "opened",
    "wanted", "repaired", "moved", "borrowed", "counted", "heard", "lost", "followed", "ordered",
    "cancelled", "recorded", "noticed", "returned", "played", "finished", "sold", "dropped",
    "checked", "changed", "brought", "tracked", "reset", "called", "needed", "liked", "closed",
)  # fmt: skip
_THINGS = (
    "the green bicycle", "a wooden table", "the alarm clock", "two windows", "the long report",
    "some fresh bread", "the train ticket", "a glass of milk", "the old piano", "his new phone",
    "the red umbrella", "a letter", "the kitchen door", "three apples", "the city map", "her coat",
    "a password book", "the order form", "the music room", "the subscription price", "the dogs",
    "the beeps on the radio", "a knock at the door", "the meeting room", "a summary of the book",
    "the capital letters", "a funny hat", "the money", "the morning paper", "the names", "a siren",
    "the fire place", "the guest house", "an intro course", "the police car", "a notebook",
)  # fmt: skip
_PLACES = (
    "in the garden", "at the station", "on the desk", "near the river", "after lunch", "yesterday",
    "last winter", "before the game", "with a smile", "for the whole family", "on monday",
    "in the morning", "behind the house", "without a word", "during the storm", "at school",
    "every other week", "by mistake", "under the bridge", "on the way home", "two days ago", "",
    "in france", "at ten", "next to the bank", "in the evening", "all afternoon", "again", "", "",
)  # fmt: skip
_FILLERS = ("well", "so", "and then", "you know", "i think", "actually", "maybe", "of course", "")
_OPINIONS = (
    "the weather is {} today", "that film was {}", "this soup tastes {}", "the road looks {}",
    "my shoes are {}", "the exam was {}", "her voice sounds {}", "the river is {}",
    "these numbers are {}", "the old house is {}", "the water feels {}", "his story was {}",
    "the new office is {}", "my order was {}", "your name is {}", "the music was {}",
)  # fmt: skip
_QUALITIES = (
    "very cold", "rather strange", "quite good", "too long", "wonderful", "a little boring",
    "clean",     "expensive", "hard to find", "bright", "quiet", "difficult", "almost ready",
    "full of people",
    "not so bad", "terrible", "easy enough", "older than mine", "nice and warm", "finally done",
)  # fmt: skip
_NUMBERS_TALK = (
    "we sold {} tickets {}", "there were {} people {}", "it costs {} dollars", "bus {} was late {}",
    "page {} is missing", "they walked {} miles {}", "about {} of them stayed {}",
)  # fmt: skip
_AMOUNTS = (
    "two",
    "seven",
    "eleven",
    "twenty",
    "forty five",
    "one hundred",
    "nine",
    "sixteen",
    "six",
)
_LEADS = (
    "she asked him", "he wrote", "the sign says", "nobody said", "the song is called", "they said",
    "in the film somebody says", "i never ask", "the first line is", "we used to say",
)  # fmt: skip
_TAILS = (
    "and then he left", "was the name of the film", "but nobody answered", "said the old man",
    "in that book", "is what she told him", "like everyone else did", "for his sister last week",
    "and went home", "because it was raining", "was written on the wall", "when we were young",
)  # fmt: skip


def _sentence(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.55:
        words = (rng.choice(_PEOPLE), rng.choice(_VERBS), rng.choice(_THINGS), rng.choice(_PLACES))
        return " ".join(word for word in words if word)
    if kind < 0.8:
        return rng.choice(_OPINIONS).format(rng.choice(_QUALITIES))
    return rng.choice(_NUMBERS_TALK).format(rng.choice(_AMOUNTS), rng.choice(_PLACES)).strip()


def _near_miss(rng: random.Random, prompts: list[str]) -> str:
    """A request inside other talk, or one broken off so early that it asks nothing yet."""
    wording = rng.choice(prompts)
    kind = rng.random()
    if kind < 0.35:
        return f"{wording} {rng.choice(_TAILS)}"
    if kind < 0.65:
        return f"{rng.choice(_LEADS)} {wording} {rng.choice(_TAILS)}"
    words = wording.split()
    part = " ".join(words[: max(1, (len(words) + 1) // 2)])
    if len(words) < 3 or part in prompts:
        return _sentence(rng)
    return f"{part} {rng.choice(_THINGS)}" if kind < 0.85 else part


def any_prompt(rng: random.Random) -> str:
    """A system prompt of random sentences: nano must not depend on the one it knows best."""
    sentences = [_sentence(rng).capitalize() + "." for _ in range(rng.randint(1, 4))]
    return " ".join(sentences)


def unrelated(rng: random.Random) -> str:
    """Talk that must be left alone; a quarter of it shares words with the requests."""
    prompts = list(spoken_prompts())
    if rng.random() < 0.25:
        return _near_miss(rng, prompts)
    text = f"{rng.choice(_FILLERS)} {_sentence(rng)}".strip()
    return f"{text} and {_sentence(rng)}" if rng.random() < 0.3 else text
