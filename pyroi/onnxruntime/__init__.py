"""The operators under ONNX Runtime: sessions on the CPU run unchanged models on pyroi's kernels.

:func:`accelerate` replaces ONNX Runtime's ``RoiAlign``, ``MaxRoiPool`` and ``NonMaxSuppression`` with pyroi's kernels.
It also adds the box operators of mmcv and mmdeploy, and a domain ``roi`` with operators that ONNX does not define.
:func:`rewrite` changes the nodes of a model instead, which helps those who ship models.

>>> import onnxruntime, pyroi.onnxruntime
>>> options = onnxruntime.SessionOptions()
>>> pyroi.onnxruntime.accelerate(options) is options  # pass it to InferenceSession
True
"""

try:
    import onnxruntime as _onnxruntime
except ModuleNotFoundError as _reason:
    if _reason.name != "onnxruntime":
        raise
    from pyroi.install import how_to_add

    raise ImportError(
        f"pyroi.onnxruntime needs ONNX Runtime, which is not installed: {how_to_add('onnxruntime')}"
    ) from (_reason)

from pyroi.onnxruntime.model import rewrite
from pyroi.onnxruntime.options import OLDEST, accelerate, get_library, is_known

if not is_known(_onnxruntime.__version__):
    raise ImportError(
        f"pyroi.onnxruntime needs ONNX Runtime {'.'.join(map(str, OLDEST))} or a later 1.x, "
        f"found {_onnxruntime.__version__}"
    )

__all__ = ["accelerate", "get_library", "rewrite"]
