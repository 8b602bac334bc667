/* pool_kernel.c - RoIPool: see pool_kernel.h. */
#include "kernels/pool_kernel.h"

#include "drive/way.h"
#include "kernels/kernel.h"

/* Where the results of a box go: one channel of the crops. */
struct out {
    struct view crop;
    int64_t *argmax; /* or NULL */
    int64_t argmax_stride_y, argmax_stride_x;
};

static struct out out_of(const struct roi_tile *tile, int64_t row, int64_t channel)
{
    const roi_indices *argmax = tile->argmax;
    struct out out = {.crop = view_of(tile->crops, row, channel)};
    if (argmax) {
        out.argmax = argmax->data + row * argmax->strides[AXIS_N] + channel * argmax->strides[AXIS_C];
        out.argmax_stride_y = argmax->strides[AXIS_H];
        out.argmax_stride_x = argmax->strides[AXIS_W];
    }
    return out;
}

INLINE void put(const struct out *out, int64_t p, int64_t q, REAL value, int64_t argmax)
{
    store(out->crop.data + p * out->crop.stride_y + q * out->crop.stride_x, value);
    if (out->argmax)
        out->argmax[p * out->argmax_stride_y + q * out->argmax_stride_x] = argmax;
}

/* ---- Pixel by pixel -------------------------------------------------------------------------------------------- */

/* One bin: its first NaN, or else its first maximum. */
static void pool_bin(const struct view *map, int64_t map_width, const struct roi_pool_bin *y,
                     const struct roi_pool_bin *x, const struct out *out)
{
    REAL most = load(map->data + y->begin * map->stride_y + x->begin * map->stride_x);
    int64_t at = y->begin * map_width + x->begin;
    for (int64_t i = y->begin; i < y->end && !isnan(most); i++)
        for (int64_t j = x->begin; j < x->end && !isnan(most); j++) {
            const REAL value = load(map->data + i * map->stride_y + j * map->stride_x);
            if (value > most || isnan(value)) {
                most = value;
                at = i * map_width + j;
            }
        }
    put(out, y->bin, x->bin, most, at);
}

static void pool_row(const struct view *map, int64_t map_width, const struct roi_pool_table *table, int64_t row,
                     const struct out *out)
{
    for (int64_t q = 0; q < table->columns; q++)
        pool_bin(map, map_width, &table->bins[row], &table->bins[table->rows + q], out);
}

/* All channels of the tile, after NaN was found. The fence orders non-temporal stores before these. */
static void recompute_box(const struct roi_tile *tile, const struct roi_plan *plan, REAL *crop)
{
    const struct roi_pool_table *table = plan->tables;
    const roi_array *map = &tile->maps[plan->box->level];
    stream_end();
    for (int64_t c = tile->channel_begin; c < tile->channel_end; c++) {
        const struct view view = view_of(map, plan->box->image, c);
        const struct out out = out_of(tile, plan->row, c);
        for (int64_t row = 0; row < table->rows; row++)
            pool_row(&view, map->shape[AXIS_W], table, row, &out);
    }
}

#include "kernels/lines_template.h"
#include "kernels/max_lines_template.h"
#include "kernels/max_rows_template.h"
#include "kernels/crops_template.h"
#include "kernels/ring_template.h"
#include "kernels/map_lines_template.h"

/* ---- Boxes ----------------------------------------------------------------------------------------------------- */

static void pool_tile(const struct roi_tile *tile, void *memory)
{
    struct scratch scratch = scratch_of(tile->scratch_size, memory);
    struct entered entered = {0};
    for (const struct roi_plan *plan = tile->plans + tile->plan_begin; plan < tile->plans + tile->plan_end; plan++)
        switch (roi_way_for(plan, tile->channel_end - tile->channel_begin, LINE)) {
        case ROI_LINES_IN_RING:
            advance(tile, plan, true, &entered, scratch.ring);
            pool_from_ring(tile, plan, &entered, &scratch);
            break;
        case ROI_LINES_IN_MAP: pool_from_map(tile, plan, &scratch); break;
        case ROI_BY_ROWS: pool_from_rows(tile, plan, true, &scratch); break;
        default: pool_from_rows(tile, plan, false, &scratch);
        }
    if (tile->stream)
        stream_end();
}

/* ---- Backward -------------------------------------------------------------------------------------------------- */

/* The gradient of each bin goes to the pixel it came from. That `argmax` is in the plane has been checked, but it is the
   caller's memory, which might change meanwhile: so it is looked at again. */
static void scatter_box(const struct roi_tile *tile, const struct roi_plan *plan, int64_t channel)
{
    const roi_array *sum = &tile->maps[plan->box->level];
    const struct out grad = out_of(tile, plan->row, channel);
    const int64_t width = sum->shape[AXIS_W], pixels = sum->shape[AXIS_H] * width, stride_y = sum->strides[AXIS_H];
    REAL *plane = roi_plane(sum, sizeof(REAL), plan->box->image, channel);
    for (int64_t p = 0; p < tile->crops->shape[AXIS_H]; p++)
        for (int64_t q = 0; q < tile->crops->shape[AXIS_W]; q++) {
            const int64_t at = grad.argmax[p * grad.argmax_stride_y + q * grad.argmax_stride_x];
            const STORE *value = grad.crop.data + p * grad.crop.stride_y + q * grad.crop.stride_x;
            if (at >= 0 && at < pixels)
                plane[stride_y == width ? at : at / width * stride_y + at % width] += load(value);
        }
}

static void scatter_tile(const struct roi_tile *tile, void *scratch)
{
    for (int64_t i = tile->plan_begin; i < tile->plan_end; i++)
        for (int64_t c = tile->channel_begin; c < tile->channel_end; c++)
            scatter_box(tile, &tile->plans[i], c);
}

const struct roi_tile_kernels ROI_ENTRY_POINT(roi_pool_kernels) = {pool_tile, scatter_tile};
