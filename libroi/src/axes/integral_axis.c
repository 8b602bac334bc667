/* integral_axis.c - the kinds of axis that integrate: integral_axis.h has the theory. */
#include "axes/integral_axis.h"

#include <math.h>

/* In double whatever the map's type: nothing here is decided by a last bit. A box of negative size has no area. */
static bool place_bins(const struct roi_axis_rule *rule, double corner1, double corner2, int64_t bins, int64_t pieces,
                       int64_t size, struct roi_axis *axis_ret)
{
    const double start = corner1 * rule->spatial_scale, end = corner2 * rule->spatial_scale;
    const double bin = fmax(end - start, 0) / (double)max_i64(bins, 1);
    *axis_ret = (struct roi_axis){.start = start, .bin = bin, .bins = pieces, .size = size};
    return isfinite(start) && isfinite(end) && isfinite(bin);
}

static bool place_means(const struct roi_axis_rule *rule, double corner1, double corner2, int64_t bins, int64_t size,
                        struct roi_axis *axis_ret)
{
    return place_bins(rule, corner1, corner2, bins, bins, size, axis_ret);
}

static bool place_edges(const struct roi_axis_rule *rule, double corner1, double corner2, int64_t bins, int64_t size,
                        struct roi_axis *axis_ret)
{
    return place_bins(rule, corner1, corner2, bins / 2, bins, size, axis_ret);
}

static double edge(const struct roi_axis *axis, int64_t at) { return axis->start + axis->bin * (double)at; }

struct range {
    double begin, end;
};

static struct range range_of_mean(const struct roi_axis *axis, int64_t bin)
{
    return (struct range){edge(axis, bin), edge(axis, bin + 1)};
}

static struct range range_of_edge(const struct roi_axis *axis, int64_t bin)
{
    return (struct range){edge(axis, bin / 2), edge(axis, bin / 2 + bin % 2)};
}

/* The pixels whose hats are above 0 somewhere in the range. */
static struct roi_reach reach_of(const struct roi_axis *axis, struct range range)
{
    const double low = fmax(floor(range.begin), 0), high = fmin(ceil(range.end), (double)(axis->size - 1));
    if (!(axis->bin > 0) || range.begin >= (double)axis->size || range.end <= -1 || axis->size == 0)
        return (struct roi_reach){0, 0, 0, -1};
    return (struct roi_reach){.low = (int64_t)fmin(low, (double)(axis->size - 1)), .high = (int64_t)fmax(high, 0)};
}

/* Between two pixels the mean of a hat is its value in the middle. So the range is walked from pixel to pixel, and each
   piece gives its share to the one below it and the one above. A range without length is a point, and one piece. */
static void weights_of(const struct roi_reach *reach, struct range range, bool single, void *weights_ret)
{
    const double length = range.end - range.begin;
    double below = 0, above = 0;
    for (int64_t pixel = reach->low - 1; pixel <= reach->high; pixel++, below = above, above = 0) {
        const double begin = fmax(range.begin, (double)pixel), end = fmin(range.end, (double)(pixel + 1));
        const double share = length > 0 ? fmax(end - begin, 0) / length : begin < (double)(pixel + 1) && begin <= end;
        const double middle = (begin + end) / 2 - (double)pixel;
        if (share > 0) {
            below += share * (1 - middle);
            above = share * middle;
        }
        if (pixel >= reach->low)
            roi_put_weight(weights_ret, single, pixel - reach->low, below);
    }
}

static struct roi_reach mean_reach(const struct roi_axis *axis, int64_t bin)
{
    return reach_of(axis, range_of_mean(axis, bin));
}

static void mean_weights(const struct roi_axis *axis, int64_t bin, const struct roi_reach *reach, bool single,
                         void *weights_ret)
{
    weights_of(reach, range_of_mean(axis, bin), single, weights_ret);
}

static struct roi_reach edge_reach(const struct roi_axis *axis, int64_t bin)
{
    return reach_of(axis, range_of_edge(axis, bin));
}

static void edge_weights(const struct roi_axis *axis, int64_t bin, const struct roi_reach *reach, bool single,
                         void *weights_ret)
{
    weights_of(reach, range_of_edge(axis, bin), single, weights_ret);
}

const struct roi_axis_kind roi_integral_axis = {place_means, mean_reach, mean_weights};
const struct roi_axis_kind roi_edges_axis = {place_edges, edge_reach, edge_weights};
