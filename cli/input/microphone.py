"""The default microphone and loudspeaker, through the optional package sounddevice."""

from __future__ import annotations

import importlib
import queue
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.cli.input.sources import RawBlock, Source
from interject.cli.process.failures import InputFailure
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK_SAMPLES = 1_600
QUEUED_BLOCKS = 100


def load_sounddevice() -> Any:
    try:
        return importlib.import_module("sounddevice")
    except ImportError as exc:
        raise InputFailure(
            "'mic' needs the package sounddevice: pip install 'interject[mic]'"
        ) from exc
    except OSError as exc:
        raise InputFailure(
            "'mic' needs the PortAudio library: apt-get install libportaudio2"
        ) from exc


class Microphone(Source):
    """100 ms blocks as the sound card delivers them; what nobody takes in 10 s is counted lost."""

    live = True

    def __init__(self) -> None:
        super().__init__("microphone")
        self._device = load_sounddevice()
        self._blocks: queue.Queue[Any] = queue.Queue(QUEUED_BLOCKS)
        self._lost = 0
        self._overflows = 0

    def blocks(self) -> Iterator[RawBlock]:
        try:
            stream = self._device.InputStream(
                samplerate=SAMPLE_RATE_HZ,
                channels=1,
                dtype="float32",
                blocksize=BLOCK_SAMPLES,
                callback=self._take,
            )
        except self._device.PortAudioError as exc:
            raise InputFailure(f"no microphone can be opened: {exc}") from exc
        try:
            with stream:
                while True:
                    yield RawBlock(self._blocks.get(), SAMPLE_RATE_HZ)
        finally:
            if self._lost or self._overflows:
                self.notices.append(
                    f"microphone: {self._lost} blocks of 100 ms dropped, "
                    f"{self._overflows} overflows in the sound card"
                )

    def _take(self, data: Any, _frames: int, _time: Any, status: Any) -> None:
        self._overflows += bool(status)
        try:
            self._blocks.put_nowait(np.array(data, dtype=np.float32))
        except queue.Full:
            self._lost += 1
