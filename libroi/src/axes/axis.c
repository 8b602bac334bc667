/* axis.c - RoIAlign's samples along one axis: see axis.h. */
#include "axes/axis.h"

#include <math.h>

/*
 * This file is compiled without contraction of a * b + c: ceil() and the comparisons with the map's border are decided
 * by the last bit, and must fall as they do in the implementations that write the same formula.
 */

/* ---- Samples in ascending order -------------------------------------------------------------------------------- */

static float within_float(float bin, float grid, float i) { return (i + 0.5f) * bin / grid; }

/* The distance of sample i from the beginning of its bin. */
static double within(const struct roi_axis *axis, double i)
{
    if (axis->single)
        return within_float((float)axis->bin, (float)axis->grid, (float)i);
    return (i + 0.5) * axis->bin / axis->grid;
}

/* The distance of the j-th smallest sample from the beginning of its bin. In a mirrored box samples descend, so that they
   are counted from the other end. */
static double part_of(const struct roi_axis *axis, double j)
{
    const double i = axis->bin < 0 ? axis->grid - 1 - j : j;
    return axis->grid <= ROI_FEW_SAMPLES ? axis->within[(int)i] : within(axis, i);
}

static float add_float(float start, float bin, float p, float part) { return start + p * bin + part; }

static double position_at(const struct roi_axis *axis, int64_t p, double part)
{
    if (axis->single)
        return add_float((float)axis->start, (float)axis->bin, (float)p, (float)part);
    return axis->start + (double)p * axis->bin + part;
}

static double position(const struct roi_axis *axis, int64_t p, double j)
{
    return position_at(axis, p, part_of(axis, j));
}

/* The next numbers after and before j; where adding 1 has no effect, the neighbouring doubles. */
static double after(double j) { return j + 1 > j ? j + 1 : nextafter(j, INFINITY); }
static double before(double j) { return j - 1 < j ? j - 1 : nextafter(j, -INFINITY); }

/* The smallest j in [from, end) whose sample is at or above `bound`, or end. Rounding keeps positions ascending (not
   strictly), which is all that the search needs: it doubles its step, then halves the rest. The numbers of samples may
   lie far beyond 2^53, where j + 1 == j: the step grows all the same, and the halving stops at neighbours. */
static double seek(const struct roi_axis *axis, int64_t p, double from, double end, double bound)
{
    if (from >= end || position(axis, p, before(end)) < bound)
        return end;
    if (position(axis, p, from) >= bound)
        return from;
    double below = from, step = 1;
    while (below + step < end && position(axis, p, below + step) < bound) {
        below += step;
        step *= 2;
    }
    double above = fmin(below + step, end);
    for (;;) {
        const double middle = floor(below + (above - below) / 2);
        if (middle <= below || middle >= above)
            return above;
        if (position(axis, p, middle) < bound)
            below = middle;
        else
            above = middle;
    }
}

/* ---- Where the samples of a box lie ---------------------------------------------------------------------------- */

/* The smallest whole number above a float is the same in double. */
static double grid_of(const struct roi_axis_rule *rule, double bin)
{
    const bool empty = rule->flat_is_empty && bin == 0;
    return rule->sampling_ratio > 0 && !empty ? (double)rule->sampling_ratio : ceil(bin);
}

/* A box without bins is placed like one with one bin. */
static double bins_of(const struct roi_axis *axis) { return (double)max_i64(axis->bins, 1); }

static void place_float(const struct roi_axis_rule *rule, float corner1, float corner2, struct roi_axis *axis)
{
    const float scale = (float)rule->spatial_scale, offset = rule->aligned ? 0.5f : 0.0f;
    const float start = corner1 * scale - offset, end = corner2 * scale - offset;
    const float size = rule->aligned ? end - start : fmaxf(end - start, 1.0f);
    axis->start = start;
    axis->bin = size / (float)bins_of(axis);
    axis->grid = grid_of(rule, axis->bin);
    axis->single = true;
}

static void place_double(const struct roi_axis_rule *rule, double corner1, double corner2, struct roi_axis *axis)
{
    const double offset = rule->aligned ? 0.5 : 0.0;
    const double start = corner1 * rule->spatial_scale - offset, end = corner2 * rule->spatial_scale - offset;
    const double size = rule->aligned ? end - start : fmax(end - start, 1.0);
    axis->start = start;
    axis->bin = size / bins_of(axis);
    axis->grid = grid_of(rule, axis->bin);
    axis->single = false;
}

/* Whether no position overflows on its way, in double or in float: neither start + p * bin nor (i + 0.5) * bin. */
static bool fits_double(const struct roi_axis *axis)
{
    return isfinite(axis->start) && isfinite(axis->bin) && isfinite(axis->start + axis->bin * bins_of(axis));
}

static bool fits_float(const struct roi_axis *axis)
{
    return fits_double(axis) && isfinite((float)(axis->start + axis->bin * bins_of(axis))) &&
           isfinite((float)(axis->bin * axis->grid));
}

/* The result is written in place: a struct that is returned would be copied several times. */
static bool place(const struct roi_axis_rule *rule, double corner1, double corner2, struct roi_axis *axis)
{
    if (rule->single)
        place_float(rule, (float)corner1, (float)corner2, axis);
    if (!rule->single || !fits_float(axis))
        place_double(rule, corner1, corner2, axis);
    axis->beyond = axis->single ? nextafterf((float)axis->size, INFINITY) : nextafter((double)axis->size, INFINITY);
    for (int i = 0; i < ROI_FEW_SAMPLES && axis->grid <= ROI_FEW_SAMPLES && i < axis->grid; i++)
        axis->within[i] = within(axis, i);
    axis->lowest = axis->grid >= 1 ? part_of(axis, 0) : 0;
    axis->highest = axis->grid >= 1 ? part_of(axis, before(axis->grid)) : 0;
    return fits_double(axis);
}

/* ---- Runs ------------------------------------------------------------------------------------------------------ */

struct roi_stop roi_stop_at(double position, int64_t size)
{
    const int64_t last = size - 1;
    if (position <= 0)
        return (struct roi_stop){0, min_i64(1, last), 0};
    if (position >= (double)last)
        return (struct roi_stop){last, last, 0};
    const int64_t low = (int64_t)position;
    return (struct roi_stop){low, low + 1, position - (double)low};
}

/* Samples that share their two pixels: `count` of them, from `first` to `last`; the means of their weights for the pixel
   below and for the one above, which are their fractions and what is left of these to 1. */
struct run {
    struct roi_stop first, last;
    double count, below, above;
};

/* Up to so many samples are added up one by one, each rounded as it is; the sum of more is that of the arithmetic series
   which they would be without rounding. */
enum { MOST_SINGLE_SAMPLES = 64 };

static double mean_part(const struct roi_axis *axis, int64_t p, double j, double count, bool below)
{
    double sum = 0, lost = 0; /* what rounding takes from the sum is added to the next term */
    for (double i = 0; i < count; i++) {
        const double fraction = roi_stop_at(position(axis, p, j + i), axis->size).fraction;
        const double term = (below ? 1 - fraction : fraction) + lost, next = sum + term;
        lost = term - (next - sum);
        sum = next;
    }
    return sum / count;
}

/* The larger mean is computed as 1 minus the smaller one; the reverse would cost the smaller one digits. */
static void take_means(const struct roi_axis *axis, int64_t p, double j, struct run *run)
{
    const double first = run->first.fraction, last = run->last.fraction;
    run->below = ((1 - first) + (1 - last)) / 2;
    run->above = (first + last) / 2;
    if (first == last || run->count <= 2 || run->count > MOST_SINGLE_SAMPLES)
        return;
    const bool below = run->below < run->above;
    const double smaller = mean_part(axis, p, j, run->count, below);
    run->below = below ? smaller : 1 - smaller;
    run->above = below ? 1 - smaller : smaller;
}

/* The run that begins with sample j; *j becomes the sample after it. */
static struct run next_run(const struct roi_axis *axis, int64_t p, const struct roi_reach *reach, double *j)
{
    const double at = position(axis, p, *j);
    const struct roi_stop first = roi_stop_at(at, axis->size);
    double bound = (double)first.high;
    if (at < 0)
        bound = 0; /* all of these are moved to pixel 0 */
    else if (first.low == first.high)
        bound = INFINITY;
    const double next = seek(axis, p, after(*j), fmax(reach->end, after(*j)), bound); /* j itself is below the bound */
    struct run run = {first, next > after(*j) ? roi_stop_at(position(axis, p, before(next)), axis->size) : first,
                      next - *j, 0, 0};
    take_means(axis, p, *j, &run);
    *j = next;
    return run;
}

/* The samples of a bin that are on the map. */
static struct roi_reach samples_inside(const struct roi_axis *axis, int64_t bin)
{
    const double begin = seek(axis, bin, 0, axis->grid, -1);
    return (struct roi_reach){begin, seek(axis, bin, begin, axis->grid, axis->beyond), 0, -1};
}

struct roi_reach roi_sampled_reach(const struct roi_axis *axis, int64_t bin)
{
    struct roi_reach reach = {0, axis->grid, 0, -1};
    if (axis->size == 0 || !(axis->grid >= 1))
        return roi_no_pixels;
    double first = position_at(axis, bin, axis->lowest), last = position_at(axis, bin, axis->highest);
    if (first < -1 || last >= axis->beyond) { /* most boxes have all of them there */
        reach = samples_inside(axis, bin);
        if (reach.begin == reach.end)
            return roi_no_pixels;
        first = position(axis, bin, reach.begin);
        last = position(axis, bin, before(reach.end));
    }
    const struct roi_stop high = roi_stop_at(last, axis->size);
    reach.low = roi_stop_at(first, axis->size).low;
    reach.high = high.fraction > 0 ? high.high : high.low;
    return reach;
}

/* Weights of a bin that are being added up. Samples ascend, so only two pixels still grow: `pixel` and the one above. */
struct sums {
    const struct roi_reach *reach;
    struct roi_weights to;
    int64_t pixel;
    double below, above;
};

static void add_up(struct sums *sums, int64_t low, double below, double above)
{
    for (; sums->pixel < low; sums->pixel++, sums->below = sums->above, sums->above = 0)
        roi_put_weight(sums->to, sums->pixel - sums->reach->low, sums->below);
    sums->below += below;
    sums->above += above;
}

static void add_up_samples(const struct roi_axis *axis, int64_t bin, struct sums *sums)
{
    const double share = 1 / axis->grid;
    for (double j = sums->reach->begin; j < sums->reach->end; j++) {
        const struct roi_stop stop = roi_stop_at(position(axis, bin, j), axis->size);
        add_up(sums, stop.low, share * (1 - stop.fraction), share * stop.fraction);
    }
}

static void add_up_runs(const struct roi_axis *axis, int64_t bin, struct sums *sums)
{
    for (double j = sums->reach->begin; j < sums->reach->end;) {
        const struct run run = next_run(axis, bin, sums->reach, &j);
        const double share = run.count / axis->grid;
        add_up(sums, run.first.low, share * run.below, share * run.above);
    }
}

static void weights(const struct roi_axis *axis, int64_t bin, const struct roi_reach *reach, struct roi_weights to)
{
    struct sums sums = {reach, to, reach->low, 0, 0};
    if (reach->end - reach->begin <= ROI_FEW_SAMPLES) /* not worth looking for runs in */
        add_up_samples(axis, bin, &sums);
    else
        add_up_runs(axis, bin, &sums);
    if (sums.pixel <= reach->high)
        roi_put_weight(to, sums.pixel - reach->low, sums.below);
    if (sums.pixel < reach->high)
        roi_put_weight(to, sums.pixel + 1 - reach->low, sums.above);
}

const struct roi_axis_kind roi_sampled_axis = {place, roi_sampled_reach, weights, 0};

/* A pixel of weight 0 is not read. */
static struct roi_stop without_weight_0(struct roi_stop stop)
{
    stop.high = stop.fraction > 0 ? stop.high : stop.low;
    return stop;
}

int64_t roi_axis_stops(const struct roi_axis *axis, int64_t bin, const struct roi_reach *reach,
                       struct roi_stop *stops_ret)
{
    int64_t count = 0;
    for (double j = reach->begin; j < reach->end;) {
        const struct run run = next_run(axis, bin, reach, &j);
        stops_ret[count++] = without_weight_0(run.first);
        if (run.last.fraction > run.first.fraction)
            stops_ret[count++] = without_weight_0(run.last);
    }
    return count;
}
