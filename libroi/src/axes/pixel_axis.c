/* pixel_axis.c - kinds of axis whose bins are whole pixels: see pixel_axis.h. Like axis.c it is compiled without
   contraction, and computes in the type of the map, since floor() and ceil() are decided by the last bit. */
#include "axes/pixel_axis.h"

#include <math.h>

/* Pixels by which a box is wider than its corners are apart, which is the kind's variant. */
enum { OPEN = 0, CLOSED = 1 };

/* Sets the first bin, of at least one. */
static void set_bin(struct roi_axis *axis, double start, double end, bool single)
{
    const double width = fmax(end - start + axis->kind->variant, 1), bins = (double)max_i64(axis->bins, 1);
    axis->start = start;
    axis->bin = single ? (float)width / (float)bins : width / bins;
    axis->single = single;
}

/* Whether no number overflows on the way to the end of the last bin. */
static bool fits(const struct roi_axis *axis)
{
    const double length = axis->bin * (double)max_i64(axis->bins, 1);
    return isfinite(axis->start) && isfinite(axis->start + length) && isfinite(axis->single ? (float)length : length);
}

static bool place(const struct roi_axis_rule *rule, double corner1, double corner2, struct roi_axis *axis)
{
    const float scale = (float)rule->spatial_scale;
    if (rule->single)
        set_bin(axis, roundf((float)corner1 * scale), roundf((float)corner2 * scale), true);
    if (!rule->single || !fits(axis))
        set_bin(axis, round(corner1 * rule->spatial_scale), round(corner2 * rule->spatial_scale), false);
    return fits(axis);
}

/* A pixel border, clamped to the map. It is computed in double, in which the indices of all pixels are exact. */
static int64_t on_map(const struct roi_axis *axis, double border)
{
    return (int64_t)fmin(fmax(axis->start + border, 0), (double)axis->size);
}

static struct roi_reach reach(const struct roi_axis *axis, int64_t bin)
{
    double begin = floor((double)bin * axis->bin), end = ceil((double)(bin + 1) * axis->bin);
    if (axis->single) {
        begin = floorf((float)bin * (float)axis->bin);
        end = ceilf((float)(bin + 1) * (float)axis->bin);
    }
    const int64_t low = on_map(axis, begin), high = on_map(axis, end) - 1;
    return low <= high ? (struct roi_reach){0, 0, low, high} : roi_no_pixels;
}

static void weights(const struct roi_axis *axis, int64_t bin, const struct roi_reach *pixels, struct roi_weights to)
{
    for (int64_t pixel = pixels->low; pixel <= pixels->high; pixel++)
        roi_put_weight(to, pixel - pixels->low, 1);
}

const struct roi_axis_kind roi_closed_pixel_axis = {place, reach, weights, CLOSED};
const struct roi_axis_kind roi_open_pixel_axis = {place, reach, weights, OPEN};
