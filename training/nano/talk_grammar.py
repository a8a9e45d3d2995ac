"""A grammar of talk that asks nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

_PEOPLE = (
    "my brother", "the teacher", "our neighbour", "the driver", "a farmer", "his cousin", "maria",
    "the doctor", "your uncle", "the waiter", "an old man", "the girl", "peter", "the nurse",
    "the company", "their team", "the manager", "a guest", "the agent", "everyone", "my mother",
    "the captain", "the lawyer", "the child", "the engineer", "a stranger", "susan", "the customer",
    "my boss", "grandfather", "the butcher", "a tourist", "thomas", "the actor", "our coach",
    "anna", "the postman", "his wife", "the students", "robert", "the mayor", "her friends",
    "a policeman",
)  # fmt: skip
_VERBS = (
    "bought", "painted", "forgot", "cleaned", "described", "carried", "found", "watched", "opened",
    "wanted", "repaired", "moved", "borrowed", "counted", "heard", "lost", "followed", "ordered",
    "cancelled", "recorded", "noticed", "returned", "played", "finished", "sold", "dropped",
    "checked", "changed", "brought", "tracked", "reset", "called", "needed", "liked", "closed",
    "washed", "hid", "kicked", "drew", "chose", "shared", "fixed", "broke", "stole", "lifted",
    "missed", "wrapped", "measured", "served", "threw", "cut", "held", "signed", "copied",
    "praised", "saw",
)  # fmt: skip
_THINGS = (
    "the green bicycle", "a wooden table", "the alarm clock", "two windows", "the long report",
    "some fresh bread", "the train ticket", "a glass of milk", "the old piano", "his new phone",
    "the red umbrella", "a letter", "the kitchen door", "three apples", "the city map", "her coat",
    "a password book", "the order form", "the music room", "the subscription price", "the dogs",
    "the beeps on the radio", "a knock at the door", "the meeting room", "a summary of the book",
    "the capital letters", "a funny hat", "the money", "the morning paper", "the names", "a siren",
    "the fire place", "the guest house", "an intro course", "the police car", "a notebook",
    "the blanket", "a heavy box", "her ring", "the yellow truck", "five eggs", "the old bridge",
    "a pair of gloves", "the garage", "his guitar", "the cheese", "a picture of the sea",
    "the ladder", "the newspaper", "a cup of tea", "their tent", "the final bill", "some paper",
    "the broken chair",
)  # fmt: skip
_PLACES = (
    "in the garden", "at the station", "on the desk", "near the river", "after lunch", "yesterday",
    "last winter", "before the game", "with a smile", "for the whole family", "on monday",
    "in the morning", "behind the house", "without a word", "during the storm", "at school",
    "every other week", "by mistake", "under the bridge", "on the way home", "two days ago", "",
    "in france", "at ten", "next to the bank", "in the evening", "all afternoon", "again", "", "",
)  # fmt: skip
_QUESTIONS = (
    "{person}, did you see {thing}", "where did {person} put {thing}",
    "why is {thing} so {quality}", "who {verb} {thing} {place}", "have you seen {thing} {place}",
    "did {person} call you {place}", "is {thing} still {place}", "should {person} bring {thing}",
    "when does {person} come home", "do you think {person} {verb} {thing}", "was {thing} {quality}",
    "how old is {thing}", "can {person} carry {thing}", "will {person} be {place}",
    "which of them {verb} {thing}",
)  # fmt: skip
_REMARKS = (
    "i would rather stay {place}", "we left {thing} {place}", "she never liked {thing}",
    "it was raining {place}", "i am looking for {thing}", "they are waiting for {person} {place}",
    "you should have seen {thing}", "that is why {person} {verb} {thing}",
    "let us go there {place}", "please put {thing} back {place}", "do not forget {thing}",
    "there is {thing} {place}", "i told {person} about {thing}", "he said it was {quality}",
    "tomorrow we will visit {person}", "bring {thing} to {person}",
    "yes {person} {verb} it {place}", "no it is not {quality}",
)  # fmt: skip
_MEETING = (
    "let me share my screen", "i think we should move on", "um i am not sure about {thing}",
    "so the next point is {thing}", "we had {amount} items on the list",
    "uh can you say that again", "the remote control should be {quality}", "yeah that makes sense",
    "from a marketing view it is {quality}", "we could do that {place}",
    "so basically {person} {verb} {thing}", "does that work for everyone",
    "i have to leave {place}", "what about the batteries", "okay so let us start", "mm hm exactly",
    "maybe we can come back to that", "i will send it to {person} {place}", "sorry go ahead",
    "the users did not like {thing}", "it depends on the budget", "that is what i meant",
    "we talked about this {place}", "the deadline is {place}", "i put it in the shared folder",
    "any other business", "you are on mute", "let us take a short break", "i agree with {person}",
    "if you look at slide {amount}", "so {person} will look into that",
    "right and then the design", "the numbers for march are {quality}",
    "we need more time for {thing}", "no i do not think so",
)  # fmt: skip
_STORY = (
    "once upon a time there was {person} who {verb} {thing}", "the wind blew hard {place}",
    "he did not know what to say", "she opened the door and looked around {place}",
    "it was the best of all days", "and so they lived together {place}",
    "nobody ever saw {person} again", "the old man laughed and {verb} {thing}",
    "in the year nineteen {amount} the war was over", "chapter {amount}",
    "the forest was dark and {quality}", "go forward {amount} metres", "then there was silence",
    "his hands were shaking", "the sea was calm {place}", "{person} turned and walked away",
    "what a strange creature, she thought", "far away a bell rang", "it is only a fish",
    "we will never get out of here {place}", "this must be the way out",
    "i have seen that before {place}", "do not touch {thing}", "it is too heavy for me",
    "look at that {quality} wall", "something is moving over there", "i am not afraid of {person}",
    "wait until it is dark", "what are you doing here", "give it to {person}, not to me",
    "this place gives me the creeps", "we have to push it to the left",
    "are you sure about {thing}", "you must be joking", "i can not reach it",
    "well done, my friend", "where did everybody go",
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
    "clean", "expensive", "hard to find", "bright", "quiet", "difficult", "almost ready",
    "full of people", "not so bad", "terrible", "easy enough", "older than mine", "nice and warm",
    "finally done",
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


def sentence(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.32:
        words = (rng.choice(_PEOPLE), rng.choice(_VERBS), rng.choice(_THINGS), rng.choice(_PLACES))
        return " ".join(word for word in words if word)
    if kind < 0.48:
        return rng.choice(_OPINIONS).format(rng.choice(_QUALITIES))
    if kind < 0.6:
        return rng.choice(_NUMBERS_TALK).format(rng.choice(_AMOUNTS), rng.choice(_PLACES)).strip()
    if kind < 0.74:
        return filled(rng.choice(_QUESTIONS), rng)
    return filled(rng.choice(_MEETING if kind < 0.83 else _STORY if kind < 0.93 else _REMARKS), rng)


def filled(pattern: str, rng: random.Random) -> str:
    """A pattern with its names replaced by random words of their kind."""
    return pattern.format(
        person=rng.choice(_PEOPLE), verb=rng.choice(_VERBS), thing=rng.choice(_THINGS),
        place=rng.choice(_PLACES), quality=rng.choice(_QUALITIES), amount=rng.choice(_AMOUNTS),
    ).strip()  # fmt: skip


def any_prompt(rng: random.Random) -> str:
    """A system prompt of random sentences: nano must not depend on the one it knows best."""
    sentences = [sentence(rng).capitalize() + "." for _ in range(rng.randint(1, 4))]
    return " ".join(sentences)


def unrelated(rng: random.Random) -> str:
    """Talk that must be left alone and is not like any request."""
    text = f"{rng.choice(_FILLERS)} {sentence(rng)}".strip()
    return f"{text} and {sentence(rng)}" if rng.random() < 0.3 else text
