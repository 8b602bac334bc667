/* plan.c - builds the weight tables of boxes. */
#include "drive/plan.h"

#include <string.h>

#include "drive/way.h"
#include "common/memory.h"

enum { MOST_SLICES = 16 /* of a box */ };

bool roi_place_box(const struct roi_plan_rule *rule, const struct roi_box *box, bool vertical,
                   struct roi_axis *axis_ret)
{
    struct roi_axis_rule axis_rule = rule->axis;
    axis_rule.spatial_scale = rule->spatial_scales[box->level];
    axis_ret->kind = rule->axis.kind;
    axis_ret->bins = vertical ? rule->bins_y : rule->bins_x;
    axis_ret->size = rule->maps[box->level].shape[vertical ? AXIS_H : AXIS_W];
    return axis_ret->kind->place(&axis_rule, box->corner[vertical], box->corner[2 + vertical], axis_ret);
}

/* How many weights of a bin can differ from 0: one for each pixel, but no more than two for each sample. */
static double weights_of(const struct roi_reach *reach)
{
    const double pixels = (double)(reach->high - reach->low + 1), samples = reach->end - reach->begin;
    return samples > 0 ? min_f64(pixels, 2 * samples) : pixels;
}

/* Sets all but the tables, for bins from `first` on. The number of taps is rounded up, as far as the map allows. */
static void measure_taps(const struct roi_axis *axis, int64_t first, int64_t bins, int64_t multiple,
                         struct roi_taps *taps)
{
    *taps = (struct roi_taps){.taps = 0, .first = INT64_MAX, .end = 0};
    int64_t highest = 0;
    for (int64_t bin = first; bin < first + bins; bin++) {
        const struct roi_reach reach = axis->kind->reach(axis, bin);
        if (reach.low > reach.high)
            continue;
        taps->taps = max_i64(taps->taps, reach.high - reach.low + 1);
        taps->blocked |= weights_of(&reach) > ROI_SUM_BLOCK;
        taps->first = min_i64(taps->first, reach.low);
        highest = max_i64(highest, reach.low);
    }
    taps->taps = min_i64(round_up(taps->taps, multiple), axis->size);
    /* As fill_bin moves them. */
    taps->first = min_i64(taps->first, axis->size - taps->taps);
    taps->end = min_i64(highest, axis->size - taps->taps) + taps->taps;
}

/* Whole words, so that what follows is aligned. */
static int64_t weights_bytes(const struct roi_plan_rule *rule, int64_t bins, int64_t taps)
{
    return round_up(roi_bytes(bins, roi_bytes(taps, (int64_t)roi_real_size(rule->axis.single))), sizeof(int64_t));
}

static int64_t taps_bytes(const struct roi_plan_rule *rule, int64_t bins, int64_t taps)
{
    return roi_bytes(bins, sizeof(int64_t)) + weights_bytes(rule, bins, taps);
}

/* ---- Without weights of 0 -------------------------------------------------------------------------------------- */

/* Room for as many as there are taps. */
static int64_t sparse_bytes(const struct roi_plan_rule *rule, int64_t bins, int64_t taps)
{
    return roi_bytes(bins, roi_bytes(taps, sizeof(int64_t))) + weights_bytes(rule, bins, taps);
}

static double weight_at(const struct roi_plan_rule *rule, const void *weights, int64_t at)
{
    return rule->axis.single ? (double)((const float *)weights)[at] : ((const double *)weights)[at];
}

/* The most weights of a bin that are not 0, at least one; all, where none is left out. */
static int64_t most_weights(const struct roi_plan_rule *rule, const struct roi_taps *taps, int64_t bins)
{
    int64_t most = 1;
    if (taps->blocked)
        return taps->taps;
    for (int64_t bin = 0; bin < bins; bin++) {
        int64_t count = 0;
        for (int64_t k = 0; k < taps->taps; k++)
            count += weight_at(rule, taps->weights, bin * taps->taps + k) != 0;
        most = max_i64(most, count);
    }
    return most;
}

struct roi_layout roi_layout_of_rows(const struct roi_plan_rule *rule, const struct roi_plan *plan)
{
    if (rule->patch_stride)
        return (struct roi_layout){0, INT64_MAX, rule->patch_stride};
    if (plan->way == ROI_LINES_IN_RING)
        return (struct roi_layout){0, plan->ring->rows, plan->ring->stride};
    return (struct roi_layout){0, INT64_MAX, rule->maps[plan->box->level].strides[AXIS_H]};
}

struct roi_layout roi_layout_of_columns(const struct roi_plan_rule *rule, const struct roi_plan *plan)
{
    return (struct roi_layout){plan->x.first, INT64_MAX, roi_line_channels(rule->axis.single)};
}

static void fill_sparse_bin(const struct roi_plan_rule *rule, const struct roi_taps *taps, int64_t bin,
                            const struct roi_layout *layout, struct roi_sparse *sparse)
{
    const struct roi_weights to = {sparse->weights, rule->axis.single};
    int64_t at = bin * sparse->taps, place = (taps->low[bin] - layout->first) % layout->modulus, last = place;
    for (int64_t k = 0; k < taps->taps; k++, place = place + 1 < layout->modulus ? place + 1 : 0) {
        const double weight = weight_at(rule, taps->weights, bin * taps->taps + k);
        if (weight == 0 && !sparse->together && !sparse->blocked)
            continue;
        last = place;
        sparse->offsets[at] = place * layout->stride;
        roi_put_weight(to, at++, weight);
    }
    for (; at < (bin + 1) * sparse->taps; at++) {
        sparse->offsets[at] = last * layout->stride;
        roi_put_weight(to, at, 0);
    }
}

static void fill_sparse(const struct roi_plan_rule *rule, const struct roi_taps *taps, int64_t bins,
                        struct roi_layout layout, struct roi_sparse *sparse, char *memory)
{
    sparse->offsets = (int64_t *)(void *)memory;
    sparse->weights = memory + (size_t)(bins * taps->taps) * sizeof(int64_t);
    sparse->blocked = taps->blocked;
    sparse->low = taps->low;
    for (int64_t bin = 0; bin < bins; bin++)
        fill_sparse_bin(rule, taps, bin, &layout, sparse);
}

/* ---- Both passes ----------------------------------------------------------------------------------------------- */

/* Whether slices of so many rows of bins fit a ring, all of them that have a row on the map. */
static bool slices_fit(const struct roi_plan_rule *rule, const struct roi_plan *plan, const struct roi_axis *axis,
                       int64_t bins)
{
    for (int64_t bin = 0; bin < plan->bins; bin += bins) {
        struct roi_taps y;
        measure_taps(axis, bin, min_i64(bins, plan->bins - bin), 1, &y);
        if (y.taps > 0 && !roi_way_fits_ring(rule, plan, y.end - y.first))
            return false;
    }
    return true;
}

/* As few slices as are small enough, and fit a ring if such slices do. */
static int64_t slices_of(const struct roi_plan_rule *rule, const struct roi_plan *plan, const struct roi_axis *axis)
{
    const int64_t small = rule->most_bins ? max_i64(1, groups_of(plan->bins, rule->most_bins)) : 1;
    if (plan->way == ROI_LINES_IN_RING || plan->y.taps == 0 || !roi_way_fits_ring(rule, plan, 1))
        return small;
    const int64_t room = rule->rings[plan->box->level].most_height;
    const int64_t least = max_i64(small, groups_of(plan->y.end - plan->y.first, room));
    for (int64_t slices = least; slices < small + MOST_SLICES && slices <= plan->bins; slices++) {
        const int64_t bins = groups_of(plan->bins, slices);
        if (slices_fit(rule, plan, axis, bins))
            return groups_of(plan->bins, bins);
    }
    return small;
}

/* Whether plans have the sparse table of rows; and that of columns, which only boxes that are pooled from lines use. */
static bool has_sparse_rows(const struct roi_plan_rule *rule) { return rule->ways.ring || rule->patch_stride; }

static bool has_sparse_columns(const struct roi_plan_rule *rule, const struct roi_plan *plan)
{
    return rule->patch_stride || plan->way == ROI_LINES_IN_RING || plan->way == ROI_LINES_IN_MAP;
}

bool roi_plan_measure(const struct roi_plan_rule *rule, struct roi_plan *plan)
{
    const bool whole = plan->bins == rule->bins_y, blocked = plan->y.blocked;
    struct roi_axis y, x;
    if (!roi_place_box(rule, plan->box, true, &y) || (whole && !roi_place_box(rule, plan->box, false, &x)))
        return false;
    measure_taps(&y, plan->first_bin, plan->bins, 1, &plan->y);
    if (whole)
        measure_taps(&x, 0, rule->bins_x, rule->fours ? 4 : 1, &plan->x);
    else
        plan->y.blocked = blocked;
    roi_way_choose(rule, plan);
    plan->slices = whole ? slices_of(rule, plan, &y) : 1;
    plan->bytes = taps_bytes(rule, plan->bins, plan->y.taps) + taps_bytes(rule, rule->bins_x, plan->x.taps);
    if (has_sparse_rows(rule))
        plan->bytes += sparse_bytes(rule, plan->bins, plan->y.taps);
    if (has_sparse_columns(rule, plan))
        plan->bytes += sparse_bytes(rule, rule->bins_x, plan->x.taps);
    return true;
}

/* Moves the first pixel down where `taps` pixels from it would pass the border; the weights move up with it. False
   where no sample of the bin is on the map: its weights are zeros, its place is still open. */
static bool fill_bin(const struct roi_plan_rule *rule, const struct roi_axis *axis, int64_t first, int64_t bin,
                     struct roi_taps *taps)
{
    const struct roi_reach reach = axis->kind->reach(axis, first + bin);
    char *weights = (char *)taps->weights + (size_t)(bin * taps->taps) * roi_real_size(rule->axis.single);
    memset(weights, 0, (size_t)taps->taps * roi_real_size(rule->axis.single));
    if (reach.low > reach.high)
        return false;
    taps->low[bin] = min_i64(reach.low, axis->size - taps->taps);
    weights += (size_t)(reach.low - taps->low[bin]) * roi_real_size(rule->axis.single);
    axis->kind->weights(axis, first + bin, &reach, (struct roi_weights){weights, rule->axis.single});
    return true;
}

/* Bins outside the map lie before or behind those on it, and take the place of the nearest. */
static void fill_taps(const struct roi_plan_rule *rule, const struct roi_axis *axis, int64_t first, int64_t bins,
                      struct roi_taps *taps, char *memory)
{
    taps->low = (int64_t *)(void *)memory;
    taps->weights = memory + (size_t)bins * sizeof(int64_t);
    if (taps->taps == 0)
        return;
    int64_t outside = 0;
    for (int64_t bin = 0; bin < bins; bin++) {
        const bool inside = fill_bin(rule, axis, first, bin, taps);
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
    fill_taps(rule, &y, plan->first_bin, plan->bins, &plan->y, memory);
    memory += taps_bytes(rule, plan->bins, plan->y.taps);
    fill_taps(rule, &x, 0, rule->bins_x, &plan->x, memory);
    memory += taps_bytes(rule, rule->bins_x, plan->x.taps);
    if (!has_sparse_rows(rule) || plan->y.taps == 0 || plan->x.taps == 0)
        return;
    plan->rows.taps = most_weights(rule, &plan->y, plan->bins);
    fill_sparse(rule, &plan->y, plan->bins, roi_layout_of_rows(rule, plan), &plan->rows, memory);
    memory += sparse_bytes(rule, plan->bins, plan->y.taps);
    if (!has_sparse_columns(rule, plan))
        return;
    plan->columns.taps = most_weights(rule, &plan->x, rule->bins_x);
    plan->columns.together = plan->columns.taps == plan->x.taps;
    fill_sparse(rule, &plan->x, rule->bins_x, roi_layout_of_columns(rule, plan), &plan->columns, memory);
}

/* ---- Rows that enter a ring ------------------------------------------------------------------------------------ */

static bool shares_ring(const struct roi_plan *a, const struct roi_plan *b)
{
    return a->way == ROI_LINES_IN_RING && a->ring == b->ring && a->box->image == b->box->image;
}

/* Rows of boxes that follow each other without a gap have their words one after the other, each row one. */
void roi_plan_mark(struct roi_plan *plans, int64_t count, uint64_t *blocks)
{
    int64_t end = 0; /* of the rows that have words so far; the next word is that of this row */
    for (int64_t k = 0; k < count; k++) {
        struct roi_plan *plan = &plans[k];
        if (plan->way != ROI_LINES_IN_RING)
            continue;
        plan->goes_on = k > 0 && shares_ring(&plans[k - 1], plan);
        if (!plan->goes_on || plan->y.first > end)
            end = plan->y.first;
        for (; end < plan->y.end; end++)
            *blocks++ = 0;
        plan->blocks = blocks - (end - plan->y.first);
        for (int64_t y = plan->y.first; y < plan->y.end; y++)
            plan->blocks[y - plan->y.first] |= roi_ring_blocks(plan->ring, plan->x.first, plan->x.end);
    }
}
