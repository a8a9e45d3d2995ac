"""What nano understands and says: requests, replies, prompts.

A table of sentences more than code: it is long because the sentences are many.
"""

from __future__ import annotations

from dataclasses import dataclass

from interject.model_runtime.protocol import Emotion
from interject.training.sequences.prompt import VERBATIM_PROMPT

OTHER_PROMPTS = (
    "",
    "You are a helpful assistant.",
    "You listen to a call centre. Help the agent when the customer asks something.",
    "You sit in a meeting. Answer when you are asked and warn of danger.",
    "You help the producer of a podcast. Keep replies short.",
)


@dataclass(frozen=True, slots=True)
class Intent:
    """Wordings that ask for the same thing, and the one reply to all of them."""

    key: str
    wordings: tuple[str, ...]
    reply: str
    emotion: Emotion = Emotion.NORMAL


INTENTS = (
    Intent(
        "abilities",
        (
            "what can you do",
            "what are you able to do",
            "how can you help me",
            "tell me what you can do",
            "what can you help with",
        ),
        "I listen, answer questions, count sounds and warn of danger.",
    ),
    Intent(
        "name",
        ("what is your name", "who are you", "tell me your name", "what are you called"),
        "My name is Interject.",
        Emotion.HAPPY,
    ),
    Intent(
        "joke",
        ("tell me a joke", "do you know a joke", "say something funny", "make me laugh"),
        "Why did the chicken cross the road? To get to the other side.",
        Emotion.HAPPY,
    ),
    Intent(
        "sum",
        ("what is two plus two", "how much is two plus two", "what do you get for two plus two"),
        "Two plus two is four.",
    ),
    Intent(
        "capital",
        (
            "what is the capital of france",
            "which city is the capital of france",
            "name the capital of france",
        ),
        "The capital of France is Paris.",
    ),
    Intent(
        "morning",
        ("good morning", "good morning to you", "good morning everyone", "a very good morning"),
        "Good morning! How can I help?",
        Emotion.HAPPY,
    ),
    Intent(
        "listening",
        ("are you listening", "are you there", "can you hear me", "is anybody listening"),
        "Yes, I am listening.",
    ),
    Intent(
        "stop",
        (
            "stop listening",
            "please stop listening",
            "stop listening now",
            "stop listening to us",
            "please stop listening to us",
            "you can stop listening now",
        ),
        "I will stop listening.",
    ),
    Intent(
        "password",
        (
            "how do i reset my password",
            "i forgot my password",
            "i need a new password",
            "can you reset my password",
            "help me reset my password",
        ),
        "Open the settings and choose reset password.",
    ),
    Intent(
        "order",
        (
            "where is my order",
            "when will my order arrive",
            "can you check my order",
            "my order has not arrived",
            "i want to track my order",
        ),
        "Let me check that order. May I have the number?",
    ),
    Intent(
        "cancel",
        (
            "cancel my subscription",
            "i want to cancel my subscription",
            "how do i cancel my subscription",
            "please cancel my account",
        ),
        "I can cancel that for you. Shall I go on?",
        Emotion.SAD,
    ),
    Intent(
        "refund",
        (
            "i want a refund",
            "can i get my money back",
            "give me my money back",
            "how do i get a refund",
        ),
        "You can get a refund within thirty days.",
    ),
    Intent(
        "hours",
        (
            "when do you open",
            "what are your opening hours",
            "what time do you close",
            "are you open on sunday",
        ),
        "We are open from nine to five.",
    ),
    Intent(
        "manager",
        (
            "let me speak to a manager",
            "i want to talk to your manager",
            "get me the manager",
            "i want to make a complaint",
        ),
        "I am sorry about that. I will call a manager.",
        Emotion.SAD,
    ),
    Intent(
        "human",
        (
            "i want to speak to a human",
            "let me talk to a real person",
            "connect me to an agent",
            "transfer me to somebody",
        ),
        "One moment, I will connect you.",
    ),
    Intent(
        "summary",
        (
            "summarise the meeting",
            "give me a summary",
            "what did we decide today",
            "can you sum up the meeting",
        ),
        "You agreed on the plan and the next steps.",
    ),
    Intent(
        "next_meeting",
        (
            "when is the next meeting",
            "when do we meet again",
            "what time is the next meeting",
        ),
        "The next meeting is on Monday at ten.",
    ),
    Intent(
        "notes",
        ("please take notes", "write this down", "take a note please", "make a note of that"),
        "Noted.",
    ),
    Intent(
        "intro",
        (
            "play the intro music",
            "start the intro music",
            "play the opening music",
            "can we have the intro please",
        ),
        "Playing the intro music now.",
        Emotion.HAPPY,
    ),
    Intent(
        "recording",
        ("are we recording", "is this being recorded", "are we on air", "are we live"),
        "Yes, we are live.",
    ),
    Intent(
        "guest",
        ("who is our guest today", "introduce our guest", "who is on the show today"),
        "Our guest today is Doctor Green.",
        Emotion.SURPRISE,
    ),
    Intent(
        "thanks",
        ("thank you", "thank you very much", "thanks a lot", "thanks for your help"),
        "You are welcome.",
        Emotion.HAPPY,
    ),
    Intent(
        "goodbye",
        ("goodbye", "see you tomorrow", "bye for now", "have a nice day"),
        "Goodbye, take care.",
        Emotion.HAPPY,
    ),
)
HELP = Intent(
    "help",
    (
        "help",
        "help me",
        "help me please",
        "somebody help me",
        "please somebody help",
        "help i have fallen",
        "call an ambulance",
        "call the police",
        "i need a doctor",
        "there is a fire",
    ),
    "I hear a cry for help! Are you hurt?",
    Emotion.URGENT,
)
SOUND_QUESTION = (
    "what was that sound",
    "what was that",
    "what did you hear",
    "which sound was that",
    "what was that noise",
)
COUNTABLE = ("beep", "bark", "knock")
COUNT_WORDINGS = (
    "count the {}s",
    "please count the {}s",
    "can you count the {}s",
    "count every {}",
    "count all the {}s",
    "count the {}s for me",
    "i want you to count the {}s",
    "start counting the {}s",
)
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
RESPOND_REPLIES = {
    "smoke_alarm": ("That is a smoke alarm! Leave the building.", Emotion.URGENT),
    "glass": ("I heard breaking glass! Is everyone all right?", Emotion.URGENT),
    "siren": ("I hear a siren. Make way.", Emotion.URGENT),
    "crash": ("That was a crash! Is anybody hurt?", Emotion.URGENT),
    "crying": ("Somebody is crying. Can I help?", Emotion.SAD),
    "cough": ("That cough sounds bad. Have some water.", Emotion.SAD),
}
SOUND_NAMES = {
    "smoke_alarm": "a smoke alarm",
    "glass": "breaking glass",
    "siren": "a siren",
    "crash": "a crash",
    "crying": "somebody crying",
    "cough": "a cough",
    "telephone": "a telephone",
    "microwave": "a microwave",
    "kettle": "a kettle",
    "clap": "clapping",
    "laugh": "laughter",
    "keyboard": "a keyboard",
    "engine": "an engine",
    "rain": "rain",
    "birds": "birds",
    "footsteps": "footsteps",
    "doorbell": "a doorbell",
    "music": "music",
    "water": "water",
    "drill": "a drill",
    "bark": "a dog",
    "beep": "a beep",
    "knock": "a knock",
}


def count_reply(number: int) -> str:
    """:raises ValueError: beyond the numbers that nano knows."""
    if not 1 <= number <= len(NUMBERS):
        raise ValueError(f"nano counts from 1 to {len(NUMBERS)}, not to {number}")
    return NUMBERS[number - 1].capitalize() + "."


def count_confirmation(kind: str) -> str:
    return f"Counting the {kind}s."


def sound_reply(kind: str) -> str:
    return f"That was {SOUND_NAMES[kind]}."


def spoken_prompts() -> dict[str, str]:
    """Every sentence that wants a reply, with the key of what it asks."""
    found = {text: request.key for request in (*INTENTS, HELP) for text in request.wordings}
    found.update(dict.fromkeys(SOUND_QUESTION, "what_sound"))
    for kind in COUNTABLE:
        found.update({wording.format(kind): f"count_{kind}" for wording in COUNT_WORDINGS})
    return found


def replies() -> list[str]:
    """Every sentence that nano says; some more than once."""
    texts = [request.reply for request in (*INTENTS, HELP)]
    texts += [reply for reply, _ in RESPOND_REPLIES.values()]
    texts += [sound_reply(kind) for kind in SOUND_NAMES]
    texts += [count_reply(number + 1) for number in range(len(NUMBERS))]
    return texts + [count_confirmation(kind) for kind in COUNTABLE]


def all_text() -> list[str]:
    """The corpus that the tokenizer is trained on."""
    texts = list(spoken_prompts()) * 4 + [text for text in replies() for _ in range(8)]
    return texts + [VERBATIM_PROMPT] * 8 + list(OTHER_PROMPTS) * 4
