"""What the shipped profiles of three trades promise, word for word, each with its proof.

The words are those of a profile's description and comments, and of its page: how it begins, what
it shows, whose data it takes out. Whoever changes a sentence has to prove it again here. It is long
because every sentence stands in it.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.records.lines import RecordedPost, RecordedSpeech
from interject.agent.voice.choosing import choose_voice
from interject.config import load_profile
from interject.integrations.conversation.role import Role
from interject.training.nano.language import replies
from tests.cli.listen.played import minute, scripted

if TYPE_CHECKING:
    from collections.abc import Callable

CALL, MEETING, PODCAST = "call_center_copilot", "meeting_assistant", "podcast_producer"
MODES = ("observe", "assist", "speak")
KEPT = {"retention": "everything"}
ESPEAK = {"engine": "espeak"}
PERSONAL = (
    "Card 4111 1111 1111 1111, account DE89 3704 0044 0532 0130 00, call +49 30 1234567 or write "
    "to anna@firm.example."
)
HOURS = 'shop.md, The lamp shop > Opening hours, line 5: "We are open from 9 to 5 on weekdays."'
TIMED = re.compile(r"- (?:\[x\] (?P<item>.*) \()?\d+:\d\d")


@dataclass(frozen=True)
class Promise:
    """`proof` fails where it is not kept."""

    words: str
    proof: Callable[[], None]


# Of all three


def shows_cards(trade: str, *categories: str) -> None:
    played = minute(trade)
    assert set(categories) <= {card["category"] for card in played.cards}
    assert {card["category"] for card in played.cards} <= {"play", *played.profile.cue.categories}


def ticks_itself(trade: str) -> None:
    played = minute(trade)
    done = [item["item"] for item in played.summary["checklist"] if item["done"]]
    assert len(done) > 1
    assert sorted(done) == sorted(played.ticks)


def ticks_all_but(trade: str, *open_items: str) -> None:
    played = minute(trade)
    items = played.profile.checklist.items
    assert set(items) - set(played.ticks) == set(open_items)
    for item in open_items:
        assert f"- [ ] {items[item]}" in played.summary["markdown"].splitlines()


def lists(trade: str, *items: str) -> None:
    assert tuple(load_profile(trade).checklist.items) == items


def sums_up(trade: str) -> None:
    """Each thing that happened in the minute has a line with its time."""
    played = minute(trade)
    lines = played.summary["markdown"].splitlines()
    timed = [line for line in lines if TIMED.match(line)]
    for happened in (*played.ticks, *(one["text"] for one in played.summary["replies"])):
        text = played.profile.checklist.items.get(happened, happened)
        assert any(text in line for line in timed), happened


@functools.cache
def is_mute(trade: str) -> None:
    """In every mode: no sound, and where nobody is to read it either, no post."""
    assert minute(trade).is_mute
    for mode in MODES:
        played = scripted(trade, {4: "[noise] Hello.", 8: "Hello."}, mode=mode, privacy=KEPT)
        assert played.is_mute
        (record,) = played.kept
        assert not [one for one in record.lines if isinstance(one, RecordedPost | RecordedSpeech)]


def needs(trade: str, threshold: float) -> None:
    played = minute(trade)
    assert played.profile.threshold == threshold > load_profile("default").threshold
    p = {one["chunk"]: one["p_respond"] for one in played.told if one["event"] == "decision"}
    assert all(p[card["chunk"]] >= threshold for card in played.cards)


@functools.cache
def shows_six_a_minute(trade: str) -> None:
    """Of nine within twenty seconds."""
    sentences = {4 * at + 2: f"Sentence {'abcdefghi'[at]}." for at in range(9)}
    assert len(scripted(trade, sentences, seconds=20.0).cards) == 6


def reads_nano(trade: str) -> None:
    """Each sentence of `read_as` is nano's, and nobody was shown one that means something else."""
    played = minute(trade)
    known = played.profile.reply.read_as
    assert set(known) <= set(replies())
    shown = {one["text"] for one in (*played.cards, *played.posts)}
    assert not shown & {said for said, meant in known.items() if said not in meant}


@functools.cache
def leaves(trade: str, text: str) -> None:
    """Of what has one of each kind in it."""
    played = scripted(trade, {4: PERSONAL})
    seen = {one["text"] for one in (*played.cards, *played.summary["replies"])}
    assert seen == {text}
    assert PERSONAL not in played.summary["markdown"]


@functools.cache
def keeps_nothing(trade: str) -> None:
    """Though a folder was named for it."""
    assert minute(trade).kept == scripted(trade, {4: "Hello."}).kept == []


# Of one


def shows_again_after_a_minute() -> None:
    """Seconds 2, 42 and 70."""
    again = dict.fromkeys((4, 104, 174), "[question] Asks for an order.")
    played = scripted(CALL, again, seconds=72.0)
    assert [card["chunk"] for card in played.cards] == [4, 174]
    categories = load_profile(CALL).cue.categories
    assert {one.cooldown_s for one in categories.values()} == {60.0, 120.0}


def wants_cancels_complains() -> None:
    """The refund by nano's own sentence: the example's notes say otherwise, and withhold it."""
    shows_cards(CALL, "cancel", "upset")
    (card,) = scripted(CALL, {4: "You can get a refund within thirty days."}).cards
    assert (card["category"], card["text"]) == ("refund", "Wants the money back.")


def answers() -> None:
    found = {post["text"]: post["category"] for post in minute(MEETING).posts}
    assert found["The capital of France is Paris."] == ""


def marks() -> None:
    marked = [post for post in minute(MEETING).posts if post["category"]]
    assert {post["category"] for post in marked} == {"action", "decision", "question"}


def warns() -> None:
    (post,) = (one for one in minute(MEETING).posts if "smoke alarm" in one["text"])
    assert (post["emotion"], post["category"]) == ("urgent", "")


def rest_is_answers_and_warnings() -> None:
    answers()
    warns()
    assert sum(not post["category"] for post in minute(MEETING).posts) == 2


@functools.cache
def talks_as_well() -> None:
    assert minute(MEETING).is_mute
    played = scripted(MEETING, {4: "Paris."}, mode="speak", voice=ESPEAK, privacy=KEPT)
    assert played.tracks[:, 1].any()
    (record,) = played.kept
    written = [type(one) for one in record.lines if isinstance(one, RecordedPost | RecordedSpeech)]
    assert set(written) == {RecordedPost, RecordedSpeech}


def speaks_with_the_installed_voice() -> None:
    voice = load_profile(MEETING).voice
    chosen = choose_voice(voice, installed=lambda: [])
    assert (voice.engine, chosen.settings.engine) == ("auto", "espeak")


def shows_cards_in_place_of_posts() -> None:
    played = scripted(
        MEETING,
        {4: "[action] Ann sends the plan."},
        mode="assist",
        outputs=["cue"],
        room={"cue_to": ["ann"]},
    )
    assert ([card["text"] for card in played.cards], played.posts) == (
        ["Ann sends the plan."],
        [],
    )
    assert Role(played.profile).addressees == ("ann",)


def has_two_sounds_with_licence_and_credit() -> None:
    sounds = load_profile(PODCAST).soundboard.sounds
    assert len(sounds) == 2
    assert all(sound.licence and sound.credit for sound in sounds.values())
    for card in (one for one in minute(PODCAST).cards if one["category"] == "play"):
        assert card["text"] == f"{card['sound']} ({card['licence']}, {card['credit']})"
        assert card["licence"]
        assert card["credit"]


def brings_a_card_for_the_music() -> None:
    played = [one for one in minute(PODCAST).cards if one["category"] == "play"]
    assert [(one["sound"], one["aloud"]) for one in played] == [("calm", False)]


@functools.cache
def plays_it_itself() -> None:
    """Softer for the two seconds in which somebody is loud, on a track of its own."""
    loud = tuple(6.0 + 0.4 * at for at in range(5))
    board = {"play": "track"}
    played = scripted(PODCAST, {2: "[play calm]"}, loud_at_s=loud, mode="speak", soundboard=board)
    music = played.tracks[:, 2].astype(np.float64)
    before, during = (
        np.sqrt(np.mean(music[a * 16_000 : b * 16_000] ** 2)) for a, b in ((4, 6), (7, 8))
    )
    assert before > 2 * during > 0
    assert not played.tracks[:, 1].any()


def of(trade: str, proof: Callable[..., None], *given: object) -> Callable[[], None]:
    return lambda: proof(trade, *given)


def source_stands_beside_the_claim() -> None:
    (shown,) = (one for one in minute(CALL).cards if one["category"] == "claim")
    assert (shown["text"], shown["sources"]) == ("We are open from nine to five.", [HOURS])


def claim_without_a_source_is_withheld() -> None:
    said = "You can get a refund within thirty days."
    assert said not in {card["text"] for card in minute(CALL).cards}
    assert f"(no source): {said}" in minute(CALL).summary["markdown"]


def every_claim_has_a_source() -> None:
    source_stands_beside_the_claim()
    claim_without_a_source_is_withheld()


LAST_FOUR = "Card [card …1111], account [iban …3000], call [phone …4567] or write to [email]."
ALL_FOUR = "Card [card], account [iban], call [phone] or write to [email]."
TWO = "Card [card], account [iban], call +49 30 1234567 or write to anna@firm.example."

PROMISES: dict[tuple[str, str], tuple[Promise, ...]] = {
    (CALL, "description"): (
        Promise("Cue cards and a checklist for a call-centre agent;", of(CALL, shows_cards)),
        Promise("silent towards the caller.", of(CALL, is_mute)),
    ),
    (CALL, "comments"): (
        Promise("Listens to a call and shows the agent cue cards.", of(CALL, shows_cards)),
        Promise("The caller never hears it.", of(CALL, is_mute)),
        Promise(
            "A needless card costs the agent's attention, so be surer than usual.",
            of(CALL, needs, 0.65),
        ),
        Promise(
            "What nano says, which writes no tags: what each of it means for the agent.",
            of(CALL, reads_nano),
        ),
        Promise(
            "Whoever helps a caller needs to know which card or number is meant, and no more of "
            "it.",
            of(CALL, leaves, LAST_FOUR),
        ),
    ),
    (CALL, "page"): (
        Promise(
            "It hears a call between a customer and your agent, and shows the agent cue cards: the "
            "customer wants to cancel, wants the money back, complains.",
            wants_cancels_complains,
        ),
        Promise("A checklist ticks itself,", of(CALL, ticks_itself)),
        Promise("and when the call ends there is a summary.", of(CALL, sums_up)),
        Promise("The customer hears nothing of it.", of(CALL, is_mute)),
        Promise(
            "The same card comes again after a minute or two at the earliest (`cooldown_s`), "
            "unless it is a suggestion.",
            shows_again_after_a_minute,
        ),
        Promise(
            "The checklist has five items: greeting, the recording is spoken of, asks who is "
            "calling, next step, goodbye.",
            of(CALL, lists, "greeting", "recording", "identity", "next_step", "farewell"),
        ),
        Promise(
            "`nano` ticks all but the next step; what is open stands in the summary.",
            of(CALL, ticks_all_but, "next_step"),
        ),
        Promise(
            "No more than six cards are shown a minute, urgent ones apart,",
            of(CALL, shows_six_a_minute),
        ),
        Promise("and a card needs a P(respond) of 0.65.", of(CALL, needs, 0.65)),
        Promise(
            "A model that states a fact may be wrong. In a category with `needs_source` it is "
            "shown only where your notes say the same: [how that "
            "works](listen.md#facts-and-their-sources). `examples/call_center.yaml` is such a "
            "profile, with the notes of a lamp shop:",
            every_claim_has_a_source,
        ),
        Promise(
            "`nano` says that the shop is open from nine to five. The notes say so, too, so the "
            "card comes, with file, heading, line and the note's own words.",
            source_stands_beside_the_claim,
        ),
        Promise(
            "It also says that refunds are possible within thirty days. The notes say 14: nobody "
            "is shown that, and the summary lists it as `no source`.",
            claim_without_a_source_is_withheld,
        ),
        Promise(
            "Card numbers, bank accounts, telephone numbers and e-mail addresses are taken out of "
            "cards, summaries and webhooks, all but the last four digits of a number;",
            of(CALL, leaves, LAST_FOUR),
        ),
        Promise("and nothing is kept: [Privacy](privacy.md).", of(CALL, keeps_nothing)),
    ),
    (MEETING, "description"): (
        Promise("Answers in a meeting's chat,", answers),
        Promise("marks tasks, decisions and open questions;", marks),
        Promise("a checklist.", of(MEETING, ticks_itself)),
    ),
    (MEETING, "comments"): (
        Promise("Sits in a meeting and writes to the chat.", answers),
        Promise("Set `mode: speak` to let it talk as well.", talks_as_well),
        Promise(
            "The natural voice that is installed (`interject voice list`), else espeak-ng.",
            speaks_with_the_installed_voice,
        ),
        Promise(
            "What nano says, which writes no tags and knows nothing of this meeting.",
            of(MEETING, reads_nano),
        ),
    ),
    (MEETING, "page"): (
        Promise(
            "It sits in a meeting and writes to the chat: it answers what it is asked,",
            answers,
        ),
        Promise("marks tasks, decisions and open questions,", marks),
        Promise("and warns of an alarm.", warns),
        Promise("A checklist ticks itself,", of(MEETING, ticks_itself)),
        Promise("and at the end there is a summary.", of(MEETING, sums_up)),
        Promise("It is not heard, unless you let it speak.", talks_as_well),
        Promise(
            "Each is marked with its time, so that you find it in your own recording;",
            of(MEETING, sums_up),
        ),
        Promise(
            "replies without a category are answers and warnings.", rest_is_answers_and_warnings
        ),
        Promise("The summary lists all of them in their order.", of(MEETING, sums_up)),
        Promise(
            "With `mode: assist` and `outputs: [cue]` they are [cards](listen.md#cues) for those "
            "whom `room.cue_to` names, in place of posts in the chat:",
            shows_cards_in_place_of_posts,
        ),
        Promise(
            "The checklist: what the meeting is for, a name for each task, the next meeting, what "
            "was decided is summed up.",
            of(MEETING, lists, "purpose", "owners", "next_date", "summed_up"),
        ),
        Promise(
            "`nano` ticks the last two; what is open stands at the end.",
            of(MEETING, ticks_all_but, "purpose", "owners"),
        ),
        Promise("With `mode: speak` it says its answers aloud, too.", talks_as_well),
        Promise(
            "Card numbers and bank accounts are taken out of what it writes, telephone numbers and "
            "e-mail addresses are not,",
            of(MEETING, leaves, TWO),
        ),
        Promise("and nothing is kept: [Privacy](privacy.md).", of(MEETING, keeps_nothing)),
    ),
    (PODCAST, "description"): (
        Promise("Cue cards, sounds", of(PODCAST, shows_cards, "noise", "play")),
        Promise("and a checklist for a podcast host;", of(PODCAST, ticks_itself)),
        Promise("never heard on the recording.", of(PODCAST, is_mute)),
    ),
    (PODCAST, "comments"): (
        Promise(
            "Prompts the host of a live recording through cue cards.", of(PODCAST, shows_cards)
        ),
        Promise("Nothing of it reaches the recording.", of(PODCAST, is_mute)),
        Promise(
            "What nano says, which writes no tags. It hears noises and a few sentences, not what "
            "is said.",
            of(PODCAST, reads_nano),
        ),
        Promise(
            "What a guest lets slip shall not stand where it can be copied into the show's notes.",
            of(PODCAST, leaves, ALL_FOUR),
        ),
        Promise(
            "What to play, on a card for the host: each sound with its licence and whom to credit.",
            has_two_sounds_with_licence_and_credit,
        ),
        Promise("`play: track` with `mode: speak` lets Interject play it itself.", plays_it_itself),
    ),
    (PODCAST, "page"): (
        Promise(
            "It hears the recording while it is made, and shows the host cue cards: a noise spoilt "
            "that sentence, this music now, come back to this point.",
            of(PODCAST, shows_cards, "noise", "play", "open"),
        ),
        Promise("A checklist ticks itself,", of(PODCAST, ticks_itself)),
        Promise("and at the end there is a summary with times to cut at.", of(PODCAST, sums_up)),
        Promise("Nothing of it is on the recording.", of(PODCAST, is_mute)),
        Promise(
            "Beside these it says which sound to play: two that ship, or [a folder of "
            "yours](soundboard.md), each with its licence and whom to credit.",
            has_two_sounds_with_licence_and_credit,
        ),
        Promise(
            'With `nano` "start the intro music" brings a card for `calm`.',
            brings_a_card_for_the_music,
        ),
        Promise(
            "With `play: track` and `mode: speak` Interject plays it itself, softer while somebody "
            "speaks.",
            plays_it_itself,
        ),
        Promise(
            'The checklist: asks whether it is being recorded, says who the guest is ("who is on '
            'the show today", "introduce our guest"), what the show is about, where to find the '
            "guest, thanks the guest.",
            of(PODCAST, lists, "recording", "guest", "topic", "links", "thanks"),
        ),
        Promise(
            "`nano` ticks the first, the second and the last.",
            of(PODCAST, ticks_all_but, "topic", "links"),
        ),
        Promise(
            "No more than six cards are shown a minute, urgent ones apart,",
            of(PODCAST, shows_six_a_minute),
        ),
        Promise("and a card needs a P(respond) of 0.6.", of(PODCAST, needs, 0.6)),
        Promise(
            "This profile takes card numbers, bank accounts, telephone numbers and e-mail "
            "addresses out of its cards,",
            of(PODCAST, leaves, ALL_FOUR),
        ),
        Promise("and keeps nothing: [Privacy](privacy.md).", of(PODCAST, keeps_nothing)),
    ),
}
