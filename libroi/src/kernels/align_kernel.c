/* align_kernel.c - RoIAlign's mean: align_kernel.h has the theory. */
#include "kernels/align_kernel.h"

#include "drive/way.h"
#include "kernels/kernel.h"
#include "kernels/lines_template.h"
#include "kernels/band_template.h"

enum {
    MOST_FEW_TAPS = 6,   /* whose weights and places stay in registers, ... */
    MOST_TAPS_OF_TWO = 4, /* ... those of two rows of bins, too */
    BLOCK_VECTORS = 8,   /* of lines that are added up at a time, for tall bins */
    ROWS_VECTORS = 8,    /* of a row that are added up at a time, for large boxes */
    PLANES_TOGETHER = 4  /* of the map, for large boxes */
};

_Static_assert((int)ROI_TILE_ROWS <= (int)GROUP, "rows that are added up together are multiplied at once");

/* ---- Rows: from the map ---------------------------------------------------------------------------------------- */

/* sum[x] = sum over k < taps of weight[k] * pixel[offset[k] + x], for `vectors` vectors (a constant where this is inlined):
   as many sums as do not wait for each other. */
INLINE void add_up_one_block(const STORE *pixel, int64_t stride_x, const int64_t *offset, const REAL *weight,
                                int64_t taps, const int vectors, vec sum[ROWS_VECTORS])
{
    for (int v = 0; v < vectors; v++)
        sum[v] = (vec){0};
    for (int64_t k = 0; k < taps; k++)
        for (int v = 0; v < vectors; v++)
            sum[v] = multiply_add_vec(
                splat_vec(weight[k]), load_pixels(pixel + offset[k] + v * LANES * stride_x, stride_x), sum[v]);
}

/* The same to t, block by block, of which the first has `first` taps. */
INLINE void add_up_vectors(const STORE *pixel, int64_t stride_x, const int64_t *offset, const REAL *weight,
                              int64_t first, int64_t taps, const int vectors, REAL *t)
{
    vec sum[ROWS_VECTORS], total[ROWS_VECTORS], lost[ROWS_VECTORS] = {{0}};
    add_up_one_block(pixel, stride_x, offset, weight, first, vectors, total);
    for (int64_t k = first; k < taps; k += ROI_SUM_BLOCK) {
        add_up_one_block(pixel, stride_x, offset + k, weight + k, min_i64(ROI_SUM_BLOCK, taps - k), vectors, sum);
        for (int v = 0; v < vectors; v++)
            fold_vec(&total[v], &lost[v], sum[v]);
    }
    for (int v = 0; v < vectors && first < taps; v++)
        total[v] += lost[v];
    memcpy(t, total, (size_t)vectors * sizeof *total);
}

/* Up to ROWS_VECTORS. */
INLINE void add_up_some(const STORE *pixel, int64_t stride_x, const int64_t *offset, const REAL *weight,
                           int64_t first, int64_t taps, int64_t vectors, REAL *t)
{
    switch (vectors) {
    case 1: add_up_vectors(pixel, stride_x, offset, weight, first, taps, 1, t); break;
    case 2: add_up_vectors(pixel, stride_x, offset, weight, first, taps, 2, t); break;
    case 3: add_up_vectors(pixel, stride_x, offset, weight, first, taps, 3, t); break;
    case 4: add_up_vectors(pixel, stride_x, offset, weight, first, taps, 4, t); break;
    case 5: add_up_vectors(pixel, stride_x, offset, weight, first, taps, 5, t); break;
    case 6: add_up_vectors(pixel, stride_x, offset, weight, first, taps, 6, t); break;
    case 7: add_up_vectors(pixel, stride_x, offset, weight, first, taps, 7, t); break;
    default: add_up_vectors(pixel, stride_x, offset, weight, first, taps, ROWS_VECTORS, t);
    }
}

/* The same for a whole row. What does not fill a vector at its end is part of one that begins before it, where the row is
   long enough. */
INLINE void add_up_row(const STORE *pixel, int64_t stride_x, const int64_t *offset, const REAL *weight, int64_t first,
                          int64_t taps, int64_t width, REAL *t)
{
    int64_t x = 0;
    while (x + LANES <= width) {
        const int64_t vectors = min_i64((width - x) / LANES, ROWS_VECTORS);
        add_up_some(pixel + x * stride_x, stride_x, offset, weight, first, taps, vectors, t + x);
        x += vectors * LANES;
    }
    if (x < width && width >= LANES) {
        x = width - LANES;
        add_up_vectors(pixel + x * stride_x, stride_x, offset, weight, first, taps, 1, t + x);
        return;
    }
    for (; x < width; x++) {
        struct sum sum = {0, 0, 0};
        for (int64_t k = 0; k < taps; k++) {
            sum.block = multiply_add(weight[k], load(pixel + offset[k] + x * stride_x), sum.block);
            if (k + 1 == taps || (k + 1 - first) % ROI_SUM_BLOCK == 0)
                end_block(&sum);
        }
        t[x] = value_of_sum(&sum);
    }
}

ALONE void add_up_plain_row(const STORE *pixel, const int64_t *offset, const REAL *weight, int64_t first, int64_t taps,
                               int64_t width, REAL *t)
{
    add_up_row(pixel, 1, offset, weight, first, taps, width, t);
}

/* The same for a group of bins. */
static void reduce_rows(const struct view *map, const struct roi_sparse *rows, int64_t bin, int64_t bins,
                           const struct window *window, REAL *t)
{
    const STORE *pixel = map->data + window->first * map->stride_x;
    const int64_t *offset = rows->offsets + bin * rows->taps;
    const REAL *weight = (const REAL *)rows->weights + bin * rows->taps;
    for (int64_t p = 0; p < bins; p++, offset += rows->taps, weight += rows->taps, t += window->padded) {
        const int64_t first = roi_first_block(rows, bin + p);
        if (map->stride_x == 1)
            add_up_plain_row(pixel, offset, weight, first, rows->taps, window->width, t);
        else
            add_up_row(pixel, map->stride_x, offset, weight, first, rows->taps, window->width, t);
    }
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
            sum.block = multiply_add(pool_column(corner + l * map->stride_x, map->stride_y, &plan->y, p),
                                        weight[l], sum.block);
    }
    end_block(&sum);
    return value_of_sum(&sum);
}

/* All bins, or those that are NaN: no other can have met NaN or infinity beside its pixels. */
static void pool_exact(const struct view *map, const struct roi_plan *plan, int64_t bins_y, int64_t bins_x,
                          bool all, REAL *crop)
{
    for (int64_t p = 0; p < bins_y; p++)
        for (int64_t q = 0; q < bins_x; q++)
            if (all || isnan(crop[p * bins_x + q]))
                crop[p * bins_x + q] = pool_bin(map, plan, p, q);
}

/* One channel of a box from just those pixels, when fast ways have met NaN. */
static void pool_exact_channel(const struct roi_tile *tile, const struct roi_plan *plan, int64_t c, REAL *crop)
{
    const int64_t bins_y = plan->bins, bins_x = tile->crops->shape[AXIS_W];
    const struct view in = view_of(&tile->maps[plan->box->level], plan->box->image, c);
    struct view out = view_of(tile->crops, plan->row, c);
    out.data += plan->first_bin * out.stride_y;
    pool_exact(&in, plan, bins_y, bins_x, true, crop);
    write_crop(crop, &out, bins_y, bins_x);
}

/* All channels of the tile. What has been streamed must not come after it. */
static void pool_exactly(const struct roi_tile *tile, const struct roi_plan *plan, REAL *crop)
{
    stream_end();
    for (int64_t c = tile->channel_begin; c < tile->channel_end; c++)
        pool_exact_channel(tile, plan, c, crop);
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
        struct view out = view_of(crops, plan->row, c);
        out.data += plan->first_bin * out.stride_y;
        REAL *crop = plain ? (REAL *)(void *)out.data : scratch->crop;
        if (empty)
            memset(crop, 0, (size_t)(bins_y * bins_x) * sizeof(REAL));
        else if (pool_wide(&in, &plan->rows, &window, &scratch->band, bins_y, scratch->rows, crop))
            pool_exact(&in, plan, bins_y, bins_x, false, crop);
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

/* Some rows of bins from p on, of all channels, to where crops want them. */
static void write_rows(const struct roi_tile *tile, const struct roi_plan *plan, int64_t p, int64_t rows, const REAL *bins)
{
    const int64_t bins_x = tile->crops->shape[AXIS_W], channels = tile->crops->shape[AXIS_C];
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < channels; c++, bins += bins_x) {
            struct view out = view_of(tile->crops, plan->row, c);
            out.data += (plan->first_bin + p + r) * out.stride_y;
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
        pool_exactly(tile, plan, scratch->crop);
}

#include "kernels/channels_template.h"
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
    int64_t end = 0; /* of the rows that have entered the ring */
    for (const struct roi_plan *plan = tile->plans + tile->plan_begin; plan < tile->plans + tile->plan_end; plan++)
        switch (roi_way_for(plan, tile->channel_end - tile->channel_begin, LINE)) {
        case ROI_FROM_RING:
            advance(tile, plan, &end, scratch->ring);
            pool_from_ring(tile, plan, scratch);
            break;
        case ROI_FROM_MAP: pool_from_map(tile, plan, scratch); break;
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
