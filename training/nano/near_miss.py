"""Talk that shares words with the requests and still asks nothing that nano knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.training.nano.language import spoken_prompts
from interject.training.nano.talk_grammar import filled

if TYPE_CHECKING:
    import random

_LEADS = (
    "she asked him", "he wrote", "the sign says", "nobody said", "the song is called", "they said",
    "in the film somebody says", "i never ask", "the first line is", "we used to say",
    "my mother always asks", "you should not say", "the book begins with", "he shouted",
)  # fmt: skip
_TAILS = (
    "and then he left", "but nobody answered", "for his sister last week", "like everyone else did",
    "and went home", "because it was raining", "when we were young", "in that book", "and so on",
)  # fmt: skip
_QUOTING_TAILS = (
    "was the name of the film", "said the old man", "is what she told him", "asked the girl",
    "was written on the wall", "is what the letter says", "was her first question", "he shouted",
    "is the title of the song", "they asked each other", "is what everyone says",
)  # fmt: skip
_SOMETHING_ELSE = (
    "what is the capital of spain", "what is the capital of the world", "what is {thing}",
    "what is your address", "what is your size", "what is five plus three", "what is his name",
    "how much is {thing}", "how much is six plus one", "what do you get for {thing}",
    "tell me about {person}", "tell me a story", "do you know {person}",
    "say something nice to anna", "good evening", "good night", "good luck", "are you hungry",
    "are you ready", "can you see me", "how do i open {thing}", "i forgot {thing}",
    "i need {thing}", "help yourself to {thing}", "can you reset the clock", "where is {thing}",
    "where is my coat", "can you check my shoes", "when will {person} arrive", "cancel the dinner",
    "how do i clean {thing}", "i want {thing}", "i want to buy {thing}", "can i get {thing}",
    "give me {thing}", "give me my coat back", "when do you sleep", "what time is it",
    "what time do you eat", "are you open to ideas", "let me speak", "let me talk to {person}",
    "get me {thing}", "connect me to the radio", "i want to make a cake",
    "i want to speak to {person}", "transfer me some money", "what did we eat today",
    "what did you say", "what was {thing}", "when is the next train", "when do we eat",
    "when is the next holiday", "please take {thing}", "write this letter", "take a break please",
    "make a cake for {person}", "play {thing}", "play the piano", "start the car",
    "can we have dinner please", "are we late", "are we there yet", "is this being painted",
    "who is {person}", "who is on the phone", "introduce {person}",
    "thank you letters are {quality}", "see you never", "have a nice trip", "count the apples",
    "count the people", "please count the money", "can you count to three",
    "can you count the chairs", "count every penny", "which city is {quality}",
    "somebody help {person}", "call the dentist", "call {person} back", "there is {thing}",
    "i need a holiday", "what can {person} do", "which book was that", "what can you see",
    "summarise the book", "who is your teacher", "what are your shoes made of",
    "make me a sandwich", "stop listening to {thing}", "stop listening to {person}",
    "i will stop listening to {person}", "please stop the car", "stop talking now", "stop it now",
    "please stop singing", "keep listening to us", "please listen to us", "do not stop now",
)  # fmt: skip
_SOUNDS_LIKE = (
    "what candy do you like", "what can the two of them do", "how can he help us",
    "what is your aim", "what is your game", "what is your claim", "where is your name tag",
    "tell me about it", "tell me when i spoke", "make me last", "make the calf stand",
    "what is new in town", "what is two metres wide", "how much is the zoo", "two plus",
    "the capital of friends", "which city is the captain from", "name the captain of the ship",
    "good warning", "good learning", "good moaning", "could mornings be later", "every morning",
    "are you whistling", "are you fishing", "are you bears", "can you clear me",
    "can you hear bees", "are you near", "is anybody whistling", "shop whistling",
    "stop whispering", "drop the listing", "please stop blistering", "top listing",
    "how do i set the table", "i got my passport", "i need a new passport",
    "i need a new password book", "can you press my passport", "where is my border",
    "where is my older brother", "when will my daughter arrive", "can you check my daughter",
    "my daughter has not arrived", "i want to pack my order", "cancel my description",
    "counsel my inscription", "i want to handle my prescription", "i want a new hand",
    "i wanted a friend", "can i get my honey back", "give me my bunny back", "when do you hope so",
    "what are your open hours", "what time do you doze", "are you often funny",
    "let me peek at the manor", "let me speak to the gardener", "get me the hammer",
    "i want to bake a compliment", "i want to speak to her man", "let me walk to a real garden",
    "collect me at the station", "the sum of the eating", "give me a summer day",
    "what did we bake today", "can you come to the meeting", "when is the next greeting",
    "when do we eat again", "what time is the next reading", "please take coats",
    "please bake oats", "right, sit down", "ride this town", "write this", "take a boat please",
    "make a coat of that", "noted", "no, dad", "not it", "note", "goat", "float", "boats",
    "play the music", "start the interview", "play the opening", "can we have the window please",
    "are we according", "is this being rewarded", "are we unfair", "are we alive", "are we late",
    "who is our best today", "introduce our dress", "who is in the snow today", "thank goodness",
    "think you", "tank crew", "bank view", "thank him for his help", "good boy",
    "good guy", "good pie", "good buy", "would buy", "see you", "see you then", "buy four cows",
    "have a nice tray", "have a nice weekend", "held", "hell", "yelp", "kelp", "health", "elf",
    "hello", "helmet", "helpful", "helped", "melt", "felt", "hill", "well", "hip", "hep", "hey",
    "hall", "held me", "tell me", "hail me", "help desk", "somebody tells me", "some body lotion",
    "please somebody else", "hello i have fallen asleep", "call an architect", "call the palace",
    "i need a daughter", "there is a tire", "there is a flyer", "what was that song",
    "what was that town", "what did you wear", "which hound was that",
    "what was that for", "what was that boy", "count", "account", "amount", "mountain", "county",
    "count the bees", "count the deeps", "count the beans", "count the sparks", "count the parks",
    "count the rocks", "count the locks", "come to the beach", "can you count the beads",
    "count every bean", "count all the marks", "count the docks for me",
    "start counting the sheep", "i want you to count the sheep", "the beeps", "the barks",
    "the knocks", "knock knock", "barking",
)  # fmt: skip


def near_miss(rng: random.Random) -> str:
    """A request that is quoted or broken off, what sounds like one or asks for something else."""
    prompts = spoken_prompts()
    kind = rng.random()
    if kind < 0.42:
        return quoted(rng, rng.choice(list(prompts)))
    if kind < 0.65:
        text = _broken_off(rng, rng.choice(list(prompts)))
    else:
        text = rng.choice(_SOUNDS_LIKE) if kind < 0.8 else _something_else(rng)
    return _something_else(rng) if text in prompts else text


def quoted(rng: random.Random, wording: str) -> str:
    """Without a lead only the tail can show that nobody is asking."""
    if rng.random() < 0.45:
        return f"{wording} {rng.choice(_QUOTING_TAILS)}"
    tail = rng.choice((*_TAILS, *_QUOTING_TAILS))
    return f"{rng.choice(_LEADS)} {wording} {tail}"


def _broken_off(rng: random.Random, wording: str) -> str:
    words = wording.split()
    if len(words) < 3 or "help" in words:
        return _something_else(rng)
    part = " ".join(words[: max(1, (len(words) + 1) // 2)])
    whole = "count" in words or rng.random() < 0.5
    return part if whole else filled(f"{part} {{thing}}", rng)


def _something_else(rng: random.Random) -> str:
    return filled(rng.choice(_SOMETHING_ELSE), rng)
