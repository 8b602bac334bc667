"""Rewrites a model so that its nodes refer to pyroi's operators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyroi.errors import ArgumentTypeError
from pyroi.install import how_to_add

_DOMAIN = "roi"
_OURS = frozenset({"RoiAlign", "MaxRoiPool", "NonMaxSuppression"})
_OF_ONNX = frozenset({"", "ai.onnx"})


def rewrite(model: Any) -> Any:
    """Returns a copy of a model in which pyroi's domain ``roi`` provides these operators.

    ``RoiAlign``, ``MaxRoiPool`` and ``NonMaxSuppression`` are replaced in the graph, in graphs within nodes and in the
    model's functions. They keep the definition of the ONNX version that the model imports. A session for the result
    needs options that :func:`accelerate` has been called with; no other library provides these nodes.

    Args:
        model: An ``onnx.ModelProto``, or the path of a file with one.

    Returns:
        An ``onnx.ModelProto``.

    Raises:
        ImportError: The package onnx is not installed.
        TypeError: `model` is neither a model nor a path.

    Example:
        >>> import onnx, pyroi.onnxruntime
        >>> model = onnx.parser.parse_model('''<ir_version: 8, opset_import: ["": 16]>
        ...     head (float[n, c, h, w] x, float[k, 4] rois, int64[k] batch) => (float[k, c, 7, 7] crops)
        ...     { crops = RoiAlign <output_height = 7, output_width = 7> (x, rois, batch) }''')
        >>> [node.domain for node in pyroi.onnxruntime.rewrite(model).graph.node]
        ['roi']
    """
    try:
        import onnx
    except ModuleNotFoundError as reason:
        if reason.name != "onnx":
            raise
        raise ImportError(
            f"rewrite() needs the package onnx, which is not installed: {how_to_add('onnxruntime')}"
        ) from (reason)
    if not isinstance(model, onnx.ModelProto):
        if not isinstance(model, (str, bytes)) and not hasattr(model, "__fspath__"):
            raise ArgumentTypeError("model", f"expected an onnx.ModelProto or a path, got {type(model).__name__}")
        model = onnx.load(model)
    result = onnx.ModelProto()
    result.CopyFrom(model)
    for part, graph in ((result, result.graph), *((function, function) for function in result.functions)):
        if _rewrite_nodes(onnx, graph, _version(part)):
            _import_ours(part)
    return result


def _version(part: Any) -> int:
    """The version of ONNX's operators that a model or a function imports; 0 if it imports none."""
    return max((entry.version for entry in part.opset_import if entry.domain in _OF_ONNX), default=0)


def _import_ours(part: Any) -> None:
    if all(entry.domain != _DOMAIN for entry in part.opset_import):
        part.opset_import.add(domain=_DOMAIN, version=1)


def _rewrite_nodes(onnx: Any, graph: Any, version: int) -> bool:
    """Rewrites the nodes, and returns whether there were any."""
    found = False
    for node in _nodes(graph):
        if node.op_type not in _OURS or node.domain not in _OF_ONNX:
            continue
        found = True
        node.domain = _DOMAIN
        place = "coordinate_transformation_mode"
        if node.op_type == "RoiAlign" and version < 16 and all(given.name != place for given in node.attribute):
            node.attribute.append(onnx.helper.make_attribute(place, "output_half_pixel"))
    return found


def _nodes(graph: Any) -> Iterator[Any]:
    """The nodes of a graph or function, and of all graphs within."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (*((attribute.g,) if attribute.HasField("g") else ()), *attribute.graphs):
                yield from _nodes(inner)
