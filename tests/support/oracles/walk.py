"""RoIAlign and its gradient, sample by sample.

Geometry in the type computed in (see `geometry`), weights and values in float64, no use of separability: each sample
reads its four corners. A corner of weight 0 does not take part, whatever stands there.
"""

from __future__ import annotations

import numpy as np

from oracles import geometry


def roi_align(
    input, boxes, output_size, spatial_scale=1.0, sampling_ratio=-1, aligned=True, mode="avg", real=np.float32
) -> np.ndarray:
    """Pools boxes (rows of batch index, x1, y1, x2, y2) from `input` [N, C, H, W]; float64 whatever the input."""
    channels = input.shape[1]
    output = np.zeros((len(boxes), channels, *output_size))
    for row, (image, *corners) in zip(output, boxes, strict=True):
        axes = _axes(corners, input.shape[2:], output_size, spatial_scale, sampling_ratio, aligned, real)
        _pool(np.asarray(input[int(image)], np.float64), *axes, mode, row)
    return output


def magnitude(input, boxes, *arguments, mode="avg", **options) -> np.ndarray:
    """The sum of |weight * value| behind each result, against which rounding is measured."""
    return roi_align(np.abs(np.asarray(input, np.float64)), boxes, *arguments, mode=mode, **options)


def roi_align_backward(
    grad, boxes, input_shape, spatial_scale=1.0, sampling_ratio=-1, aligned=True, real=np.float32
) -> np.ndarray:
    """What flows back to each pixel of an input of `input_shape` when `grad` flows into the mean of the samples."""
    result = np.zeros(input_shape, np.longdouble)  # shares are added one by one, more exactly than what they judge
    for box_grad, (image, *corners) in zip(np.asarray(grad, np.float64).astype(np.longdouble), boxes, strict=True):
        y, x = _axes(corners, input_shape[2:], grad.shape[2:], spatial_scale, sampling_ratio, aligned, real)
        if len(y.positions) == 0 or len(x.positions) == 0:
            continue
        share = box_grad[:, y.bins][:, :, x.bins] / (float(y.grid) * float(x.grid))
        for rows, columns, weight in _corners(y, x, input_shape[2:]):
            with np.errstate(invalid="ignore"):
                part = np.where(weight == 0, 0.0, share * weight)
            np.add.at(result[int(image)], (slice(None), rows[:, None], columns[None, :]), part)
    return result.astype(np.float64)


def ps_roi_align(input, boxes, output_size, spatial_scale=1.0, sampling_ratio=-1, real=np.float32) -> np.ndarray:
    """Pools every channel in every bin, aligned, and keeps of each bin its own channel; a flat box gives 0."""
    every = roi_align(input, boxes, output_size, spatial_scale, sampling_ratio, True, real=real)
    height, width = output_size
    every = every.reshape(len(boxes), input.shape[1] // (height * width), height, width, height, width)
    own = np.einsum("kcpqpq->kcpq", every).copy()
    own[is_flat(boxes, spatial_scale, real)] = 0
    return own


def ps_roi_align_backward(
    grad, boxes, input_shape, spatial_scale=1.0, sampling_ratio=-1, real=np.float32
) -> np.ndarray:
    """The gradient of a bin flows back as that of RoIAlign in the bin's own channel."""
    every = in_own_channels(grad)
    every[is_flat(boxes, spatial_scale, real)] = 0
    return roi_align_backward(every, boxes, input_shape, spatial_scale, sampling_ratio, True, real)


def in_own_channels(grad) -> np.ndarray:
    """A gradient of crops with a channel for each bin, which is 0 in all channels but the bin's own."""
    count, channels, height, width = grad.shape
    every = np.zeros((count, channels, height, width, height, width))
    p, q = np.ogrid[:height, :width]
    every[:, :, p, q, p, q] = grad
    return every.reshape(count, channels * height * width, height, width)


def is_flat(boxes, scale, real) -> np.ndarray:
    """Which boxes have no width or no height, as it is computed: see `geometry`."""
    pairs = [((x1, x2), (y1, y2)) for _, x1, y1, x2, y2 in boxes]
    flat = [any(geometry.start_and_size(*pair, scale, True, real)[1] == 0 for pair in box) for box in pairs]
    return np.array(flat, bool)


def _axes(corners, sizes, output_size, scale, ratio, aligned, real):
    x1, y1, x2, y2 = corners
    common = {"scale": scale, "aligned": aligned, "ratio": ratio, "real": real}
    return (
        geometry.axis(y1, y2, bins=output_size[0], length=sizes[0], **common),
        geometry.axis(x1, x2, bins=output_size[1], length=sizes[1], **common),
    )


def _corners(y, x, sizes):
    """Rows, columns and weights of the four corners of every sample."""
    y_low, y_high, y_low_weight, y_high_weight = geometry.taps(y.positions, sizes[0])
    x_low, x_high, x_low_weight, x_high_weight = geometry.taps(x.positions, sizes[1])
    for rows, row_weight in ((y_low, y_low_weight), (y_high, y_high_weight)):
        for columns, column_weight in ((x_low, x_low_weight), (x_high, x_high_weight)):
            yield rows, columns, row_weight[:, None] * column_weight[None, :]


def _pool(image, y, x, mode, row) -> None:
    if len(y.positions) == 0 or len(x.positions) == 0:
        return  # no sample on the map: each counts as 0
    with np.errstate(invalid="ignore"):
        corners = [
            np.where(weight == 0, 0.0, weight * image[:, rows][:, :, columns])
            for rows, columns, weight in _corners(y, x, image.shape[1:])
        ]
        if mode == "avg":
            samples = sum(corners)
            row += _reduce(np.add, samples, y, x) / (float(y.grid) * float(x.grid))
            return
        samples = sum(corners) if mode == "max" else np.maximum.reduce(corners)
        largest = _reduce(np.maximum, samples, y, x)
    complete_y = np.array([len(positions) == y.grid for positions in y.inside])
    complete_x = np.array([len(positions) == x.grid for positions in x.inside])
    complete = complete_y[:, None] & complete_x[None, :]
    row += np.where(complete, largest, np.maximum(largest, 0.0))  # a sample outside contributes 0


def _reduce(operation, samples, y, x) -> np.ndarray:
    """Folds the samples [C, samples in y, samples in x] into bins; a bin without samples inside is 0."""
    full_y = np.array([len(positions) > 0 for positions in y.inside])
    full_x = np.array([len(positions) > 0 for positions in x.inside])
    samples = operation.reduceat(samples, _starts(y), axis=1)
    samples = operation.reduceat(samples, _starts(x), axis=2)
    result = np.zeros((samples.shape[0], len(full_y), len(full_x)))
    result[:, np.flatnonzero(full_y)[:, None], np.flatnonzero(full_x)[None, :]] = samples
    return result


def _starts(axis) -> np.ndarray:
    counts = np.array([len(positions) for positions in axis.inside if len(positions) > 0])
    return np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.intp)
