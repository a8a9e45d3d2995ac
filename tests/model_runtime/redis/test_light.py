"""A media process reaches a worker without the packages of the model."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "safetensors", "tokenizers", "transformers", "scipy"}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Refuse())
from interject.model_runtime import open_runtime
open_runtime("redis://127.0.0.1:1/0")
"""


def test_the_client_needs_no_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT], capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr
