"""The element types of tensors and their names."""

from __future__ import annotations

import numpy as np

#: Name as printed -> element type.
PRINTED = {
    "Float32": np.dtype(np.float32),
    "Float64": np.dtype(np.float64),
    "Float16": np.dtype(np.float16),
    "Int32": np.dtype(np.int32),
    "Int64": np.dtype(np.int64),
    "UInt8": np.dtype(np.uint8),
    "Bool": np.dtype(np.bool_),
}

_SYNONYMS = {"float": "Float32", "double": "Float64", "half": "Float16", "int": "Int32", "long": "Int64"}

#: Name as typed, in lower case -> element type.
TYPED = {name.lower(): dtype for name, dtype in PRINTED.items()} | {
    synonym: PRINTED[name] for synonym, name in _SYNONYMS.items()
}

_NAMES = {dtype: name for name, dtype in PRINTED.items()}


def name_of(dtype: np.dtype[np.generic]) -> str:
    """The printed name of a type: ``Float32`` for float32."""
    return _NAMES[dtype]


def is_supported(dtype: np.dtype[np.generic]) -> bool:
    """Whether a tensor can have this type."""
    return dtype in _NAMES
