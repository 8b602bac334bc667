/*
 * grid_kernel.h - the inner part of sampling at a grid, which exists once per element type and CPU tier
 *
 * Where a point lies, which pixels it reads and with which weights is the same for all channels. So the taps of some
 * points are made first, and then for each channel the pixels are fetched and added up. A tap of weight 0 does not take
 * part: a place outside the map is a tap of weight 0 at some pixel inside.
 */
#ifndef ROI_GRID_KERNEL_H
#define ROI_GRID_KERNEL_H

#include "common/internal.h"

enum { ROI_GRID_POINTS = 256 }; /* at a time, so that their taps stay in L2 */

struct roi_grid_block {
    const roi_array *input, *grid, *output;
    const roi_grid_params *params;
    int64_t image, begin, end; /* points of it, in row-major order: at most ROI_GRID_POINTS */
    int64_t channel_begin, channel_end;
};

typedef void roi_grid_kernel(const struct roi_grid_block *block, void *scratch);

struct roi_grid_kernels {
    roi_grid_kernel *sample;
    size_t scratch_bytes;
};

#endif
