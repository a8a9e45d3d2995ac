"""A small process that forks another for each text: espeak-ng as it is when it has just begun.

The library remembers what it said: the phase of its tremor, its random numbers. In one process the
same text in the same voice never sounds the same twice, so that no seed would make a data set
again. A process of its own for each text costs a fork, two milliseconds.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from interject.agent.voice.base import VoiceFailure
from interject.agent.voice.espeak_library import Synthesis, load_library

if TYPE_CHECKING:
    from typing import IO

    from interject.agent.voice.espeak_library import EspeakLibrary

_LENGTH = struct.Struct("<I")


def write_message(pipe: IO[bytes], message: object) -> None:
    data = pickle.dumps(message)
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def read_message(pipe: IO[bytes]) -> Any:
    """:raises EOFError: when the other side is gone."""
    header = pipe.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        raise EOFError
    data = pipe.read(_LENGTH.unpack(header)[0])
    return pickle.loads(data)


def main() -> None:
    """Answer (text, voice, tone) with (rate, PCM, words, phones), or with what was wrong."""
    requests, replies = sys.stdin.buffer, sys.stdout.buffer
    try:
        library = load_library()
    except VoiceFailure as error:
        write_message(replies, str(error))
        return
    write_message(replies, "")
    while True:
        try:
            request = read_message(requests)
        except EOFError:
            return
        child = os.fork()
        if not child:
            _answer(library, request, replies)
        _, status = os.waitpid(child, 0)
        if status:
            write_message(replies, "espeak-ng crashed over a text")


def _answer(library: EspeakLibrary, request: Any, replies: IO[bytes]) -> NoReturn:
    text, voice, tone = request
    said = Synthesis()
    try:
        library.synthesise(text, voice=voice, tone=tone, into=said)
    except VoiceFailure as error:
        write_message(replies, str(error))
        os._exit(0)
    write_message(replies, (library.sample_rate_hz, bytes(said.pcm), said.words, said.phones))
    os._exit(0)


if __name__ == "__main__":
    main()
