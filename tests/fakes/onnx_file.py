"""Tiny ONNX files with the inputs and outputs of a voice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

INT64, FLOAT = 7, 1
"""Types, by ONNX's numbers."""
OPERATORS, FORMAT = 17, 8
ATTRIBUTES: dict[str, dict[str, Any]] = {"Cast": {"to": FLOAT}}
Input = tuple[int, list[int | str]]
"""Type and sizes; a size with a name is free."""


def onnx_file(
    nodes: Sequence[tuple[str, Sequence[str], str]],
    constants: Mapping[str, np.ndarray[Any, Any]],
    inputs: Mapping[str, Input],
    output: str,
) -> bytes:
    """`nodes` are (operator, inputs, output)."""
    import onnx

    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node(kind, given, [made], None, None, None, **ATTRIBUTES.get(kind, {}))
            for kind, given, made in nodes
        ],
        "tiny",
        [onnx.helper.make_tensor_value_info(name, *about) for name, about in inputs.items()],
        [onnx.helper.make_tensor_value_info(output, FLOAT, None)],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    operators = [onnx.helper.make_opsetid("", OPERATORS)]
    model = onnx.helper.make_model(graph, opset_imports=operators, ir_version=FORMAT)
    return bytes(model.SerializeToString())
