/* ps_kernel.c - position-sensitive pooling: see ps_kernel.h. */
#include "kernels/ps_kernel.h"

#include "kernels/kernel.h"

/* Groups of four channels that are computed at a time, if channels are contiguous. */
enum { MOST_FOURS = ROI_PS_CROPS / 4 };

/* ---- What a box is pooled with, made once and used for all its channels ---------------------------------------- */

struct box {
    const struct roi_plan *plan;
    int64_t bins_y, bins_x;
    const REAL *counts; /* of pixels in each bin, or NULL */
    REAL *crop;
};

static inline const REAL *weights_y(const struct roi_plan *plan, int64_t p)
{
    return (const REAL *)plan->y.weights + p * plan->y.taps;
}

static inline const REAL *weights_x(const struct roi_plan *plan, int64_t q)
{
    return (const REAL *)plan->x.weights + q * plan->x.taps;
}

static REAL sum_weights(const REAL *weights, int64_t taps)
{
    REAL sum = 0;
    for (int64_t k = 0; k < taps; k++)
        sum += weights[k];
    return sum;
}

/* The sums of the weights of all bins; 1 for a bin without pixels. */
static void count_pixels(const struct roi_plan *plan, int64_t bins_y, int64_t bins_x, REAL *counts)
{
    for (int64_t p = 0; p < bins_y; p++) {
        const REAL rows = sum_weights(weights_y(plan, p), plan->y.taps);
        for (int64_t q = 0; q < bins_x; q++) {
            const REAL count = rows * sum_weights(weights_x(plan, q), plan->x.taps);
            counts[p * bins_x + q] = count > 0 ? count : 1;
        }
    }
}

/* `memory` takes the counts, and as many crops as are found together. */
static struct box box_of(const struct roi_tile *tile, const struct roi_plan *plan, const bool counted, void *memory)
{
    const int64_t bins_y = tile->crops->shape[AXIS_H], bins_x = tile->crops->shape[AXIS_W];
    REAL *counts = memory;
    const struct box box = {plan, bins_y, bins_x, counted ? counts : NULL, counts + bins_y * bins_x};
    if (counted)
        count_pixels(plan, bins_y, bins_x, counts);
    return box;
}

/* The channel of a map that the first bin of a crop's channel reads. */
static struct view first_plane(const roi_array *map, const struct box *box, int64_t c)
{
    return view_of(map, box->plan->box->image, c * box->bins_y * box->bins_x);
}

/* Whether taps along x come in fours, of pixels that lie together. */
static bool in_fours(const roi_array *map, const struct roi_plan *plan)
{
    return plan->x.taps % 4 == 0 && map->strides[AXIS_W] == 1;
}

/* ---- Forward --------------------------------------------------------------------------------------------------- */

/* Rows [begin, end) of four columns of a bin. */
INLINE quad sum_columns(const STORE *pixel, int64_t stride_y, const REAL *wy, const int64_t begin, const int64_t end)
{
    quad columns = {0};
    for (int64_t k = begin; k < end; k++)
        columns = multiply_add_quad(splat_quad(wy[k]), load_quad(pixel + k * stride_y), columns);
    return columns;
}

/* Four columns, block by block where they are long (kernels/sums.h). */
INLINE quad sum_long_columns(const STORE *pixel, int64_t stride_y, const REAL *wy, int64_t taps_y)
{
    quad total = {0}, lost = {0};
    if (taps_y <= ROI_SUM_BLOCK)
        return sum_columns(pixel, stride_y, wy, 0, taps_y);
    for (int64_t begin = 0; begin < taps_y; begin += ROI_SUM_BLOCK)
        fold_quad(&total, &lost, sum_columns(pixel, stride_y, wy, begin, min_i64(begin + ROI_SUM_BLOCK, taps_y)));
    return total + lost;
}

/* A bin with more taps than a block has, along either axis. It is a function of its own to leave all registers to the loop
   of other bins. */
NOINLINE REAL sum_long_fours(const STORE *pixel, int64_t stride_y, const REAL *wy, int64_t taps_y, const REAL *wx,
                             int64_t taps_x)
{
    quad sum = {0}, total = {0}, lost = {0};
    for (int64_t l = 0; l < taps_x; l += 4) {
        const quad columns = sum_long_columns(pixel + l, stride_y, wy, taps_y);
        sum = multiply_add_quad(columns, load_real_quad(wx + l), sum);
        if (taps_x > ROI_SUM_BLOCK && ((l + 4) % ROI_SUM_BLOCK == 0 || l + 4 == taps_x)) {
            fold_quad(&total, &lost, sum);
            sum = (quad){0};
        }
    }
    return sum_quad(taps_x > ROI_SUM_BLOCK ? total + lost : sum);
}

/* One bin; the numbers of taps are constants where this is inlined for few. */
INLINE REAL sum_fours(const STORE *pixel, int64_t stride_y, const REAL *wy, const int64_t taps_y, const REAL *wx,
                      const int64_t taps_x)
{
    quad sum = {0};
    if (taps_y > ROI_SUM_BLOCK || taps_x > ROI_SUM_BLOCK)
        return sum_long_fours(pixel, stride_y, wy, taps_y, wx, taps_x);
    for (int64_t l = 0; l < taps_x; l += 4)
        sum = multiply_add_quad(sum_columns(pixel + l, stride_y, wy, 0, taps_y), load_real_quad(wx + l), sum);
    return sum_quad(sum);
}

/* The same from just those pixels that have a weight, in the same order. */
static REAL sum_column_exactly(const STORE *pixel, int64_t stride_y, const REAL *wy, int64_t taps_y)
{
    struct sum sum = {0, 0, 0};
    for (int64_t k = 0; k < taps_y; k++) {
        if (wy[k] != 0)
            sum.block = multiply_add(wy[k], load(pixel + k * stride_y), sum.block);
        if ((k + 1) % ROI_SUM_BLOCK == 0 || k + 1 == taps_y)
            end_block(&sum);
    }
    return value_of_sum(&sum);
}

static REAL recompute_bin(const STORE *pixel, int64_t stride_y, int64_t stride_x, const REAL *wy, int64_t taps_y,
                          const REAL *wx, int64_t taps_x)
{
    struct sum sum[4] = {{0, 0, 0}};
    quad lanes = {0};
    for (int64_t l = 0; l < taps_x; l++) {
        struct sum *lane = &sum[l % 4];
        if (wx[l] != 0)
            lane->block = multiply_add(sum_column_exactly(pixel + l * stride_x, stride_y, wy, taps_y), wx[l],
                                       lane->block);
        if (l % ROI_SUM_BLOCK >= ROI_SUM_BLOCK - 4 || l >= taps_x - 4)
            end_block(lane);
    }
    for (int i = 0; i < 4; i++)
        lanes[i] = value_of_sum(&sum[i]);
    return sum_quad(lanes);
}

INLINE void pool_fours(struct view plane, int64_t stride_c, const struct box *box, const int64_t taps_y,
                       const int64_t taps_x)
{
    const struct roi_plan *plan = box->plan;
    REAL *crop = box->crop;
    for (int64_t p = 0; p < box->bins_y; p++)
        for (int64_t q = 0; q < box->bins_x; q++, plane.data += stride_c)
            *crop++ = sum_fours(plane.data + plan->y.low[p] * plane.stride_y + plan->x.low[q], plane.stride_y,
                                weights_y(plan, p), taps_y, weights_x(plan, q), taps_x);
}

/* All bins, or those that are NaN. */
static void recompute_crop(struct view plane, int64_t stride_c, const struct box *box, bool all)
{
    const struct roi_plan *plan = box->plan;
    REAL *crop = box->crop;
    for (int64_t p = 0; p < box->bins_y; p++)
        for (int64_t q = 0; q < box->bins_x; q++, plane.data += stride_c, crop++)
            if (all || isnan(*crop))
                *crop = recompute_bin(plane.data + plan->y.low[p] * plane.stride_y + plan->x.low[q] * plane.stride_x,
                                      plane.stride_y, plane.stride_x, weights_y(plan, p), plan->y.taps,
                                      weights_x(plan, q), plan->x.taps);
}

/* The same for `fours` times four channels of the crop, which read channels `apart` from each other, of a map that has them
   together: each in a cache line of its own, so the more loads at a time, the less they wait. */
INLINE void sum_together(const STORE *pixel, const int64_t *apart, const int fours, const struct view *plane,
                         const REAL *wy, int64_t taps_y, const REAL *wx, int64_t taps_x, quad *sums)
{
    quad sum[MOST_FOURS][4] = {{{0}}};
    for (int64_t l = 0; l < taps_x; l++) {
        quad column[MOST_FOURS] = {{0}};
        if (wx[l] == 0)
            continue;
        for (int64_t k = 0; k < taps_y; k++) {
            const STORE *at = pixel + k * plane->stride_y + l * plane->stride_x;
            if (wy[k] == 0)
                continue;
            for (int i = 0; i < fours; i++) {
                const int64_t *to = apart + 4 * i;
                const quad value = {load(at + to[0]), load(at + to[1]), load(at + to[2]), load(at + to[3])};
                column[i] = multiply_add_quad(splat_quad(wy[k]), value, column[i]);
            }
        }
        for (int i = 0; i < fours; i++)
            sum[i][l % 4] = multiply_add_quad(column[i], splat_quad(wx[l]), sum[i][l % 4]);
    }
    for (int i = 0; i < fours; i++)
        sums[i] = (sum[i][0] + sum[i][2]) + (sum[i][1] + sum[i][3]);
}

INLINE void pool_some(struct view plane, const struct box *box, int64_t count, const int fours)
{
    const struct roi_plan *plan = box->plan;
    const int64_t bins = box->bins_y * box->bins_x;
    int64_t apart[ROI_PS_CROPS];
    for (int64_t i = 0; i < 4 * fours; i++)
        apart[i] = min_i64(i, count - 1) * bins;
    for (int64_t bin = 0; bin < bins; bin++, plane.data++) {
        const int64_t p = bin / box->bins_x, q = bin % box->bins_x;
        const STORE *pixel = plane.data + plan->y.low[p] * plane.stride_y + plan->x.low[q] * plane.stride_x;
        quad sums[MOST_FOURS];
        sum_together(pixel, apart, fours, &plane, weights_y(plan, p), plan->y.taps, weights_x(plan, q), plan->x.taps,
                     sums);
        for (int64_t i = 0; i < count; i++)
            box->crop[i * bins + bin] = sums[i / 4][i % 4];
    }
}

/* Up to ROI_PS_CROPS channels of the crop; channels that are missing in the last group of four repeat the last one. */
NOINLINE void pool_together(struct view plane, const struct box *box, int64_t count)
{
    switch ((count + 3) / 4) {
    case 1: pool_some(plane, box, count, 1); break;
    case 2: pool_some(plane, box, count, 2); break;
    default: pool_some(plane, box, count, 3);
    }
}

/* One channel of the crop. As a function of its own it leaves all registers to its loops. */
NOINLINE void pool(const struct view *plane, int64_t stride_c, const struct box *box, bool fours)
{
    const int64_t taps_y = box->plan->y.taps, taps_x = box->plan->x.taps;
    if (!fours)
        recompute_crop(*plane, stride_c, box, true);
    else if (taps_x > 4)
        pool_fours(*plane, stride_c, box, taps_y, taps_x);
    else
        switch (taps_y) {
        case 2: pool_fours(*plane, stride_c, box, 2, 4); break;
        case 3: pool_fours(*plane, stride_c, box, 3, 4); break;
        case 4: pool_fours(*plane, stride_c, box, 4, 4); break;
        default: pool_fours(*plane, stride_c, box, taps_y, 4);
        }
}

/* The mean of a bin whose sum is not finite: pixels are divided by a power of 2 first, so that only infinite pixels make it
   infinite. */
static REAL mean_of_large(struct view plane, const struct roi_plan *plan, int64_t p, int64_t q, REAL count)
{
    const REAL *wy = weights_y(plan, p), *wx = weights_x(plan, q);
    const STORE *corner = plane.data + plan->y.low[p] * plane.stride_y + plan->x.low[q] * plane.stride_x;
    const REAL share = (REAL)ldexp(1, -1 - ilogb((double)count));
    struct sum sum = {0, 0, 0};
    for (int64_t k = 0; k < plan->y.taps; k++)
        for (int64_t l = 0; l < plan->x.taps; l++) {
            if (wy[k] != 0 && wx[l] != 0)
                sum.block += share * load(corner + k * plane.stride_y + l * plane.stride_x);
            if ((l + 1) % ROI_SUM_BLOCK == 0 || l + 1 == plan->x.taps)
                end_block(&sum);
        }
    return value_of_sum(&sum) / (count * share);
}

static void divide_by_counts(struct view plane, int64_t stride_c, const struct box *box)
{
    for (int64_t p = 0; p < box->bins_y; p++)
        for (int64_t q = 0; q < box->bins_x; q++, plane.data += stride_c) {
            const int64_t bin = p * box->bins_x + q;
            if (isfinite(box->crop[bin]))
                box->crop[bin] /= box->counts[bin];
            else
                box->crop[bin] = mean_of_large(plane, box->plan, p, q, box->counts[bin]);
        }
}

static bool any_nan_of_crop(const REAL *crop, int64_t count)
{
    bool nan = false;
    for (int64_t i = 0; i < count; i++)
        nan |= isnan(crop[i]);
    return nan;
}

/* Writes crops of `count` channels from c on, after dividing sums by the counts of pixels if there are any. */
static void put_crops(const struct roi_tile *tile, const struct box *box, int64_t c, int64_t count, bool divide)
{
    const roi_array *map = &tile->maps[box->plan->box->level];
    struct box one = *box;
    for (int64_t i = c; i < c + count; i++, one.crop += box->bins_y * box->bins_x) {
        const struct view out = view_of(tile->crops, box->plan->row, i);
        if (divide && box->counts)
            divide_by_counts(first_plane(map, box, i), map->strides[AXIS_C], &one);
        write_crop(one.crop, &out, box->bins_y, box->bins_x);
    }
}

/* Whether channels of the crop are found by fours: where those of a map lie together, and no sum is cut into blocks. */
static bool in_channels(const roi_array *map, const struct roi_plan *plan)
{
    return map->strides[AXIS_C] == 1 && plan->y.taps <= ROI_SUM_BLOCK && plan->x.taps <= ROI_SUM_BLOCK;
}

static void pool_box(const struct roi_tile *tile, const struct box *box)
{
    const roi_array *map = &tile->maps[box->plan->box->level];
    const int64_t stride_c = map->strides[AXIS_C], bins = box->bins_y * box->bins_x;
    const bool empty = box->plan->y.taps == 0 || box->plan->x.taps == 0, fours = in_fours(map, box->plan);
    const bool together = in_channels(map, box->plan);
    const int64_t step = together ? ROI_PS_CROPS : 1;
    if (empty)
        memset(box->crop, 0, (size_t)(step * bins) * sizeof(REAL));
    for (int64_t c = tile->channel_begin; c < tile->channel_end; c += step) {
        const struct view plane = first_plane(map, box, c);
        const int64_t count = min_i64(step, tile->channel_end - c);
        if (!empty && together)
            pool_together(plane, box, count);
        else if (!empty)
            pool(&plane, stride_c, box, fours);
        if (!empty && !together && fours && any_nan_of_crop(box->crop, bins))
            recompute_crop(plane, stride_c, box, false);
        put_crops(tile, box, c, count, !empty);
    }
}

INLINE void pool_boxes(const struct roi_tile *tile, const bool counted, void *scratch)
{
    for (int64_t i = tile->plan_begin; i < tile->plan_end; i++) {
        const struct box box = box_of(tile, &tile->plans[i], counted, scratch);
        pool_box(tile, &box);
    }
}

static void pool_tile(const struct roi_tile *tile, void *scratch)
{
    tile->counted ? pool_boxes(tile, true, scratch) : pool_boxes(tile, false, scratch);
}

/* ---- Backward -------------------------------------------------------------------------------------------------- */

/* The gradient of one bin, by fours. */
INLINE void add_fours(REAL *pixel, int64_t stride_y, const REAL *wy, const int64_t taps_y, const REAL *wx,
                      const int64_t taps_x, REAL grad)
{
    for (int64_t l = 0; l < taps_x; l += 4) {
        const quad row = splat_quad(grad) * load_real_quad(wx + l);
        for (int64_t k = 0; k < taps_y; k++) {
            REAL *four = pixel + k * stride_y + l;
            store_real_quad(four, multiply_add_quad(splat_quad(wy[k]), row, load_real_quad(four)));
        }
    }
}

/* The same, to just those pixels that have a weight. */
static void add_exact(REAL *pixel, int64_t stride_y, const REAL *wy, int64_t taps_y, const REAL *wx, int64_t taps_x,
                      REAL grad)
{
    for (int64_t k = 0; k < taps_y; k++)
        for (int64_t l = 0; l < taps_x; l++)
            if (wy[k] != 0 && wx[l] != 0)
                pixel[k * stride_y + l] = multiply_add(wy[k], grad * wx[l], pixel[k * stride_y + l]);
}

/* One channel of the crop. */
static void scatter(const roi_array *sum, const struct box *box, int64_t c, const REAL *grad, bool finite)
{
    const struct roi_taps *y = &box->plan->y, *x = &box->plan->x;
    const int64_t stride_y = sum->strides[AXIS_H];
    REAL *plane = roi_plane(sum, sizeof(REAL), box->plan->box->image, c * box->bins_y * box->bins_x);
    for (int64_t p = 0; p < box->bins_y; p++)
        for (int64_t q = 0; q < box->bins_x; q++, plane += sum->strides[AXIS_C]) {
            const int64_t bin = p * box->bins_x + q;
            const REAL value = box->counts ? grad[bin] / box->counts[bin] : grad[bin];
            REAL *pixel = plane + y->low[p] * stride_y + x->low[q];
            const REAL *wy = weights_y(box->plan, p), *wx = weights_x(box->plan, q);
            if (!finite || x->taps % 4 != 0)
                add_exact(pixel, stride_y, wy, y->taps, wx, x->taps, value);
            else if (x->taps == 4)
                add_fours(pixel, stride_y, wy, y->taps, wx, 4, value);
            else
                add_fours(pixel, stride_y, wy, y->taps, wx, x->taps, value);
        }
}

INLINE void scatter_boxes(const struct roi_tile *tile, const bool counted, void *scratch)
{
    for (int64_t i = tile->plan_begin; i < tile->plan_end; i++) {
        const struct roi_plan *plan = &tile->plans[i];
        if (plan->y.taps == 0 || plan->x.taps == 0)
            continue;
        const struct box box = box_of(tile, plan, counted, scratch);
        for (int64_t c = tile->channel_begin; c < tile->channel_end; c++) {
            const struct view in = view_of(tile->crops, plan->row, c);
            const REAL *grad = rows_of_crop(&in, box.bins_y, box.bins_x, box.crop);
            scatter(&tile->maps[plan->box->level], &box, c, grad, all_finite(grad, box.bins_y * box.bins_x));
        }
    }
}

static void scatter_tile(const struct roi_tile *tile, void *scratch)
{
    tile->counted ? scatter_boxes(tile, true, scratch) : scatter_boxes(tile, false, scratch);
}

const struct roi_tile_kernels ROI_ENTRY_POINT(roi_ps_kernels) = {pool_tile, scatter_tile};
