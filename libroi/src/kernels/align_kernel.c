/*
 * align_kernel.c - the inner part of RoIAlign's mean
 *
 * The naive way visits, for every channel, bin and sample, four pixels. But the mean of a box is Ay F Ax' (axis.h),
 * with Ay and Ax the same for all channels. So for each channel of a box
 *
 *     rows       t[p, x] = sum over k of wy[p, k] * F[low_y[p] + k, x]         a few rows of the map, added up
 *     columns    crop[p, q] = sum over k of wx[q, k] * t[p, low_x[q] + k]      a few columns of that
 *
 * and its gradient is the same backwards: t = G wx', then the rows of t are added to those of the map.
 *
 * Both are done for as many channels as fill a cache line at once, with vectors along the channels (ring.h; forward
 * channels_template.h, backward patch_template.h). Boxes too large for that, or large for few channels, have rows long enough
 * to fill vectors: for them vectors run along the rows, channel by channel, or of all channels at once where these are few
 * and lie together; the second step is a product with a banded matrix (below, and band_template.h).
 *
 * The inner loops of the former, which take most of the time of detectors, are add_up_taps, along y, and add_up_bins, along x
 * (channels_template.h); a line is one vector of AVX-512 and two of AVX2.
 *
 * Every sum begins with 0 and goes on with one product after the other, from low pixels to high, each added as multiply_add.h
 * says; sums of many products block by block (sums.h), from one multiple of ROI_SUM_BLOCK on the map to the next. So all ways
 * that lead to a crop give the same bits.
 *
 * Weights of 0 take part, where bins have fewer taps than others or vectors are wider than a bin. With NaN or infinity in
 * the map that would spread NaN; so a crop that comes out with NaN in it is computed again, exactly, tap by tap.
 */
#include "drive/way.h"
#include "kernels/kernel.h"
#include "kernels/lines_template.h"
#include "kernels/band_template.h"

enum {
    MOST_FEW_TAPS = 6,    /* whose weights and places stay in registers, ... */
    MOST_TAPS_OF_TWO = 4, /* ... those of two rows of bins, too */
    BLOCK_VECTORS = 8,    /* of lines that are added up at a time, for tall bins */
    ROWS_VECTORS = 8,     /* of a row that are added up at a time, for large boxes */
    PLANES_TOGETHER = 4   /* of the map, for large boxes */
};

/* Rows that are added up together are multiplied at once. C99 has no static assertion. */
typedef char a_tile_fits_into_a_group[(int)ROI_TILE_ROWS <= (int)GROUP ? 1 : -1];

#include "kernels/channels_template.h"

/* ---- Rows: from the map ---------------------------------------------------------------------------------------- */

/* A row of a box, as add_up_block has its sums; up to ROWS_VECTORS vectors of it. */
INLINE void add_up_some(const struct source *row, int64_t x, const int64_t *offset, const REAL *weight, int64_t first,
                        int64_t taps, int64_t vectors, REAL *t)
{
    switch (vectors) {
        CASES_TO_7(VECTORS, add_up_block(row, FROM_MAP, x, offset, weight, first, taps, VECTORS, t, LINE); break)
    default: add_up_block(row, FROM_MAP, x, offset, weight, first, taps, ROWS_VECTORS, t, LINE);
    }
}

/* One number of it. */
static REAL add_up_number(const struct source *row, int64_t x, const int64_t *offset, const REAL *weight, int64_t first,
                          int64_t taps)
{
    struct sum sum = {0, 0, 0};
    for (int64_t k = 0; k < taps; k++) {
        sum.block = multiply_add(weight[k], load(row->map + offset[k] + x * row->stride), sum.block);
        if (k + 1 == taps || (k + 1 - first) % ROI_SUM_BLOCK == 0)
            end_block(&sum);
    }
    return value_of_sum(&sum);
}

/* A whole row. What does not fill a vector at its end is part of one that begins before it, where the row is long enough. */
NOINLINE void add_up_row(const struct source *given, const int64_t *offset, const REAL *weight, int64_t first,
                         int64_t taps, int64_t width, REAL *t)
{
    const struct source row = *given;
    int64_t x = 0;
    while (row.stride == 1 && x + LANES <= width) {
        const int64_t vectors = min_i64((width - x) / LANES, ROWS_VECTORS);
        add_up_some(&row, x, offset, weight, first, taps, vectors, t + x);
        x += vectors * LANES;
    }
    for (; x + LANES <= width; x += LANES)
        add_up_block(&row, FROM_APART, x * row.stride, offset, weight, first, taps, 1, t + x, LINE);
    if (x < width && width >= LANES && row.stride == 1)
        add_up_some(&row, width - LANES, offset, weight, first, taps, 1, t + width - LANES);
    else
        for (; x < width; x++)
            t[x] = add_up_number(&row, x, offset, weight, first, taps);
}

/* The same for a group of bins. */
static void reduce_rows(const struct view *map, const struct roi_sparse *rows, int64_t bin, int64_t bins,
                        const struct window *window, REAL *t)
{
    const struct source row = {.map = map->data + window->first * map->stride_x, .stride = map->stride_x};
    const int64_t *offset = rows->offsets + bin * rows->taps;
    const REAL *weight = (const REAL *)rows->weights + bin * rows->taps;
    for (int64_t p = 0; p < bins; p++, offset += rows->taps, weight += rows->taps, t += window->padded)
        add_up_row(&row, offset, weight, roi_first_block(rows, bin + p), rows->taps, window->width, t);
}

/* ---- Forward --------------------------------------------------------------------------------------------------- */

/* One crop, with NaN spread too far where the map has NaN or infinity: then true is returned. */
static bool pool_wide(const struct view *map, const struct roi_sparse *rows, const struct window *window,
                      const struct band *band, int64_t bins_y, REAL *t, REAL *crop)
{
    bool nan = false;
    const REAL *crop_end = crop + bins_y * band->columns;
    struct factor in = {t, 1, {0}};
    for (int r = 0; r < GROUP; r++)
        in.row[r] = r * window->padded;
    for (int64_t p = 0; p < bins_y; p += ROI_TILE_ROWS) {
        const int64_t some = min_i64(bins_y - p, ROI_TILE_ROWS);
        reduce_rows(map, rows, p, some, window, t);
        nan |= multiply_band(&in, (int)some, band, crop + p * band->columns, band->columns, crop_end);
    }
    return nan;
}

/* Whether a block begins with tap k of a bin. */
static inline bool begins_block(const struct roi_taps *taps, int64_t bin, int64_t k)
{
    return taps->blocked && (taps->low[bin] + k) % ROI_SUM_BLOCK == 0;
}

/* A column of a bin, from just those pixels that have a weight. */
static REAL pool_column(const STORE *pixel, int64_t stride_y, const struct roi_taps *y, int64_t p)
{
    const REAL *weight = (const REAL *)y->weights + p * y->taps;
    struct sum sum = {0, 0, 0};
    for (int64_t k = 0; k < y->taps; k++) {
        if (begins_block(y, p, k))
            end_block(&sum);
        if (weight[k] != 0)
            sum.block = multiply_add(weight[k], load(pixel + k * stride_y), sum.block);
    }
    end_block(&sum);
    return value_of_sum(&sum);
}

/* One bin, in the order of the fast ways, and so with the same bits. */
static REAL pool_bin(const struct view *map, const struct roi_plan *plan, int64_t p, int64_t q)
{
    const REAL *weight = (const REAL *)plan->x.weights + q * plan->x.taps;
    const STORE *corner = map->data + plan->y.low[p] * map->stride_y + plan->x.low[q] * map->stride_x;
    struct sum sum = {0, 0, 0};
    for (int64_t l = 0; l < plan->x.taps; l++) {
        if (begins_block(&plan->x, q, l))
            end_block(&sum);
        if (weight[l] != 0)
            sum.block = multiply_add(pool_column(corner + l * map->stride_x, map->stride_y, &plan->y, p), weight[l],
                                     sum.block);
    }
    end_block(&sum);
    return value_of_sum(&sum);
}

/* All bins, or those that are NaN: no other can have met NaN or infinity beside its pixels. */
static void recompute_crop(const struct view *map, const struct roi_plan *plan, int64_t bins_y, int64_t bins_x,
                           bool all, REAL *crop)
{
    for (int64_t p = 0; p < bins_y; p++)
        for (int64_t q = 0; q < bins_x; q++)
            if (all || isnan(crop[p * bins_x + q]))
                crop[p * bins_x + q] = pool_bin(map, plan, p, q);
}

/* Rows of bins of a plan, from p on, of one channel. */
static inline struct view bins_of(const struct roi_tile *tile, const struct roi_plan *plan, int64_t c, int64_t p)
{
    struct view out = view_of(tile->crops, plan->row, c);
    out.data += (plan->first_bin + p) * out.stride_y;
    return out;
}

/* All channels of the tile, after NaN was found. The fence orders non-temporal stores before these. */
static void recompute_box(const struct roi_tile *tile, const struct roi_plan *plan, REAL *crop)
{
    const int64_t bins_x = tile->crops->shape[AXIS_W];
    stream_end();
    for (int64_t c = tile->channel_begin; c < tile->channel_end; c++) {
        const struct view in = view_of(&tile->maps[plan->box->level], plan->box->image, c);
        const struct view out = bins_of(tile, plan, c, 0);
        recompute_crop(&in, plan, plan->bins, bins_x, true, crop);
        write_crop(crop, &out, plan->bins, bins_x);
    }
}

/* A box without lines, channel by channel. */
static void pool_from_rows(const struct roi_tile *tile, const struct roi_plan *plan, int64_t begin, int64_t end,
                           struct scratch *scratch)
{
    const roi_array *map = &tile->maps[plan->box->level], *crops = tile->crops;
    const int64_t bins_y = plan->bins, bins_x = crops->shape[AXIS_W];
    const bool empty = plan->y.taps == 0 || plan->x.taps == 0, plain = is_plain(crops);
    const struct window window = window_of(&plan->x, map, LANES);
    if (!empty)
        band_of_pixels(&scratch->band, &plan->x, bins_x, window.first);
    for (int64_t c = begin; c < end; c++) {
        const struct view in = view_of(map, plan->box->image, c);
        const struct view out = bins_of(tile, plan, c, 0);
        REAL *crop = plain ? (REAL *)(void *)out.data : scratch->crop;
        if (empty)
            memset(crop, 0, (size_t)(bins_y * bins_x) * sizeof(REAL));
        else if (pool_wide(&in, &plan->rows, &window, &scratch->band, bins_y, scratch->rows, crop))
            recompute_crop(&in, plan, bins_y, bins_x, false, crop);
        if (!plain)
            write_crop(crop, &out, bins_y, bins_x);
    }
}

/* ---- Forward, of few channels that lie together ----------------------------------------------------------------- */

/* The numbers of a row that a box reads, of all channels. They begin with a whole vector, if the row has so much before. */
static struct window window_of_pixels(const struct view *row, const struct roi_taps *x, int64_t channels)
{
    const int64_t first = x->first * channels, end = x->end * channels;
    const int64_t phase = (int64_t)((uintptr_t)(row->data + first) / sizeof(STORE) % LANES);
    const int64_t begin = phase <= first ? first - phase : first;
    return (struct window){begin, end - begin, end - begin};
}

/* Stores some rows of bins from p on, of all channels. */
static void write_rows(const struct roi_tile *tile, const struct roi_plan *plan, int64_t p, int64_t rows,
                       const REAL *bins)
{
    const int64_t bins_x = tile->crops->shape[AXIS_W], channels = tile->crops->shape[AXIS_C];
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < channels; c++, bins += bins_x) {
            const struct view out = bins_of(tile, plan, c, p + r);
            write_crop(bins, &out, 1, bins_x);
        }
}

/* A box, all channels at once: its rows are added up as if there were one, and then each channel of a row is a row of its
   own, whose numbers lie apart. */
static void pool_from_pixels(const struct roi_tile *tile, const struct roi_plan *plan, struct scratch *scratch)
{
    const roi_array *map = &tile->maps[plan->box->level];
    const int64_t bins_y = plan->bins, bins_x = tile->crops->shape[AXIS_W];
    const int64_t channels = map->shape[AXIS_C], together = ROI_TILE_ROWS / channels;
    struct view row = view_of(map, plan->box->image, 0);
    row.stride_x = 1;
    const struct window window = window_of_pixels(&row, &plan->x, channels);
    struct factor t = {scratch->rows + plan->x.first * channels - window.first, channels, {0}};
    for (int64_t r = 0; r < GROUP; r++)
        t.row[r] = r / channels * window.padded + r % channels;
    bool nan = false;
    band_of_pixels(&scratch->band, &plan->x, bins_x, plan->x.first);
    for (int64_t p = 0; p < bins_y; p += together) {
        const int64_t rows = min_i64(together, bins_y - p), all = rows * channels;
        reduce_rows(&row, &plan->rows, p, rows, &window, scratch->rows);
        nan |= multiply_band(&t, (int)all, &scratch->band, scratch->lines, bins_x, scratch->lines + all * bins_x);
        write_rows(tile, plan, p, rows, scratch->lines);
    }
    if (nan)
        recompute_box(tile, plan, scratch->crop);
}

#include "kernels/crops_template.h"
#include "kernels/ring_template.h"
#include "kernels/map_lines_template.h"

/* Boxes that are large read much of a few planes, which stay in L2 meanwhile. They come last, since what small ones have
   read of a map is in the caches then. */
static void pool_large(const struct roi_tile *tile, struct scratch *scratch)
{
    const int64_t channels = tile->channel_end - tile->channel_begin;
    for (int64_t c = tile->channel_begin; c < tile->channel_end; c += PLANES_TOGETHER)
        for (const struct roi_plan *plan = tile->plans + tile->plan_begin; plan < tile->plans + tile->plan_end; plan++)
            if (roi_way_for(plan, channels, LINE) == ROI_BY_ROWS)
                pool_from_rows(tile, plan, c, min_i64(c + PLANES_TOGETHER, tile->channel_end), scratch);
}

static void pool_small(const struct roi_tile *tile, struct scratch *scratch)
{
    struct entered entered = {0};
    for (const struct roi_plan *plan = tile->plans + tile->plan_begin; plan < tile->plans + tile->plan_end; plan++)
        switch (roi_way_for(plan, tile->channel_end - tile->channel_begin, LINE)) {
        case ROI_LINES_IN_RING:
            advance(tile, plan, false, &entered, scratch->ring);
            pool_from_ring(tile, plan, &entered, scratch);
            break;
        case ROI_LINES_IN_MAP: pool_from_map(tile, plan, scratch); break;
        case ROI_BY_PIXELS: pool_from_pixels(tile, plan, scratch); break;
        default: break;
        }
}

static void pool_tile(const struct roi_tile *tile, void *memory)
{
    struct scratch scratch = scratch_of(tile->scratch_size, memory);
    pool_small(tile, &scratch);
    pool_large(tile, &scratch);
    if (tile->stream)
        stream_end();
}

#include "kernels/patch_template.h"

const struct roi_tile_kernels ROI_ENTRY_POINT(roi_align_kernels) = {pool_tile, scatter_tile};
