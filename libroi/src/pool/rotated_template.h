/*
 * rotated_template.h - rotated RoIAlign for one element type
 *
 * STORE is the type in memory, REAL the one computed in; S() and R() make names for them. See rotated_kernel.h.
 */

#include "pool/spread_template.h"

/* A box as a kernel sees it. */
struct S(box) {
    const roi_array *map;
    int64_t image, row, bins_y, bins_x;
    struct roi_quads quads;
};

static struct S(box) S(box_of)(const struct roi_tile *tile, const struct roi_plan *plan)
{
    const int64_t bins_y = tile->crops->shape[AXIS_H], bins_x = tile->crops->shape[AXIS_W];
    return (struct S(box)){&tile->maps[plan->box->level], plan->box->image, plan->row, bins_y, bins_x,
                           roi_quads_of(plan, bins_y * bins_x)};
}

static inline const REAL *S(weights_of)(const struct S(box) *box, int64_t quad)
{
    return (const REAL *)box->quads.weights + ROI_QUAD * quad;
}

static inline int64_t S(first_quad)(const struct S(box) *box, int64_t bin)
{
    return bin > 0 ? box->quads.ends[bin - 1] : 0;
}

INLINE void S(put)(const struct S(box) *box, const struct S(view) *out, int64_t bin, REAL value)
{
    S(store)(out->data + bin / box->bins_x * out->stride_y + bin % box->bins_x * out->stride_x, value);
}

/* ---- Forward --------------------------------------------------------------------------------------------------- */

/* Whether quad k of a bin, which has [first, end), is the last of a block: bins are added up block by block (common/sums.h). */
static inline bool S(ends_block)(int64_t k, int64_t first, int64_t end)
{
    return k + 1 == end || (k + 1 - first) % ROI_SUM_BLOCK == 0;
}

/* One bin from just those pixels that have a weight, in the same order as below. */
static REAL S(sum_exact)(const struct S(view) *plane, const struct S(box) *box, int64_t bin)
{
    struct R(sum) sum[ROI_QUAD] = {{0, 0, 0}};
    R(quad) lanes = {0};
    const int64_t first = S(first_quad)(box, bin), end = box->quads.ends[bin];
    for (int64_t k = first; k < end; k++) {
        const STORE *pixel = plane->data + box->quads.places[k].y * plane->stride_y +
                             box->quads.places[k].x * plane->stride_x;
        const REAL *weights = S(weights_of)(box, k);
        for (int l = 0; l < ROI_QUAD; l++)
            if (weights[l] != 0)
                sum[l].block = R(multiply_add)(weights[l], S(load)(pixel + l * plane->stride_x), sum[l].block);
        for (int l = 0; l < ROI_QUAD && S(ends_block)(k, first, end); l++)
            R(end_block)(&sum[l]);
    }
    for (int l = 0; l < ROI_QUAD; l++)
        lanes[l] = R(value_of_sum)(&sum[l]);
    return R(sum_quad)(lanes);
}

static void S(pool_exact)(const struct S(box) *box, int64_t c, const struct S(view) *out)
{
    const struct S(view) plane = S(view_of)(box->map, box->image, c);
    for (int64_t bin = 0; bin < box->bins_y * box->bins_x; bin++)
        S(put)(box, out, bin, S(sum_exact)(&plane, box, bin));
}

/* Quads [begin, end) of four channels, whose pixels lie together along W. */
INLINE void S(sum_stretch)(const STORE *data, int64_t stride_c, int64_t stride_y, const struct S(box) *box, int64_t begin,
                           int64_t end, R(quad) sums[CHANNELS_AT_ONCE])
{
    for (int c = 0; c < CHANNELS_AT_ONCE; c++)
        sums[c] = (R(quad)){0};
    for (int64_t k = begin; k < end; k++) {
        const R(quad) weights = R(load_quad)(S(weights_of)(box, k));
        const STORE *pixel = data + box->quads.places[k].y * stride_y + box->quads.places[k].x;
        for (int c = 0; c < CHANNELS_AT_ONCE; c++)
            sums[c] = R(multiply_add_quad)(weights, S(load_quad)(pixel + c * stride_c), sums[c]);
    }
}

/* A bin of more quads than a block has. It is a function of its own to leave all registers to the loop of other bins. */
ALONE R(quad) S(sum_long_bin)(const STORE *data, int64_t stride_c, int64_t stride_y, const struct S(box) *box,
                              int64_t begin, int64_t end)
{
    R(quad) sums[CHANNELS_AT_ONCE], total[CHANNELS_AT_ONCE] = {{0}}, lost[CHANNELS_AT_ONCE] = {{0}};
    for (int64_t k = begin; k < end; k += ROI_SUM_BLOCK) {
        S(sum_stretch)(data, stride_c, stride_y, box, k, min_i64(end, k + ROI_SUM_BLOCK), sums);
        for (int c = 0; c < CHANNELS_AT_ONCE; c++)
            R(fold_quad)(&total[c], &lost[c], sums[c]);
    }
    for (int c = 0; c < CHANNELS_AT_ONCE; c++)
        sums[c] = total[c] + lost[c];
    return R(sum_four_quads)(sums);
}

/* One bin of four channels. */
INLINE R(quad) S(sum_quads)(const STORE *data, int64_t stride_c, int64_t stride_y, const struct S(box) *box, int64_t bin)
{
    R(quad) sums[CHANNELS_AT_ONCE];
    const int64_t first = S(first_quad)(box, bin), end = box->quads.ends[bin];
    if (end - first > ROI_SUM_BLOCK)
        return S(sum_long_bin)(data, stride_c, stride_y, box, first, end);
    S(sum_stretch)(data, stride_c, stride_y, box, first, end, sums);
    return R(sum_four_quads)(sums);
}

static void S(pool_quads)(const struct roi_tile *tile, const struct S(box) *box, int64_t first)
{
    const struct S(view) plane = S(view_of)(box->map, box->image, first);
    struct S(view) out[CHANNELS_AT_ONCE];
    bool nan = false;
    for (int c = 0; c < CHANNELS_AT_ONCE; c++)
        out[c] = S(view_of)(tile->crops, box->row, first + c);
    for (int64_t bin = 0; bin < box->bins_y * box->bins_x; bin++) {
        const R(quad) sums = S(sum_quads)(plane.data, box->map->strides[AXIS_C], plane.stride_y, box, bin);
        nan |= R(has_nan_quad)(sums);
        for (int c = 0; c < CHANNELS_AT_ONCE; c++)
            S(put)(box, &out[c], bin, sums[c]);
    }
    for (int c = 0; c < CHANNELS_AT_ONCE && nan; c++)
        S(pool_exact)(box, first + c, &out[c]);
}

/* A block of quads [begin, end), for a line of channels that lie together. */
INLINE void S(sum_block)(const STORE *data, const struct S(view) *plane, const struct S(box) *box, int64_t begin,
                         int64_t end, R(vec) sums[LINE_VECTORS][ROI_QUAD])
{
    for (int v = 0; v < LINE_VECTORS * ROI_QUAD; v++)
        sums[v / ROI_QUAD][v % ROI_QUAD] = (R(vec)){0};
    for (int64_t k = begin; k < end; k++) {
        const REAL *weights = S(weights_of)(box, k);
        const STORE *pixel = data + box->quads.places[k].y * plane->stride_y + box->quads.places[k].x * plane->stride_x;
        for (int l = 0; l < ROI_QUAD; l++)
            for (int v = 0; v < LINE_VECTORS; v++)
                sums[v][l] = R(multiply_add_vec)(R(splat_vec)(weights[l]),
                                                 S(load_vec)(pixel + l * plane->stride_x + v * R(LANES)), sums[v][l]);
    }
}

/* The same of more quads than a block has. */
ALONE void S(sum_blocks)(const STORE *data, const struct S(view) *plane, const struct S(box) *box, int64_t begin,
                         int64_t end, R(vec) sums[LINE_VECTORS][ROI_QUAD])
{
    R(vec) total[LINE_VECTORS][ROI_QUAD] = {{{0}}}, lost[LINE_VECTORS][ROI_QUAD] = {{{0}}};
    for (int64_t k = begin; k < end; k += ROI_SUM_BLOCK) {
        S(sum_block)(data, plane, box, k, min_i64(end, k + ROI_SUM_BLOCK), sums);
        for (int v = 0; v < LINE_VECTORS; v++)
            for (int l = 0; l < ROI_QUAD; l++)
                R(fold_vec)(&total[v][l], &lost[v][l], sums[v][l]);
    }
    for (int v = 0; v < LINE_VECTORS; v++)
        for (int l = 0; l < ROI_QUAD; l++)
            sums[v][l] = total[v][l] + lost[v][l];
}

/* One bin of the line. Returns a sum that is NaN where a number is. */
INLINE R(vec) S(sum_channels)(const STORE *data, const struct S(view) *plane, const struct S(box) *box, int64_t bin,
                              REAL *line)
{
    const int64_t first = S(first_quad)(box, bin), end = box->quads.ends[bin];
    R(vec) sums[LINE_VECTORS][ROI_QUAD], all = {0};
    if (end - first <= ROI_SUM_BLOCK)
        S(sum_block)(data, plane, box, first, end, sums);
    else
        S(sum_blocks)(data, plane, box, first, end, sums);
    for (int v = 0; v < LINE_VECTORS; v++) {
        const R(vec) sum = (sums[v][0] + sums[v][2]) + (sums[v][1] + sums[v][3]);
        memcpy(line + v * R(LANES), &sum, sizeof sum);
        all += sum;
    }
    return all;
}

/* A line of channels from `first` on, row of bins by row of bins; `lines` has room for one. */
ALONE void S(pool_channels)(const struct roi_tile *tile, const struct S(box) *box, int64_t first, REAL *lines)
{
    const struct S(view) plane = S(view_of)(box->map, box->image, first);
    R(vec) all = {0};
    for (int64_t p = 0; p < box->bins_y; p++) {
        const struct S(row) row = S(row_of)(tile->crops, box->row, first, p);
        for (int64_t q = 0; q < box->bins_x; q++)
            all += S(sum_channels)(plane.data, &plane, box, p * box->bins_x + q, lines + q * R(LINE));
        S(spread_lines)(lines, box->bins_x, R(LINE), &row);
    }
    for (int64_t c = first; c < first + R(LINE) && R(any_nan)(all); c++) {
        const struct S(view) out = S(view_of)(tile->crops, box->row, c);
        S(pool_exact)(box, c, &out);
    }
}

/* As many channels at once as memory lets, the rest one by one. */
static void S(pool_box)(const struct roi_tile *tile, const struct S(box) *box, REAL *lines)
{
    const int64_t *strides = box->map->strides;
    const bool in_quads = box->map->shape[AXIS_W] >= ROI_QUAD;
    int64_t c = tile->channel_begin;
    if (strides[AXIS_C] == 1 && in_quads)
        for (; c + R(LINE) <= tile->channel_end; c += R(LINE))
            S(pool_channels)(tile, box, c, lines);
    else if (strides[AXIS_W] == 1 && in_quads)
        for (; c + CHANNELS_AT_ONCE <= tile->channel_end; c += CHANNELS_AT_ONCE)
            S(pool_quads)(tile, box, c);
    for (; c < tile->channel_end; c++) {
        const struct S(view) out = S(view_of)(tile->crops, box->row, c);
        S(pool_exact)(box, c, &out);
    }
}

static void S(pool_tile)(const struct roi_tile *tile, void *scratch)
{
    for (int64_t i = tile->plan_begin; i < tile->plan_end; i++) {
        const struct S(box) box = S(box_of)(tile, &tile->plans[i]);
        S(pool_box)(tile, &box, scratch);
    }
}

/* ---- Backward -------------------------------------------------------------------------------------------------- */

INLINE void S(add_quad)(REAL *pixel, const REAL *weights, REAL grad)
{
    R(store_quad)(pixel, R(multiply_add_quad)(R(splat_quad)(grad), R(load_quad)(weights), R(load_quad)(pixel)));
}

/* To just those pixels that have a weight. */
static void S(add_exact)(REAL *pixel, const REAL *weights, REAL grad)
{
    for (int l = 0; l < ROI_QUAD; l++)
        if (weights[l] != 0)
            pixel[l] = R(multiply_add)(grad, weights[l], pixel[l]);
}

static void S(scatter)(const struct S(box) *box, int64_t c, const REAL *grad, bool in_quads)
{
    const int64_t stride_y = box->map->strides[AXIS_H];
    REAL *plane = roi_plane(box->map, sizeof(REAL), box->image, c);
    for (int64_t bin = 0; bin < box->bins_y * box->bins_x; bin++)
        for (int64_t k = S(first_quad)(box, bin); k < box->quads.ends[bin]; k++) {
            REAL *pixel = plane + box->quads.places[k].y * stride_y + box->quads.places[k].x;
            if (in_quads)
                S(add_quad)(pixel, S(weights_of)(box, k), grad[bin]);
            else
                S(add_exact)(pixel, S(weights_of)(box, k), grad[bin]);
        }
}

static void S(scatter_tile)(const struct roi_tile *tile, void *scratch)
{
    for (int64_t i = tile->plan_begin; i < tile->plan_end; i++) {
        const struct S(box) box = S(box_of)(tile, &tile->plans[i]);
        for (int64_t c = tile->channel_begin; c < tile->channel_end; c++) {
            const struct S(view) in = S(view_of)(tile->crops, box.row, c);
            const REAL *grad = S(rows_of_crop)(&in, box.bins_y, box.bins_x, scratch);
            const bool finite = R(all_finite)(grad, box.bins_y * box.bins_x);
            S(scatter)(&box, c, grad, finite && box.map->shape[AXIS_W] >= ROI_QUAD);
        }
    }
}
