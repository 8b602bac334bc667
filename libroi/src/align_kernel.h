/*
 * align_kernel.h - the inner part of RoIAlign's mean, which exists once per CPU tier
 *
 * The naive way visits, for every channel, bin and sample, four pixels. But the mean of a box is Ay F Ax' (axis.h),
 * with Ay and Ax the same for all channels. So for each channel of a box
 *
 *     rows       t[p, x] = sum over k of wy[p, k] * F[low_y[p] + k, x]         a few whole rows of the map, added up
 *     columns    crop[p, q] = sum over x of t[p, x] * wx[x, q]                 a product with a small banded matrix
 *
 * and its gradient is the same backwards: t = G wx', then the rows of t are added to those of the map.
 *
 * Every sum begins with 0 and goes on with one product after the other, from low pixels to high: so a compiler that fuses
 * multiplications with additions has no choice, and all ways that lead to a crop give the same bits.
 *
 * Both steps work on whole vectors, also where a weight in them is 0. With NaN or infinity in the map that would
 * spread NaN over a vector's width; so a crop that comes out with NaN in it is computed again, exactly, tap by tap.
 */
#ifndef ROI_ALIGN_KERNEL_H
#define ROI_ALIGN_KERNEL_H

#include "plan.h"

/* How much scratch memory the largest box of a call needs, in elements. */
struct roi_scratch_size {
    int64_t blocks, band, width, crop;
};

/* Makes *size large enough for this plan. Only plan->x's range is looked at, not its tables. */
void roi_scratch_include(struct roi_scratch_size *size, const struct roi_plan *plan, const roi_array *crops);

/* Bytes of scratch memory for one thread; a multiple of 64, and the memory must be aligned to 64. */
size_t roi_scratch_bytes(const struct roi_scratch_size *size, bool narrow);

/* Bins that are added up before they are multiplied: it bounds the memory between the two steps. */
enum { ROI_TILE_ROWS = 8 };

/* Columns of a banded matrix, 8 from `column` on, and the rows [begin, end) in which they are not all zero. */
struct roi_band_block {
    int64_t column, begin, end;
};

/* Part of the work of one call: all of it that concerns these plans and these channels. */
struct roi_tile {
    const roi_array *maps;  /* by level: input forward; backward the gradient, in the type computed in, W stride 1 */
    const roi_array *crops; /* output forward, its gradient backward */
    const struct roi_plan *plans;
    const struct roi_scratch_size *scratch_size;
    int64_t plan_begin, plan_end, channel_begin, channel_end;
};

typedef void roi_tile_kernel(const struct roi_tile *tile, void *scratch);

struct roi_align_kernels {
    roi_tile_kernel *forward, *backward;
};
extern const struct roi_align_kernels roi_align_kernels_baseline, roi_align_kernels_avx2, roi_align_kernels_avx512;

#endif
