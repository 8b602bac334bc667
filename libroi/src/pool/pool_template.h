/*
 * pool_template.h - RoIPool for one element type
 *
 * STORE is the type in memory, REAL the one that is compared; S() and R() make names for them. See pool_kernel.h.
 */

#if defined(__AVX512F__)
/* A vector of bins: the places of their first and last pixels in the window. */
struct S(lanes) {
    R(index) first, last;
    unsigned mask; /* of lanes that are bins */
};
#endif

/* What a box is pooled with: made once, used for all its channels. */
struct S(box) {
    const struct roi_pool_table *table;
    const struct roi_pool_bin *columns; /* the bins along x; those along y are table->bins */
    struct window window;
    int64_t map_width;
    bool countable; /* whether pixels of the map can be counted in a lane */
    REAL *most;     /* for each column of the window, its maximum over the rows of a bin */
    R(lane) *place; /* and where that is: y * W + x */
#if defined(__AVX512F__)
    struct S(lanes) lanes[NARROW_VECTORS];
    int vectors; /* 0: not narrow */
#endif
};

/* Where the results of a box go: one channel of the crops. */
struct S(out) {
    struct S(view) crop;
    int64_t *argmax; /* or NULL */
    int64_t argmax_stride_y, argmax_stride_x;
};

static struct S(out) S(out_of)(const struct roi_tile *tile, int64_t row, int64_t channel)
{
    const roi_indices *argmax = tile->argmax;
    struct S(out) out = {.crop = S(view_of)(tile->crops, row, channel)};
    if (argmax) {
        out.argmax = argmax->data + row * argmax->strides[AXIS_N] + channel * argmax->strides[AXIS_C];
        out.argmax_stride_y = argmax->strides[AXIS_H];
        out.argmax_stride_x = argmax->strides[AXIS_W];
    }
    return out;
}

INLINE void S(put)(const struct S(out) *out, int64_t p, int64_t q, REAL value, int64_t argmax)
{
    S(store)(out->crop.data + p * out->crop.stride_y + q * out->crop.stride_x, value);
    if (out->argmax)
        out->argmax[p * out->argmax_stride_y + q * out->argmax_stride_x] = argmax;
}

/* ---- Pixel by pixel -------------------------------------------------------------------------------------------- */

/* One bin: its first NaN, or else its first maximum. */
static void S(pool_bin)(const struct S(view) *map, const struct S(box) *box, const struct roi_pool_bin *y,
                        const struct roi_pool_bin *x, const struct S(out) *out)
{
    REAL most = S(load)(map->data + y->begin * map->stride_y + x->begin * map->stride_x);
    int64_t at = y->begin * box->map_width + x->begin;
    for (int64_t i = y->begin; i < y->end && !isnan(most); i++)
        for (int64_t j = x->begin; j < x->end && !isnan(most); j++) {
            const REAL value = S(load)(map->data + i * map->stride_y + j * map->stride_x);
            if (value > most || isnan(value)) {
                most = value;
                at = i * box->map_width + j;
            }
        }
    S(put)(out, y->bin, x->bin, most, at);
}

static void S(pool_exact)(const struct S(view) *map, const struct S(box) *box, const struct roi_pool_bin *y,
                          const struct S(out) *out)
{
    for (int64_t j = 0; j < box->table->columns; j++)
        S(pool_bin)(map, box, y, &box->columns[j], out);
}

/* ---- Rows, then columns ---------------------------------------------------------------------------------------- */

/* The functions below have a constant `places` where they are inlined: whether the places of maxima are asked for. */

/* Maxima of a vector of columns, row by row: the first row, then all others. A place is counted from the first pixel of
   its column. The sum is NaN where a pixel is (and where there are infinities of both signs; that these are then pooled
   exactly does no harm). */
INLINE void S(begin_column)(const STORE *pixel, int64_t stride_x, R(vec) *most_ret, R(index) *place_ret,
                            R(vec) *sum_ret)
{
    *most_ret = *sum_ret = S(load_pixels)(pixel, stride_x);
    *place_ret = (R(index)){0};
}

INLINE void S(add_row)(const STORE *pixel, int64_t stride_x, R(lane) at, const bool places, R(vec) *most,
                       R(index) *place, R(vec) *sum)
{
    const R(vec) value = S(load_pixels)(pixel, stride_x);
    if (places) {
        const R(index) above = value > *most;
        *place = (above & at) | (~above & *place);
    }
    *most = R(max)(value, *most);
    *sum += value;
}

/* All rows of a bin, from column x of the window on, into box->most and box->place. Returns the sum. */
INLINE R(vec) S(max_columns)(const struct S(view) *map, const struct S(box) *box, const struct roi_pool_bin *y,
                             int64_t x, int64_t stride_x, const bool places)
{
    const int64_t column = box->window.first + x;
    const STORE *pixel = map->data + y->begin * map->stride_y + column * stride_x;
    R(vec) most, sum;
    R(index) place;
    S(begin_column)(pixel, stride_x, &most, &place, &sum);
    for (int64_t row = 1; row < y->end - y->begin; row++)
        S(add_row)(pixel + row * map->stride_y, stride_x, (R(lane))(row * box->map_width), places, &most, &place, &sum);
    memcpy(box->most + x, &most, sizeof most);
    if (places) {
        place += R(count_up)((R(lane))(y->begin * box->map_width + column));
        memcpy(box->place + x, &place, sizeof place);
    }
    return sum;
}

/* The same for one column, of a map that is narrower than a vector. */
INLINE REAL S(max_column)(const struct S(view) *map, const struct S(box) *box, const struct roi_pool_bin *y, int64_t x)
{
    const int64_t column = box->window.first + x;
    const STORE *pixel = map->data + y->begin * map->stride_y + column * map->stride_x;
    REAL most = S(load)(pixel), sum = most;
    int64_t best = 0;
    for (int64_t row = 1; row < y->end - y->begin; row++) {
        const REAL value = S(load)(pixel + row * map->stride_y);
        best = value > most ? row : best;
        most = value > most ? value : most;
        sum += value;
    }
    box->most[x] = most;
    box->place[x] = (R(lane))((y->begin + best) * box->map_width + column);
    return sum;
}

/* All columns of the window. Returns whether one of them has NaN. */
INLINE bool S(max_rows)(const struct S(view) *map, const struct S(box) *box, const struct roi_pool_bin *y,
                        int64_t stride_x, const bool places)
{
    bool nan = false;
    int64_t x = 0;
    for (; x + R(LANES) <= box->window.width; x += R(LANES))
        nan |= R(any_nan)(S(max_columns)(map, box, y, x, stride_x, places));
    for (; x < box->window.width; x++)
        nan |= isnan(S(max_column)(map, box, y, x));
    return nan;
}

/* One bin, from the columns of its rows. `reads` of them are looked at, the last one always: enough for any bin but those
   cut short by a border of the map, and as many for each bin, so that the processor can foresee them. */
INLINE void S(max_bin)(const struct S(box) *box, int64_t p, const struct roi_pool_bin *x, int64_t reads,
                       const struct S(out) *out)
{
    const REAL *most = box->most - box->window.first + x->begin, *last = box->most - box->window.first + x->end - 1;
    REAL value = *last;
    for (int64_t i = 0; i < reads - 1; i++)
        value = most[i] > value ? most[i] : value;
    S(put)(out, p, x->bin, value, -1);
}

INLINE void S(max_bins)(const struct S(box) *box, int64_t p, const int64_t reads, const struct S(out) *out)
{
    for (const struct roi_pool_bin *x = box->columns; x < box->columns + box->table->columns; x++)
        if (x->end - x->begin >= reads - 1)
            S(max_bin)(box, p, x, reads, out);
        else
            S(max_bin)(box, p, x, x->end - x->begin, out);
}

/* One bin, with its place. Four columns at a time, to be without jumps: which of two numbers is larger nobody foresees. */
INLINE void S(find_bin)(const struct S(box) *box, int64_t p, const struct roi_pool_bin *x, const int64_t quads,
                        const struct S(out) *out)
{
    R(quad) most = {0}, value;
    R(quad_index) place = {0}, at;
    for (int64_t i = 0; i < quads; i++) {
        const int64_t j = x->begin + 4 * i - box->window.first;
        memcpy(&value, box->most + j, sizeof value);
        memcpy(&at, box->place + j, sizeof at);
        R(keep_quad)(&value, &at, x->end - x->begin - 4 * i);
        if (i == 0) {
            most = value;
            place = at;
        }
        R(take_larger_quad)(&most, &place, value, at);
    }
    R(take_largest_quad)(&most, &place);
    S(put)(out, p, x->bin, most[0], place[0]);
}

INLINE void S(find_bins)(const struct S(box) *box, int64_t p, const int64_t quads, const struct S(out) *out)
{
    for (const struct roi_pool_bin *x = box->columns; x < box->columns + box->table->columns; x++)
        S(find_bin)(box, p, x, quads, out);
}

/* One row of bins. Few pixels are the rule, so they get loops of constant length. */
INLINE void S(max_row_of_bins)(const struct S(box) *box, int64_t p, const struct S(out) *out)
{
    switch (box->table->widest) {
    case 1: S(max_bins)(box, p, 1, out); break;
    case 2: S(max_bins)(box, p, 2, out); break;
    case 3: S(max_bins)(box, p, 3, out); break;
    case 4: S(max_bins)(box, p, 4, out); break;
    case 5: S(max_bins)(box, p, 5, out); break;
    case 6: S(max_bins)(box, p, 6, out); break;
    default: S(max_bins)(box, p, box->table->widest, out);
    }
}

INLINE void S(find_row_of_bins)(const struct S(box) *box, int64_t p, const struct S(out) *out)
{
    const int64_t quads = groups_of(box->table->widest, 4);
    if (quads == 1)
        S(find_bins)(box, p, 1, out);
    else
        S(find_bins)(box, p, quads, out);
}

INLINE void S(pool_fast)(const struct S(view) *map, const struct S(box) *box, int64_t stride_x, const bool places,
                         const struct S(out) *out)
{
    for (const struct roi_pool_bin *y = box->table->bins; y < box->columns; y++)
        if (S(max_rows)(map, box, y, stride_x, places))
            S(pool_exact)(map, box, y, out);
        else if (places)
            S(find_row_of_bins)(box, y->bin, out);
        else
            S(max_row_of_bins)(box, y->bin, out);
}

#if defined(__AVX512F__)
#include "pool/pool_narrow_template.h"
#endif

/* ---- Boxes ----------------------------------------------------------------------------------------------------- */

static void S(clear)(const struct roi_array *crops, const struct S(out) *out)
{
    for (int64_t p = 0; p < crops->shape[AXIS_H]; p++)
        for (int64_t q = 0; q < crops->shape[AXIS_W]; q++)
            S(put)(out, p, q, 0, -1);
}

/* One channel. */
static void S(pool)(const struct S(view) *map, const struct S(box) *box, const struct S(out) *out)
{
#if defined(__AVX512F__)
    if (box->vectors > 0 && out->argmax) {
        S(pool_narrow)(map, box, true, out);
        return;
    }
    if (box->vectors > 0) {
        S(pool_narrow)(map, box, false, out);
        return;
    }
#endif
    if (out->argmax && !box->countable)
        for (const struct roi_pool_bin *y = box->table->bins; y < box->columns; y++)
            S(pool_exact)(map, box, y, out);
    else if (out->argmax)
        S(pool_fast)(map, box, map->stride_x, true, out);
    else if (map->stride_x == 1)
        S(pool_fast)(map, box, 1, false, out);
    else
        S(pool_fast)(map, box, map->stride_x, false, out);
}

static struct S(box) S(box_of)(const struct roi_tile *tile, const struct roi_plan *plan, void *scratch)
{
    const roi_array *map = &tile->maps[plan->box->level];
    const struct roi_pool_table *table = plan->tables;
    struct S(box) box = {.table = table,
                         .columns = table->bins + table->rows,
                         .window = window_of(&plan->x, map, R(LANES)),
                         .map_width = map->shape[AXIS_W],
                         .countable = map->shape[AXIS_H] * map->shape[AXIS_W] <= INT32_MAX,
                         .most = scratch};
    box.place = (R(lane) *)(void *)(box.most + box.window.padded + round_up(table->widest, 4));
#if defined(__AVX512F__)
    if (table->rows > 0 && table->columns > 0 && S(is_narrow)(map, tile, &box))
        box.vectors = S(make_lanes)(box.lanes, &box);
#endif
    return box;
}

static void S(pool_box)(const struct roi_tile *tile, const struct roi_plan *plan, void *scratch)
{
    const roi_array *map = &tile->maps[plan->box->level], *crops = tile->crops;
    const struct S(box) box = S(box_of)(tile, plan, scratch);
    const bool prefetch = S(is_worth_prefetching)(map, &box.window);
    const int64_t rows = box.table->rows, columns = box.table->columns;
    for (int64_t c = tile->channel_begin; c < tile->channel_end; c++) {
        const struct S(view) view = S(view_of)(map, plan->box->image, c);
        const struct S(out) out = S(out_of)(tile, plan->row, c);
        if (prefetch && c + 1 < tile->channel_end) {
            const struct S(view) next = S(view_of)(map, plan->box->image, c + 1);
            S(prefetch_box)(&next, plan, &box.window);
        }
        if (rows < crops->shape[AXIS_H] || columns < crops->shape[AXIS_W])
            S(clear)(crops, &out);
        if (rows > 0 && columns > 0)
            S(pool)(&view, &box, &out);
    }
}

static void S(pool_tile)(const struct roi_tile *tile, void *scratch)
{
    for (int64_t i = tile->plan_begin; i < tile->plan_end; i++)
        S(pool_box)(tile, &tile->plans[i], scratch);
}

/* ---- Backward -------------------------------------------------------------------------------------------------- */

/* The gradient of each bin goes to the pixel it came from. That `argmax` is in the plane has been checked, but it is the
   caller's memory, which might change meanwhile: so it is looked at again. */
static void S(scatter_box)(const struct roi_tile *tile, const struct roi_plan *plan, int64_t channel)
{
    const roi_array *sum = &tile->maps[plan->box->level];
    const struct S(out) grad = S(out_of)(tile, plan->row, channel);
    const int64_t width = sum->shape[AXIS_W], pixels = sum->shape[AXIS_H] * width, stride_y = sum->strides[AXIS_H];
    REAL *plane = roi_plane(sum, sizeof(REAL), plan->box->image, channel);
    for (int64_t p = 0; p < tile->crops->shape[AXIS_H]; p++)
        for (int64_t q = 0; q < tile->crops->shape[AXIS_W]; q++) {
            const int64_t at = grad.argmax[p * grad.argmax_stride_y + q * grad.argmax_stride_x];
            const STORE *value = grad.crop.data + p * grad.crop.stride_y + q * grad.crop.stride_x;
            if (at >= 0 && at < pixels)
                plane[stride_y == width ? at : at / width * stride_y + at % width] += S(load)(value);
        }
}

static void S(scatter_tile)(const struct roi_tile *tile, void *scratch)
{
    (void)scratch;
    for (int64_t i = tile->plan_begin; i < tile->plan_end; i++)
        for (int64_t c = tile->channel_begin; c < tile->channel_end; c++)
            S(scatter_box)(tile, &tile->plans[i], c);
}
