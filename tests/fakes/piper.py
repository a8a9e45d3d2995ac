"""A network with the inputs and outputs of a voice of Piper: a steady level for each phoneme."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from tests.fakes.kokoro import LETTERS
from tests.fakes.onnx_file import FLOAT, INT64, Input, onnx_file

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 22_050
_PHONEME_SAMPLES = 1_000


def piper_folder(folder: Path) -> Path:
    folder.mkdir()
    nodes = [
        ("Cast", ["input"], "level"),
        ("Mul", ["level", "scale"], "quiet"),
        ("Reshape", ["quiet", "column"], "rows"),
        ("Expand", ["rows", "widths"], "wide"),
        ("Reshape", ["wide", "shape"], "output"),
    ]
    constants = {
        "scale": np.asarray(np.float32(0.01)),
        "column": np.array([-1, 1]),
        "widths": np.array([1, _PHONEME_SAMPLES]),
        "shape": np.array([1, 1, -1]),
    }
    inputs: dict[str, Input] = {
        "input": (INT64, [1, "n"]),
        "input_lengths": (INT64, [1]),
        "scales": (FLOAT, [3]),
    }
    (folder / "tiny.onnx").write_bytes(onnx_file(nodes, constants, inputs, "output"))
    ids = {"_": [0], "^": [1], "$": [2]}
    about = {
        "audio": {"sample_rate": RATE_HZ},
        "espeak": {"voice": "en-us"},
        "phoneme_id_map": ids | {letter: [n + 3] for n, letter in enumerate(LETTERS)},
    }
    (folder / "tiny.onnx.json").write_text(json.dumps(about), encoding="utf-8")
    return folder
