/*
 * pool_narrow_template.h - RoIPool of boxes whose rows fit in registers, for one element type (AVX-512)
 *
 * The maxima over the rows of a bin stay in registers, and each column of all bins of a row is fetched from there at once
 * by a permutation. The plain-C twin of this file is pool_fast in pool_template.h, which the other tiers use.
 */

/* Returns the number of vectors. */
static int S(make_lanes)(struct S(lanes) *lanes, const struct S(box) *box)
{
    int vectors = 0;
    for (int64_t j = 0; j < box->table->columns; j += R(LANES), vectors++) {
        const int64_t count = min_i64(box->table->columns - j, R(LANES));
        lanes[vectors] = (struct S(lanes)){.mask = (1u << count) - 1};
        for (int64_t i = 0; i < count; i++) {
            lanes[vectors].first[i] = (R(lane))(box->columns[j + i].begin - box->window.first);
            lanes[vectors].last[i] = (R(lane))(box->columns[j + i].end - 1 - box->window.first);
        }
    }
    return vectors;
}

/* Whether a box can be pooled so: rows of pixels and of bins lie together, and fit. */
static bool S(is_narrow)(const roi_array *map, const struct roi_tile *tile, const struct S(box) *box)
{
    const struct roi_pool_bin *first = box->columns, *last = first + box->table->columns - 1;
    return map->strides[AXIS_W] == 1 && tile->crops->strides[AXIS_W] == 1 &&
           (!tile->argmax || (tile->argmax->strides[AXIS_W] == 1 && box->countable)) &&
           box->window.width % R(LANES) == 0 && box->window.width <= 4 * R(LANES) &&
           box->table->columns <= NARROW_VECTORS * R(LANES) && last->bin - first->bin == last - first;
}

/* Maxima of the whole window in `chunks` registers (a constant where this is inlined), with their places, over the rows
   of a bin. As in max_bin as many rows are read for each bin, the last one always. Returns whether there is NaN, as
   max_columns knows it. */
INLINE bool S(load_row)(const struct S(view) *map, const struct S(box) *box, const struct roi_pool_bin *y,
                        const int chunks, const bool places, R(vec) *most, R(index) *place)
{
    const STORE *pixel = map->data + y->begin * map->stride_y + box->window.first;
    const int64_t rows = y->end - y->begin, reads = rows < box->table->tallest - 1 ? rows : box->table->tallest;
    R(vec) sum[4], all = {0};
    for (int i = 0; i < chunks; i++)
        S(begin_column)(pixel + i * R(LANES), 1, &most[i], &place[i], &sum[i]);
    for (int64_t k = 1; k < reads; k++) {
        const int64_t row = k < reads - 1 ? k : rows - 1;
        for (int i = 0; i < chunks; i++)
            S(add_row)(pixel + row * map->stride_y + i * R(LANES), 1, (R(lane))(row * box->map_width), places, &most[i],
                       &place[i], &sum[i]);
    }
    for (int i = 0; i < chunks; i++) {
        all += sum[i];
        place[i] += R(count_up)((R(lane))(y->begin * box->map_width + box->window.first + i * R(LANES)));
    }
    return R(any_nan)(all);
}

/* A vector of bins. */
INLINE void S(max_lanes)(const struct S(box) *box, const struct S(lanes) *lanes, const int chunks, const bool places,
                         const R(vec) *row, const R(index) *place, R(vec) *most_ret, R(index) *place_ret)
{
    R(index) at = lanes->first;
    *most_ret = R(pick)(row, chunks, at);
    if (places)
        *place_ret = R(pick_index)(place, chunks, at);
    for (int64_t k = 1; k < box->table->widest; k++) {
        at = R(smaller)(at + 1, lanes->last);
        const R(vec) value = R(pick)(row, chunks, at);
        if (places)
            R(take_larger)(most_ret, place_ret, value, R(pick_index)(place, chunks, at));
        else
            *most_ret = R(max)(value, *most_ret);
    }
}

INLINE void S(pool_rows)(const struct S(view) *map, const struct S(box) *box, const int chunks, const bool places,
                         const struct S(out) *out)
{
    R(vec) row[4], most;
    R(index) place[4], at = {0};
    for (const struct roi_pool_bin *y = box->table->bins; y < box->columns; y++) {
        if (S(load_row)(map, box, y, chunks, places, row, place)) {
            S(pool_exact)(map, box, y, out);
            continue;
        }
        for (int i = 0; i < box->vectors; i++) {
            const struct S(lanes) *lanes = &box->lanes[i];
            const int64_t q = box->columns->bin + i * R(LANES);
            S(max_lanes)(box, lanes, chunks, places, row, place, &most, &at);
            S(store_vec)(out->crop.data + y->bin * out->crop.stride_y + q, most, lanes->mask);
            if (places)
                R(store_index)(out->argmax + y->bin * out->argmax_stride_y + q, at, lanes->mask);
        }
    }
}

INLINE void S(pool_narrow)(const struct S(view) *map, const struct S(box) *box, const bool places,
                           const struct S(out) *out)
{
    switch (box->window.width / R(LANES)) {
    case 1: S(pool_rows)(map, box, 1, places, out); break;
    case 2: S(pool_rows)(map, box, 2, places, out); break;
    case 3: S(pool_rows)(map, box, 3, places, out); break;
    default: S(pool_rows)(map, box, 4, places, out);
    }
}
