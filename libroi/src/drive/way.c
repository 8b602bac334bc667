/* way.c - chooses the way of a box: see way.h. */
#include "drive/way.h"

#include "drive/ring.h"

enum {
    LEAST_CHANNELS = 4,    /* for vectors along the channels, ... */
    WIDTH_OF_A_LINE = 128, /* ... and the widest box, in pixels, times the share of the lanes that are in use */
    REUSE = 16             /* pixels are copied to a ring if boxes read them at least so often */
};

/* Boxes that are worth lines have at most so many columns: of few channels, wide boxes have fuller vectors along their rows,
   where these are in one piece. */
static int64_t most_width(const struct roi_call *call, const roi_array *map)
{
    const bool single = call->rule.axis.single;
    const int64_t channels = call->crops->shape[AXIS_C], line = roi_line_channels(single);
    if (channels < LEAST_CHANNELS)
        return 0;
    if (channels >= line && call->rule.ways.most_width && map->strides[AXIS_W] == 1)
        return call->rule.ways.most_width;
    if (channels >= line || (map->strides[AXIS_W] != 1 && !roi_has_whole_pixels(map, single)))
        return INT64_MAX;
    return WIDTH_OF_A_LINE * channels / line;
}

void roi_ways_prepare(const struct roi_call *call, struct roi_ring *rings)
{
    for (int64_t level = 0; level < call->levels; level++)
        roi_ring_prepare(&rings[level], &call->rule.maps[level], most_width(call, &call->rule.maps[level]));
}

static bool has_lines(const roi_array *map, bool single)
{
    return map->strides[AXIS_C] == 1 && map->shape[AXIS_C] >= roi_line_channels(single);
}

/* Vectors along rows need pixels that lie together, and rows of at least a line. */
static bool has_rows(const struct roi_plan_rule *rule, const struct roi_plan *plan)
{
    const roi_array *map = &rule->maps[plan->box->level];
    return !rule->ways.plain_rows ||
           (map->strides[AXIS_W] == 1 && map->shape[AXIS_W] >= roi_line_channels(rule->axis.single));
}

/* Whether the indices of pixels fit in a lane. */
static bool is_countable(const struct roi_plan_rule *rule, const struct roi_plan *plan)
{
    const int64_t *shape = rule->maps[plan->box->level].shape;
    return !rule->ways.counts || shape[AXIS_H] * shape[AXIS_W] <= INT32_MAX;
}

bool roi_way_fits_ring(const struct roi_plan_rule *rule, const struct roi_plan *plan, int64_t height)
{
    return rule->ways.ring && is_countable(rule, plan) && plan->x.taps > 0 &&
           roi_ring_fits(&rule->rings[plan->box->level], height, plan->x.end - plan->x.first);
}

void roi_way_choose(const struct roi_plan_rule *rule, struct roi_plan *plan)
{
    const roi_array *map = &rule->maps[plan->box->level];
    const bool empty = plan->y.taps == 0 || plan->x.taps == 0, single = rule->axis.single;
    plan->rest = is_countable(rule, plan) && has_rows(rule, plan) ? ROI_BY_ROWS : ROI_BY_NUMBERS;
    plan->way = plan->rest;
    if (!empty && roi_way_fits_ring(rule, plan, plan->y.end - plan->y.first))
        plan->way = ROI_LINES_IN_RING;
    else if (!empty && rule->ways.map && has_lines(map, single) && is_countable(rule, plan))
        plan->way = ROI_LINES_IN_MAP;
    else if (!empty && rule->ways.pixels && roi_has_whole_pixels(map, single))
        plan->way = ROI_BY_PIXELS;
}

bool roi_way_in_place(const struct roi_call *call, int64_t level)
{
    const roi_array *map = &call->rule.maps[level];
    const double pixels = (double)map->shape[AXIS_N] * (double)map->shape[AXIS_H] * (double)map->shape[AXIS_W];
    return call->rule.ways.map && has_lines(map, call->rule.axis.single) &&
           call->rule.rings[level].pixels < REUSE * pixels;
}
