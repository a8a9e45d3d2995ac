"""A voice of Piper from a folder with its `NAME.onnx` and `NAME.onnx.json`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.training.speech.ipa import phonemes
from interject.training.speech.utterance import SynthesisError

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.sounds.waves import Wave

_BEGIN, _END, _PAD = "^", "$", "_"
_NOISE, _NOISE_OF_LENGTHS = 0.667, 0.8


class PiperModel:
    """:raises SynthesisError: when onnxruntime or a file is missing, or is no voice of Piper."""

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        about = sorted(folder.glob("*.onnx.json"))
        if len(about) != 1:
            raise SynthesisError(f"{folder}: must hold one voice of Piper, NAME.onnx and its .json")
        try:
            import onnxruntime
        except ImportError as error:
            raise SynthesisError(
                "onnxruntime is not installed: pip install 'interject[kokoro]'"
            ) from error
        self.name = about[0].name.removesuffix(".onnx.json")
        try:
            content = json.loads(about[0].read_text(encoding="utf-8"))
            self._ids: dict[str, list[int]] = content["phoneme_id_map"]
            self.rate_hz = int(content["audio"]["sample_rate"])
            self._language = str(content["espeak"]["voice"])
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
            self._session: Any = onnxruntime.InferenceSession(
                str(about[0].with_suffix("")), options, ["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's own exceptions have no common base
            reason = " ".join(str(error).split())[:200]
            raise SynthesisError(f"{about[0]}: is no voice of Piper: {reason}") from error

    def speak(self, text: str, speed: float) -> Wave:
        """Samples at `rate_hz`.

        :raises SynthesisError: when the text has no phonemes.
        """
        known = [letter for letter in phonemes(text, self._language) if letter in self._ids]
        if not known:
            raise SynthesisError("piper was given a text without phonemes")
        padded = [_BEGIN, *(letter for each in known for letter in (_PAD, each)), _PAD, _END]
        ids = [number for letter in padded for number in self._ids[letter]]
        inputs = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array([_NOISE, 1 / speed, _NOISE_OF_LENGTHS], np.float32),
        }
        wave: Wave = np.asarray(self._session.run(None, inputs)[0], np.float32).ravel()
        return wave
