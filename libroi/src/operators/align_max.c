/* align_max.c - RoIAlign with a maximum: what is planned for each box. See align_max_kernel.h. */
#include "operators/poolings.h"
#include "kernels/align_max_kernel.h"
#include "kernels/entry_points.h"

#include "common/array.h"
#include "common/memory.h"

/* The largest number of stops of a bin, which is at most one for each sample. */
static int64_t most_stops(const struct roi_reach *reach)
{
    return (int64_t)min_f64((double)roi_most_stops(reach), reach->end - reach->begin);
}

static int64_t count_stops(const struct roi_plan_rule *rule, const struct roi_plan *plan, bool vertical)
{
    struct roi_axis axis;
    int64_t count = 0;
    roi_place_box(rule, plan->box, vertical, &axis);
    const int64_t first = vertical ? plan->first_bin : 0, bins = vertical ? plan->bins : rule->bins_x;
    for (int64_t bin = first; bin < first + bins; bin++) {
        const struct roi_reach reach = roi_sampled_reach(&axis, bin);
        count += most_stops(&reach);
    }
    return count;
}

/* Whether rows of pixels are shared by so many stops that interpolating them first is faster. With AVX2 and two rows for each
   stop, which is the most, it takes 1.1 times as long as sample by sample, with one row 0.8. */
static bool are_samples_dense(const struct roi_plan *plan)
{
    return 2 * (plan->y.end - plan->y.first) < 3 * plan->stops_y;
}

static bool measure(const struct roi_plan_rule *rule, struct roi_plan *plan)
{
    if (!roi_plan_measure(rule, plan))
        return false;
    plan->stops_y = count_stops(rule, plan, true);
    plan->stops_x = count_stops(rule, plan, false);
    plan->dense = !rule->corners && plan->way == ROI_LINES_IN_RING && are_samples_dense(plan);
    plan->bytes = (int64_t)sizeof(struct roi_stop_table) +
                  roi_bytes(plan->bins + rule->bins_x, sizeof(struct roi_bin_stops)) +
                  roi_bytes(plan->stops_y + plan->stops_x, sizeof(struct roi_stop));
    return true;
}

/* scratch.row holds a row of bins, scratch.crop the struct row_cache of align_max_kernel.c and what it points to. */
static void include(struct roi_scratch_size *size, const struct roi_plan *plan, const roi_array *crops)
{
    const bool single = !roi_is_double(crops->dtype);
    const int64_t bins = crops->shape[AXIS_W], line = roi_line_channels(single);
    roi_scratch_include(size, plan, crops);
    size->row = roi_bytes(bins, line);
    if (plan->dense)
        size->crop = max_i64(size->crop, roi_bytes(2 * plan->stops_x + bins + 1, line * (single ? 2 : 1)));
}

static double work(const struct roi_plan_rule *rule, const struct roi_plan *plan)
{
    return 4.0 * (double)plan->stops_y * (double)plan->stops_x;
}

static struct roi_stop *find_stops(const struct roi_plan_rule *rule, const struct roi_plan *plan, bool vertical,
                                   struct roi_stops *stops)
{
    const int64_t first = vertical ? plan->first_bin : 0, bins = vertical ? plan->bins : rule->bins_x;
    struct roi_axis axis;
    int64_t count = 0;
    roi_place_box(rule, plan->box, vertical, &axis);
    for (int64_t bin = 0; bin < bins; bin++) {
        const struct roi_reach reach = roi_sampled_reach(&axis, first + bin);
        const int64_t begin = count;
        count += roi_axis_stops(&axis, first + bin, &reach, stops->stop + begin);
        stops->bins[bin] = (struct roi_bin_stops){begin, count, reach.begin > 0 || reach.end < axis.grid};
    }
    return stops->stop + count;
}

static void fill(const struct roi_plan_rule *rule, struct roi_plan *plan)
{
    struct roi_stop_table *table = plan->tables;
    table->corners = rule->corners;
    table->y.bins = (struct roi_bin_stops *)(void *)(table + 1);
    table->x.bins = table->y.bins + plan->bins;
    table->y.stop = (struct roi_stop *)(void *)(table->x.bins + rule->bins_x);
    table->x.stop = find_stops(rule, plan, true, &table->y);
    find_stops(rule, plan, false, &table->x);
}

const struct roi_pooling roi_largest_pooling = {
    measure, include, work, fill, roi_align_max_kernels, .ways = {.ring = true}};
