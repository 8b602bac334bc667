/* plan.c - builds the weight tables of boxes. */
#include "pool/plan.h"

#include <string.h>

bool roi_place_box(const struct roi_plan_rule *rule, const struct roi_box *box, bool vertical,
                   struct roi_axis *axis_ret)
{
    struct roi_axis_rule axis_rule = rule->axis;
    axis_rule.spatial_scale = rule->spatial_scales[box->level];
    return rule->axis.kind->place(&axis_rule, box->corner[vertical], box->corner[2 + vertical],
                                  vertical ? rule->bins_y : rule->bins_x,
                                  rule->maps[box->level].shape[vertical ? AXIS_H : AXIS_W], axis_ret);
}

/* Sets all but the tables. The number of taps is rounded up, as far as the map allows. */
static void measure_taps(const struct roi_plan_rule *rule, const struct roi_axis *axis, int64_t bins, int64_t multiple,
                         struct roi_taps *taps)
{
    *taps = (struct roi_taps){.taps = 0, .first = INT64_MAX, .end = 0};
    int64_t highest = 0;
    for (int64_t bin = 0; bin < bins; bin++) {
        const struct roi_reach reach = rule->axis.kind->reach(axis, bin);
        if (reach.low > reach.high)
            continue;
        taps->taps = max_i64(taps->taps, reach.high - reach.low + 1);
        taps->first = min_i64(taps->first, reach.low);
        highest = max_i64(highest, reach.low);
    }
    taps->taps = min_i64(round_up(taps->taps, multiple), axis->size);
    /* As fill_bin moves them. */
    taps->first = min_i64(taps->first, axis->size - taps->taps);
    taps->end = min_i64(highest, axis->size - taps->taps) + taps->taps;
}

static size_t real_size(const struct roi_plan_rule *rule) { return rule->axis.narrow ? sizeof(float) : sizeof(double); }

/* Whole words, so that what follows is aligned. */
static size_t weights_bytes(const struct roi_plan_rule *rule, int64_t bins, int64_t taps)
{
    return (size_t)round_up(bins * taps * (int64_t)real_size(rule), sizeof(int64_t));
}

static size_t taps_bytes(const struct roi_plan_rule *rule, int64_t bins, int64_t taps)
{
    return (size_t)bins * sizeof(int64_t) + weights_bytes(rule, bins, taps);
}

/* ---- Without weights of 0 -------------------------------------------------------------------------------------- */

static bool has_lanes(const struct roi_plan_rule *rule, const struct roi_plan *plan)
{
    return rule->lanes && plan->x.end - plan->x.first <= ROI_MOST_LANES && rule->bins_x <= ROI_MOST_LANES;
}

/* Room for as many as there are taps. */
static size_t sparse_bytes(const struct roi_plan_rule *rule, const struct roi_plan *plan)
{
    const int64_t rows = rule->bins_y * plan->y.taps, lanes = round_up(rule->bins_x, ROI_WIDEST_VECTOR) * plan->x.taps;
    if (!rule->sparse)
        return 0;
    return (size_t)rows * sizeof(int64_t) + weights_bytes(rule, rule->bins_y, plan->y.taps) +
           (has_lanes(rule, plan) ? 2 * (size_t)lanes * real_size(rule) : 0);
}

static double weight_at(const struct roi_plan_rule *rule, const void *weights, int64_t at)
{
    return rule->axis.narrow ? (double)((const float *)weights)[at] : ((const double *)weights)[at];
}

/* The most weights of a bin that are not 0, at least one. */
static int64_t most_weights(const struct roi_plan_rule *rule, const struct roi_taps *taps, int64_t bins)
{
    int64_t most = 1;
    for (int64_t bin = 0; bin < bins; bin++) {
        int64_t count = 0;
        for (int64_t k = 0; k < taps->taps; k++)
            count += weight_at(rule, taps->weights, bin * taps->taps + k) != 0;
        most = max_i64(most, count);
    }
    return most;
}

/* Writes the rows of one bin. */
static void fill_rows_of_bin(const struct roi_plan_rule *rule, const struct roi_taps *y, int64_t bin, int64_t stride_y,
                             struct roi_rows *rows)
{
    int64_t at = bin * rows->taps, row = y->low[bin];
    for (int64_t k = 0; k < y->taps; k++) {
        const double weight = weight_at(rule, y->weights, bin * y->taps + k);
        if (weight == 0)
            continue;
        row = y->low[bin] + k;
        rows->offsets[at] = row * stride_y;
        roi_put_weight(rows->weights, rule->axis.narrow, at++, weight);
    }
    for (; at < (bin + 1) * rows->taps; at++) {
        rows->offsets[at] = row * stride_y;
        roi_put_weight(rows->weights, rule->axis.narrow, at, 0);
    }
}

/* Writes the lane of one bin; what it lacks is 0 already. */
static void fill_lane(const struct roi_plan_rule *rule, const struct roi_taps *x, int64_t bin, struct roi_lanes *lanes)
{
    int64_t at = bin;
    for (int64_t k = 0; k < x->taps; k++) {
        const double weight = weight_at(rule, x->weights, bin * x->taps + k);
        const int64_t place = x->low[bin] + k - x->first;
        if (weight == 0)
            continue;
        if (rule->axis.narrow)
            ((int32_t *)lanes->places)[at] = (int32_t)place;
        else
            ((int64_t *)lanes->places)[at] = place;
        roi_put_weight(lanes->weights, rule->axis.narrow, at, weight);
        at += lanes->stride;
    }
}

static void fill_sparse(const struct roi_plan_rule *rule, struct roi_plan *plan, char *memory)
{
    const int64_t stride_y = rule->maps[plan->box->level].strides[AXIS_H];
    struct roi_rows *rows = &plan->rows;
    struct roi_lanes *lanes = &plan->lanes;
    rows->taps = most_weights(rule, &plan->y, rule->bins_y);
    rows->offsets = (int64_t *)(void *)memory;
    rows->weights = memory + (size_t)(rule->bins_y * plan->y.taps) * sizeof(int64_t);
    for (int64_t bin = 0; bin < rule->bins_y; bin++)
        fill_rows_of_bin(rule, &plan->y, bin, stride_y, rows);
    *lanes = (struct roi_lanes){.stride = round_up(rule->bins_x, ROI_WIDEST_VECTOR)};
    if (!has_lanes(rule, plan))
        return;
    lanes->taps = most_weights(rule, &plan->x, rule->bins_x);
    const size_t bytes = (size_t)(lanes->taps * lanes->stride) * real_size(rule);
    lanes->places = (char *)rows->weights + weights_bytes(rule, rule->bins_y, plan->y.taps);
    lanes->weights = (char *)lanes->places + bytes;
    memset(lanes->places, 0, 2 * bytes);
    for (int64_t bin = 0; bin < rule->bins_x; bin++)
        fill_lane(rule, &plan->x, bin, lanes);
}

/* ---- Both passes ----------------------------------------------------------------------------------------------- */

bool roi_plan_measure(const struct roi_plan_rule *rule, struct roi_plan *plan)
{
    struct roi_axis y, x;
    if (!roi_place_box(rule, plan->box, true, &y) || !roi_place_box(rule, plan->box, false, &x))
        return false;
    measure_taps(rule, &y, rule->bins_y, 1, &plan->y);
    measure_taps(rule, &x, rule->bins_x, rule->fours ? 4 : 1, &plan->x);
    plan->bytes = taps_bytes(rule, rule->bins_y, plan->y.taps) + taps_bytes(rule, rule->bins_x, plan->x.taps) +
                  sparse_bytes(rule, plan);
    return true;
}

/* Moves the first pixel down where `taps` pixels from it would pass the border; the weights move up with it. False
   where no sample of the bin is on the map: its weights are zeros, its place is still open. */
static bool fill_bin(const struct roi_plan_rule *rule, const struct roi_axis *axis, int64_t bin, struct roi_taps *taps)
{
    const struct roi_reach reach = rule->axis.kind->reach(axis, bin);
    char *weights = (char *)taps->weights + (size_t)(bin * taps->taps) * real_size(rule);
    memset(weights, 0, (size_t)taps->taps * real_size(rule));
    if (reach.low > reach.high)
        return false;
    taps->low[bin] = min_i64(reach.low, axis->size - taps->taps);
    weights += (size_t)(reach.low - taps->low[bin]) * real_size(rule);
    rule->axis.kind->weights(axis, bin, &reach, rule->axis.narrow, weights);
    return true;
}

/* Bins outside the map lie before or behind those on it, and take the place of the nearest. */
static void fill_taps(const struct roi_plan_rule *rule, const struct roi_axis *axis, int64_t bins,
                      struct roi_taps *taps, char *memory)
{
    taps->low = (int64_t *)(void *)memory;
    taps->weights = memory + (size_t)bins * sizeof(int64_t);
    if (taps->taps == 0)
        return;
    int64_t outside = 0;
    for (int64_t bin = 0; bin < bins; bin++) {
        const bool inside = fill_bin(rule, axis, bin, taps);
        if (!inside && bin > outside)
            taps->low[bin] = taps->low[bin - 1];
        if (!inside && bin == outside)
            outside++;
        if (inside && bin == outside)
            for (int64_t before = 0; before < outside; before++)
                taps->low[before] = taps->low[bin];
    }
}

void roi_plan_fill(const struct roi_plan_rule *rule, struct roi_plan *plan)
{
    struct roi_axis y, x;
    roi_place_box(rule, plan->box, true, &y);
    roi_place_box(rule, plan->box, false, &x);
    char *memory = plan->tables;
    fill_taps(rule, &y, rule->bins_y, &plan->y, memory);
    memory += taps_bytes(rule, rule->bins_y, plan->y.taps);
    fill_taps(rule, &x, rule->bins_x, &plan->x, memory);
    memory += taps_bytes(rule, rule->bins_x, plan->x.taps);
    if (rule->sparse && plan->y.taps > 0 && plan->x.taps > 0)
        fill_sparse(rule, plan, memory);
}
