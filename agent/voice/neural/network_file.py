"""An ONNX network in memory: asked for the durations of its phonemes, and stopped in its middle.

Piper and Kokoro compute how long each phoneme lasts, but are published without that as an output.
It is the one Ceil of a Piper network, and in Kokoro the Clip of what was rounded.
"""

from __future__ import annotations

import os
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from interject.agent.voice.base import VoiceFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

LIBRARIES = ("onnx", "onnxruntime")
MOST_THREADS = 4
"""Of one synthesis; more of them hardly make a sentence quicker."""
GPU, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


class Stopped(Exception):
    """Nobody waits for the result any more."""


class StopSwitch:
    """Set from any thread; ends a computation within its next few operators."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._end: Callable[[], None] | None = None
        self._is_set = False

    @property
    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        with self._lock:
            self._is_set = True
            if self._end is not None:
                self._end()

    def ends(self, end: Callable[[], None]) -> None:
        """:raises Stopped: when it was set before."""
        with self._lock:
            if self._is_set:
                raise Stopped
            self._end = end


class NetworkFile:
    """:raises VoiceFailure: when a library is missing, or the file is no network."""

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        try:
            import onnx
            import onnxruntime
        except ImportError as error:
            raise VoiceFailure(missing_library() or f"natural voices: {error}") from error
        self._runtime: Any = onnxruntime
        try:
            model = onnx.load(str(path))
            durations = _durations(model.graph)
            if durations:
                model.graph.output.append(onnx.ValueInfoProto(name=durations))
            self._session: Any = onnxruntime.InferenceSession(
                model.SerializeToString(), self._options(threads), providers=self._providers()
            )
        except Exception as error:  # neither library's own exceptions have a common base
            reason = " ".join(str(error).split())[:200]
            raise VoiceFailure(f"{path}: is no network that can be loaded: {reason}") from error
        self.input_names = [given.name for given in self._session.get_inputs()]
        self.has_durations = bool(durations)

    @property
    def on_gpu(self) -> bool:
        return GPU in self._session.get_providers()

    def run(
        self, inputs: Mapping[str, NDArray[np.generic]], stop: StopSwitch
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """The sound, and how many frames each symbol lasts if the network tells.

        :raises Stopped: when it was told to stop.
        :raises VoiceFailure: when the network refuses what it was given.
        """
        options = self._runtime.RunOptions()
        stop.ends(lambda: setattr(options, "terminate", True))
        try:
            sound, *durations = self._session.run(None, dict(inputs), options)
        except Exception as error:
            if stop.is_set:
                raise Stopped from None
            raise VoiceFailure(
                f"the voice's network failed: {' '.join(str(error).split())[:200]}"
            ) from error
        return sound.ravel(), durations[0].ravel() if durations else None

    def _options(self, threads: int | None) -> Any:
        """Threads sleep when they wait: the model that listens needs the same cores."""
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = threads or min(MOST_THREADS, os.cpu_count() or 1)
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        return options

    def _providers(self) -> list[str]:
        return [name for name in (GPU, CPU) if name in self._runtime.get_available_providers()]


def missing_library() -> str:
    """What to install for natural voices, or nothing."""
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if not missing:
        return ""
    return f"natural voices need {' and '.join(missing)}: pip install 'interject[voices]'"


def _durations(graph: Any) -> str:
    """The name of the tensor with the frames of each symbol, or nothing."""
    ceils = [node.output[0] for node in graph.node if node.op_type == "Ceil"]
    if len(ceils) == 1:
        return str(ceils[0])
    rounded = {node.output[0] for node in graph.node if node.op_type == "Round"}
    clips = [
        node.output[0] for node in graph.node if node.op_type == "Clip" and node.input[0] in rounded
    ]
    return str(clips[0]) if len(clips) == 1 else ""
