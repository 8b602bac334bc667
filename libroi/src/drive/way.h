/*
 * way.h - the way in which a box is pooled (enum roi_way in plan.h): from lines of channels in a ring or in the map, by whole
 * pixels, by rows, or number by number
 *
 * Which way is fastest depends on the layout of the map, its number of channels, and the size of the box. All ways give the
 * same bits. An operator lists those that it has (struct roi_ways). roi_way_choose decides, and the plan keeps the choice. It
 * is changed afterwards only where more is known: RoIPool has no lines for a box with an empty bin (operators/pool.c), a box
 * that fits no ring is cut into slices that do (slices_of in plan.c), and a level of few boxes is read in place
 * (roi_way_in_place).
 */
#ifndef ROI_WAY_H
#define ROI_WAY_H

#include "drive/call.h"

/* Before boxes are measured: what rings of each level may take. */
void roi_ways_prepare(const struct roi_call *call, struct roi_ring *rings);

/* Of a plan whose sides are measured: sets way and rest. */
void roi_way_choose(const struct roi_plan_rule *rule, struct roi_plan *plan);

/* Whether a box, `height` rows of it at a time, could be pooled from a ring. */
bool roi_way_fits_ring(const struct roi_plan_rule *rule, const struct roi_plan *plan, int64_t height);

/* When all boxes are measured: whether those of a level that would come from a ring are read where they lie in the map. */
bool roi_way_in_place(const struct roi_call *call, int64_t level);

/* The way of a plan for so many channels. */
static inline enum roi_way roi_way_for(const struct roi_plan *plan, int64_t channels, int64_t line)
{
    return plan->way == ROI_LINES_IN_MAP && channels < line ? plan->rest : plan->way;
}

#endif
