/*
 * ps_template.h - position-sensitive pooling for one element type
 *
 * STORE is the type in memory, REAL the one computed in; S() and R() make names for them. See ps_kernel.h.
 */

/* ---- What a box is pooled with, made once and used for all its channels ---------------------------------------- */

struct S(box) {
    const struct roi_plan *plan;
    int64_t bins_y, bins_x;
    const REAL *counts; /* of pixels in each bin, or NULL */
    REAL *crop;
};

static inline const REAL *S(weights_y)(const struct roi_plan *plan, int64_t p)
{
    return (const REAL *)plan->y.weights + p * plan->y.taps;
}

static inline const REAL *S(weights_x)(const struct roi_plan *plan, int64_t q)
{
    return (const REAL *)plan->x.weights + q * plan->x.taps;
}

static REAL S(sum_weights)(const REAL *weights, int64_t taps)
{
    REAL sum = 0;
    for (int64_t k = 0; k < taps; k++)
        sum += weights[k];
    return sum;
}

/* The sums of the weights of all bins; 1 for a bin without pixels. */
static void S(count_pixels)(const struct roi_plan *plan, int64_t bins_y, int64_t bins_x, REAL *counts)
{
    for (int64_t p = 0; p < bins_y; p++) {
        const REAL rows = S(sum_weights)(S(weights_y)(plan, p), plan->y.taps);
        for (int64_t q = 0; q < bins_x; q++) {
            const REAL count = rows * S(sum_weights)(S(weights_x)(plan, q), plan->x.taps);
            counts[p * bins_x + q] = count > 0 ? count : 1;
        }
    }
}

/* `memory` takes the counts, and as many crops as are found together. */
static struct S(box) S(box_of)(const struct roi_tile *tile, const struct roi_plan *plan, const bool counted, void *memory)
{
    const int64_t bins_y = tile->crops->shape[AXIS_H], bins_x = tile->crops->shape[AXIS_W];
    REAL *counts = memory;
    struct S(box) box = {plan, bins_y, bins_x, counted ? counts : NULL, counts + bins_y * bins_x};
    if (counted)
        S(count_pixels)(plan, bins_y, bins_x, counts);
    return box;
}

/* The channel of a map that the first bin of a crop's channel reads. */
static struct S(view) S(first_plane)(const roi_array *map, const struct S(box) *box, int64_t c)
{
    return S(view_of)(map, box->plan->box->image, c * box->bins_y * box->bins_x);
}

/* Whether taps along x come in fours, of pixels that lie together. */
static bool S(in_fours)(const roi_array *map, const struct roi_plan *plan)
{
    return plan->x.taps % 4 == 0 && map->strides[AXIS_W] == 1;
}

/* ---- Forward --------------------------------------------------------------------------------------------------- */

/* Rows [begin, end) of four columns of a bin. */
INLINE R(quad) S(sum_columns)(const STORE *pixel, int64_t stride_y, const REAL *wy, const int64_t begin,
                              const int64_t end)
{
    R(quad) columns = {0};
    for (int64_t k = begin; k < end; k++)
        columns = R(multiply_add_quad)(R(splat_quad)(wy[k]), S(load_quad)(pixel + k * stride_y), columns);
    return columns;
}

/* Four columns, block by block where they are long (common/sums.h). */
INLINE R(quad) S(sum_long_columns)(const STORE *pixel, int64_t stride_y, const REAL *wy, int64_t taps_y)
{
    R(quad) total = {0}, lost = {0};
    if (taps_y <= ROI_SUM_BLOCK)
        return S(sum_columns)(pixel, stride_y, wy, 0, taps_y);
    for (int64_t begin = 0; begin < taps_y; begin += ROI_SUM_BLOCK)
        R(fold_quad)(&total, &lost,
                     S(sum_columns)(pixel, stride_y, wy, begin, min_i64(begin + ROI_SUM_BLOCK, taps_y)));
    return total + lost;
}

/* A bin with more taps than a block has, along either axis. It is a function of its own to leave all registers to the loop
   of other bins. */
ALONE REAL S(sum_long_fours)(const STORE *pixel, int64_t stride_y, const REAL *wy, int64_t taps_y, const REAL *wx,
                             int64_t taps_x)
{
    R(quad) sum = {0}, total = {0}, lost = {0};
    for (int64_t l = 0; l < taps_x; l += 4) {
        const R(quad) columns = S(sum_long_columns)(pixel + l, stride_y, wy, taps_y);
        sum = R(multiply_add_quad)(columns, R(load_quad)(wx + l), sum);
        if (taps_x > ROI_SUM_BLOCK && ((l + 4) % ROI_SUM_BLOCK == 0 || l + 4 == taps_x)) {
            R(fold_quad)(&total, &lost, sum);
            sum = (R(quad)){0};
        }
    }
    return R(sum_quad)(taps_x > ROI_SUM_BLOCK ? total + lost : sum);
}

/* One bin; the numbers of taps are constants where this is inlined for few. */
INLINE REAL S(sum_fours)(const STORE *pixel, int64_t stride_y, const REAL *wy, const int64_t taps_y, const REAL *wx,
                         const int64_t taps_x)
{
    R(quad) sum = {0};
    if (taps_y > ROI_SUM_BLOCK || taps_x > ROI_SUM_BLOCK)
        return S(sum_long_fours)(pixel, stride_y, wy, taps_y, wx, taps_x);
    for (int64_t l = 0; l < taps_x; l += 4)
        sum = R(multiply_add_quad)(S(sum_columns)(pixel + l, stride_y, wy, 0, taps_y), R(load_quad)(wx + l), sum);
    return R(sum_quad)(sum);
}

/* The same from just those pixels that have a weight, in the same order. */
static REAL S(sum_column_exactly)(const STORE *pixel, int64_t stride_y, const REAL *wy, int64_t taps_y)
{
    struct R(sum) sum = {0, 0, 0};
    for (int64_t k = 0; k < taps_y; k++) {
        if (wy[k] != 0)
            sum.block = R(multiply_add)(wy[k], S(load)(pixel + k * stride_y), sum.block);
        if ((k + 1) % ROI_SUM_BLOCK == 0 || k + 1 == taps_y)
            R(end_block)(&sum);
    }
    return R(value_of_sum)(&sum);
}

static REAL S(sum_exact)(const STORE *pixel, int64_t stride_y, int64_t stride_x, const REAL *wy, int64_t taps_y,
                         const REAL *wx, int64_t taps_x)
{
    struct R(sum) sum[4] = {{0, 0, 0}};
    R(quad) lanes = {0};
    for (int64_t l = 0; l < taps_x; l++) {
        struct R(sum) *lane = &sum[l % 4];
        if (wx[l] != 0)
            lane->block = R(multiply_add)(S(sum_column_exactly)(pixel + l * stride_x, stride_y, wy, taps_y), wx[l],
                                          lane->block);
        if (l % ROI_SUM_BLOCK >= ROI_SUM_BLOCK - 4 || l >= taps_x - 4)
            R(end_block)(lane);
    }
    for (int i = 0; i < 4; i++)
        lanes[i] = R(value_of_sum)(&sum[i]);
    return R(sum_quad)(lanes);
}

INLINE void S(pool_fours)(struct S(view) plane, int64_t stride_c, const struct S(box) *box, const int64_t taps_y,
                          const int64_t taps_x)
{
    const struct roi_plan *plan = box->plan;
    REAL *crop = box->crop;
    for (int64_t p = 0; p < box->bins_y; p++)
        for (int64_t q = 0; q < box->bins_x; q++, plane.data += stride_c)
            *crop++ = S(sum_fours)(plane.data + plan->y.low[p] * plane.stride_y + plan->x.low[q], plane.stride_y,
                                   S(weights_y)(plan, p), taps_y, S(weights_x)(plan, q), taps_x);
}

/* All bins, or those that are NaN. */
static void S(pool_exact)(struct S(view) plane, int64_t stride_c, const struct S(box) *box, bool all)
{
    const struct roi_plan *plan = box->plan;
    REAL *crop = box->crop;
    for (int64_t p = 0; p < box->bins_y; p++)
        for (int64_t q = 0; q < box->bins_x; q++, plane.data += stride_c, crop++)
            if (all || isnan(*crop))
                *crop = S(sum_exact)(plane.data + plan->y.low[p] * plane.stride_y + plan->x.low[q] * plane.stride_x,
                                     plane.stride_y, plane.stride_x, S(weights_y)(plan, p), plan->y.taps,
                                     S(weights_x)(plan, q), plan->x.taps);
}

/* The same for four channels of the crop, which read channels `apart` from each other, of a map that has them together. */
static R(quad) S(sum_together)(const STORE *pixel, const int64_t apart[4], const struct S(view) *plane, const REAL *wy,
                               int64_t taps_y, const REAL *wx, int64_t taps_x)
{
    R(quad) sum[4] = {{0}};
    for (int64_t l = 0; l < taps_x; l++) {
        R(quad) column = {0};
        for (int64_t k = 0; k < taps_y && wx[l] != 0; k++)
            if (wy[k] != 0) {
                const STORE *at = pixel + k * plane->stride_y + l * plane->stride_x;
                const R(quad) value = {S(load)(at + apart[0]), S(load)(at + apart[1]), S(load)(at + apart[2]),
                                       S(load)(at + apart[3])};
                column = R(multiply_add_quad)(R(splat_quad)(wy[k]), value, column);
            }
        if (wx[l] != 0)
            sum[l % 4] = R(multiply_add_quad)(column, R(splat_quad)(wx[l]), sum[l % 4]);
    }
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

/* Up to four channels of the crop, as many crops after each other: those that are missing are the last one again. */
static void S(pool_together)(struct S(view) plane, const struct S(box) *box, int64_t count)
{
    const struct roi_plan *plan = box->plan;
    const int64_t bins = box->bins_y * box->bins_x;
    int64_t apart[4];
    for (int64_t i = 0; i < 4; i++)
        apart[i] = min_i64(i, count - 1) * bins;
    for (int64_t bin = 0; bin < bins; bin++, plane.data++) {
        const int64_t p = bin / box->bins_x, q = bin % box->bins_x;
        const STORE *pixel = plane.data + plan->y.low[p] * plane.stride_y + plan->x.low[q] * plane.stride_x;
        const R(quad) sums = S(sum_together)(pixel, apart, &plane, S(weights_y)(plan, p), plan->y.taps,
                                             S(weights_x)(plan, q), plan->x.taps);
        for (int64_t i = 0; i < count; i++)
            box->crop[i * bins + bin] = sums[i];
    }
}

/* One channel of the crop. */
static void S(pool)(const struct S(view) *plane, int64_t stride_c, const struct S(box) *box, bool fours)
{
    const int64_t taps_y = box->plan->y.taps, taps_x = box->plan->x.taps;
    if (!fours)
        S(pool_exact)(*plane, stride_c, box, true);
    else if (taps_x > 4)
        S(pool_fours)(*plane, stride_c, box, taps_y, taps_x);
    else
        switch (taps_y) {
        case 2: S(pool_fours)(*plane, stride_c, box, 2, 4); break;
        case 3: S(pool_fours)(*plane, stride_c, box, 3, 4); break;
        case 4: S(pool_fours)(*plane, stride_c, box, 4, 4); break;
        default: S(pool_fours)(*plane, stride_c, box, taps_y, 4);
        }
}

/* The mean of a bin of so many pixels whose sum is no finite number: of numbers divided by a power of 2 first, so that only
   what is infinite among them makes it so. */
static REAL S(mean_of_large)(struct S(view) plane, const struct roi_plan *plan, int64_t p, int64_t q, REAL count)
{
    const REAL *wy = S(weights_y)(plan, p), *wx = S(weights_x)(plan, q);
    const STORE *corner = plane.data + plan->y.low[p] * plane.stride_y + plan->x.low[q] * plane.stride_x;
    const REAL share = (REAL)ldexp(1, -1 - ilogb((double)count));
    struct R(sum) sum = {0, 0, 0};
    for (int64_t k = 0; k < plan->y.taps; k++)
        for (int64_t l = 0; l < plan->x.taps; l++) {
            if (wy[k] != 0 && wx[l] != 0)
                sum.block += share * S(load)(corner + k * plane.stride_y + l * plane.stride_x);
            if ((l + 1) % ROI_SUM_BLOCK == 0 || l + 1 == plan->x.taps)
                R(end_block)(&sum);
        }
    return R(value_of_sum)(&sum) / (count * share);
}

/* From sums to means. */
static void S(divide)(struct S(view) plane, int64_t stride_c, const struct S(box) *box)
{
    for (int64_t p = 0; p < box->bins_y; p++)
        for (int64_t q = 0; q < box->bins_x; q++, plane.data += stride_c) {
            const int64_t bin = p * box->bins_x + q;
            if (isfinite(box->crop[bin]))
                box->crop[bin] /= box->counts[bin];
            else
                box->crop[bin] = S(mean_of_large)(plane, box->plan, p, q, box->counts[bin]);
        }
}

static bool S(has_nan)(const REAL *crop, int64_t count)
{
    bool nan = false;
    for (int64_t i = 0; i < count; i++)
        nan |= isnan(crop[i]);
    return nan;
}

/* Crops of `count` channels from c on go where they belong, sums as means where pixels are counted. */
static void S(put_crops)(const struct roi_tile *tile, const struct S(box) *box, int64_t c, int64_t count, bool divide)
{
    const roi_array *map = &tile->maps[box->plan->box->level];
    struct S(box) one = *box;
    for (int64_t i = c; i < c + count; i++, one.crop += box->bins_y * box->bins_x) {
        const struct S(view) out = S(view_of)(tile->crops, box->plan->row, i);
        if (divide && box->counts)
            S(divide)(S(first_plane)(map, box, i), map->strides[AXIS_C], &one);
        S(write_crop)(one.crop, &out, box->bins_y, box->bins_x);
    }
}

/* Whether four channels of the crop are found at a time: where those of a map lie together, and no sum is cut into blocks. */
static bool S(in_channels)(const roi_array *map, const struct roi_plan *plan)
{
    return map->strides[AXIS_C] == 1 && plan->y.taps <= ROI_SUM_BLOCK && plan->x.taps <= ROI_SUM_BLOCK;
}

static void S(pool_box)(const struct roi_tile *tile, const struct S(box) *box)
{
    const roi_array *map = &tile->maps[box->plan->box->level];
    const int64_t stride_c = map->strides[AXIS_C], bins = box->bins_y * box->bins_x;
    const bool empty = box->plan->y.taps == 0 || box->plan->x.taps == 0, fours = S(in_fours)(map, box->plan);
    const bool together = S(in_channels)(map, box->plan);
    const int64_t step = together ? CROPS_TOGETHER : 1;
    if (empty)
        memset(box->crop, 0, (size_t)(step * bins) * sizeof(REAL));
    for (int64_t c = tile->channel_begin; c < tile->channel_end; c += step) {
        const struct S(view) plane = S(first_plane)(map, box, c);
        const int64_t count = min_i64(step, tile->channel_end - c);
        if (!empty && together)
            S(pool_together)(plane, box, count);
        else if (!empty)
            S(pool)(&plane, stride_c, box, fours);
        if (!empty && !together && fours && S(has_nan)(box->crop, bins))
            S(pool_exact)(plane, stride_c, box, false);
        S(put_crops)(tile, box, c, count, !empty);
    }
}

INLINE void S(pool_tile)(const struct roi_tile *tile, void *scratch, const bool counted)
{
    for (int64_t i = tile->plan_begin; i < tile->plan_end; i++) {
        const struct S(box) box = S(box_of)(tile, &tile->plans[i], counted, scratch);
        S(pool_box)(tile, &box);
    }
}

static void S(pool_samples)(const struct roi_tile *tile, void *scratch) { S(pool_tile)(tile, scratch, false); }
static void S(pool_pixels)(const struct roi_tile *tile, void *scratch) { S(pool_tile)(tile, scratch, true); }

/* ---- Backward -------------------------------------------------------------------------------------------------- */

/* The gradient of one bin, by fours. */
INLINE void S(add_fours)(REAL *pixel, int64_t stride_y, const REAL *wy, const int64_t taps_y, const REAL *wx,
                         const int64_t taps_x, REAL grad)
{
    for (int64_t l = 0; l < taps_x; l += 4) {
        const R(quad) row = R(splat_quad)(grad) * R(load_quad)(wx + l);
        for (int64_t k = 0; k < taps_y; k++) {
            REAL *four = pixel + k * stride_y + l;
            R(store_quad)(four, R(multiply_add_quad)(R(splat_quad)(wy[k]), row, R(load_quad)(four)));
        }
    }
}

/* The same, to just those pixels that have a weight. */
static void S(add_exact)(REAL *pixel, int64_t stride_y, const REAL *wy, int64_t taps_y, const REAL *wx, int64_t taps_x,
                         REAL grad)
{
    for (int64_t k = 0; k < taps_y; k++)
        for (int64_t l = 0; l < taps_x; l++)
            if (wy[k] != 0 && wx[l] != 0)
                pixel[k * stride_y + l] = R(multiply_add)(wy[k], grad * wx[l], pixel[k * stride_y + l]);
}

/* One channel of the crop. */
static void S(scatter)(const roi_array *sum, const struct S(box) *box, int64_t c, const REAL *grad, bool finite)
{
    const struct roi_taps *y = &box->plan->y, *x = &box->plan->x;
    const int64_t stride_y = sum->strides[AXIS_H];
    REAL *plane = roi_plane(sum, sizeof(REAL), box->plan->box->image, c * box->bins_y * box->bins_x);
    for (int64_t p = 0; p < box->bins_y; p++)
        for (int64_t q = 0; q < box->bins_x; q++, plane += sum->strides[AXIS_C]) {
            const int64_t bin = p * box->bins_x + q;
            const REAL value = box->counts ? grad[bin] / box->counts[bin] : grad[bin];
            REAL *pixel = plane + y->low[p] * stride_y + x->low[q];
            const REAL *wy = S(weights_y)(box->plan, p), *wx = S(weights_x)(box->plan, q);
            if (!finite || x->taps % 4 != 0)
                S(add_exact)(pixel, stride_y, wy, y->taps, wx, x->taps, value);
            else if (x->taps == 4)
                S(add_fours)(pixel, stride_y, wy, y->taps, wx, 4, value);
            else
                S(add_fours)(pixel, stride_y, wy, y->taps, wx, x->taps, value);
        }
}

INLINE void S(scatter_tile)(const struct roi_tile *tile, void *scratch, const bool counted)
{
    for (int64_t i = tile->plan_begin; i < tile->plan_end; i++) {
        const struct roi_plan *plan = &tile->plans[i];
        if (plan->y.taps == 0 || plan->x.taps == 0)
            continue;
        const struct S(box) box = S(box_of)(tile, plan, counted, scratch);
        for (int64_t c = tile->channel_begin; c < tile->channel_end; c++) {
            const struct S(view) in = S(view_of)(tile->crops, plan->row, c);
            const REAL *grad = S(rows_of_crop)(&in, box.bins_y, box.bins_x, box.crop);
            S(scatter)(&tile->maps[plan->box->level], &box, c, grad, R(all_finite)(grad, box.bins_y * box.bins_x));
        }
    }
}

static void S(scatter_samples)(const struct roi_tile *tile, void *scratch) { S(scatter_tile)(tile, scratch, false); }
static void S(scatter_pixels)(const struct roi_tile *tile, void *scratch) { S(scatter_tile)(tile, scratch, true); }
