/* integral_axis.c - the kinds of axis that integrate: see integral_axis.h. */
#include "axes/integral_axis.h"

#include <math.h>

/* Pieces of the axis for each bin of the crops, which is the kind's variant. */
enum { MEANS = 1, EDGES_AND_MEANS = 2 };

/* In double whatever the map's type: nothing here is decided by a last bit. A box of negative size has no area. */
static bool place(const struct roi_axis_rule *rule, double corner1, double corner2, struct roi_axis *axis)
{
    const double start = corner1 * rule->spatial_scale, end = corner2 * rule->spatial_scale;
    axis->start = start;
    axis->bin = fmax(end - start, 0) / (double)max_i64(axis->bins / axis->kind->variant, 1);
    axis->single = false;
    return isfinite(start) && isfinite(end) && isfinite(axis->bin);
}

static double edge(const struct roi_axis *axis, int64_t at) { return axis->start + axis->bin * (double)at; }

struct range {
    double begin, end;
};

static struct range range_of(const struct roi_axis *axis, int64_t bin)
{
    if (axis->kind->variant == MEANS)
        return (struct range){edge(axis, bin), edge(axis, bin + 1)};
    return (struct range){edge(axis, bin / 2), edge(axis, bin / 2 + bin % 2)};
}

/* The pixels whose hats are above 0 somewhere in the bin. */
static struct roi_reach reach(const struct roi_axis *axis, int64_t bin)
{
    const struct range range = range_of(axis, bin);
    const double low = fmax(floor(range.begin), 0), high = fmin(ceil(range.end), (double)(axis->size - 1));
    if (!(axis->bin > 0) || range.begin >= (double)axis->size || range.end <= -1 || axis->size == 0)
        return roi_no_pixels;
    return (struct roi_reach){.low = (int64_t)fmin(low, (double)(axis->size - 1)), .high = (int64_t)fmax(high, 0)};
}

/* Between two pixels the mean of a hat is its value in the middle. So the bin is walked from pixel to pixel, and each
   piece gives its share to the one below it and the one above. A bin without length is a point, and one piece. */
static void weights(const struct roi_axis *axis, int64_t bin, const struct roi_reach *pixels, struct roi_weights to)
{
    const struct range range = range_of(axis, bin);
    const double length = range.end - range.begin;
    double below = 0, above = 0;
    for (int64_t pixel = pixels->low - 1; pixel <= pixels->high; pixel++, below = above, above = 0) {
        const double begin = fmax(range.begin, (double)pixel), end = fmin(range.end, (double)(pixel + 1));
        const double share = length > 0 ? fmax(end - begin, 0) / length : begin < (double)(pixel + 1) && begin <= end;
        const double middle = (begin + end) / 2 - (double)pixel;
        if (share > 0) {
            below += share * (1 - middle);
            above = share * middle;
        }
        if (pixel >= pixels->low)
            roi_put_weight(to, pixel - pixels->low, below);
    }
}

const struct roi_axis_kind roi_integral_axis = {place, reach, weights, MEANS};
const struct roi_axis_kind roi_edges_axis = {place, reach, weights, EDGES_AND_MEANS};
