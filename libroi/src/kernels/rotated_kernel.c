/*
 * rotated_kernel.c - the inner part of rotated RoIAlign
 *
 * A bin is a sum over quads (rotated_samples.h): of each, four pixels times four weights, lane by lane; the four lanes
 * are added up at the end, always in the same order. Four channels are worked on at a time, so that places and weights
 * are loaded once for them; where the channels of a pixel lie together, a vector of them.
 *
 * Quads have weights of 0 in them. As in align_kernel.c a number that comes out NaN is computed again, from just those
 * pixels that have a weight.
 */
#include "drive/rotated_samples.h"
#include "kernels/kernel.h"
#include "kernels/spread_template.h"

enum { CHANNELS_AT_ONCE = 4 };

/* The sums of four quads, each as sum_quad takes it: lanes 0 and 2, lanes 1 and 3, then both. */
INLINE quad sum_four_quads(const quad v[CHANNELS_AT_ONCE])
{
    quad sums;
    for (int c = 0; c < CHANNELS_AT_ONCE; c++)
        sums[c] = sum_quad(v[c]);
    return sums;
}

INLINE bool any_nan_quad(quad v) { return isnan(v[0]) || isnan(v[1]) || isnan(v[2]) || isnan(v[3]); }

/* A box as a kernel sees it. */
struct box {
    const roi_array *map;
    int64_t image, row, bins_y, bins_x;
    struct roi_quads quads;
};

static struct box box_of(const struct roi_tile *tile, const struct roi_plan *plan)
{
    const int64_t bins_y = tile->crops->shape[AXIS_H], bins_x = tile->crops->shape[AXIS_W];
    return (struct box){&tile->maps[plan->box->level],      plan->box->image, plan->row, bins_y, bins_x,
                        roi_quads_of(plan, bins_y * bins_x)};
}

static inline const REAL *weights_of(const struct box *box, int64_t k)
{
    return (const REAL *)box->quads.weights + ROI_QUAD * k;
}

static inline int64_t first_quad(const struct box *box, int64_t bin) { return bin > 0 ? box->quads.ends[bin - 1] : 0; }

INLINE void put(const struct box *box, const struct view *out, int64_t bin, REAL value)
{
    store(out->data + bin / box->bins_x * out->stride_y + bin % box->bins_x * out->stride_x, value);
}

/* ---- Forward --------------------------------------------------------------------------------------------------- */

/* Whether quad k of a bin, which has [first, end), is the last of a block: bins are added up by blocks (sums.h). */
static inline bool ends_block(int64_t k, int64_t first, int64_t end)
{
    return k + 1 == end || (k + 1 - first) % ROI_SUM_BLOCK == 0;
}

/* One bin from just those pixels that have a weight, in the same order as below. */
static REAL recompute_bin(const struct view *plane, const struct box *box, int64_t bin)
{
    struct sum sum[ROI_QUAD] = {{0, 0, 0}};
    quad lanes = {0};
    const int64_t first = first_quad(box, bin), end = box->quads.ends[bin];
    for (int64_t k = first; k < end; k++) {
        const STORE *pixel = plane->data + box->quads.places[k].y * plane->stride_y +
                             box->quads.places[k].x * plane->stride_x;
        const REAL *weights = weights_of(box, k);
        for (int l = 0; l < ROI_QUAD; l++)
            if (weights[l] != 0)
                sum[l].block = multiply_add(weights[l], load(pixel + l * plane->stride_x), sum[l].block);
        for (int l = 0; l < ROI_QUAD && ends_block(k, first, end); l++)
            end_block(&sum[l]);
    }
    for (int l = 0; l < ROI_QUAD; l++)
        lanes[l] = value_of_sum(&sum[l]);
    return sum_quad(lanes);
}

static void recompute_crop(const struct box *box, int64_t c, const struct view *out)
{
    const struct view plane = view_of(box->map, box->image, c);
    for (int64_t bin = 0; bin < box->bins_y * box->bins_x; bin++)
        put(box, out, bin, recompute_bin(&plane, box, bin));
}

/* Quads [begin, end) of four channels, whose pixels lie together along W. */
INLINE void sum_stretch(const STORE *data, int64_t stride_c, int64_t stride_y, const struct box *box, int64_t begin,
                        int64_t end, quad sums[CHANNELS_AT_ONCE])
{
    for (int c = 0; c < CHANNELS_AT_ONCE; c++)
        sums[c] = (quad){0};
    for (int64_t k = begin; k < end; k++) {
        const quad weights = load_real_quad(weights_of(box, k));
        const STORE *pixel = data + box->quads.places[k].y * stride_y + box->quads.places[k].x;
        for (int c = 0; c < CHANNELS_AT_ONCE; c++)
            sums[c] = multiply_add_quad(weights, load_quad(pixel + c * stride_c), sums[c]);
    }
}

/* A bin of more quads than a block has. It is a function of its own to leave all registers to the loop of other bins. */
NOINLINE quad sum_long_bin(const STORE *data, int64_t stride_c, int64_t stride_y, const struct box *box, int64_t begin,
                           int64_t end)
{
    quad sums[CHANNELS_AT_ONCE], total[CHANNELS_AT_ONCE] = {{0}}, lost[CHANNELS_AT_ONCE] = {{0}};
    for (int64_t k = begin; k < end; k += ROI_SUM_BLOCK) {
        sum_stretch(data, stride_c, stride_y, box, k, min_i64(end, k + ROI_SUM_BLOCK), sums);
        for (int c = 0; c < CHANNELS_AT_ONCE; c++)
            fold_quad(&total[c], &lost[c], sums[c]);
    }
    for (int c = 0; c < CHANNELS_AT_ONCE; c++)
        sums[c] = total[c] + lost[c];
    return sum_four_quads(sums);
}

/* One bin of four channels. */
INLINE quad sum_quads(const STORE *data, int64_t stride_c, int64_t stride_y, const struct box *box, int64_t bin)
{
    quad sums[CHANNELS_AT_ONCE];
    const int64_t first = first_quad(box, bin), end = box->quads.ends[bin];
    if (end - first > ROI_SUM_BLOCK)
        return sum_long_bin(data, stride_c, stride_y, box, first, end);
    sum_stretch(data, stride_c, stride_y, box, first, end, sums);
    return sum_four_quads(sums);
}

static void pool_quads(const struct roi_tile *tile, const struct box *box, int64_t first)
{
    const struct view plane = view_of(box->map, box->image, first);
    struct view out[CHANNELS_AT_ONCE];
    bool nan = false;
    for (int c = 0; c < CHANNELS_AT_ONCE; c++)
        out[c] = view_of(tile->crops, box->row, first + c);
    for (int64_t bin = 0; bin < box->bins_y * box->bins_x; bin++) {
        const quad sums = sum_quads(plane.data, box->map->strides[AXIS_C], plane.stride_y, box, bin);
        nan |= any_nan_quad(sums);
        for (int c = 0; c < CHANNELS_AT_ONCE; c++)
            put(box, &out[c], bin, sums[c]);
    }
    for (int c = 0; c < CHANNELS_AT_ONCE && nan; c++)
        recompute_crop(box, first + c, &out[c]);
}

/* A block of quads [begin, end), for a line of channels that lie together. */
INLINE void sum_block(const STORE *data, const struct view *plane, const struct box *box, int64_t begin, int64_t end,
                      vec sums[LINE_VECTORS][ROI_QUAD])
{
    for (int v = 0; v < LINE_VECTORS * ROI_QUAD; v++)
        sums[v / ROI_QUAD][v % ROI_QUAD] = (vec){0};
    for (int64_t k = begin; k < end; k++) {
        const REAL *weights = weights_of(box, k);
        const STORE *pixel = data + box->quads.places[k].y * plane->stride_y + box->quads.places[k].x * plane->stride_x;
        for (int l = 0; l < ROI_QUAD; l++)
            for (int v = 0; v < LINE_VECTORS; v++)
                sums[v][l] = multiply_add_vec(splat_vec(weights[l]), load_vec(pixel + l * plane->stride_x + v * LANES),
                                              sums[v][l]);
    }
}

/* The same of more quads than a block has. */
NOINLINE void sum_blocks(const STORE *data, const struct view *plane, const struct box *box, int64_t begin, int64_t end,
                         vec sums[LINE_VECTORS][ROI_QUAD])
{
    vec total[LINE_VECTORS][ROI_QUAD] = {{{0}}}, lost[LINE_VECTORS][ROI_QUAD] = {{{0}}};
    for (int64_t k = begin; k < end; k += ROI_SUM_BLOCK) {
        sum_block(data, plane, box, k, min_i64(end, k + ROI_SUM_BLOCK), sums);
        for (int v = 0; v < LINE_VECTORS; v++)
            for (int l = 0; l < ROI_QUAD; l++)
                fold_vec(&total[v][l], &lost[v][l], sums[v][l]);
    }
    for (int v = 0; v < LINE_VECTORS; v++)
        for (int l = 0; l < ROI_QUAD; l++)
            sums[v][l] = total[v][l] + lost[v][l];
}

/* One bin of the line. Returns a sum that is NaN where a number is. */
INLINE vec sum_channels(const STORE *data, const struct view *plane, const struct box *box, int64_t bin, REAL *line)
{
    const int64_t first = first_quad(box, bin), end = box->quads.ends[bin];
    vec sums[LINE_VECTORS][ROI_QUAD], all = {0};
    if (end - first <= ROI_SUM_BLOCK)
        sum_block(data, plane, box, first, end, sums);
    else
        sum_blocks(data, plane, box, first, end, sums);
    for (int v = 0; v < LINE_VECTORS; v++) {
        const vec sum = (sums[v][0] + sums[v][2]) + (sums[v][1] + sums[v][3]);
        memcpy(line + v * LANES, &sum, sizeof sum);
        all += sum;
    }
    return all;
}

/* A line of channels from `first` on, row of bins by row of bins; `lines` has room for one. */
NOINLINE void pool_channels(const struct roi_tile *tile, const struct box *box, int64_t first, REAL *lines)
{
    const struct view plane = view_of(box->map, box->image, first);
    vec all = {0};
    for (int64_t p = 0; p < box->bins_y; p++) {
        const struct row row = row_of(tile->crops, box->row, first, p);
        for (int64_t q = 0; q < box->bins_x; q++)
            all += sum_channels(plane.data, &plane, box, p * box->bins_x + q, lines + q * LINE);
        spread_lines(lines, box->bins_x, LINE, &row);
    }
    for (int64_t c = first; c < first + LINE && any_nan(all); c++) {
        const struct view out = view_of(tile->crops, box->row, c);
        recompute_crop(box, c, &out);
    }
}

/* As many channels at once as memory lets, the rest one by one. */
static void pool_box(const struct roi_tile *tile, const struct box *box, REAL *lines)
{
    const int64_t *strides = box->map->strides;
    const bool in_quads = box->map->shape[AXIS_W] >= ROI_QUAD;
    int64_t c = tile->channel_begin;
    if (strides[AXIS_C] == 1 && in_quads)
        for (; c + LINE <= tile->channel_end; c += LINE)
            pool_channels(tile, box, c, lines);
    else if (strides[AXIS_W] == 1 && in_quads)
        for (; c + CHANNELS_AT_ONCE <= tile->channel_end; c += CHANNELS_AT_ONCE)
            pool_quads(tile, box, c);
    for (; c < tile->channel_end; c++) {
        const struct view out = view_of(tile->crops, box->row, c);
        recompute_crop(box, c, &out);
    }
}

static void pool_tile(const struct roi_tile *tile, void *scratch)
{
    for (int64_t i = tile->plan_begin; i < tile->plan_end; i++) {
        const struct box box = box_of(tile, &tile->plans[i]);
        pool_box(tile, &box, scratch);
    }
}

/* ---- Backward -------------------------------------------------------------------------------------------------- */

INLINE void add_quad(REAL *pixel, const REAL *weights, REAL grad)
{
    store_real_quad(pixel, multiply_add_quad(splat_quad(grad), load_real_quad(weights), load_real_quad(pixel)));
}

/* To just those pixels that have a weight. */
static void add_exact(REAL *pixel, const REAL *weights, REAL grad)
{
    for (int l = 0; l < ROI_QUAD; l++)
        if (weights[l] != 0)
            pixel[l] = multiply_add(grad, weights[l], pixel[l]);
}

static void scatter(const struct box *box, int64_t c, const REAL *grad, bool in_quads)
{
    const int64_t stride_y = box->map->strides[AXIS_H];
    REAL *plane = roi_plane(box->map, sizeof(REAL), box->image, c);
    for (int64_t bin = 0; bin < box->bins_y * box->bins_x; bin++)
        for (int64_t k = first_quad(box, bin); k < box->quads.ends[bin]; k++) {
            REAL *pixel = plane + box->quads.places[k].y * stride_y + box->quads.places[k].x;
            if (in_quads)
                add_quad(pixel, weights_of(box, k), grad[bin]);
            else
                add_exact(pixel, weights_of(box, k), grad[bin]);
        }
}

static void scatter_tile(const struct roi_tile *tile, void *scratch)
{
    for (int64_t i = tile->plan_begin; i < tile->plan_end; i++) {
        const struct box box = box_of(tile, &tile->plans[i]);
        for (int64_t c = tile->channel_begin; c < tile->channel_end; c++) {
            const struct view in = view_of(tile->crops, box.row, c);
            const REAL *grad = rows_of_crop(&in, box.bins_y, box.bins_x, scratch);
            const bool finite = all_finite(grad, box.bins_y * box.bins_x);
            scatter(&box, c, grad, finite && box.map->shape[AXIS_W] >= ROI_QUAD);
        }
    }
}

const struct roi_tile_kernels ROI_ENTRY_POINT(roi_rotated_kernels) = {pool_tile, scatter_tile};
