/* crowd.c - boxes that can suppress each other. */
#include "overlap/crowd.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/entry_points.h"
#include "common/memory.h"

enum { BATCH = 64 }; /* of IoU that are computed at once */

bool roi_crowd_allocate(struct roi_crowd *crowd, const struct roi_candidates *candidates, int64_t capacity)
{
    *crowd = (struct roi_crowd){0};
    crowd->extents = roi_allocate(capacity, sizeof *crowd->extents);
    crowd->rotated = candidates->rotated ? roi_allocate(capacity, sizeof *crowd->rotated) : NULL;
    crowd->gone = roi_allocate(capacity, sizeof *crowd->gone);
    const bool near = roi_neighbours_allocate(&crowd->neighbours, capacity, candidates->single);
    return near && crowd->extents && crowd->gone && (crowd->rotated || !candidates->rotated);
}

void roi_crowd_free(struct roi_crowd *crowd)
{
    free(crowd->extents);
    free(crowd->rotated);
    free(crowd->gone);
    roi_neighbours_free(&crowd->neighbours);
}

/* Above which exact IoU are members near enough to be judged, so that none is missed whose rounded IoU is above the
   threshold. Rounding to float changes an IoU by less than 2^-19 of it, where neither areas nor their intersection lose
   digits by being small; else all that overlap are near enough. */
static double least_iou(const struct roi_crowd *crowd, const struct roi_candidates *candidates, double threshold)
{
    if (!crowd->in_float)
        return threshold;
    return candidates->single && threshold >= 0x1p-20 ? threshold * (1 - 0x1p-18) : 0;
}

void roi_crowd_gather(struct roi_crowd *crowd, const struct roi_candidates *candidates, const int64_t *ranks,
                      int64_t count, double threshold)
{
    for (int64_t i = 0; i < count; i++) {
        const int64_t row = candidates->row[ranks ? ranks[i] : i];
        crowd->extents[i] = candidates->extents[row];
        if (crowd->rotated)
            crowd->rotated[i] = candidates->rotated[row];
    }
    memset(crowd->gone, 0, (size_t)count);
    crowd->count = count;
    crowd->threshold = threshold;
    crowd->neighbours.threshold = least_iou(crowd, candidates, threshold);
    crowd->neighbours.reach_threshold = crowd->rotated ? 0 : crowd->neighbours.threshold;
    crowd->in_order = false;
}

void roi_crowd_put_in_order(struct roi_crowd *crowd)
{
    roi_neighbours_build(&crowd->neighbours, crowd->extents, crowd->gone, crowd->count);
    crowd->in_order = true;
}

void roi_crowd_remove(struct roi_crowd *crowd, int64_t member)
{
    if (crowd->in_order)
        roi_neighbours_remove(&crowd->neighbours, member);
}

/* An IoU of upright boxes is at most 1, also where it is evaluated in float: an intersection is no larger than either
   area, and rounding keeps that order. */
bool roi_crowd_can_exceed(const struct roi_crowd *crowd) { return crowd->rotated || crowd->threshold < 1; }

/* ---- IoU ------------------------------------------------------------------------------------------------------- */

static void judge_in_float(const struct roi_crowd *crowd, int64_t member, const int64_t *others, int64_t count,
                           double *iou_ret)
{
    for (int64_t i = 0; i < count; i++)
        iou_ret[i] = (double)roi_iou_of_extents_in_float(&crowd->extents[member], &crowd->extents[others[i]]);
}

/* Boxes as kernels take them, field by field. */
static void judge_upright(const struct roi_crowd *crowd, int64_t member, const int64_t *others, int64_t count,
                          double *iou_ret)
{
    double many[ROI_UPRIGHT_FIELDS - 1][BATCH]; /* without the angle, which this kind of overlap does not ask for */
    struct roi_extent one = crowd->extents[member];
    const struct roi_iou_fields one_fields = {
        {&one.corner[0], &one.corner[1], &one.corner[2], &one.corner[3], &one.area, &one.area}};
    const struct roi_iou_fields many_fields = {{many[0], many[1], many[2], many[3], many[4], many[4]}};
    for (int64_t i = 0; i < count; i++) {
        const struct roi_extent *other = &crowd->extents[others[i]];
        for (int field = 0; field < 4; field++)
            many[field][i] = other->corner[field];
        many[4][i] = other->area;
    }
    roi_iou_kernels(ROI_FLOAT64)->upright(ROI_IOU, &one_fields, 0, &many_fields, 0, count, iou_ret);
}

static void to_fields(const struct roi_rotated *box, double (*fields)[BATCH], int64_t at)
{
    double values[ROI_ROTATED_FIELDS];
    memcpy(values, box, sizeof values);
    for (int i = 0; i < ROI_ROTATED_FIELDS; i++)
        fields[i][at] = values[i];
}

static void judge_rotated(const struct roi_crowd *crowd, int64_t member, const int64_t *others, int64_t count,
                          double *iou_ret)
{
    double one[ROI_ROTATED_FIELDS][BATCH], many[ROI_ROTATED_FIELDS][BATCH];
    struct roi_iou_fields one_fields, many_fields;
    for (int i = 0; i < ROI_ROTATED_FIELDS; i++) {
        one_fields.field[i] = one[i];
        many_fields.field[i] = many[i];
    }
    to_fields(&crowd->rotated[member], one, 0);
    for (int64_t i = 0; i < count; i++)
        to_fields(&crowd->rotated[others[i]], many, i);
    roi_iou_kernels(ROI_FLOAT64)->rotated(ROI_IOU, &one_fields, 0, &many_fields, 0, count, iou_ret);
}

/* ---- Taking ---------------------------------------------------------------------------------------------------- */

struct taking {
    struct roi_crowd *crowd;
    void (*blame)(void *context, int64_t other, double iou);
    void *context;
};

/* At most BATCH. */
static void judge(const struct taking *taking, int64_t member, const int64_t *others, int64_t count)
{
    const struct roi_crowd *crowd = taking->crowd;
    double iou[BATCH];
    if (crowd->rotated)
        judge_rotated(crowd, member, others, count, iou);
    else if (crowd->in_float)
        judge_in_float(crowd, member, others, count, iou);
    else
        judge_upright(crowd, member, others, count, iou);
    for (int64_t i = 0; i < count; i++)
        if (iou[i] > crowd->threshold)
            taking->blame(taking->context, others[i], iou[i]);
}

static void visit(void *context, int64_t member, const int64_t *others, int64_t count)
{
    for (int64_t begin = 0; begin < count; begin += BATCH)
        judge(context, member, others + begin, min_i64(BATCH, count - begin));
}

void roi_crowd_sweep(struct roi_crowd *crowd, int64_t member, void (*blame)(void *context, int64_t other, double iou),
                     void *context)
{
    const struct taking taking = {crowd, blame, context};
    int64_t others[BATCH], found = 0;
    for (int64_t other = member + 1; other < crowd->count; other++) {
        others[found] = other;
        found += !crowd->gone[other];
        if (found < BATCH)
            continue;
        judge(&taking, member, others, found);
        found = 0;
    }
    judge(&taking, member, others, found);
}

void roi_crowd_take(struct roi_crowd *crowd, int64_t member, void (*blame)(void *context, int64_t other, double iou),
                    void *context)
{
    struct taking taking = {crowd, blame, context};
    if (!roi_crowd_can_exceed(crowd))
        roi_crowd_remove(crowd, member);
    else
        roi_neighbours_take(&crowd->neighbours, &crowd->extents[member], member, visit, &taking);
}
