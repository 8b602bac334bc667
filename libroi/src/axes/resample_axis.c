/* resample_axis.c - the kinds of axis that resize a whole image: resample_axis.h has the table. */
#include "axes/resample_axis.h"

#include <float.h>
#include <math.h>

/*
 * In these kinds roi_axis.bin is the step, and roi_axis.start the place of a pixel's centre within it: 0.5, or 0 where
 * positions count from centres. roi_axis.grid is the half width of a filter.
 */

static const struct roi_reach nothing = {0, 0, 0, -1};

static double to_real(bool single, double value) { return single ? (double)(float)value : value; }

/* A step beyond the largest number leads beyond the map as surely as that. */
static double to_step(bool single, double step) { return to_real(single, fmin(step, single ? FLT_MAX : DBL_MAX)); }

static double step_of(const struct roi_axis_rule *rule, double given, int64_t bins, int64_t size)
{
    if (rule->aligned)
        return bins > 1 ? (double)(size - 1) / (double)(bins - 1) : 0;
    return given > 0 ? given : (double)size / (double)max_i64(bins, 1);
}

static struct roi_axis axis_of(const struct roi_axis_rule *rule, double step, int64_t bins, int64_t size, bool single)
{
    return (struct roi_axis){.start = rule->aligned ? 0 : 0.5,
                             .bin = to_step(single, step_of(rule, step, bins, size)),
                             .bins = bins,
                             .size = size,
                             .single = single};
}

/* One product and one sum, rounded once: the product of two floats is exact in double. */
static double centre(const struct roi_axis *axis, int64_t bin)
{
    return to_real(axis->single, axis->bin * ((double)bin + axis->start) - axis->start);
}

/* ---- One pixel ------------------------------------------------------------------------------------------------- */

static bool place_pixels(const struct roi_axis_rule *rule, double corner1, double corner2, int64_t bins, int64_t size,
                         struct roi_axis *axis_ret)
{
    *axis_ret = axis_of(rule, corner1, bins, size, true);
    return isfinite(axis_ret->bin);
}

/* Sides that stay, or double, are exact in double, and beyond 2^24 pixels nowhere else. */
static struct roi_reach pixel(const struct roi_axis *axis, double position)
{
    if (axis->size == 0)
        return nothing;
    const bool exact = axis->bin == 1 || axis->bin == 0.5;
    const double at = fmin(floor(exact ? position : (double)(float)position), (double)(axis->size - 1));
    return (struct roi_reach){.low = (int64_t)at, .high = (int64_t)at};
}

static struct roi_reach nearest_reach(const struct roi_axis *axis, int64_t bin)
{
    return pixel(axis, axis->bin * (double)bin);
}

static struct roi_reach exact_reach(const struct roi_axis *axis, int64_t bin)
{
    return pixel(axis, axis->bin * ((double)bin + 0.5));
}

static void pixel_weight(const struct roi_axis *axis, int64_t bin, const struct roi_reach *reach, bool single,
                         void *weights_ret)
{
    roi_put_weight(weights_ret, single, 0, 1);
}

const struct roi_axis_kind roi_nearest_axis = {place_pixels, nearest_reach, pixel_weight};
const struct roi_axis_kind roi_exact_axis = {place_pixels, exact_reach, pixel_weight};

/* ---- Interpolation --------------------------------------------------------------------------------------------- */

static bool place_points(const struct roi_axis_rule *rule, double corner1, double corner2, int64_t bins, int64_t size,
                         struct roi_axis *axis_ret)
{
    *axis_ret = axis_of(rule, corner1, bins, size, rule->single);
    return isfinite(axis_ret->bin);
}

/* A side that stays is copied, whatever the step; and in double, where all its places are exact. */
static bool stays(struct roi_axis *axis)
{
    if (axis->bins != axis->size)
        return false;
    axis->start = 0;
    axis->bin = 1;
    axis->single = false;
    return true;
}

static bool place_lines(const struct roi_axis_rule *rule, double corner1, double corner2, int64_t bins, int64_t size,
                        struct roi_axis *axis_ret)
{
    const bool finite = place_points(rule, corner1, corner2, bins, size, axis_ret);
    return stays(axis_ret) || finite;
}

/* The pixel at or before a position, -1 and the last one included, and how far the next one is on the way. */
struct point {
    int64_t low;
    double fraction;
};

static struct point point_at(const struct roi_axis *axis, double position)
{
    const double last = (double)(axis->size - 1), low = fmin(floor(position), last);
    return (struct point){(int64_t)low, fmin(position - low, 1)};
}

/* Below the first centre and beyond the last one, the border alone is read. */
static struct point line_at(const struct roi_axis *axis, int64_t bin)
{
    return point_at(axis, fmin(fmax(centre(axis, bin), 0), (double)(axis->size - 1)));
}

static struct roi_reach bilinear_reach(const struct roi_axis *axis, int64_t bin)
{
    if (axis->size == 0)
        return nothing;
    const struct point point = line_at(axis, bin);
    return (struct roi_reach){.low = point.low, .high = point.low + (point.fraction > 0)};
}

static void bilinear_weights(const struct roi_axis *axis, int64_t bin, const struct roi_reach *reach, bool single,
                             void *weights_ret)
{
    const struct point point = line_at(axis, bin);
    roi_put_weight(weights_ret, single, 0, 1 - point.fraction);
    if (reach->high > reach->low)
        roi_put_weight(weights_ret, single, 1, point.fraction);
}

const struct roi_axis_kind roi_bilinear_axis = {place_lines, bilinear_reach, bilinear_weights};

/* Keys' piecewise cubic of slope a: 1 at 0, 0 at the other whole numbers, 0 beyond 2. */
static double cubic(double x, double a)
{
    x = fabs(x);
    if (x <= 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/* Pixels beyond the border are the border's. */
static int64_t inside(const struct roi_axis *axis, int64_t at) { return max_i64(0, min_i64(at, axis->size - 1)); }

static struct point cubic_at(const struct roi_axis *axis, int64_t bin)
{
    return point_at(axis, fmin(centre(axis, bin), (double)axis->size));
}

static struct roi_reach bicubic_reach(const struct roi_axis *axis, int64_t bin)
{
    if (axis->size == 0)
        return nothing;
    const struct point point = cubic_at(axis, bin);
    return (struct roi_reach){.low = inside(axis, point.low - 1), .high = inside(axis, point.low + 2)};
}

static void bicubic_weights(const struct roi_axis *axis, int64_t bin, const struct roi_reach *reach, bool single,
                            void *weights_ret)
{
    const struct point point = cubic_at(axis, bin);
    double weight[4] = {0};
    for (int64_t tap = -1; tap <= 2; tap++)
        weight[inside(axis, point.low + tap) - reach->low] += cubic((double)tap - point.fraction, -0.75);
    for (int64_t at = reach->low; at <= reach->high; at++)
        roi_put_weight(weights_ret, single, at - reach->low, weight[at - reach->low]);
}

const struct roi_axis_kind roi_bicubic_axis = {place_points, bicubic_reach, bicubic_weights};

/* ---- Filters --------------------------------------------------------------------------------------------------- */

/* The filter's half width is `radius` steps, and no less than `radius` pixels. Its centre is the bin's, also where
   corners are aligned, which only changes the step. */
static bool place_filter(const struct roi_axis_rule *rule, double corner1, double corner2, int64_t bins, int64_t size,
                         double radius, struct roi_axis *axis_ret)
{
    const bool finite = place_points(rule, corner1, corner2, bins, size, axis_ret);
    const bool same = stays(axis_ret);
    axis_ret->grid = same ? 0.5 : radius * fmax(axis_ret->bin, 1);
    return same || finite;
}

static bool place_triangle(const struct roi_axis_rule *rule, double corner1, double corner2, int64_t bins, int64_t size,
                           struct roi_axis *axis_ret)
{
    return place_filter(rule, corner1, corner2, bins, size, 1, axis_ret);
}

static bool place_keys(const struct roi_axis_rule *rule, double corner1, double corner2, int64_t bins, int64_t size,
                       struct roi_axis *axis_ret)
{
    return place_filter(rule, corner1, corner2, bins, size, 2, axis_ret);
}

static double middle(const struct roi_axis *axis, int64_t bin)
{
    return to_real(axis->single, axis->bin * ((double)bin + 0.5));
}

/* The pixels whose centres lie under the filter; a centre on its border may count or not, for its weight is 0. */
static struct roi_reach filter_reach(const struct roi_axis *axis, int64_t bin)
{
    const double at = middle(axis, bin), size = (double)axis->size;
    const double begin = floor(fmin(fmax(at - axis->grid + 0.5, 0), size));
    const double end = floor(fmin(fmax(at + axis->grid + 0.5, 0), size));
    return begin < end ? (struct roi_reach){.low = (int64_t)begin, .high = (int64_t)end - 1} : nothing;
}

typedef double filter(double x);

static double triangle(double x) { return fmax(1 - fabs(x), 0); }

static double keys(double x) { return cubic(x, -0.5); }

/* Weights add up to 1, also at the border, where a part of the filter is cut off. */
static void filter_weights(const struct roi_axis *axis, int64_t bin, const struct roi_reach *reach, bool single,
                           filter *shape, void *weights_ret)
{
    const double from = middle(axis, bin) - 0.5, width = fmax(axis->bin, 1);
    double total = 0;
    for (int64_t at = reach->low; at <= reach->high; at++)
        total += shape(((double)at - from) / width);
    for (int64_t at = reach->low; at <= reach->high; at++)
        roi_put_weight(weights_ret, single, at - reach->low,
                       total != 0 ? shape(((double)at - from) / width) / total : 0);
}

static void triangle_weights(const struct roi_axis *axis, int64_t bin, const struct roi_reach *reach, bool single,
                             void *weights_ret)
{
    filter_weights(axis, bin, reach, single, triangle, weights_ret);
}

static void keys_weights(const struct roi_axis *axis, int64_t bin, const struct roi_reach *reach, bool single,
                         void *weights_ret)
{
    filter_weights(axis, bin, reach, single, keys, weights_ret);
}

const struct roi_axis_kind roi_triangle_axis = {place_triangle, filter_reach, triangle_weights};
const struct roi_axis_kind roi_keys_axis = {place_keys, filter_reach, keys_weights};

/* ---- Area ------------------------------------------------------------------------------------------------------ */

static bool place_area(const struct roi_axis_rule *rule, double corner1, double corner2, int64_t bins, int64_t size,
                       struct roi_axis *axis_ret)
{
    *axis_ret = (struct roi_axis){.bins = bins, .size = size, .single = rule->single};
    return true;
}

/* floor(a * b / c) for c > 0, where the product may overflow: the quotient is guessed in double, and corrected by the
   rest, which is small, and so right though its two parts wrap around. */
static int64_t scaled(int64_t a, int64_t b, int64_t c)
{
    const int64_t guess = (int64_t)((double)a * (double)b / (double)c);
    const int64_t rest = (int64_t)((uint64_t)a * (uint64_t)b - (uint64_t)guess * (uint64_t)c);
    return guess + (rest >= 0 ? rest / c : -((c - 1 - rest) / c));
}

/* From floor(p * size / bins) to ceil((p + 1) * size / bins). */
static struct roi_reach area_reach(const struct roi_axis *axis, int64_t bin)
{
    if (axis->size == 0)
        return nothing;
    return (struct roi_reach){.low = scaled(bin, axis->size, axis->bins),
                              .high = -scaled(-(bin + 1), axis->size, axis->bins) - 1};
}

static void area_weights(const struct roi_axis *axis, int64_t bin, const struct roi_reach *reach, bool single,
                         void *weights_ret)
{
    const int64_t pixels = reach->high - reach->low + 1;
    for (int64_t k = 0; k < pixels; k++)
        roi_put_weight(weights_ret, single, k, 1 / (double)pixels);
}

const struct roi_axis_kind roi_area_axis = {place_area, area_reach, area_weights};
