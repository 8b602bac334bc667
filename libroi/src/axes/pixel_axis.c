/* pixel_axis.c - kinds of axis whose bins are whole pixels: pixel_axis.h has the theory. Like axis.c it is compiled without
   contraction, and computes in the type of the map, since floor() and ceil() are decided by the last bit. */
#include "axes/pixel_axis.h"

#include <math.h>

static double width_of(double start, double end, bool closed) { return fmax(end - start + (closed ? 1 : 0), 1); }

static struct roi_axis place_float(const struct roi_axis_rule *rule, float corner1, float corner2, bool closed,
                                   int64_t bins)
{
    const float scale = (float)rule->spatial_scale;
    const float start = roundf(corner1 * scale), end = roundf(corner2 * scale);
    return (struct roi_axis){.start = start, .bin = (float)width_of(start, end, closed) / (float)bins, .single = true};
}

static struct roi_axis place_double(const struct roi_axis_rule *rule, double corner1, double corner2, bool closed,
                                    int64_t bins)
{
    const double start = round(corner1 * rule->spatial_scale), end = round(corner2 * rule->spatial_scale);
    return (struct roi_axis){.start = start, .bin = width_of(start, end, closed) / (double)bins, .single = false};
}

/* Whether no number overflows on the way to the end of the last bin. */
static bool fits(const struct roi_axis *axis, int64_t bins)
{
    const double length = axis->bin * (double)bins;
    return isfinite(axis->start) && isfinite(axis->start + length) && isfinite(axis->single ? (float)length : length);
}

static bool place(const struct roi_axis_rule *rule, double corner1, double corner2, bool closed, int64_t bins,
                  int64_t size, struct roi_axis *axis_ret)
{
    const int64_t n = max_i64(bins, 1);
    struct roi_axis axis = {0};
    if (rule->single)
        axis = place_float(rule, (float)corner1, (float)corner2, closed, n);
    if (!rule->single || !fits(&axis, n))
        axis = place_double(rule, corner1, corner2, closed, n);
    axis.bins = bins;
    axis.size = size;
    *axis_ret = axis;
    return fits(&axis, n);
}

static bool place_closed(const struct roi_axis_rule *rule, double corner1, double corner2, int64_t bins, int64_t size,
                         struct roi_axis *axis_ret)
{
    return place(rule, corner1, corner2, true, bins, size, axis_ret);
}

static bool place_open(const struct roi_axis_rule *rule, double corner1, double corner2, int64_t bins, int64_t size,
                       struct roi_axis *axis_ret)
{
    return place(rule, corner1, corner2, false, bins, size, axis_ret);
}

/* A pixel border, moved to the map. In double, where whole numbers are exact as far as a map can reach. */
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
    return low <= high ? (struct roi_reach){0, 0, low, high} : (struct roi_reach){0, 0, 0, -1};
}

static void weights(const struct roi_axis *axis, int64_t bin, const struct roi_reach *pixels, bool single,
                    void *weights_ret)
{
    for (int64_t pixel = pixels->low; pixel <= pixels->high; pixel++)
        roi_put_weight(weights_ret, single, pixel - pixels->low, 1);
}

const struct roi_axis_kind roi_closed_pixel_axis = {place_closed, reach, weights};
const struct roi_axis_kind roi_open_pixel_axis = {place_open, reach, weights};
