/*
 * narrow_template.h - crops of boxes whose rows fit in registers, for one element type (AVX-512)
 *
 * Instead of multiplying by a banded matrix that is mostly zeros, each tap of all bins of a row is fetched at once by a
 * permutation of the row, which never leaves its registers: taps times (permutation, multiply-add) for a whole row of
 * bins. The plain-C twin of this file is pool_wide in align_template.h, which the other tiers use for all boxes.
 */

/* Where a narrow crop comes from and goes to. */
struct S(narrow) {
    const STORE *pixels; /* the window's first column, in row 0 of the map */
    const struct roi_rows *rows;
    const struct roi_lanes *lanes;
    int64_t shift; /* of places, from the box's first pixel to the window's */
    STORE *out;
    int64_t stride_y, bins_y, bins_x;
    int64_t ahead; /* to the same pixels of the next channel, to be asked for; 0: they are not */
    bool plain; /* a row of bins is followed by the next one, written after it: what is written beyond it does no harm */
};

static struct S(narrow) S(narrow_of)(const struct S(view) *map, const struct roi_plan *plan, const struct window *window,
                                     const struct S(view) *out, int64_t bins_y, int64_t bins_x, int64_t ahead)
{
    return (struct S(narrow)){map->data + window->first, &plan->rows, &plan->lanes, plan->x.first - window->first,
                              out->data, out->stride_y, bins_y, bins_x, ahead, out->stride_y == bins_x};
}

/* Tap k of a vector of bins, from bin q on: its weights, and its places in the window. */
INLINE R(vec) S(weights_of)(const struct S(narrow) *crop, int64_t k, int64_t q)
{
    R(vec) weights;
    memcpy(&weights, (const REAL *)crop->lanes->weights + k * crop->lanes->stride + q, sizeof weights);
    return weights;
}

INLINE R(index) S(places_of)(const struct S(narrow) *crop, int64_t k, int64_t q)
{
    R(index) places;
    memcpy(&places, (const R(lane) *)crop->lanes->places + k * crop->lanes->stride + q, sizeof places);
    return places + (R(lane))crop->shift;
}

/* One row of pixels in `chunks` registers (a constant where this is inlined), for row p of bins. */
INLINE void S(load_row)(const struct S(narrow) *crop, int64_t p, const int64_t taps, const int chunks, R(vec) *row)
{
    const int64_t *offset = crop->rows->offsets + p * taps;
    const REAL *weight = (const REAL *)crop->rows->weights + p * taps;
    for (int i = 0; i < chunks; i++)
        row[i] = (R(vec)){0};
    for (int64_t k = 0; k < taps; k++)
        for (int i = 0; i < chunks; i++)
            row[i] += weight[k] * S(load_vec)(crop->pixels + offset[k] + i * R(LANES));
    for (int64_t k = 0; k < taps && crop->ahead != 0; k++) {
        const STORE *next = crop->pixels + offset[k] + crop->ahead;
        for (int i = 0; i < chunks; i++)
            __builtin_prefetch(next + i * R(LANES));
        __builtin_prefetch(next + chunks * R(LANES) - 1);
    }
}

/* The lanes of the bins from q on that are bins. */
INLINE unsigned S(mask_of)(const struct S(narrow) *crop, int64_t q)
{
    return crop->bins_x - q >= R(LANES) ? (1u << R(LANES)) - 1 : (1u << (crop->bins_x - q)) - 1;
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

/* One crop, straight into the result. True where a number of it is NaN. */
INLINE bool S(pool_rows)(const struct S(narrow) *crop, const int chunks)
{
    const int64_t row_of_bins = crop->plain ? crop->stride_y : 0;
    int64_t room = crop->bins_y * row_of_bins;
    R(vec) all = {0}, row[4];
    for (int64_t p = 0; p < crop->bins_y; p++, room -= row_of_bins) {
        S(load_row)(crop, p, crop->rows->taps, chunks, row);
        for (int64_t q = 0; q < crop->bins_x; q += R(LANES)) {
            R(vec) sum = {0};
            for (int64_t k = 0; k < crop->lanes->taps; k++)
                sum += S(weights_of)(crop, k, q) * R(pick)(row, chunks, S(places_of)(crop, k, q));
            S(store_bins)(crop->out + p * crop->stride_y + q, sum, S(mask_of)(crop, q), room - q);
            all += sum;
        }
    }
    return R(any_nan)(all);
}

/* The same for one vector of bins, and few taps, whose numbers are constants where this is inlined: so weights and places
   stay in registers too. */
INLINE bool S(pool_few_taps)(const struct S(narrow) *crop, const int chunks, const int taps_y, const int taps_x)
{
    const int64_t row_of_bins = crop->plain ? crop->stride_y : 0;
    const unsigned mask = S(mask_of)(crop, 0);
    int64_t room = crop->bins_y * row_of_bins;
    R(vec) all = {0}, row[4], weights[MOST_FEW_TAPS];
    R(index) places[MOST_FEW_TAPS];
    for (int k = 0; k < taps_x; k++) {
        weights[k] = S(weights_of)(crop, k, 0);
        places[k] = S(places_of)(crop, k, 0);
    }
    for (int64_t p = 0; p < crop->bins_y; p++, room -= row_of_bins) {
        R(vec) sum = {0};
        S(load_row)(crop, p, taps_y, chunks, row);
        for (int k = 0; k < taps_x; k++)
            sum += weights[k] * R(pick)(row, chunks, places[k]);
        S(store_bins)(crop->out + p * crop->stride_y, sum, mask, room);
        all += sum;
    }
    return R(any_nan)(all);
}

/* Of `chunks` registers a row (a constant where this is inlined). */
INLINE bool S(pool_chunks)(const struct S(narrow) *crop, const int chunks)
{
#define FEW_TAPS(y, x)                                                                                                 \
    case 8 * y + x: return S(pool_few_taps)(crop, chunks, y, x)
    const bool few = crop->bins_x <= R(LANES) && crop->lanes->taps <= MOST_FEW_TAPS;
    switch (few ? 8 * crop->rows->taps + crop->lanes->taps : 0) {
        FEW_TAPS(2, 2);
        FEW_TAPS(2, 3);
        FEW_TAPS(2, 4);
        FEW_TAPS(3, 2);
        FEW_TAPS(3, 3);
        FEW_TAPS(3, 4);
        FEW_TAPS(4, 2);
        FEW_TAPS(4, 3);
        FEW_TAPS(4, 4);
        FEW_TAPS(4, 5);
        FEW_TAPS(5, 4);
        FEW_TAPS(5, 5);
    default: return S(pool_rows)(crop, chunks);
    }
#undef FEW_TAPS
}

static bool S(pool_narrow)(const struct S(narrow) *crop, int64_t width)
{
    switch (width / R(LANES)) {
    case 1: return S(pool_chunks)(crop, 1);
    case 2: return S(pool_chunks)(crop, 2);
    case 3: return S(pool_chunks)(crop, 3);
    default: return S(pool_chunks)(crop, 4);
    }
}

/* Whether a box can be pooled so: rows of pixels and of bins lie together, and fit. */
static bool S(is_narrow)(const roi_array *map, const roi_array *crops, const struct roi_plan *plan,
                         const struct window *window)
{
    return plan->lanes.taps > 0 && map->strides[AXIS_W] == 1 && crops->strides[AXIS_W] == 1 &&
           window->width % R(LANES) == 0 && window->width <= 4 * R(LANES);
}
