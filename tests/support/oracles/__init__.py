"""Independent answers to compare the library with.

None of these modules imports pyroi. Each computes an operator another way than the library does:

    geometry    where the samples of a box lie, in the type that is computed in
    walk        forward and gradient by visiting every sample, values and weights in float64
    windows     pooling of whole pixels, bin by bin: maxima and their places, position-sensitive means
    exact       sums over any number of samples in closed form, in rational numbers
    runtime     ONNX Runtime
    autograd    PyTorch, which differentiates the forward by itself; torchvision, where it loads
    levels      the pyramid level of a box
    overlap     IoU and its variants, and suppression, as matrices and loops in float64
    resampling  resizing, by a matrix of weights for each axis
    integral    precise RoI pooling, piece by piece of the surface
    turned      RoIAlign of rotated boxes, sample by sample
    points      sampling at a grid, point by point
    polygons    IoU of rotated boxes by clipping polygons, in decimals of 60 digits

Beside them, `cases` makes the inputs and `bounds` says how far two results may lie apart.
"""
