"""A natural voice and a recogniser from packages, for tests that need real ones."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from benchmarks.voice_packages import PIPER_PACKAGE, WHISPER_PACKAGE


def _missing(*names: str) -> str:
    return ", ".join(name for name in names if find_spec(name) is None)


needs_piper = pytest.mark.skipif(
    bool(_missing("onnx", "onnxruntime", PIPER_PACKAGE)),
    reason=f"not installed: {_missing('onnx', 'onnxruntime', PIPER_PACKAGE)}",
)
needs_whisper = pytest.mark.skipif(
    bool(_missing("faster_whisper", WHISPER_PACKAGE)),
    reason=f"not installed: {_missing('faster_whisper', WHISPER_PACKAGE)}",
)
