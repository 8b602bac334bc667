/*
 * align_template.h - RoIAlign's mean for one element type
 *
 * STORE is the type in memory, REAL the one computed in; S() and R() make names for them. See align_kernel.h.
 */

/* ---- Rows: from the map ---------------------------------------------------------------------------------------- */

/* t[x] = sum over k < taps of weight[k] * pixel[offset[k] + x], for `vectors` vectors (a constant where this is
   inlined). */
INLINE void S(add_up_vectors)(const STORE *pixel, int64_t stride_x, const int64_t *offset, const REAL *weight,
                              const int64_t taps, const int vectors, REAL *t)
{
    R(vec) sum[ROWS_VECTORS] = {{0}};
    for (int64_t k = 0; k < taps; k++)
        for (int v = 0; v < vectors; v++)
            sum[v] += weight[k] * S(load_pixels)(pixel + offset[k] + v * R(LANES) * stride_x, stride_x);
    memcpy(t, sum, (size_t)vectors * sizeof *sum);
}

/* The same for whole rows. What does not fill a vector at their end is part of one that begins before it, where the row
   is long enough. */
INLINE void S(add_up_rows)(const STORE *pixel, int64_t stride_x, const int64_t *offset, const REAL *weight,
                           const int64_t taps, const int vectors, int64_t width, REAL *t)
{
    int64_t x = 0;
    for (; x + vectors * R(LANES) <= width; x += vectors * R(LANES))
        S(add_up_vectors)(pixel + x * stride_x, stride_x, offset, weight, taps, vectors, t + x);
    for (; x + R(LANES) <= width; x += R(LANES))
        S(add_up_vectors)(pixel + x * stride_x, stride_x, offset, weight, taps, 1, t + x);
    if (x < width && width >= R(LANES)) {
        x = width - R(LANES);
        S(add_up_vectors)(pixel + x * stride_x, stride_x, offset, weight, taps, 1, t + x);
        return;
    }
    for (; x < width; x++) {
        REAL sum = 0;
        for (int64_t k = 0; k < taps; k++)
            sum = R(multiply_add)(weight[k], S(load)(pixel + offset[k] + x * stride_x), sum);
        t[x] = sum;
    }
}

/* The same for a group of bins. Few taps are the rule, so they get loops of constant length; many are gone through with
   several vectors at a time, since each sum waits for itself, and each row of the map is another page. */
INLINE void S(reduce_rows)(const struct S(view) *map, const struct roi_rows *rows, int64_t bin, int64_t bins,
                           int64_t stride_x, const struct window *window, REAL *t)
{
    const STORE *pixel = map->data + window->first * stride_x;
    const int64_t *offset = rows->offsets + bin * rows->taps, width = window->width;
    const REAL *weight = (const REAL *)rows->weights + bin * rows->taps;
    for (int64_t p = 0; p < bins; p++, offset += rows->taps, weight += rows->taps, t += window->padded) {
        switch (stride_x == 1 ? rows->taps : 0) { /* strided rows are slow by themselves */
        case 2: S(add_up_rows)(pixel, stride_x, offset, weight, 2, 1, width, t); break;
        case 3: S(add_up_rows)(pixel, stride_x, offset, weight, 3, 1, width, t); break;
        case 4: S(add_up_rows)(pixel, stride_x, offset, weight, 4, 1, width, t); break;
        case 5: S(add_up_rows)(pixel, stride_x, offset, weight, 5, 1, width, t); break;
        default: S(add_up_rows)(pixel, stride_x, offset, weight, rows->taps, ROWS_VECTORS, width, t);
        }
    }
}

#if defined(__AVX512F__)
#include "pool/narrow_template.h"
#endif

/* ---- Forward --------------------------------------------------------------------------------------------------- */

/* One crop, with NaN spread too far where the map has NaN or infinity: then true is returned. */
static bool S(pool_wide)(const struct S(view) *map, const struct roi_rows *rows, const struct window *window,
                         const struct R(band) *band, int64_t bins_y, REAL *t, REAL *crop)
{
    bool nan = false;
    const REAL *crop_end = crop + bins_y * band->columns;
    for (int64_t p = 0; p < bins_y; p += ROI_TILE_ROWS) {
        const int64_t some = min_i64(bins_y - p, ROI_TILE_ROWS);
        if (map->stride_x == 1)
            S(reduce_rows)(map, rows, p, some, 1, window, t);
        else
            S(reduce_rows)(map, rows, p, some, map->stride_x, window, t);
        nan |= R(multiply_band)(t, window->padded, some, band, crop + p * band->columns, band->columns, crop_end);
    }
    return nan;
}

/* One bin, from just those pixels that have a weight: in the order of the fast ways, and so with the same bits. */
static REAL S(pool_bin)(const struct S(view) *map, const struct roi_plan *plan, int64_t p, int64_t q)
{
    const REAL *wy = (const REAL *)plan->y.weights + p * plan->y.taps;
    const REAL *wx = (const REAL *)plan->x.weights + q * plan->x.taps;
    const STORE *corner = map->data + plan->y.low[p] * map->stride_y + plan->x.low[q] * map->stride_x;
    REAL sum = 0;
    for (int64_t l = 0; l < plan->x.taps; l++) {
        REAL column = 0;
        for (int64_t k = 0; k < plan->y.taps && wx[l] != 0; k++)
            if (wy[k] != 0)
                column = R(multiply_add)(wy[k], S(load)(corner + k * map->stride_y + l * map->stride_x), column);
        if (wx[l] != 0)
            sum = R(multiply_add)(column, wx[l], sum);
    }
    return sum;
}

/* All bins, or those that are NaN: no other can have met NaN or infinity beside its pixels. */
static void S(pool_exact)(const struct S(view) *map, const struct roi_plan *plan, int64_t bins_y, int64_t bins_x,
                          bool all, REAL *crop)
{
    for (int64_t p = 0; p < bins_y; p++)
        for (int64_t q = 0; q < bins_x; q++)
            if (all || isnan(crop[p * bins_x + q]))
                crop[p * bins_x + q] = S(pool_bin)(map, plan, p, q);
}

#include "pool/channels_template.h"

/* What a box is pooled with: made once, used for all its channels. */
struct S(tools) {
    const struct roi_tile *tile;
    const struct roi_plan *plan;
    const struct R(scratch) *scratch;
    struct window window;
    bool plain, prefetch, narrow;
};

static struct S(tools) S(tools_of)(const struct roi_tile *tile, const struct roi_plan *plan, struct R(scratch) *scratch)
{
    const roi_array *map = &tile->maps[plan->box->level], *crops = tile->crops;
    struct S(tools) tools = {.tile = tile, .plan = plan, .scratch = scratch, .plain = S(is_plain)(crops)};
    if (plan->y.taps == 0 || plan->x.taps == 0)
        return tools;
    tools.window = window_of(&plan->x, map->shape[AXIS_W], R(LANES));
    tools.prefetch = S(is_worth_prefetching)(map, &tools.window);
#if defined(__AVX512F__)
    tools.narrow = S(is_narrow)(map, crops, plan, &tools.window);
#endif
    if (!tools.narrow)
        R(band_of_pixels)(&scratch->band, &plan->x, crops->shape[AXIS_W], tools.window.first);
    return tools;
}

/* One channel. The next one lies `ahead` from it, and is to be asked for; 0: it is not. */
static void S(pool)(const struct S(tools) *tools, const struct S(view) *in, const struct S(view) *out, int64_t ahead)
{
    const int64_t bins_y = tools->tile->crops->shape[AXIS_H], bins_x = tools->tile->crops->shape[AXIS_W];
    const struct roi_plan *plan = tools->plan;
    REAL *crop = tools->plain ? (REAL *)(void *)out->data : tools->scratch->crop;
    bool nan = false, all = false;
    (void)ahead; /* which only narrow boxes take up */
#if defined(__AVX512F__)
    if (tools->narrow) {
        const struct S(narrow) narrow = S(narrow_of)(in, plan, &tools->window, out, bins_y, bins_x, ahead);
        nan = S(pool_narrow)(&narrow, tools->window.width);
        if (!nan)
            return;
        all = true; /* they are not in `crop` */
    } else
#endif
    if (plan->y.taps == 0 || plan->x.taps == 0)
        memset(crop, 0, (size_t)(bins_y * bins_x) * sizeof(REAL));
    else
        nan = S(pool_wide)(in, &plan->rows, &tools->window, &tools->scratch->band, bins_y, tools->scratch->rows, crop);
    if (nan)
        S(pool_exact)(in, plan, bins_y, bins_x, all, crop);
    if (!tools->plain)
        S(write_crop)(crop, out, bins_y, bins_x);
}

static void S(pool_box)(const struct roi_tile *tile, const struct roi_plan *plan, struct R(scratch) *scratch)
{
    const roi_array *map = &tile->maps[plan->box->level];
    const int64_t begin = S(pool_channels_last)(tile, plan, scratch);
    if (begin == tile->channel_end)
        return;
    const struct S(tools) tools = S(tools_of)(tile, plan, scratch);
    for (int64_t c = begin; c < tile->channel_end; c++) {
        const struct S(view) in = S(view_of)(map, plan->box->image, c), out = S(view_of)(tile->crops, plan->row, c);
        const int64_t ahead = tools.prefetch && c + 1 < tile->channel_end ? map->strides[AXIS_C] : 0;
        if (ahead && !tools.narrow) {
            const struct S(view) next = S(view_of)(map, plan->box->image, c + 1);
            S(prefetch_box)(&next, plan, &tools.window);
        }
        S(pool)(&tools, &in, &out, ahead);
    }
}

static void S(pool_tile)(const struct roi_tile *tile, void *memory)
{
    struct R(scratch) scratch = R(scratch_of)(tile->scratch_size, memory);
    for (int64_t i = tile->plan_begin; i < tile->plan_end; i++) {
        const struct roi_plan *plan = &tile->plans[i];
        struct roi_plan strip;
        if (tile->first_bin > 0) {
            strip = *plan;
            strip.y.low += tile->first_bin;
            strip.y.weights = (REAL *)strip.y.weights + tile->first_bin * strip.y.taps;
            strip.rows.offsets += tile->first_bin * strip.rows.taps;
            strip.rows.weights = (REAL *)strip.rows.weights + tile->first_bin * strip.rows.taps;
            plan = &strip;
        }
        S(pool_box)(tile, plan, &scratch);
    }
}

/* ---- Backward -------------------------------------------------------------------------------------------------- */

/* `rows` rows of bins, from p on. */
static void S(scatter_fast)(const REAL *grad, const struct roi_plan *plan, const struct window *window,
                            const struct R(band) *band, int64_t p, int64_t rows, int64_t bins_x, REAL *t, REAL *map,
                            int64_t stride_y)
{
    R(multiply_band)(grad, bins_x, rows, band, t, window->padded, t + ROI_TILE_ROWS * window->padded);
    for (int64_t r = 0; r < rows; r++)
        R(add_row)(t + r * window->padded, (const REAL *)plan->y.weights + (p + r) * plan->y.taps, plan->y.taps,
                   window->width, map + plan->y.low[p + r] * stride_y + window->first, stride_y);
}

static void S(scatter_box)(const struct roi_tile *tile, const struct roi_plan *plan, struct R(scratch) *scratch)
{
    const roi_array *map = &tile->maps[plan->box->level], *crops = tile->crops;
    const int64_t bins_y = crops->shape[AXIS_H], bins_x = crops->shape[AXIS_W];
    if (plan->y.taps == 0 || plan->x.taps == 0)
        return;
    const struct window window = window_of(&plan->x, map->shape[AXIS_W], R(LANES));
    R(band_of_bins)(&scratch->band, &plan->x, bins_x, window.first, window.width);
    for (int64_t c = tile->channel_begin; c < tile->channel_end; c++) {
        struct S(view) in = S(view_of)(crops, plan->row, c);
        REAL *plane = roi_plane(map, sizeof(REAL), plan->box->image, c);
        for (int64_t p = 0; p < bins_y; p += ROI_TILE_ROWS, in.data += ROI_TILE_ROWS * in.stride_y) {
            const int64_t rows = min_i64(bins_y - p, ROI_TILE_ROWS);
            const REAL *grad = S(rows_of_crop)(&in, rows, bins_x, scratch->crop);
            if (R(all_finite)(grad, rows * bins_x))
                S(scatter_fast)(grad, plan, &window, &scratch->band, p, rows, bins_x, scratch->rows, plane,
                                map->strides[AXIS_H]);
            else
                R(scatter_exact)(grad, plan, p, rows, bins_x, plane, map->strides[AXIS_H]);
        }
    }
}

static void S(scatter_tile)(const struct roi_tile *tile, void *memory)
{
    struct R(scratch) scratch = R(scratch_of)(tile->scratch_size, memory);
    for (int64_t i = tile->plan_begin; i < tile->plan_end; i++)
        S(scatter_box)(tile, &tile->plans[i], &scratch);
}
