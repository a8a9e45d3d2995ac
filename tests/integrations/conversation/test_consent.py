"""A no holds at once, and only the right ones can lift it."""

from __future__ import annotations

import pytest

from interject.integrations.conversation.consent import NOBODY, Consent, Scope
from tests.fakes.room_controls import FakeListener


def consent_and_ear(*controllers: str) -> tuple[Consent, FakeListener]:
    consent, ear = Consent(may_control=lambda identity: identity in controllers), FakeListener()
    consent.attach(ear)
    return consent, ear


def test_anybody_stops_the_room_and_lifts_it_again() -> None:
    consent, ear = consent_and_ear()
    consent.stop("ann")
    assert not ear.hears()
    assert not consent.listening
    consent.resume("ann")
    assert ear.hears()


def test_nobody_else_lifts_it_but_who_may_control() -> None:
    consent, ear = consent_and_ear("host")
    consent.stop("ann")
    with pytest.raises(PermissionError, match="somebody else stopped"):
        consent.resume("ben")
    assert not ear.hears()
    consent.resume("host")
    assert ear.hears()
    consent.stop("ann")
    consent.resume("nobody", authority=True)
    assert ear.hears()


def test_what_nobody_known_stopped_only_who_may_control_lifts() -> None:
    consent, ear = consent_and_ear("host")
    consent.stop(NOBODY)
    with pytest.raises(PermissionError, match="somebody else stopped"):
        consent.resume("ann")
    assert not ear.hears()
    consent.resume("host")
    assert ear.hears()


def test_ones_own_silence_is_ones_own() -> None:
    consent, ear = consent_and_ear("host")
    consent.stop("ann", Scope.ME)
    consent.resume("host", Scope.ME)
    consent.resume("host")
    assert ear.excluded == {"ann"}
    assert consent.withdrawn == ("ann",)
    assert consent.listening
    consent.resume("ann", Scope.ME)
    assert ear.excluded == set()


def test_a_listener_that_comes_later_is_told_what_holds() -> None:
    consent, _ = consent_and_ear()
    consent.stop("ann", Scope.ME)
    consent.stop("ben")
    late = FakeListener()
    consent.attach(late)
    assert late.excluded == {"ann"}
    assert not late.hears()


def test_changes_are_told() -> None:
    consent, _ = consent_and_ear()
    told: list[bool] = []
    consent.on_change = lambda: told.append(consent.listening)
    consent.stop("ann")
    consent.resume("ann")
    assert told == [False, True]
