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

bool roi_plan_measure(const struct roi_plan_rule *rule, struct roi_plan *plan)
{
    struct roi_axis y, x;
    if (!roi_place_box(rule, plan->box, true, &y) || !roi_place_box(rule, plan->box, false, &x))
        return false;
    measure_taps(rule, &y, rule->bins_y, 1, &plan->y);
    measure_taps(rule, &x, rule->bins_x, rule->fours ? 4 : 1, &plan->x);
    plan->bytes = taps_bytes(rule, rule->bins_y, plan->y.taps) + taps_bytes(rule, rule->bins_x, plan->x.taps);
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
    fill_taps(rule, &y, rule->bins_y, &plan->y, plan->tables);
    fill_taps(rule, &x, rule->bins_x, &plan->x, (char *)plan->tables + taps_bytes(rule, rule->bins_y, plan->y.taps));
}
