/*
 * tiles.h - the driver of all operators that pool box by box
 *
 * The tables of a box are the same for all channels: they are computed once, and boxes are sorted, so that neighbours read
 * the same part of the map. The work is then divided into tiles, some boxes times some channels each, which threads share and
 * the kernels of the CPU tier process. An operator defines what is done with one box (struct roi_pooling).
 */
#ifndef ROI_TILES_H
#define ROI_TILES_H

#include "drive/call.h"
#include "drive/convert.h"

/* How much scratch memory the largest box of a call needs, in elements. */
struct roi_scratch_size {
    int64_t ring, row, lines, stage; /* where channels are worked on together */
    int64_t blocks, band, width, crop;
};

enum { ROI_BINS_TOGETHER = 256 };

/* Rows of bins that are worked on together: as many as leave room in L1, at least one. */
static inline int64_t roi_rows_together(int64_t bins_x) { return max_i64(1, ROI_BINS_TOGETHER / bins_x); }

/* Makes *size large enough for this plan. Only plan->x's range is looked at, not its tables. */
void roi_scratch_include(struct roi_scratch_size *size, const struct roi_plan *plan, const roi_array *crops);

/* Bytes of scratch memory for one thread; the memory must begin with a page. */
int64_t roi_scratch_bytes(const struct roi_scratch_size *size, bool single);

/* How many rows of bins are summed along y before they are summed along x, which bounds the memory between the two steps; and
   the same limit in lines (ring.h). */
enum { ROI_TILE_ROWS = 8, ROI_TILE_LINES = 4096 };

/* Columns of a banded matrix, 8 from `column` on, and the rows [begin, end) in which they are not all zero. */
struct roi_band_block {
    int64_t column, begin, end;
};

/* A rectangle of an image, to which gradients are added up. `fresh`: nothing has been added yet. */
struct roi_patch {
    int64_t image, y, y_end, x, x_end;
    bool fresh;
};

/* Whether a box reads pixels of a patch. */
static inline bool roi_patch_is_reached(const struct roi_patch *patch, const struct roi_plan *plan)
{
    return plan->box->image == patch->image && plan->y.taps > 0 && plan->x.taps > 0 && plan->y.first < patch->y_end &&
           plan->y.end > patch->y && plan->x.first < patch->x_end && plan->x.end > patch->x;
}

/* Part of the work of one call: all of it that concerns these plans and these channels (of the crops), or one patch of them. */
struct roi_tile {
    const roi_array *maps; /* by level: forward the input; backward what gradients are summed into (tiles_backward.c) */
    const roi_array *crops;    /* output forward, its gradient backward */
    const roi_indices *argmax; /* beside the crops, where the operator has it */
    const struct roi_plan *plans;
    const struct roi_scratch_size *scratch_size;
    int64_t plan_begin, plan_end;
    int64_t channel_begin, channel_end;
    struct roi_patch patch; /* backward, where the operator works patch by patch */
    int64_t patch_stride;   /* from row to row of a patch, in elements */
    bool stream;            /* whether the result is written by non-temporal stores */
    bool counted;           /* as of the call */
};

typedef void roi_tile_kernel(const struct roi_tile *tile, void *scratch);

struct roi_tile_kernels {
    roi_tile_kernel *forward, *backward;
};

/* What a map's gradient has so far in a patch, to lines of scratch memory, to which `backward` adds, and from there. */
struct roi_patch_kernels {
    roi_tile_kernel *read, *write;
};

/* Those for an element type, of the tier in use. */
typedef const struct roi_tile_kernels *roi_kernels_of_type(roi_dtype dtype);
typedef const struct roi_patch_kernels *roi_patch_kernels_of_type(roi_dtype dtype);

struct roi_pooling {
    /* First pass: sets all of a plan but its tables. plan->box is set by the caller. False where the box leaves the
       range of double. This and the next, and `fill`, are NULL where there is nothing to plan. */
    bool (*measure)(const struct roi_plan_rule *rule, struct roi_plan *plan);

    /* Makes *size large enough for a plan that has been measured. */
    void (*include)(struct roi_scratch_size *size, const struct roi_plan *plan, const roi_array *crops);

    /* How many multiply-adds it takes, roughly, for one channel of the crops. */
    double (*work)(const struct roi_plan_rule *rule, const struct roi_plan *plan);

    /* Second pass: fills the tables, plan->bytes at plan->tables, which the caller has set. */
    void (*fill)(const struct roi_plan_rule *rule, struct roi_plan *plan);

    roi_kernels_of_type *kernels;             /* by the type of the crops */
    roi_patch_kernels_of_type *patch_kernels; /* by the type of the sum; NULL where it is not summed patch by patch */
    roi_convert_kernels_of_type *converts;    /* backward: from the sum to the result */

    struct roi_ways ways; /* forward */
};

/* Backward, each sum begins with 0, and boxes are added in an order that depends on nothing but the boxes. */
roi_direction roi_tiles_forward, roi_tiles_backward;

#endif
