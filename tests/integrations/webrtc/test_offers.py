"""Offers as clients make them: sound is answered, and what is not is declined in its place."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.integrations.webrtc.ice_outage import IceOutage
from interject.integrations.webrtc.negotiation import MOST_SLOTS, MOST_SOUNDS, Negotiation
from interject.integrations.webrtc.peer import Peer
from interject.integrations.webrtc.sdp_section import BadOffer, SdpSection, sections
from interject.integrations.webrtc.speaking_track import SpeakingTrack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OFFERS = {
    path.stem: path.read_text("utf-8") for path in (Path(__file__).parent / "offers").glob("*.sdp")
}
SOUND, DATA, DECLINED = "sound", "data", "declined"
ANSWERED = {
    "chromium_camera_av1": [DECLINED, SOUND, DATA],
    "chromium_max_bundle": [DECLINED, SOUND, DATA],
    "chromium_trickle": [SOUND, DATA],
    "firefox": [SOUND, SOUND, DECLINED, DATA],
    "pion": [DECLINED, SOUND, DATA],
    "safari": [SOUND, DECLINED, DATA],
}


@contextlib.asynccontextmanager
async def peer() -> AsyncIterator[Peer]:
    made = Peer(
        SpeakingTrack(lambda samples: np.zeros(samples, np.int16)),
        [],
        relay_only=False,
        outage=IceOutage(),
        on_state=lambda *_: None,
        on_channel=lambda _: None,
    )
    try:
        yield made
    finally:
        await made.close()


async def answer(sdp: str) -> tuple[SdpSection, tuple[SdpSection, ...]]:
    async with peer() as made:
        return sections((await made.answer(sdp))[0])


def outcome(section: SdpSection) -> str:
    if section.port == 0:
        return DECLINED
    return SOUND if section.kind == "audio" else DATA


def mids(found: tuple[SdpSection, ...]) -> list[str | None]:
    return [section.value("mid") for section in found]


@pytest.mark.parametrize("client", sorted(ANSWERED))
async def test_sound_is_answered_whatever_else_is_offered(client: str) -> None:
    _, offered = sections(OFFERS[client])
    head, answered = await answer(OFFERS[client])
    assert [outcome(section) for section in answered] == ANSWERED[client]
    assert mids(answered) == mids(offered)
    assert [section.kind for section in answered] == [section.kind for section in offered]
    taken = [section for section in answered if section.port]
    assert head.value("group") == " ".join(["BUNDLE", *(mid for mid in mids(tuple(taken)) if mid)])
    for section in taken:
        assert section.value("ice-ufrag")
        assert section.value("fingerprint")
        assert section.value("setup") == "active"
        assert section.values("candidate")


@pytest.mark.parametrize(
    ("client", "directions"),
    [
        ("chromium_camera_av1", ["sendrecv"]),
        ("firefox", ["sendrecv", "inactive"]),
        ("safari", ["sendonly"]),
    ],
)
async def test_the_voice_goes_where_a_client_listens(client: str, directions: list[str]) -> None:
    _, answered = await answer(OFFERS[client])
    assert [one.direction for one in answered if one.kind == "audio"] == directions


async def test_a_microphone_and_the_voice_may_have_a_line_each() -> None:
    sdp = OFFERS["firefox"].replace("a=sendrecv\r\na=end", "a=sendonly\r\na=end")
    sdp = sdp.replace("a=sendrecv\na=end", "a=sendonly\na=end")
    async with peer() as made:
        text, microphone = await made.answer(sdp)
    _, answered = sections(text)
    assert microphone is not None
    assert [one.direction for one in answered if one.kind == "audio"] == ["recvonly", "sendonly"]


async def test_without_bundle_or_mids_lines_are_answered_too() -> None:
    kept = [
        line
        for line in OFFERS["pion"].splitlines()
        if not line.startswith(("a=mid", "a=group", "a=msid"))
    ]
    head, answered = await answer("\n".join(kept))
    assert [outcome(section) for section in answered] == ANSWERED["pion"]
    assert head.value("group") is None
    assert mids(answered) == [None, None, None]


async def test_what_stands_only_once_in_a_bundle_counts_for_all_of_it() -> None:
    """Lines that are `bundle-only` say nothing of ways, names or fingerprints."""
    once = ("a=ice-", "a=fingerprint", "a=setup", "a=candidate")
    first, *rest = OFFERS["chromium_max_bundle"].split("m=")[1:]
    bare = [
        "\n".join(line for line in part.splitlines() if not line.startswith(once)) for part in rest
    ]
    head = OFFERS["chromium_max_bundle"].split("m=")[0]
    sdp = head + "".join(f"m={part}\n" for part in [first, *bare])
    sdp = sdp.replace("audio 9 ", "audio 0 ").replace("a=mid:1", "a=mid:1\na=bundle-only")
    offered = Negotiation().then(sdp)
    assert offered.live == {"1", "2"}
    assert offered.offer.count("a=candidate:") == 16
    _, answered = await answer(sdp)
    assert [outcome(section) for section in answered] == [DECLINED, SOUND, DATA]


async def test_what_aiortc_cannot_read_is_kept_from_it() -> None:
    sdp = OFFERS["chromium_trickle"].replace(
        "a=mid:0",
        "a=candidate:nonsense\na=extmap:14 urn:x with attributes\na=mid:0",
    )
    sdp = "\n".join(
        line.replace("111 63 9 0 8 13 110 126", "8")
        for line in sdp.splitlines()
        if not line.startswith(("a=rtpmap", "a=fmtp", "a=rtcp-fb", "a=setup", "a=sendrecv"))
    )
    _, (sound, _) = await answer(sdp)
    assert sound.values("rtpmap") == ["8 PCMA/8000"]
    assert sound.direction == "sendrecv"


def test_names_that_only_a_browser_s_own_network_knows_are_not_asked_for() -> None:
    assert ".local" in OFFERS["safari"]
    assert "candidate" not in Negotiation().then(OFFERS["safari"]).offer


def test_nobody_is_told_that_no_candidate_follows() -> None:
    """aiortc would fail at once where a client has none that it can use itself."""
    assert "end-of-candidates" not in Negotiation().then(OFFERS["firefox"]).offer


@pytest.mark.parametrize(
    ("change", "to"),
    [
        ("m=audio 9 ", "m=audio 0 "),
        ("a=fingerprint", "a=x-fingerprint"),
        ("a=ice-pwd", "a=x-ice-pwd"),
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
        ("m=audio 9", "m=audio"),
        ("m=audio 9", "m=image 9"),
        ("a=mid:1", "a=mid:0"),
    ],
)
def test_an_offer_without_sound_that_can_be_reached_is_refused(change: str, to: str) -> None:
    with pytest.raises(BadOffer):
        Negotiation().then(OFFERS["chromium_trickle"].replace(change, to))


def test_more_lines_than_anybody_needs_are_declined_or_refused() -> None:
    """Each could have sockets of its own."""
    head, sound, data = OFFERS["chromium_trickle"].replace("a=group:BUNDLE 0 1", "a=x").split("m=")
    many = [f"m={sound}".replace("a=mid:0", f"a=mid:{at}") for at in range(10, 60)]
    assert len(Negotiation().then(head + "".join(many)).live) == MOST_SOUNDS
    found = Negotiation()
    for at in range(10, 10 + MOST_SLOTS):
        found = found.then(f"{head}m={sound.replace('a=mid:0', f'a=mid:{at}')}")
    with pytest.raises(BadOffer, match="make another one"):
        found.then(f"{head}m={sound}m={data}")


def two_sounds(first: str, second: str, *, port: int = 9) -> str:
    """Chromium's offer with a second line of sound in the middle."""
    head, sound, data = OFFERS["chromium_trickle"].split("m=")
    other = sound.replace("a=mid:0", f"a=mid:{second}").replace("audio 9", f"audio {port}")
    group = f"BUNDLE {first} {second} 1" if port else f"BUNDLE {first} 1"
    return f"{head.replace('BUNDLE 0 1', group)}m={sound}m={other}m={data}"


async def test_a_line_that_is_stopped_keeps_its_place_and_another_may_take_it() -> None:
    """As Chromium does it: the m-line goes on with port 0, and is given to the next transceiver."""
    async with peer() as made:
        _, first = await made.answer(two_sounds("0", "5"))
        _, stopped = sections((await made.answer(two_sounds("0", "5", port=0)))[0])
        text, _ = await made.answer(two_sounds("0", "6"))
    head, again = sections(text)
    assert [outcome(section) for section in stopped] == [SOUND, DECLINED, DATA]
    assert [outcome(section) for section in again] == [SOUND, SOUND, DATA]
    assert mids(again) == ["0", "6", "1"]
    assert head.value("group") == "BUNDLE 0 6 1"
    assert [one.direction for one in again[:2]] == ["sendrecv", "recvonly"]
    assert first is not None


def test_a_second_line_of_data_is_declined_in_this_offer_and_in_the_next() -> None:
    first = Negotiation().then(OFFERS["chromium_trickle"])
    data = OFFERS["chromium_trickle"].partition("m=application")[2]
    other = f"m=application{data.replace('a=mid:1', 'a=mid:9')}"
    assert Negotiation().then(OFFERS["chromium_trickle"] + other).live == {"0", "1"}
    assert first.then(OFFERS["chromium_trickle"].replace("a=mid:1", "a=mid:9")).live == {"0"}


async def test_stopping_the_line_that_carries_the_others_is_refused_in_words() -> None:
    first = OFFERS["chromium_trickle"]
    stopped = first.replace("m=audio 9 ", "m=audio 0 ").replace("BUNDLE 0 1", "BUNDLE 1")
    async with peer() as made:
        await made.answer(first)
        with pytest.raises(BadOffer, match="restart_pc"):
            await made.answer(stopped)
        await made.answer(first)


async def test_an_offer_that_failed_leaves_nothing_behind() -> None:
    first = OFFERS["chromium_trickle"]
    async with peer() as made:
        await made.answer(first)
        with pytest.raises(BadOffer):
            await made.answer(first.replace("a=rtpmap:111", "a=rtpmap:none"))
        _, answered = sections((await made.answer(first))[0])
    assert [outcome(section) for section in answered] == [SOUND, DATA]


async def test_an_ice_restart_is_refused_in_words() -> None:
    """aiortc would answer with what it has, and the client would lose its connection."""
    first = OFFERS["chromium_trickle"]
    async with peer() as made:
        await made.answer(first)
        with pytest.raises(BadOffer, match="restart_pc"):
            await made.answer(first.replace("a=ice-ufrag:FptD", "a=ice-ufrag:xxxx"))


def test_a_stopped_line_of_chromium_is_declined() -> None:
    with pytest.raises(BadOffer, match="no audio"):
        Negotiation().then(OFFERS["chromium_stopped"])


@given(
    st.sampled_from(sorted(OFFERS)),
    st.lists(st.tuples(st.integers(0, 200), st.sampled_from(["drop", "twice", "cut", "junk"]))),
    st.text(max_size=20),
)
def test_a_spoilt_offer_is_read_or_refused(
    client: str, spoils: list[tuple[int, str]], junk: str
) -> None:
    lines = OFFERS[client].splitlines()
    for at, how in spoils:
        place = at % len(lines)
        spoilt = {"drop": [], "twice": [lines[place]] * 2, "cut": [lines[place][: at % 9]]}
        lines[place : place + 1] = spoilt.get(how, [lines[place][:2] + junk])
        if not lines:
            return
    with contextlib.suppress(BadOffer):
        found = Negotiation().then("\n".join(lines))
        assert found.live
        sections(found.offer)
