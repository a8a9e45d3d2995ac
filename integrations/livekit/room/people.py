"""Who in a room is a person."""

from __future__ import annotations

from livekit import rtc

from interject.integrations.conversation.cues import addressed


def people_only(participant: rtc.RemoteParticipant) -> bool:
    """Hear people and telephones; other agents, recorders and streams are not listened to."""
    return participant.kind in (
        rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD,
        rtc.ParticipantKind.PARTICIPANT_KIND_SIP,
        rtc.ParticipantKind.PARTICIPANT_KIND_CONNECTOR,
    )


def present_people(room: rtc.Room, named: tuple[str, ...]) -> list[str]:
    """Those of the named who are here; `EVERYBODY` names all people."""
    here = (p.identity for p in room.remote_participants.values() if people_only(p))
    return addressed(named, here)
