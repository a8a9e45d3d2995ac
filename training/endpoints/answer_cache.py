"""What was answered before, on disk, so that nobody pays twice and a second run is the same."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def question_key(question: dict[str, Any]) -> str:
    """Of a question as it is sent: its text, its schema, the model and the temperature."""
    canonical = json.dumps(question, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


class AnswerCache:
    """A file an answer, put in place whole. Processes may share the folder.

    A file that is damaged counts as missing and is written again.
    """

    def __init__(self, folder: Path) -> None:
        """:raises OSError: when the folder cannot be made."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, key: str) -> str | None:
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError):
            stored = json.loads(self._path(key).read_text(encoding="utf-8"))
            if isinstance(stored["answer"], str):
                return stored["answer"]
        return None

    def write(self, key: str, answer: str) -> None:
        """:raises OSError: when the disk is full, for example."""
        path = self._path(key)
        path.parent.mkdir(exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with open(handle, "w", encoding="utf-8") as file:
                json.dump({"answer": answer}, file)
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
            raise

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"
