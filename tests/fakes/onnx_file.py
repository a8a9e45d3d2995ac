"""Tiny ONNX files, written by hand: no ONNX library is among the dependencies."""

from __future__ import annotations

import struct

INT64, FLOAT = 7, 1
_IR_VERSION, _OPERATORS = 8, 17


def onnx_file(
    nodes: list[bytes], constants: list[bytes], inputs: list[bytes], outputs: list[bytes]
) -> bytes:
    graph = text(2, "tiny")
    for number, parts in ((1, nodes), (5, constants), (11, inputs), (12, outputs)):
        graph += b"".join(message(number, part) for part in parts)
    return integer(1, _IR_VERSION) + message(7, graph) + message(8, integer(2, _OPERATORS))


def node(operator: str, inputs: list[str], output: str, attribute: bytes = b"") -> bytes:
    found = b"".join(text(1, name) for name in inputs) + text(2, output) + text(4, operator)
    return found + (message(5, attribute) if attribute else b"")


def int_attribute(name: str, value: int) -> bytes:
    return text(1, name) + integer(3, value) + integer(20, 2)


def constant(name: str, sizes: list[int], values: list[float] | list[int]) -> bytes:
    whole = isinstance(values[0], int)
    packed = struct.pack(f"<{len(values)}{'q' if whole else 'f'}", *values)
    kind = integer(2, INT64 if whole else FLOAT)
    return b"".join(integer(1, size) for size in sizes) + kind + text(8, name) + message(9, packed)


def value(name: str, kind: int, sizes: list[str]) -> bytes:
    shape = b"".join(
        message(1, integer(1, int(size)) if size.isdigit() else text(2, size)) for size in sizes
    )
    return text(1, name) + message(2, message(1, integer(1, kind) + message(2, shape)))


def text(number: int, content: str) -> bytes:
    return message(number, content.encode())


def message(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def integer(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])
