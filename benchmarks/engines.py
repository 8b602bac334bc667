"""The engines: the libraries that compute the workloads, including pyroi.

An engine's `load(threads)` imports its library, holds it to that many threads and returns its name with version and a
table from operator to function. Such a function takes the keyword arguments of pyroi's function of that name, does what
an engine does once (building a model, wrapping arrays) and returns what is timed: a call without arguments. A library
that is not there is no error: `load` raises ImportError, or Absent with a word of why. Everything here runs in a worker
process of its own, so that one engine's threads and settings do not touch another's.
"""

from __future__ import annotations

import ctypes
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np

TIERS = ("avx512", "avx2", "baseline")

Call = Callable[[], Any]
Loaded = tuple[str, dict[str, Callable[..., Call]]]


class Absent(Exception):
    """This engine cannot run here."""


@dataclass(frozen=True)
class Engine:
    """A library, and how to have it ready."""

    name: str
    load: Callable[[int], Loaded]
    ours: bool = False
    #: How far float32 results may be from other engines', relative to the largest magnitude: see measure.py.
    tolerance: float = 2e-5


def call_of(function: Callable[..., Any], **arguments: object) -> Call:
    """What is timed, of a function that needs nothing before."""
    return partial(function, **arguments)


# ---- pyroi ----------------------------------------------------------------------------------------------------------


def load_pyroi(tier: str, threads: int) -> Loaded:
    """pyroi, held to one tier of kernels."""
    os.environ["ROI_CPU_TIER"] = tier
    import pyroi

    if pyroi.cpu_features()["tier"] != tier:
        raise Absent("not in this processor, or not in this build")
    pyroi.set_num_threads(threads)
    return f"pyroi {pyroi.__version__}", {name: partial(call_of, getattr(pyroi, name)) for name in pyroi.__all__}


def load_other(folder: pathlib.Path, tier: str, threads: int) -> Loaded:
    """The pyroi that is in a folder, of another version than the one installed."""
    sys.path.insert(0, str(folder))
    about, operators = load_pyroi(tier, threads)
    import pyroi

    if not pathlib.Path(pyroi.__file__).is_relative_to(folder):
        raise Absent(f"there is no pyroi in {folder}")
    return f"other {about}", operators


def others(folder: pathlib.Path) -> list[Engine]:
    """Engines for it, as there are for the one installed. To these they are peers."""
    return [Engine(f"other {tier}", partial(load_other, folder.resolve(), tier)) for tier in TIERS]


# ---- torchvision ----------------------------------------------------------------------------------------------------


def load_torchvision(threads: int) -> Loaded:
    """torchvision's operators, on PyTorch's threads."""
    import torch
    import torchvision_cpu

    torchvision_cpu.open_stand_ins()
    import torchvision

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    return f"torchvision {torchvision.__version__} on PyTorch {torch.__version__}", {
        "roi_align": torchvision_align,
        "roi_align_backward": torchvision_align_backward,
        "multiscale_roi_align": torchvision_multiscale,
        "roi_pool": torchvision_pool,
        "ps_roi_align": torchvision_ps_align,
        "adaptive_avg_pool2d": pytorch_adaptive,
        "interpolate": pytorch_interpolate,
        **{name: partial(torchvision_boxes, name) for name in ("nms", "batched_nms", "box_iou")},
    }


def refuse_16_bits(array: np.ndarray) -> None:
    """What torchvision's RoIAlign and its gradient cannot do."""
    if array.dtype.itemsize == 2:
        raise Absent("it wants boxes of the map's type, whose coordinates 16 bits cannot hold")


def torchvision_align(input, boxes, output_size, spatial_scale, sampling_ratio, aligned) -> Call:
    """torchvision.ops.roi_align."""
    import torch
    from torchvision.ops import roi_align

    refuse_16_bits(input)
    arrays = torch.from_numpy(input), torch.from_numpy(boxes.astype(input.dtype))
    return partial(roi_align, *arrays, output_size, spatial_scale, sampling_ratio, aligned)


def torchvision_align_backward(grad, boxes, input_shape, spatial_scale, sampling_ratio, aligned) -> Call:
    """The operator that torchvision's autograd calls, without autograd around it."""
    import torch

    refuse_16_bits(grad)
    arrays = torch.from_numpy(grad), torch.from_numpy(boxes)
    backward = torch.ops.torchvision._roi_align_backward
    return partial(backward, *arrays, spatial_scale, *grad.shape[2:], *input_shape, sampling_ratio, aligned)


def torchvision_multiscale(features, boxes, output_size, spatial_scales, sampling_ratio, aligned) -> Call:
    """torchvision.ops.MultiScaleRoIAlign, which knows aligned=False only."""
    import torch
    from torchvision.ops import MultiScaleRoIAlign

    if aligned:
        raise Absent("MultiScaleRoIAlign has no aligned")
    maps = {str(level): torch.from_numpy(feature) for level, feature in enumerate(features)}
    rois = torch.from_numpy(boxes)
    per_image = [rois[rois[:, 0] == image, 1:] for image in range(len(features[0]))]
    size = tuple(round(side / spatial_scales[0]) for side in features[0].shape[2:])
    pool = MultiScaleRoIAlign(list(maps), output_size, sampling_ratio)
    return partial(pool, maps, per_image, [size] * len(per_image))


def torchvision_pool(input, boxes, output_size, spatial_scale, return_argmax=False) -> Call:
    """torchvision's operator, which finds the argmax in any case."""
    import torch

    arrays = torch.from_numpy(input), torch.from_numpy(boxes)
    call = partial(torch.ops.torchvision.roi_pool, *arrays, spatial_scale, *output_size)
    return call if return_argmax else lambda: call()[0]


def torchvision_ps_align(input, boxes, output_size, spatial_scale, sampling_ratio) -> Call:
    """torchvision.ops.ps_roi_align."""
    import torch
    from torchvision.ops import ps_roi_align

    arrays = torch.from_numpy(input), torch.from_numpy(boxes)
    return partial(ps_roi_align, *arrays, output_size, spatial_scale, sampling_ratio)


def pytorch_adaptive(input, output_size) -> Call:
    """PyTorch's own operator."""
    import torch

    return partial(torch.nn.functional.adaptive_avg_pool2d, torch.from_numpy(input), output_size)


def pytorch_interpolate(input, size, mode) -> Call:
    """PyTorch's own operator."""
    import torch

    return partial(torch.nn.functional.interpolate, torch.from_numpy(input), size, mode=mode)


def torchvision_boxes(name, **arguments) -> Call:
    """The function of that name; its parameters have other names, but the same order."""
    import torch
    import torchvision.ops

    order = [word for word in ("boxes", "scores", "idxs", "boxes1", "boxes2", "iou_threshold") if word in arguments]
    values = [torch.from_numpy(v) if isinstance(v := arguments[word], np.ndarray) else v for word in order]
    return partial(getattr(torchvision.ops, name), *values)


# ---- Intel's extension for PyTorch ----------------------------------------------------------------------------------


def load_intel(threads: int) -> Loaded:
    """Intel's extension, whose kernels replace torchvision's when it is imported, for maps that are channels last.

    A release of it needs the release of PyTorch of the same number, and ends the process beside another one.
    """
    import torch

    needed, found = version("intel-extension-for-pytorch").split(".")[:2], torch.__version__.split(".")[:2]
    if needed != found:
        raise Absent(f"it needs PyTorch {'.'.join(needed)}, not {'.'.join(found)}")
    import intel_extension_for_pytorch  # noqa: F401 (registers its kernels)

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    name = f"Intel's extension {version('intel-extension-for-pytorch')} for PyTorch {torch.__version__}"
    return name, {"roi_align": intel_align}


def intel_align(input, boxes, output_size, spatial_scale, sampling_ratio, aligned) -> Call:
    """torchvision.ops.roi_align, with boxes of float32 for a bfloat16 map too."""
    if input.dtype == np.float16 or input.flags.c_contiguous:
        raise Absent("its kernels are for float32 and bfloat16 with channels last")
    import torch
    from torchvision.ops import roi_align

    rest = torch.from_numpy(boxes), output_size, spatial_scale, sampling_ratio, aligned
    if input.dtype == np.float32:
        return partial(roi_align, torch.from_numpy(input), *rest)
    map = torch.from_numpy(input.view(np.uint16)).view(torch.bfloat16)
    return lambda: roi_align(map, *rest).view(torch.uint16).numpy().view(input.dtype)


# ---- ONNX Runtime ---------------------------------------------------------------------------------------------------


def load_onnxruntime(threads: int) -> Loaded:
    """ONNX Runtime's CPU provider."""
    import onnx  # noqa: F401 (without it the models cannot be made)
    import onnxruntime

    def options():
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        return options

    return f"ONNX Runtime {onnxruntime.__version__}", onnxruntime_operators(options)


def load_pyroi_onnxruntime(threads: int) -> Loaded:
    """ONNX Runtime's CPU provider with pyroi's kernels under its operators."""
    import onnx  # noqa: F401 (without it the models cannot be made)
    import onnxruntime

    import pyroi
    import pyroi.onnxruntime

    def options():
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        return pyroi.onnxruntime.accelerate(options)

    name = f"pyroi.onnxruntime {pyroi.__version__} on ONNX Runtime {onnxruntime.__version__}"
    return name, onnxruntime_operators(options)


def onnxruntime_operators(options) -> dict[str, Callable[..., Call]]:
    """The operators in sessions with such options, which a function makes for each."""
    return {"roi_align": partial(onnxruntime_align, options), "nms": partial(onnxruntime_nms, options)}


def onnxruntime_align(options, input, boxes, output_size, spatial_scale, sampling_ratio, aligned) -> Call:
    """A model of one RoiAlign node."""
    if input.dtype != np.float32 or not input.flags.c_contiguous:
        raise Absent("it takes float32 in the plain layout only")
    feeds = {"x": input, "boxes": np.ascontiguousarray(boxes[:, 1:]), "batch": boxes[:, 0].astype(np.int64)}
    settings = {
        "output_height": output_size[0],
        "output_width": output_size[1],
        "sampling_ratio": max(sampling_ratio, 0),
        "spatial_scale": spatial_scale,
        "coordinate_transformation_mode": "half_pixel" if aligned else "output_half_pixel",
    }
    return onnxruntime_call(options, "RoiAlign", feeds, np.float32, settings)


def onnxruntime_nms(options, boxes, scores, iou_threshold) -> Call:
    """A model of one NonMaxSuppression node: one image, one class. Of its rows, the box's index is what is compared."""
    limits = {"most": np.array([len(boxes)]), "iou": np.array([iou_threshold], np.float32)}
    call = onnxruntime_call(
        options, "NonMaxSuppression", {"boxes": boxes[None], "scores": scores[None, None]} | limits, np.int64, {}
    )
    return lambda: call()[:, 2]


def onnxruntime_call(options, operator, feeds, result, settings) -> Call:
    """Runs a model of one node on arrays, named as its inputs."""
    import onnxruntime
    from onnx import helper

    def value(name, dtype, rank=None):
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return helper.make_tensor_value_info(name, kind, rank and [None] * rank)

    node = helper.make_node(operator, list(feeds), ["result"], **settings)
    inputs = [value(name, array.dtype, array.ndim) for name, array in feeds.items()]
    graph = helper.make_graph([node], operator, inputs, [value("result", result)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options(), providers=["CPUExecutionProvider"])
    return lambda: session.run(None, feeds)[0]


# ---- OpenVINO -------------------------------------------------------------------------------------------------------


def load_openvino(threads: int) -> Loaded:
    """OpenVINO's CPU plug-in."""
    import openvino  # noqa: F401 (is it there?)

    return f"OpenVINO {version('openvino')}", {"roi_align": partial(openvino_align, threads)}


def openvino_align(threads, input, boxes, output_size, spatial_scale, sampling_ratio, aligned) -> Call:
    """A model of one ROIAlign node. What ONNX calls half_pixel is half_pixel_for_nn here; half_pixel is another."""
    if input.dtype != np.float32 or not input.flags.c_contiguous:
        raise Absent("it takes float32 in the plain layout only")
    import openvino
    from openvino import opset9

    kinds = {"x": ([-1] * 4, np.float32), "boxes": ([-1, 4], np.float32), "batch": ([-1], np.int64)}
    parameters = [opset9.parameter(shape, dtype, name) for name, (shape, dtype) in kinds.items()]
    rule = "half_pixel_for_nn" if aligned else "asymmetric"
    node = opset9.roi_align(*parameters, *output_size, max(sampling_ratio, 0), spatial_scale, "avg", rule)
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    request = openvino.compile_model(openvino.Model([node], parameters), "CPU", settings).create_infer_request()
    feeds = [input, np.ascontiguousarray(boxes[:, 1:]), boxes[:, 0].astype(np.int64)]
    return lambda: request.infer(feeds, share_inputs=True, share_outputs=False)[0]


# ---- JAX ------------------------------------------------------------------------------------------------------------


def load_jax(threads: int) -> Loaded:
    """RoIAlign and its gradient as JAX programs are written without an operator for them: by gathers."""
    _hold_xla_to(threads)
    import jax
    import jax_gathers

    return f"JAX {jax.__version__}, gathers", {
        "roi_align": partial(jax_align, jax_gathers.roi_align),
        "roi_align_backward": partial(jax_align_backward, jax_gathers.roi_align),
    }


def load_pyroi_jax(threads: int) -> Loaded:
    """pyroi.jax, in a compiled program, as JAX's users call it."""
    _hold_xla_to(threads)
    import jax

    import pyroi
    import pyroi.jax

    pyroi.set_num_threads(threads)
    return f"pyroi.jax {pyroi.__version__} on JAX {jax.__version__}", {
        "roi_align": partial(jax_align, pyroi.jax.roi_align),
        "roi_align_backward": partial(jax_align_backward, pyroi.jax.roi_align),
    }


def _hold_xla_to(threads: int) -> None:
    """XLA has as many threads as the process may use processors."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def jax_align(function, input, boxes, output_size, spatial_scale, sampling_ratio, aligned) -> Call:
    """A program that pools."""
    import jax

    if sampling_ratio < 1:
        raise Absent("its shapes are fixed, and so must the grid be")
    pool = jax.jit(lambda x, b: function(x, b, output_size, spatial_scale, sampling_ratio, aligned))
    arrays = jax.numpy.asarray(input), jax.numpy.asarray(boxes)
    return lambda: np.asarray(pool(*arrays))


def jax_align_backward(function, grad, boxes, input_shape, spatial_scale, sampling_ratio, aligned) -> Call:
    """A program that has nothing but the gradient: the crops, which are not used, are not computed."""
    import jax

    if sampling_ratio < 1:
        raise Absent("its shapes are fixed, and so must the grid be")
    size = grad.shape[2:]

    @jax.jit
    def flow_back(g, b):
        zeros = jax.numpy.zeros(input_shape, g.dtype)
        return jax.vjp(lambda x: function(x, b, size, spatial_scale, sampling_ratio, aligned), zeros)[1](g)[0]

    arrays = jax.numpy.asarray(grad), jax.numpy.asarray(boxes)
    return lambda: np.asarray(flow_back(*arrays))


# ---- powerboxes -----------------------------------------------------------------------------------------------------


def load_powerboxes(function: str, threads: int) -> Loaded:
    """powerboxes' plain search or its R-tree. Neither has threads."""
    import powerboxes

    def nms(boxes, scores, iou_threshold) -> Call:
        return partial(getattr(powerboxes, function), boxes, scores.astype(np.float64), iou_threshold, -np.inf)

    return f"powerboxes {version('powerboxes')}", {"nms": nms}


def load_lsnms(threads: int) -> Loaded:
    """lsnms, which Numba compiles at the first call. It has no threads."""
    import lsnms

    def nms(boxes, scores, iou_threshold) -> Call:
        above = np.nextafter(iou_threshold, 1)  # it suppresses at the threshold, too
        call = partial(lsnms.nms, boxes.astype(np.float64), scores.astype(np.float64), above)
        call()
        return call

    return f"lsnms {version('lsnms')}", {"nms": nms}


# ---- MNN ------------------------------------------------------------------------------------------------------------


def load_mnn(threads: int) -> Loaded:
    """MNN's expressions, which are computed when they are read."""
    import MNN.expr

    MNN.expr.set_thread_number(threads)
    return f"MNN {version('MNN')}", {"roi_align": mnn_align}


def mnn_align(input, boxes, output_size, spatial_scale, sampling_ratio, aligned) -> Call:
    """The expression of that name. Its own layout has four channels beside each other; the map has it before."""
    if input.dtype != np.float32 or not input.flags.c_contiguous:
        raise Absent("it takes float32 only, in a layout of its own")
    from MNN import expr

    map = expr.convert(expr.const(input, list(input.shape), expr.NCHW, expr.float), expr.NC4HW4)
    map.fix_as_const()
    rois = expr.const(boxes, list(boxes.shape), expr.NCHW, expr.float)
    settings = (*output_size, spatial_scale, sampling_ratio, aligned, expr.Pooling_Mode.AVEPOOL)
    return lambda: expr.convert(expr.roi_align(map, rois, *settings), expr.NCHW).read()


# ---- ncnn -----------------------------------------------------------------------------------------------------------


def load_ncnn(threads: int) -> Loaded:
    """ncnn, whose layer has one box."""
    import ncnn

    return f"ncnn {ncnn.__version__}", {"roi_align": partial(ncnn_align, threads)}


def ncnn_align(threads, input, boxes, output_size, spatial_scale, sampling_ratio, aligned) -> Call:
    """A net of one layer, run once per box. Parameter 5 is Detectron2's rule; without it `aligned` is another one."""
    if input.dtype != np.float32 or not input.flags.c_contiguous or len(input) > 1:
        raise Absent("it takes float32 in the plain layout only, of one image")
    import ncnn

    settings = [output_size[1], output_size[0], spatial_scale, sampling_ratio, int(aligned), 1]
    words = " ".join(f"{key}={value}" for key, value in enumerate(settings))
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.load_param_mem(f"7767517\n3 3\nInput m 0 1 m\nInput b 0 1 b\nROIAlign r 2 1 m b r {words}\n")
    map, *rois = (ncnn.Mat(array).clone() for array in (input[0], *boxes[:, 1:]))  # else they are NumPy's memory

    def call() -> np.ndarray:
        crops = np.empty((len(rois), input.shape[1], *output_size), np.float32)
        for crop, roi in zip(crops, rois, strict=True):
            extractor = net.create_extractor()
            extractor.input("m", map)
            extractor.input("b", roi)
            crop[:] = extractor.extract("r")[1]
        return crops

    return call


# ---- A loop in C ----------------------------------------------------------------------------------------------------


def load_loop(threads: int) -> Loaded:
    """rotated_loop.c, compiled for this processor. It has no threads."""
    folder = tempfile.mkdtemp()
    library = pathlib.Path(folder, "rotated_loop.so")
    source = pathlib.Path(__file__).with_name("rotated_loop.c")
    command = ["cc", "-O3", "-march=native", "-shared", "-fPIC", "-o", library, source, "-lm"]
    try:
        subprocess.run([str(word) for word in command], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Absent("the C compiler is not there, or fails") from error
    function = ctypes.CDLL(str(library)).rotated_loop
    shutil.rmtree(folder)
    return "a loop in C", {"roi_align_rotated": partial(loop_rotated, function)}


def loop_rotated(function, input, boxes, output_size, spatial_scale, sampling_ratio) -> Call:
    """The function of rotated_loop.c, with a fresh result each time."""
    if not input.flags.c_contiguous:
        raise Absent("it takes the plain layout only")
    _, channels, height, width = input.shape
    sizes = [ctypes.c_int64(size) for size in (channels, height, width)]
    counts = [ctypes.c_int64(size) for size in (len(boxes), output_size[0], sampling_ratio)]

    def call() -> np.ndarray:
        crops = np.empty((len(boxes), channels, *output_size), np.float32)
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in (input, boxes, crops)]
        if function(pointers[0], *sizes, pointers[1], *counts, ctypes.c_float(spatial_scale), pointers[2]):
            raise MemoryError
        return crops

    return call


ENGINES = [
    *(Engine(f"pyroi {tier}", partial(load_pyroi, tier), ours=True) for tier in TIERS),
    Engine("torchvision", load_torchvision),
    Engine("Intel's extension", load_intel, tolerance=5e-5),
    Engine("pyroi.onnxruntime", load_pyroi_onnxruntime, ours=True),
    Engine("ONNX Runtime", load_onnxruntime),
    Engine("OpenVINO", load_openvino),
    Engine("pyroi.jax", load_pyroi_jax, ours=True, tolerance=5e-5),
    Engine("JAX", load_jax, tolerance=5e-5),
    Engine("powerboxes", partial(load_powerboxes, "nms")),
    Engine("powerboxes R-tree", partial(load_powerboxes, "rtree_nms")),
    Engine("lsnms", load_lsnms),
    Engine("MNN", load_mnn),
    Engine("ncnn", load_ncnn, tolerance=2e-4),  # its samples move by more on a large image
    Engine("C loop", load_loop),
]
