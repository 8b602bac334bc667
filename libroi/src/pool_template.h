/*
 * pool_template.h - RoIPool for one element type
 *
 * STORE is the type in memory, REAL the one that is compared; S() and R() make names for them. See pool_kernel.h.
 */

/* What a box is pooled with: made once, used for all its channels. */
struct S(box) {
    const struct roi_pool_table *table;
    const struct roi_pool_bin *columns; /* the bins along x; those along y are table->bins */
    struct window window;
    int64_t map_width;
    bool many_rows; /* more than can be counted in a lane */
    REAL *most;     /* for each column of the window, its maximum over the rows of a bin */
    R(lane) *row;   /* and the row it is in */
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

/* The functions below have a constant `places` where they are inlined: whether rows of maxima are asked for. */

/* Maxima of a vector of columns over the rows [begin, end). Returns their sum, which is NaN where a pixel is (and where
   there are infinities of both signs; that these are then pooled exactly does no harm). */
INLINE R(vec) S(max_columns)(const STORE *pixel, int64_t stride_y, int64_t stride_x, int64_t begin, int64_t end,
                             const bool places, REAL *most_ret, R(lane) *row_ret)
{
    R(vec) most = S(load_pixels)(pixel, stride_x), sum = most;
    R(index) best = {0};
    best += (R(lane))begin;
    for (int64_t y = begin + 1; y < end; y++) {
        pixel += stride_y;
        const R(vec) value = S(load_pixels)(pixel, stride_x);
        if (places) {
            const R(index) above = value > most;
            best = (above & (R(lane))y) | (~above & best);
        }
        most = R(max)(value, most);
        sum += value;
    }
    memcpy(most_ret, &most, sizeof most);
    if (places)
        memcpy(row_ret, &best, sizeof best);
    return sum;
}

/* The same for the columns of the window that fill no vector: there are some only on a map narrower than a vector. */
INLINE REAL S(max_column)(const STORE *pixel, int64_t stride_y, int64_t begin, int64_t end, REAL *most_ret,
                          R(lane) *row_ret)
{
    REAL sum = *most_ret = S(load)(pixel);
    *row_ret = (R(lane))begin;
    for (int64_t y = begin + 1; y < end; y++) {
        pixel += stride_y;
        const REAL value = S(load)(pixel);
        if (value > *most_ret) {
            *most_ret = value;
            *row_ret = (R(lane))y;
        }
        sum += value;
    }
    return sum;
}

/* All columns of the window. Returns whether one of them has NaN. */
INLINE bool S(max_rows)(const struct S(view) *map, const struct S(box) *box, const struct roi_pool_bin *y,
                        int64_t stride_x, const bool places)
{
    const STORE *pixel = map->data + y->begin * map->stride_y + box->window.first * stride_x;
    bool nan = false;
    int64_t x = 0;
    for (; x + R(LANES) <= box->window.width; x += R(LANES))
        nan |= R(any_nan)(S(max_columns)(pixel + x * stride_x, map->stride_y, stride_x, y->begin, y->end, places,
                                         box->most + x, box->row + x));
    for (; x < box->window.width; x++)
        nan |= isnan(S(max_column)(pixel + x * stride_x, map->stride_y, y->begin, y->end, box->most + x, box->row + x));
    return nan;
}

/* One bin, from the columns of its rows. */
INLINE void S(max_bin)(const struct S(box) *box, int64_t p, const struct roi_pool_bin *x, const bool places,
                       const struct S(out) *out)
{
    const REAL *most = box->most - box->window.first;
    const R(lane) *row = box->row - box->window.first;
    int64_t best = x->begin;
    REAL value = most[best];
    for (int64_t j = x->begin + 1; j < x->end; j++) {
        if (places)
            best = most[j] > value || (most[j] == value && row[j] < row[best]) ? j : best;
        value = most[j] > value ? most[j] : value;
    }
    S(put)(out, p, x->bin, value, places ? row[best] * box->map_width + best : -1);
}

INLINE void S(pool_fast)(const struct S(view) *map, const struct S(box) *box, int64_t stride_x, const bool places,
                         const struct S(out) *out)
{
    for (const struct roi_pool_bin *y = box->table->bins; y < box->columns; y++) {
        if (S(max_rows)(map, box, y, stride_x, places)) {
            S(pool_exact)(map, box, y, out);
            continue;
        }
        for (int64_t j = 0; j < box->table->columns; j++)
            S(max_bin)(box, y->bin, &box->columns[j], places, out);
    }
}

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
    if (box->many_rows && out->argmax)
        for (const struct roi_pool_bin *y = box->table->bins; y < box->columns; y++)
            S(pool_exact)(map, box, y, out);
    else if (out->argmax)
        S(pool_fast)(map, box, map->stride_x, true, out);
    else if (map->stride_x == 1)
        S(pool_fast)(map, box, 1, false, out);
    else
        S(pool_fast)(map, box, map->stride_x, false, out);
}

static void S(pool_box)(const struct roi_tile *tile, const struct roi_plan *plan, void *scratch)
{
    const roi_array *map = &tile->maps[plan->box->level];
    const struct roi_pool_table *table = plan->tables;
    const bool empty_bins = table->rows < tile->crops->shape[AXIS_H] || table->columns < tile->crops->shape[AXIS_W];
    struct S(box) box = {.table = table,
                         .columns = table->bins + table->rows,
                         .window = window_of(&plan->x, map->shape[AXIS_W], R(LANES)),
                         .map_width = map->shape[AXIS_W],
                         .many_rows = map->shape[AXIS_H] > INT32_MAX,
                         .most = scratch};
    box.row = (R(lane) *)(void *)(box.most + box.window.padded);
    for (int64_t c = tile->channel_begin; c < tile->channel_end; c++) {
        const struct S(view) view = S(view_of)(map, plan->box->image, c);
        const struct S(out) out = S(out_of)(tile, plan->row, c);
        if (c + 1 < tile->channel_end) {
            const struct S(view) next = S(view_of)(map, plan->box->image, c + 1);
            S(prefetch_box)(&next, plan, &box.window);
        }
        if (empty_bins)
            S(clear)(tile->crops, &out);
        if (table->rows > 0 && table->columns > 0)
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
