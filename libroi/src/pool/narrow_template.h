/*
 * narrow_template.h - crops of boxes whose rows fit in registers, for one element type (AVX-512)
 *
 * Instead of multiplying by a banded matrix that is mostly zeros, each tap of all bins of a row is fetched at once by a
 * permutation of the row, which never leaves its registers: taps times (permutation, multiply-add) for a whole row of
 * bins. The plain-C twin of this file is pool_fast in align_template.h, which the other tiers use for all boxes.
 */

/* A vector of bins: the place of the first pixel of each in the window, and its weights, a vector for each tap. Lanes
   without a bin read the first pixel with weight 0, and are not stored. */
struct S(lanes) {
    R(index) first;
    const REAL *weights;
    unsigned mask;
};

/* Tables for all bins of a row; returns the number of vectors. `memory` takes taps vectors for each. */
static int S(make_lanes)(struct S(lanes) *lanes, const struct roi_taps *x, int64_t bins, int64_t first_pixel, REAL *memory)
{
    int vectors = 0;
    for (int64_t bin = 0; bin < bins; bin += R(LANES), vectors++, memory += x->taps * R(LANES)) {
        const int64_t count = min_i64(bins - bin, R(LANES));
        const REAL *weight = (const REAL *)x->weights + bin * x->taps;
        lanes[vectors] = (struct S(lanes)){.weights = memory, .mask = (1u << count) - 1};
        memset(memory, 0, (size_t)(x->taps * R(LANES)) * sizeof(REAL));
        for (int64_t i = 0; i < count; i++) {
            lanes[vectors].first[i] = (int)(x->low[bin + i] - first_pixel);
            for (int64_t k = 0; k < x->taps; k++)
                memory[k * R(LANES) + i] = *weight++;
        }
    }
    return vectors;
}

/* One row of a bin in `chunks` registers (a constant where this is inlined): the weighted sum of its pixels' rows. */
INLINE void S(load_row)(const STORE *pixel, int64_t stride_y, const REAL *weight, int64_t taps, const int chunks,
                        R(vec) *row)
{
    for (int i = 0; i < chunks; i++)
        row[i] = (R(vec)){0};
    for (int64_t k = 0; k < taps; k++, pixel += stride_y)
        for (int i = 0; i < chunks; i++)
            row[i] += weight[k] * S(load_vec)(pixel + i * R(LANES));
}

INLINE R(vec) S(sum_taps)(const R(vec) *row, const int chunks, const struct S(lanes) *lanes, int64_t taps)
{
    R(vec) sum = {0}, weight;
    R(index) index = lanes->first;
    for (int64_t k = 0; k < taps; k++, index += 1) {
        memcpy(&weight, lanes->weights + k * R(LANES), sizeof weight);
        sum += weight * R(pick)(row, chunks, index);
    }
    return sum;
}

/* Stores bins. Where there is `room` for so many elements, whole vectors may be written, or their lower half where that
   has all bins: that is faster than a store of some lanes. */
INLINE void S(store_bins)(STORE *bins, R(vec) sum, unsigned mask, int64_t room)
{
    if (mask >> R(LANES) / 2 == 0 && room >= R(LANES) / 2)
        S(store_half)(bins, sum);
    else if (room >= R(LANES))
        S(store_whole)(bins, sum);
    else
        S(store_vec)(bins, sum, mask);
}

/* One crop, straight into the result. True where a number of it is NaN. In a plain crop a row of bins is followed by the
   next one, which is written after it, so that what is written beyond a row does no harm. */
INLINE bool S(pool_rows)(const struct S(view) *map, const struct roi_plan *plan, int64_t first_pixel, const int chunks,
                         const struct S(lanes) *lanes, int vectors, const struct S(view) *out, int64_t bins_y,
                         bool plain)
{
    const REAL *weight = plan->y.weights;
    const int64_t row_of_bins = plain ? out->stride_y : 0;
    int64_t room = bins_y * row_of_bins;
    R(vec) all = {0}, row[4];
    for (int64_t p = 0; p < bins_y; p++, weight += plan->y.taps, room -= row_of_bins) {
        const STORE *pixel = map->data + plan->y.low[p] * map->stride_y + first_pixel;
        S(load_row)(pixel, map->stride_y, weight, plan->y.taps, chunks, row);
        for (int i = 0; i < vectors; i++) {
            const R(vec) sum = S(sum_taps)(row, chunks, &lanes[i], plan->x.taps);
            S(store_bins)(out->data + p * out->stride_y + i * R(LANES), sum, lanes[i].mask, room - i * R(LANES));
            all += sum;
        }
    }
    return R(any_nan)(all);
}

/* The same for one vector of bins, and few taps, whose numbers are constants where this is inlined: so weights and places
   stay in registers too. */
INLINE bool S(pool_few_taps)(const struct S(view) *map, const struct roi_plan *plan, int64_t first_pixel,
                             const int chunks, const int taps_y, const int taps_x, const struct S(lanes) *lanes,
                             const struct S(view) *out, int64_t bins_y, bool plain)
{
    const REAL *weight = plan->y.weights;
    const int64_t row_of_bins = plain ? out->stride_y : 0;
    int64_t room = bins_y * row_of_bins;
    R(vec) all = {0}, row[4], weights[MOST_FEW_TAPS];
    R(index) index[MOST_FEW_TAPS];
    for (int k = 0; k < taps_x; k++) {
        memcpy(&weights[k], lanes->weights + k * R(LANES), sizeof *weights);
        index[k] = lanes->first + k;
    }
    for (int64_t p = 0; p < bins_y; p++, weight += taps_y, room -= row_of_bins) {
        const STORE *pixel = map->data + plan->y.low[p] * map->stride_y + first_pixel;
        R(vec) sum = {0};
        S(load_row)(pixel, map->stride_y, weight, taps_y, chunks, row);
        for (int k = 0; k < taps_x; k++)
            sum += weights[k] * R(pick)(row, chunks, index[k]);
        S(store_bins)(out->data + p * out->stride_y, sum, lanes->mask, room);
        all += sum;
    }
    return R(any_nan)(all);
}

/* Of `chunks` registers a row (a constant where this is inlined). */
INLINE bool S(pool_chunks)(const struct S(view) *map, const struct roi_plan *plan, int64_t first_pixel,
                           const int chunks, const struct S(lanes) *lanes, int vectors, const struct S(view) *out,
                           int64_t bins_y, bool plain)
{
#define FEW_TAPS(y, x)                                                                                                 \
    case 8 * y + x: return S(pool_few_taps)(map, plan, first_pixel, chunks, y, x, lanes, out, bins_y, plain)
    switch (vectors == 1 && plan->x.taps <= MOST_FEW_TAPS ? 8 * plan->y.taps + plan->x.taps : 0) {
        FEW_TAPS(2, 2);
        FEW_TAPS(2, 3);
        FEW_TAPS(2, 4);
        FEW_TAPS(3, 2);
        FEW_TAPS(3, 3);
        FEW_TAPS(3, 4);
        FEW_TAPS(4, 2);
        FEW_TAPS(4, 3);
        FEW_TAPS(4, 4);
    default: return S(pool_rows)(map, plan, first_pixel, chunks, lanes, vectors, out, bins_y, plain);
    }
#undef FEW_TAPS
}

static bool S(pool_narrow)(const struct S(view) *map, const struct roi_plan *plan, const struct window *window,
                           const struct S(lanes) *lanes, int vectors, const struct S(view) *out, int64_t bins_y,
                         bool plain)
{
    switch (window->width / R(LANES)) {
    case 1: return S(pool_chunks)(map, plan, window->first, 1, lanes, vectors, out, bins_y, plain);
    case 2: return S(pool_chunks)(map, plan, window->first, 2, lanes, vectors, out, bins_y, plain);
    case 3: return S(pool_chunks)(map, plan, window->first, 3, lanes, vectors, out, bins_y, plain);
    default: return S(pool_chunks)(map, plan, window->first, 4, lanes, vectors, out, bins_y, plain);
    }
}

/* Whether a box can be pooled so: rows of pixels and of bins lie together, and fit. */
static bool S(is_narrow)(const roi_array *map, const roi_array *crops, const struct window *window)
{
    return map->strides[AXIS_W] == 1 && crops->strides[AXIS_W] == 1 && window->width % R(LANES) == 0 &&
           window->width <= 4 * R(LANES) && crops->shape[AXIS_W] <= NARROW_VECTORS * R(LANES);
}
