/*
 * align_max_kernel.h - the inner part of RoIAlign's maxima, which exists once per element type and CPU tier
 *
 * A maximum is no sum of products, so samples have to be looked at. But interpolation is linear along each axis between
 * two pixels: over the samples that share their four pixels, both kinds of maximum are at the outermost ones. These are
 * the stops of axis.h, at most two for each gap between pixels, whatever the grid.
 *
 * Vectors run along the channels of lines (ring.h). A sample is found in double precision, whatever the type of the map. a to
 * d being its four corners, upper left, upper right, lower left, lower right, and x and y its fractions, it is
 *
 *     (1 - y) * ((1 - x) * a + x * b) + y * ((1 - x) * c + x * d)
 *
 * or, where that is asked for, the largest of its weighted corners, ((1 - y) * (1 - x)) * a and so on. The order is fixed, and
 * nothing is fused, so that each processor gives the same bits. A corner of weight 0 is not read: the largest corner has +0
 * instead, and a sample on a row or a column of pixels is interpolated between that one and itself.
 *
 * Where samples are dense, most rows of pixels belong to several of them, and are interpolated along x once.
 *
 * A comparison with NaN is false, so NaN would get lost on the way. Rows that enter a ring are checked for numbers that are
 * not finite. Where there may be some, samples are added up too, and a box whose sum is NaN is pooled again, one sample of
 * one channel after the other.
 */
#ifndef ROI_ALIGN_MAX_KERNEL_H
#define ROI_ALIGN_MAX_KERNEL_H

#include "drive/tiles.h"

/* The stops of a bin along one axis: [begin, end) of those of the axis. */
struct roi_bin_stops {
    int64_t begin, end;
    bool outside; /* whether the bin has a sample outside the map, which counts as 0 */
};

/* Along one axis. */
struct roi_stops {
    struct roi_bin_stops *bins;
    struct roi_stop *stop;
};

/* What a plan's tables are here. */
struct roi_stop_table {
    bool corners; /* whether it is the largest corner that is asked for */
    struct roi_stops y, x;
};

#endif
