/* tiles_forward.c - crops from maps: rings, and the division of the work. */
#include <stdlib.h>

#include "common/array.h"
#include "common/memory.h"
#include "drive/job.h"
#include "drive/way.h"

enum {
    CHANNELS_TOGETHER = 64,      /* of a tile, where the map has its channels together */
    LINES_TOGETHER = 64,         /* lines of a tile, at most, where the map has its channels together, ... */
    ROW_LINES = 8192,            /* ... and lines of a row of a box, of all lines of the tile */
    SLICE_BINS = 1 << 17,        /* of a slice: a few thousand times what its tables cost */
    STREAM_CROPS_BYTES = 8 << 20 /* of results that are written by non-temporal stores */
};

/* ---- Rings ----------------------------------------------------------------------------------------------------- */

/* Boxes of levels that are read in place do not use a ring. */
static void settle_rings(struct roi_job *job)
{
    for (int64_t k = 0; k < job->count; k++) {
        struct roi_plan *plan = &job->plans[k];
        if (plan->way == ROI_LINES_IN_RING && roi_way_in_place(job->call, plan->box->level))
            plan->way = ROI_LINES_IN_MAP;
        plan->ring = plan->way == ROI_LINES_IN_RING ? &job->rings[plan->box->level] : NULL;
        if (plan->ring)
            job->scratch_size.ring = max_i64(job->scratch_size.ring, plan->ring->rows * plan->ring->stride);
    }
}

/* ---- Tiles ----------------------------------------------------------------------------------------------------- */

/* The number of lines of a tile: if lines are read in place, those of a pixel, or equal parts of them of at most the largest
   size; else one. */
static int64_t lines_of_a_tile(const struct roi_job *job)
{
    const int64_t line = roi_line_channels(job->call->rule.axis.single);
    const int64_t room = ROW_LINES * line / max_i64(job->scratch_size.row, 1);
    const int64_t most = max_i64(1, min_i64(room, LINES_TOGETHER));
    const int64_t lines = groups_of(job->call->crops->shape[AXIS_C], line);
    for (int64_t level = 0; level < job->call->levels; level++)
        if (!roi_way_in_place(job->call, level))
            return 1;
    return groups_of(lines, groups_of(lines, most));
}

/* Whether the crops of successive channels are contiguous. */
static bool can_be_streamed_to(const roi_array *crops)
{
    return crops->strides[AXIS_W] == 1 && crops->strides[AXIS_H] == crops->shape[AXIS_W] &&
           crops->strides[AXIS_C] == crops->shape[AXIS_H] * crops->shape[AXIS_W];
}

/* Whether results are so large that non-temporal stores are faster, even if the results are read next: from memory then, but
   without these stores every cache line of them is read before it is written. */
static bool are_results_large(const struct roi_call *call)
{
    const size_t element = roi_dtype_size(call->crops->dtype) + (call->argmax ? sizeof *call->argmax->data : 0);
    return roi_array_elements(call->crops) >= STREAM_CROPS_BYTES / (int64_t)element;
}

/* Sets the size of scratch memory for tiles of so many lines. */
static void make_room_for_lines(struct roi_job *job, int64_t lines)
{
    const int64_t line = roi_line_channels(job->call->rule.axis.single), bins_y = job->call->crops->shape[AXIS_H];
    const int64_t row = job->scratch_size.row * lines, rows = min_i64(bins_y * row, ROI_TILE_LINES * line);
    job->scratch_size.row = max_i64(row, rows);
    if (job->scratch_size.stage > job->call->crops->shape[AXIS_W] * line) /* one row of bins waits for no other line */
        job->scratch_size.stage *= lines;
}

/* Divides the measured boxes into tiles, and determines the scratch memory of these. */
static void cut_by_boxes(struct roi_job *job)
{
    const struct roi_call *call = job->call;
    job->channels_per_tile = job->maps->strides[AXIS_C] == 1 ? CHANNELS_TOGETHER : ROI_CHANNEL_GROUP;
    if (call->rule.ways.ring) {
        const int64_t lines = lines_of_a_tile(job);
        settle_rings(job);
        make_room_for_lines(job, lines);
        job->channels_per_tile = roi_line_channels(call->rule.axis.single) * lines;
        job->stream = can_be_streamed_to(call->crops) && are_results_large(call);
    }
    const int64_t channel_groups = groups_of(call->crops->shape[AXIS_C], job->channels_per_tile);
    const int64_t plan_groups = job->threads == 1 ? 1 : groups_of(ROI_TILES_PER_THREAD * job->threads, channel_groups);
    job->plans_per_tile = groups_of(job->count, plan_groups);
}

/* Sets the rule of plans. */
static roi_status prepare(struct roi_call *call, struct roi_job *job, roi_error *error_ret)
{
    const int64_t bins_x = call->crops->shape[AXIS_W];
    call->rule.ways = call->pooling->ways;
    call->rule.ways.counts = call->argmax != NULL;
    if (!call->rule.ways.ring)
        return ROI_SUCCESS;
    call->rule.most_bins = round_up(max_i64(SLICE_BINS / max_i64(bins_x, 1), 1), ROI_TILE_ROWS);
    call->rule.rings = job->rings = roi_allocate_zeros(call->levels, sizeof *job->rings);
    if (!job->rings)
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    roi_ways_prepare(call, job->rings);
    return ROI_SUCCESS;
}

static roi_status run_forward(struct roi_call *call, struct roi_job *job, roi_error *error_ret)
{
    ROI_TRY(prepare(call, job, error_ret));
    ROI_TRY(roi_job_plan(job, error_ret));
    cut_by_boxes(job);
    ROI_TRY(roi_job_allocate(job, error_ret));
    return roi_job_run(job);
}

roi_status roi_tiles_forward(const struct roi_call *given, roi_error *error_ret)
{
    struct roi_call forward = *given;
    struct roi_job job = {.call = &forward,
                          .maps = forward.rule.maps,
                          .run = roi_job_run_tile,
                          .items = roi_job_tiles,
                          .kernel = forward.pooling->kernels(forward.crops->dtype)->forward};
    if (roi_array_elements(forward.crops) == 0)
        return ROI_SUCCESS;
    return roi_job_finish(&job, run_forward(&forward, &job, error_ret), error_ret);
}
