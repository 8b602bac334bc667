/*
 * pool_kernel.h - the inner part of RoIPool, which exists once per element type and CPU tier
 *
 * The naive way goes through the pixels of each bin. But bins of a row of bins share their rows of pixels, so for each
 * channel of a box and each row of bins
 *
 *     rows       t[x] = the largest pixel of column x over the rows of the bin, a whole row of the map at a time
 *     columns    crop[p, q] = the largest of t over the columns of bin q
 *
 * which is done as means are (align_kernel.c): with vectors along the channels of lines, or along rows for boxes without.
 *
 * Where the index of the maximum is wanted, t comes with the row in which each maximum was first met; the first
 * maximum of a bin in row-major order is then the one of the lowest row, and among those the one of the lowest column.
 *
 * A comparison with NaN is false, so NaN would get lost on the way. Rows that enter a ring are checked for numbers that are
 * not finite; where there may be some, and where there is no ring, what is read is added up too, and boxes whose sum is NaN
 * are pooled again, exactly, pixel by pixel.
 */
#ifndef ROI_POOL_KERNEL_H
#define ROI_POOL_KERNEL_H

#include "drive/tiles.h"

/* A bin along one axis that has pixels, [begin, end). */
struct roi_pool_bin {
    int64_t bin, begin, end;
};

/* What a plan's tables are here: the bins of a box that have pixels, those along y first, and then those along x. */
struct roi_pool_table {
    int64_t rows, columns;
    struct roi_pool_bin bins[];
};

#endif
