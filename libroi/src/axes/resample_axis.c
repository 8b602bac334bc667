/* resample_axis.c - the kinds of axis that resize a whole image: resample_axis.h has the table. */
#include "axes/resample_axis.h"

#include <float.h>
#include <math.h>

/*
 * In these kinds roi_axis.bin is the step, and roi_axis.start the place of a pixel's centre within it: 0.5, or 0 where
 * positions count from centres. roi_axis.grid is the half width of a filter.
 */

static double to_real(bool single, double value) { return single ? (double)(float)value : value; }

/* A step is at most the largest finite number, which leads beyond every map. */
static double to_step(bool single, double step) { return to_real(single, fmin(step, single ? FLT_MAX : DBL_MAX)); }

/* A given step of 0 is none. */
static double step_of(const struct roi_axis_rule *rule, double given, const struct roi_axis *axis)
{
    if (rule->aligned)
        return axis->bins > 1 ? (double)(axis->size - 1) / (double)(axis->bins - 1) : 0;
    return given > 0 ? given : (double)axis->size / (double)max_i64(axis->bins, 1);
}

static bool set_step(const struct roi_axis_rule *rule, double given, bool single, struct roi_axis *axis)
{
    axis->start = rule->aligned ? 0 : 0.5;
    axis->bin = to_step(single, step_of(rule, given, axis));
    axis->single = single;
    return isfinite(axis->bin);
}

/* One product and one sum, rounded once: the product of two floats is exact in double. */
static double centre(const struct roi_axis *axis, int64_t bin)
{
    return to_real(axis->single, axis->bin * ((double)bin + axis->start) - axis->start);
}

/* ---- One pixel ------------------------------------------------------------------------------------------------- */

/* Where in a bin its pixel is looked for, which is the kind's variant. */
enum { BEGINNING, MIDDLE };

static bool place_pixels(const struct roi_axis_rule *rule, double step, double unused, struct roi_axis *axis)
{
    const bool finite = set_step(rule, step, true, axis);
    axis->start = axis->kind->variant == MIDDLE ? 0.5 : 0;
    return finite;
}

/* If a side keeps or doubles its size, positions are exact in double; in float they are not beyond 2^24 pixels. */
static struct roi_reach pixel_reach(const struct roi_axis *axis, int64_t bin)
{
    const double position = axis->bin * ((double)bin + axis->start);
    if (axis->size == 0)
        return roi_no_pixels;
    const bool exact = axis->bin == 1 || axis->bin == 0.5;
    const double at = fmin(floor(exact ? position : (double)(float)position), (double)(axis->size - 1));
    return (struct roi_reach){.low = (int64_t)at, .high = (int64_t)at};
}

static void pixel_weight(const struct roi_axis *axis, int64_t bin, const struct roi_reach *reach, struct roi_weights to)
{
    roi_put_weight(to, 0, 1);
}

const struct roi_axis_kind roi_nearest_axis = {place_pixels, pixel_reach, pixel_weight, BEGINNING};
const struct roi_axis_kind roi_exact_axis = {place_pixels, pixel_reach, pixel_weight, MIDDLE};

/* ---- Interpolation --------------------------------------------------------------------------------------------- */

static bool place_points(const struct roi_axis_rule *rule, double step, double unused, struct roi_axis *axis)
{
    return set_step(rule, step, rule->single, axis);
}

/* A side that keeps its size is copied whatever the step; in double, in which all its positions are exact. */
static bool stays(struct roi_axis *axis)
{
    if (axis->bins != axis->size)
        return false;
    axis->start = 0;
    axis->bin = 1;
    axis->single = false;
    return true;
}

static bool place_lines(const struct roi_axis_rule *rule, double step, double unused, struct roi_axis *axis)
{
    const bool finite = set_step(rule, step, rule->single, axis);
    return stays(axis) || finite;
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
        return roi_no_pixels;
    const struct point point = line_at(axis, bin);
    return (struct roi_reach){.low = point.low, .high = point.low + (point.fraction > 0)};
}

static void bilinear_weights(const struct roi_axis *axis, int64_t bin, const struct roi_reach *reach,
                             struct roi_weights to)
{
    const struct point point = line_at(axis, bin);
    roi_put_weight(to, 0, 1 - point.fraction);
    if (reach->high > reach->low)
        roi_put_weight(to, 1, point.fraction);
}

const struct roi_axis_kind roi_bilinear_axis = {place_lines, bilinear_reach, bilinear_weights, 0};

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
        return roi_no_pixels;
    const struct point point = cubic_at(axis, bin);
    return (struct roi_reach){.low = inside(axis, point.low - 1), .high = inside(axis, point.low + 2)};
}

static void bicubic_weights(const struct roi_axis *axis, int64_t bin, const struct roi_reach *reach,
                            struct roi_weights to)
{
    const struct point point = cubic_at(axis, bin);
    double weight[4] = {0};
    for (int64_t tap = -1; tap <= 2; tap++)
        weight[inside(axis, point.low + tap) - reach->low] += cubic((double)tap - point.fraction, -0.75);
    for (int64_t at = reach->low; at <= reach->high; at++)
        roi_put_weight(to, at - reach->low, weight[at - reach->low]);
}

const struct roi_axis_kind roi_bicubic_axis = {place_points, bicubic_reach, bicubic_weights, 0};

/* ---- Filters --------------------------------------------------------------------------------------------------- */

/* The filter's radius, which is the kind's variant. */
enum { TRIANGLE = 1, KEYS = 2 };

/* The filter's half width is as many steps as its radius, and no less than as many pixels. Its centre is the bin's, also
   where corners are aligned, which only changes the step. */
static bool place_filter(const struct roi_axis_rule *rule, double step, double unused, struct roi_axis *axis)
{
    const bool finite = set_step(rule, step, rule->single, axis), same = stays(axis);
    axis->grid = same ? 0.5 : axis->kind->variant * fmax(axis->bin, 1);
    return same || finite;
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
    return begin < end ? (struct roi_reach){.low = (int64_t)begin, .high = (int64_t)end - 1} : roi_no_pixels;
}

static double filter(const struct roi_axis *axis, double x)
{
    return axis->kind->variant == TRIANGLE ? fmax(1 - fabs(x), 0) : cubic(x, -0.5);
}

/* Weights add up to 1, also at the border, where a part of the filter is cut off. */
static void filter_weights(const struct roi_axis *axis, int64_t bin, const struct roi_reach *reach,
                           struct roi_weights to)
{
    const double from = middle(axis, bin) - 0.5, width = fmax(axis->bin, 1);
    double total = 0;
    for (int64_t at = reach->low; at <= reach->high; at++)
        total += filter(axis, ((double)at - from) / width);
    for (int64_t at = reach->low; at <= reach->high; at++)
        roi_put_weight(to, at - reach->low, total != 0 ? filter(axis, ((double)at - from) / width) / total : 0);
}

const struct roi_axis_kind roi_triangle_axis = {place_filter, filter_reach, filter_weights, TRIANGLE};
const struct roi_axis_kind roi_keys_axis = {place_filter, filter_reach, filter_weights, KEYS};

/* ---- Area ------------------------------------------------------------------------------------------------------ */

static bool place_area(const struct roi_axis_rule *rule, double corner1, double corner2, struct roi_axis *axis)
{
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
        return roi_no_pixels;
    return (struct roi_reach){.low = scaled(bin, axis->size, axis->bins),
                              .high = -scaled(-(bin + 1), axis->size, axis->bins) - 1};
}

static void area_weights(const struct roi_axis *axis, int64_t bin, const struct roi_reach *reach, struct roi_weights to)
{
    const int64_t pixels = reach->high - reach->low + 1;
    for (int64_t k = 0; k < pixels; k++)
        roi_put_weight(to, k, 1 / (double)pixels);
}

const struct roi_axis_kind roi_area_axis = {place_area, area_reach, area_weights, 0};
