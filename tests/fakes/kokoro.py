"""A network with the inputs and outputs of Kokoro-82M: a steady level for each phoneme."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import numpy as np

from interject.training.speech.kokoro_speakers import HELD_OUT
from interject.training.speech.kokoro_voice import STYLE_SIZE

if TYPE_CHECKING:
    from pathlib import Path

FRAMES_A_PHONEME = 4
_FRAME_SAMPLES = 600
_INT64, _FLOAT = 7, 1
_DURATIONS = "/encoder/Clip_output_0"
LETTERS = (
    "abcdefghijklmnopqrstuvwxyz .,!?\u0251\u0250\u0252\u0254\u0259\u025a\u025b\u025c\u0261\u026a"
    "\u0279\u0283\u028a\u028c\u0292\u03b8\u00e6\u00f0\u014b\u02c8\u02cc\u02d0"
)
TRAINING_VOICES = ("af_sky", "bm_lewis", "ff_siwis", "zf_xiaoni")


def kokoro_folder(folder: Path, *, timed: bool = True) -> Path:
    """What `KokoroModel` reads. The network says how long phonemes last only if it is `timed`."""
    (folder / "voices").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(_model(_DURATIONS if timed else "durations"))
    vocabulary = {letter: number + 1 for number, letter in enumerate(LETTERS)}
    (folder / "vocabulary.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    for number, name in enumerate((*HELD_OUT, *TRAINING_VOICES)):
        styles = np.full((40, STYLE_SIZE), number, np.float32)
        (folder / "voices" / f"{name}.bin").write_bytes(styles.tobytes())
    return folder


def _model(durations: str) -> bytes:
    nodes = [
        _node("Cast", ["tokens"], "level", _int_attribute("to", _FLOAT)),
        _node("Mul", ["level", "nothing"], "zeros"),
        _node("Clip", ["zeros", "frames"], durations),
        _node("Mul", ["level", "scale"], "quiet"),
        _node("Reshape", ["quiet", "column"], "rows"),
        _node("Expand", ["rows", "widths"], "wide"),
        _node("Reshape", ["wide", "flat"], "audio"),
    ]
    constants = [
        _constant("nothing", [], [0.0]),
        _constant("frames", [], [float(FRAMES_A_PHONEME)]),
        _constant("scale", [], [0.01]),
        _constant("column", [2], [-1, 1]),
        _constant("widths", [2], [1, FRAMES_A_PHONEME * _FRAME_SAMPLES]),
        _constant("flat", [1], [-1]),
    ]
    graph = b"".join(_message(1, node) for node in nodes) + _text(2, "kokoro")
    graph += b"".join(_message(5, constant) for constant in constants)
    graph += _message(11, _value("tokens", _INT64, ["1", "n"]))
    graph += _message(11, _value("style", _FLOAT, ["1", "s"]))
    graph += _message(11, _value("speed", _FLOAT, ["1"]))
    graph += _message(12, _value("audio", _FLOAT, ["t"]))
    return _integer(1, 8) + _message(7, graph) + _message(8, _integer(2, 17))


def _node(operator: str, inputs: list[str], output: str, attribute: bytes = b"") -> bytes:
    found = b"".join(_text(1, name) for name in inputs) + _text(2, output) + _text(4, operator)
    return found + (_message(5, attribute) if attribute else b"")


def _int_attribute(name: str, value: int) -> bytes:
    return _text(1, name) + _integer(3, value) + _integer(20, 2)


def _constant(name: str, sizes: list[int], values: list[float] | list[int]) -> bytes:
    whole = isinstance(values[0], int)
    packed = struct.pack(f"<{len(values)}{'q' if whole else 'f'}", *values)
    kind = _integer(2, _INT64 if whole else _FLOAT)
    return (
        b"".join(_integer(1, size) for size in sizes) + kind + _text(8, name) + _message(9, packed)
    )


def _value(name: str, kind: int, sizes: list[str]) -> bytes:
    shape = b"".join(
        _message(1, _integer(1, int(size)) if size.isdigit() else _text(2, size)) for size in sizes
    )
    return _text(1, name) + _message(2, _message(1, _integer(1, kind) + _message(2, shape)))


def _text(number: int, content: str) -> bytes:
    return _message(number, content.encode())


def _message(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _integer(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])
