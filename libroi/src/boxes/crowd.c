/* crowd.c - boxes that can suppress each other. */
#include "boxes/crowd.h"

#include <stdlib.h>
#include <string.h>

#include "boxes/iou_kernel.h"

enum { BATCH = 64 }; /* of IoU that are computed at once */

bool roi_crowd_allocate(struct roi_crowd *crowd, const struct roi_candidates *candidates, int64_t capacity)
{
    const size_t count = (size_t)capacity;
    *crowd = (struct roi_crowd){0};
    crowd->extents = malloc(count * sizeof *crowd->extents + 1);
    crowd->rotated = candidates->rotated ? malloc(count * sizeof *crowd->rotated + 1) : NULL;
    crowd->gone = malloc(count + 1);
    const bool near = roi_neighbours_allocate(&crowd->neighbours, capacity, candidates->narrow);
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
    return candidates->narrow && threshold >= 0x1p-20 ? threshold * (1 - 0x1p-18) : 0;
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
    roi_neighbours_build(&crowd->neighbours, crowd->extents, count);
}

void roi_crowd_remove(struct roi_crowd *crowd, int64_t member) { roi_neighbours_remove(&crowd->neighbours, member); }

/* ---- IoU ------------------------------------------------------------------------------------------------------- */

static void judge_upright(const struct roi_crowd *crowd, int64_t member, const int64_t *others, int64_t count,
                          double *iou_ret)
{
    const struct roi_extent *extents = crowd->extents, *one = &extents[member];
    if (crowd->in_float)
        for (int64_t i = 0; i < count; i++)
            iou_ret[i] = (double)roi_iou_of_extents_in_float(one, &extents[others[i]]);
    else
        for (int64_t i = 0; i < count; i++)
            iou_ret[i] = roi_iou_of_extents(one, &extents[others[i]]);
}

static void to_lanes(const struct roi_rotated *box, double (*lanes)[BATCH], int64_t at)
{
    double values[ROI_ROTATED_LANES];
    roi_rotated_lanes(box, values);
    for (int i = 0; i < ROI_ROTATED_LANES; i++)
        lanes[i][at] = values[i];
}

static void judge_rotated(const struct roi_crowd *crowd, int64_t member, const int64_t *others, int64_t count,
                          double *iou_ret)
{
    double one[ROI_ROTATED_LANES][BATCH], many[ROI_ROTATED_LANES][BATCH];
    struct roi_iou_lanes one_lanes, many_lanes;
    for (int i = 0; i < ROI_ROTATED_LANES; i++) {
        one_lanes.lane[i] = one[i];
        many_lanes.lane[i] = many[i];
    }
    to_lanes(&crowd->rotated[member], one, 0);
    for (int64_t i = 0; i < count; i++)
        to_lanes(&crowd->rotated[others[i]], many, i);
    roi_iou_kernels()->rotated_double(ROI_IOU, &one_lanes, 0, &many_lanes, 0, count, iou_ret);
}

/* ---- Taking ---------------------------------------------------------------------------------------------------- */

struct taking {
    struct roi_crowd *crowd;
    void (*blame)(void *context, int64_t other, double iou);
    void *context;
};

static void visit(void *context, int64_t member, const int64_t *others, int64_t count)
{
    const struct taking *taking = context;
    const struct roi_crowd *crowd = taking->crowd;
    double iou[BATCH];
    for (int64_t begin = 0; begin < count; begin += BATCH) {
        const int64_t size = min_i64(BATCH, count - begin);
        if (crowd->rotated)
            judge_rotated(crowd, member, others + begin, size, iou);
        else
            judge_upright(crowd, member, others + begin, size, iou);
        for (int64_t i = 0; i < size; i++)
            if (iou[i] > crowd->threshold)
                taking->blame(taking->context, others[begin + i], iou[i]);
    }
}

void roi_crowd_take(struct roi_crowd *crowd, int64_t member,
                    void (*blame)(void *context, int64_t other, double iou), void *context)
{
    struct taking taking = {crowd, blame, context};
    roi_neighbours_take(&crowd->neighbours, &crowd->extents[member], member, visit, &taking);
}
