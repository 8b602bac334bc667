/*
 * align_max.c - RoIAlign with a maximum over samples, or over the weighted corners of samples
 *
 * A maximum is no sum of products, so samples have to be looked at. But interpolation is linear along each axis between
 * two pixels: over the samples that share their four pixels, both kinds of maximum are at the outermost ones. These are
 * the stops of axis.h, at most two for each gap between pixels, whatever the grid.
 */
#include <math.h>
#include <stdlib.h>

#include "pool/align.h"
#include "common/array.h"
#include "common/parallel.h"
#include "common/storage.h"

/* The stops of a box along one axis. Those of bin p are stop[begin[p]] to stop[begin[p + 1] - 1]. */
struct stops {
    struct roi_stop *stop;
    int64_t *begin;
    bool *outside; /* whether the bin has a sample outside the map, which counts as 0 */
};

struct max {
    const struct roi_call *call;
    struct {
        struct stops y, x;
    } *box; /* the box at hand, for each thread */
};

enum { CHANNEL_GROUP = 64 }; /* of one item of work */

/* ---- Stops ----------------------------------------------------------------------------------------------------- */

static int64_t count_stops(const struct roi_axis *axis, int64_t bins)
{
    int64_t count = 0;
    for (int64_t bin = 0; bin < bins; bin++) {
        const struct roi_reach reach = roi_sampled_reach(axis, bin);
        count += roi_most_stops(&reach);
    }
    return count;
}

static void find_stops(const struct roi_axis *axis, int64_t bins, struct stops *stops)
{
    stops->begin[0] = 0;
    for (int64_t bin = 0; bin < bins; bin++) {
        const struct roi_reach reach = roi_sampled_reach(axis, bin);
        stops->outside[bin] = reach.begin > 0 || reach.end < axis->grid;
        stops->begin[bin + 1] = stops->begin[bin] + roi_axis_stops(axis, bin, &reach, stops->stop + stops->begin[bin]);
    }
}

static bool allocate_stops(struct stops *stops, int64_t most, int64_t bins)
{
    stops->stop = malloc((size_t)max_i64(most, 1) * sizeof *stops->stop);
    stops->begin = malloc((size_t)(bins + 1) * sizeof *stops->begin);
    stops->outside = malloc((size_t)bins * sizeof *stops->outside);
    return stops->stop && stops->begin && stops->outside;
}

static void release_stops(struct stops *stops)
{
    free(stops->stop);
    free(stops->begin);
    free(stops->outside);
}

/* ---- Maxima ---------------------------------------------------------------------------------------------------- */

/* One channel of the map. */
struct plane {
    const void *data;
    roi_dtype dtype;
    int64_t stride_y, stride_x;
};

/* NaN, once met, stays. */
static double larger(double most, double value) { return value > most || isnan(value) ? value : most; }

/* Calls for the four corners of a sample. A corner of weight 0 is not read: infinity times 0 would be NaN. */
static double corner(const struct plane *plane, double weight, int64_t y, int64_t x)
{
    const int64_t at = y * plane->stride_y + x * plane->stride_x;
    return weight == 0 ? 0 : weight * load_element(plane->data, plane->dtype, at);
}

static double sample(const struct plane *plane, roi_mode mode, const struct roi_stop *y, const struct roi_stop *x)
{
    const double high_y = y->fraction, high_x = x->fraction, low_y = 1 - high_y, low_x = 1 - high_x;
    const double a = corner(plane, low_y * low_x, y->low, x->low), b = corner(plane, low_y * high_x, y->low, x->high);
    const double c = corner(plane, high_y * low_x, y->high, x->low), d = corner(plane, high_y * high_x, y->high, x->high);
    return mode == ROI_MAX ? a + b + c + d : larger(larger(larger(a, b), c), d);
}

static double pool_bin(const struct plane *plane, roi_mode mode, const struct stops *y, const struct stops *x,
                       int64_t p, int64_t q)
{
    const bool outside = y->outside[p] || x->outside[q];
    const bool none = y->begin[p] == y->begin[p + 1] || x->begin[q] == x->begin[q + 1];
    if (none)
        return 0; /* all samples are outside, or there are none */
    double most = outside ? 0 : -INFINITY;
    for (int64_t i = y->begin[p]; i < y->begin[p + 1]; i++)
        for (int64_t j = x->begin[q]; j < x->begin[q + 1]; j++)
            most = larger(most, sample(plane, mode, &y->stop[i], &x->stop[j]));
    return most;
}

static void pool_channel(const struct roi_call *call, const struct roi_box *box, int64_t row, int64_t channel,
                         const struct stops *y, const struct stops *x)
{
    const roi_array *map = &call->rule.maps[box->level], *crops = call->crops;
    const size_t size = roi_dtype_size(map->dtype);
    const struct plane plane = {roi_plane(map, size, box->image, channel), map->dtype, map->strides[AXIS_H],
                                map->strides[AXIS_W]};
    void *crop = roi_plane(crops, size, row, channel);
    for (int64_t p = 0; p < call->rule.bins_y; p++)
        for (int64_t q = 0; q < call->rule.bins_x; q++)
            store_element(crop, crops->dtype, p * crops->strides[AXIS_H] + q * crops->strides[AXIS_W],
                          pool_bin(&plane, call->mode, y, x, p, q));
}

/* One box, some channels. */
static void pool_item(void *context, int64_t item, int thread)
{
    struct max *max = context;
    const struct roi_call *call = max->call;
    const int64_t channels = call->crops->shape[AXIS_C], row = item % call->count;
    const int64_t begin = item / call->count * CHANNEL_GROUP;
    struct stops *y = &max->box[thread].y, *x = &max->box[thread].x;
    struct roi_axis axis;
    roi_place_box(&call->rule, &call->boxes[row], true, &axis);
    find_stops(&axis, call->rule.bins_y, y);
    roi_place_box(&call->rule, &call->boxes[row], false, &axis);
    find_stops(&axis, call->rule.bins_x, x);
    for (int64_t c = begin; c < min_i64(begin + CHANNEL_GROUP, channels); c++)
        pool_channel(call, &call->boxes[row], row, c, y, x);
}

/* ---- The call -------------------------------------------------------------------------------------------------- */

struct need {
    int64_t y, x; /* stops of the box that has most */
    double work;
};

static roi_status measure(const struct roi_call *call, struct need *need, roi_error *error_ret)
{
    for (int64_t k = 0; k < call->count; k++) {
        struct roi_axis y, x;
        if (!roi_place_box(&call->rule, &call->boxes[k], true, &y) ||
            !roi_place_box(&call->rule, &call->boxes[k], false, &x))
            return roi_fail(error_ret, ROI_ERROR_BOX_OVERFLOW, k, -1, 0);
        const int64_t stops_y = count_stops(&y, call->rule.bins_y), stops_x = count_stops(&x, call->rule.bins_x);
        need->y = max_i64(need->y, stops_y);
        need->x = max_i64(need->x, stops_x);
        need->work += 4.0 * (double)stops_y * (double)stops_x * (double)call->crops->shape[AXIS_C];
    }
    return ROI_SUCCESS;
}

static roi_status run(struct max *max, const struct need *need, int threads, roi_error *error_ret)
{
    const struct roi_call *call = max->call;
    bool enough = true;
    for (int t = 0; t < threads; t++) {
        enough &= allocate_stops(&max->box[t].y, need->y, call->rule.bins_y);
        enough &= allocate_stops(&max->box[t].x, need->x, call->rule.bins_x);
    }
    if (!enough)
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    const int64_t groups = (call->crops->shape[AXIS_C] + CHANNEL_GROUP - 1) / CHANNEL_GROUP;
    const roi_status status = roi_parallel_for(call->count * groups, threads, call->cancel, pool_item, max);
    return status == ROI_SUCCESS ? status : roi_fail(error_ret, status, -1, -1, 0);
}

roi_status roi_align_max(const struct roi_call *call, roi_error *error_ret)
{
    struct need need = {0, 0, 0};
    struct max max = {.call = call};
    if (roi_array_elements(call->crops) == 0)
        return ROI_SUCCESS;
    roi_status status = measure(call, &need, error_ret);
    if (status != ROI_SUCCESS)
        return status;
    const int threads = roi_threads_for(need.work);
    max.box = calloc((size_t)threads, sizeof *max.box);
    if (!max.box)
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    status = run(&max, &need, threads, error_ret);
    for (int t = 0; t < threads; t++) {
        release_stops(&max.box[t].y);
        release_stops(&max.box[t].x);
    }
    free(max.box);
    return status;
}
