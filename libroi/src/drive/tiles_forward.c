/* tiles_forward.c - crops from maps: rings, and how the work is cut. */
#include <stdlib.h>

#include "common/array.h"
#include "drive/job.h"

enum {
    CHANNELS_TOGETHER = 64, /* of a tile, where the map has its channels together */
    LINES_TOGETHER = 64,    /* lines of a tile where pixels lie together, if rows of boxes are no longer than ... */
    ROW_LINES = 8192,       /* ... so many lines */
    REUSE = 16,             /* how often pixels are read that are worth a copy */
    LEAST_CHANNELS = 4,     /* that are worth lines of which the other lanes idle, ... */
    WIDTH_OF_A_LINE = 128   /* ... for boxes of at most so many pixels, times the part of the lanes that do not */
};

/* ---- Rings ----------------------------------------------------------------------------------------------------- */

/* Whether a map's pixels are lines, and read too seldom to be worth a ring. */
static bool is_read_in_place(const struct roi_job *job, int64_t level)
{
    const roi_array *map = &job->maps[level];
    const double pixels = (double)map->shape[AXIS_N] * (double)map->shape[AXIS_H] * (double)map->shape[AXIS_W];
    return !job->call->pooling->copies && map->strides[AXIS_C] == 1 &&
           map->shape[AXIS_C] >= roi_line_channels(job->call->rule.axis.narrow) &&
           job->rings[level].pixels < REUSE * pixels;
}

/* Of boxes that are worth lines: of few channels, wide boxes have fuller vectors along their rows, where these are in one
   piece. */
static int64_t most_width(const struct roi_call *call, const roi_array *map)
{
    const bool narrow = call->rule.axis.narrow;
    const int64_t channels = call->crops->shape[AXIS_C], line = roi_line_channels(narrow);
    if (channels < LEAST_CHANNELS)
        return 0;
    if (channels >= line && call->pooling->most_width && map->strides[AXIS_W] == 1)
        return call->pooling->most_width;
    if (channels >= line || (map->strides[AXIS_W] != 1 && !roi_has_whole_pixels(map, narrow)))
        return INT64_MAX;
    return WIDTH_OF_A_LINE * channels / line;
}

static roi_status make_rings(struct roi_job *job, roi_error *error_ret)
{
    const struct roi_call *call = job->call;
    job->rings = calloc((size_t)call->levels, sizeof *job->rings);
    if (!job->rings)
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    for (int64_t level = 0; level < call->levels; level++)
        job->rings[level].most_width = most_width(call, &job->maps[level]);
    return ROI_SUCCESS;
}

/* Some levels turn out not to want them. */
static void settle_rings(struct roi_job *job)
{
    for (int64_t level = 0; level < job->call->levels; level++) {
        struct roi_ring *ring = &job->rings[level];
        ring->closed = ring->closed || is_read_in_place(job, level);
        if (ring->closed)
            continue;
        roi_ring_settle(ring, job->maps[level].shape[AXIS_W], job->call->rule.axis.narrow);
        job->scratch_size.ring = max_i64(job->scratch_size.ring, ring->rows * ring->stride);
    }
    for (int64_t k = 0; k < job->count; k++)
        if (job->plans[k].ring && job->plans[k].ring->closed)
            job->plans[k].ring = NULL;
}

/* ---- Tiles ----------------------------------------------------------------------------------------------------- */

/* Lines of a tile: where they lie together all of a pixel, or equal parts of them that are as large as they may be. */
static int64_t lines_of_a_tile(const struct roi_job *job)
{
    const int64_t line = roi_line_channels(job->call->rule.axis.narrow);
    const int64_t room = ROW_LINES * line / max_i64(job->scratch_size.row, 1);
    const int64_t most = max_i64(1, min_i64(room, LINES_TOGETHER));
    const int64_t lines = groups_of(job->call->crops->shape[AXIS_C], line);
    for (int64_t level = 0; level < job->call->levels; level++)
        if (!is_read_in_place(job, level))
            return 1;
    return groups_of(lines, groups_of(lines, most));
}

static int64_t channels_of_a_tile(const struct roi_job *job)
{
    if (job->call->pooling->lines)
        return roi_line_channels(job->call->rule.axis.narrow) * lines_of_a_tile(job);
    return job->maps->strides[AXIS_C] == 1 ? CHANNELS_TOGETHER : ROI_CHANNEL_GROUP;
}

/* Whether channels of crops lie together. */
static bool can_be_streamed_to(const roi_array *crops)
{
    return crops->strides[AXIS_W] == 1 && crops->strides[AXIS_H] == crops->shape[AXIS_W] &&
           crops->strides[AXIS_C] == crops->shape[AXIS_H] * crops->shape[AXIS_W];
}

/* How many channels before channel 0 tiles begin: where cache lines of the map do, so that none is read for the rings of two
   tiles. One tile has the last channels and the first then, which lie apart in crops and get there by streaming. */
static int64_t skew_of_tiles(const struct roi_job *job)
{
    const int64_t skew = roi_line_skew(&job->maps[0]);
    bool same = can_be_streamed_to(job->call->crops) && !job->call->argmax;
    for (int64_t level = 0; level < job->call->levels; level++)
        same = same && !is_read_in_place(job, level) && roi_line_skew(&job->maps[level]) == skew;
    return same ? skew : 0;
}

/* Rows of bins of a tile. */
static int64_t strip_of(const struct roi_job *job)
{
    const struct roi_call *call = job->call;
    return call->pooling->strip ? call->pooling->strip(call->crops) : call->crops->shape[AXIS_H];
}

/* Cuts boxes that have been measured into tiles, and settles what scratch memory these need. */
static void cut_by_boxes(struct roi_job *job)
{
    const struct roi_call *call = job->call;
    job->channels_per_tile = channels_of_a_tile(job);
    job->bins_per_tile = strip_of(job);
    const int64_t channel_groups = groups_of(call->crops->shape[AXIS_C], job->channels_per_tile);
    const int64_t plan_groups = job->threads == 1 ? 1 : groups_of(ROI_TILES_PER_THREAD * job->threads, channel_groups);
    job->plans_per_tile = groups_of(job->count, plan_groups);
    if (!call->pooling->lines)
        return;
    settle_rings(job);
    const int64_t line = roi_line_channels(call->rule.axis.narrow);
    const int64_t lines = lines_of_a_tile(job), row = job->scratch_size.row * lines;
    const int64_t rows = min_i64(job->bins_per_tile * row, ROI_TILE_LINES * line);
    job->scratch_size.row = max_i64(row, rows);
    if (job->scratch_size.stage > call->crops->shape[AXIS_W] * line) /* one row of bins waits for no other line */
        job->scratch_size.stage *= lines;
    job->stream = can_be_streamed_to(call->crops) && roi_job_is_large(call->crops);
    job->skew = skew_of_tiles(job);
}

roi_status roi_tiles_forward(const struct roi_call *given, roi_error *error_ret)
{
    struct roi_call forward = *given;
    struct roi_job job = {.call = &forward,
                          .maps = forward.rule.maps,
                          .run = roi_job_run_tile,
                          .items = roi_job_tiles,
                          .kernel = forward.pooling->kernels(forward.crops->dtype)->forward};
    roi_status status = ROI_SUCCESS;
    if (roi_array_elements(forward.crops) == 0)
        return ROI_SUCCESS;
    if (forward.pooling->lines)
        status = make_rings(&job, error_ret);
    forward.rule.sparse = forward.pooling->lines;
    forward.rule.rings = job.rings;
    forward.rule.banded = forward.pooling->lines && strip_of(&job) >= forward.rule.bins_y;
    if (status == ROI_SUCCESS)
        status = roi_job_plan(&job, error_ret);
    if (status == ROI_SUCCESS) {
        cut_by_boxes(&job);
        status = roi_job_allocate(&job, error_ret);
    }
    if (status == ROI_SUCCESS)
        status = roi_job_run(&job);
    return roi_job_finish(&job, status, error_ret);
}
