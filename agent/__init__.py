"""From a stream of sound to replies that are heard: frames, floor, voice, outputs."""

from __future__ import annotations

from interject.agent.floor import FloorState, YieldToSpeech
from interject.agent.framing import FramingReport, Pacing
from interject.agent.outputs import CollectingOutput, Cue, Output, Posted, Spoken
from interject.agent.resample import Resampler
from interject.agent.session import AgentSession
from interject.agent.sinks import AudioSink, TimelineSink
from interject.agent.statistics import SessionStatistics
from interject.agent.time_line import LiveLimits
from interject.agent.voice import SpokenChunk, Voice, VoiceFailure, WordTiming, open_voice

__all__ = [
    "AgentSession",
    "AudioSink",
    "CollectingOutput",
    "Cue",
    "FloorState",
    "FramingReport",
    "LiveLimits",
    "Output",
    "Pacing",
    "Posted",
    "Resampler",
    "SessionStatistics",
    "Spoken",
    "SpokenChunk",
    "TimelineSink",
    "Voice",
    "VoiceFailure",
    "WordTiming",
    "YieldToSpeech",
    "open_voice",
]
