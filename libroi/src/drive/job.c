/* job.c - tables for all boxes, then chunks of work for the kernels: see tiles.h. */
#include "drive/job.h"

#include <stdlib.h>

#include "common/array.h"
#include "common/guard.h"
#include "common/memory.h"

enum {
    MEASURE_GROUP = 64,   /* boxes planned at a time by one thread */
    SWATH = 32,           /* rows of the map whose boxes follow each other from left to right */
    CHUNK_BYTES = 4 << 20 /* of weight tables that are held at a time */
};

/* ---- Planning -------------------------------------------------------------------------------------------------- */

static void measure_group(void *context, int64_t group, int thread)
{
    struct roi_job *job = context;
    const struct roi_pooling *pooling = job->call->pooling;
    const int64_t end = min_i64((group + 1) * MEASURE_GROUP, job->call->count);
    for (int64_t k = group * MEASURE_GROUP; k < end; k++) {
        job->plans[k] = (struct roi_plan){
            .box = &job->call->boxes[k], .row = k, .bins = job->call->rule.bins_y, .slices = 1};
        if (pooling->measure && !pooling->measure(&job->call->rule, &job->plans[k]))
            job->plans[k].row = -1;
    }
}

static int compare_i64(int64_t a, int64_t b) { return (a > b) - (a < b); }

/* Boxes of a ring are sorted from top to bottom, as rows enter it; others by swath, then from left to right, then from top to
   bottom, so that neighbours read pixels that are still in L2. */
static int compare_places(const struct roi_plan *a, const struct roi_plan *b)
{
    const bool ring = a->way == ROI_LINES_IN_RING;
    int order = compare_i64(ring, b->way == ROI_LINES_IN_RING);
    if (order == 0 && !ring)
        order = compare_i64(a->y.first / SWATH, b->y.first / SWATH);
    if (order == 0 && !ring)
        order = compare_i64(a->x.first, b->x.first);
    return order ? order : compare_i64(a->y.first, b->y.first);
}

/* By map, then by place. There are no ties, so that the order, which is also the order of sums backward, depends on the
   boxes alone. */
static int compare_plans(const void *first, const void *second)
{
    const struct roi_plan *a = first, *b = second;
    int order = compare_i64(a->box->level, b->box->level);
    if (order == 0)
        order = compare_i64(a->box->image, b->box->image);
    if (order == 0)
        order = compare_places(a, b);
    if (order == 0)
        order = compare_i64(a->row, b->row);
    return order ? order : compare_i64(a->first_bin, b->first_bin);
}

/* Puts the plans of a box's slices behind `end`, the last one first. */
static void cut_into_slices(const struct roi_job *job, const struct roi_plan *whole, struct roi_plan *end)
{
    const int64_t bins = groups_of(whole->bins, whole->slices);
    for (int64_t bin = (whole->slices - 1) * bins; bin >= 0; bin -= bins) {
        struct roi_plan slice = *whole;
        slice.first_bin = bin;
        slice.bins = min_i64(bins, whole->bins - bin);
        job->call->pooling->measure(&job->call->rule, &slice);
        *--end = slice;
    }
}

/* Replaces boxes by their slices. */
static roi_status cut_boxes(struct roi_job *job)
{
    const int64_t boxes = job->count;
    for (int64_t k = 0; k < boxes; k++)
        job->count += job->plans[k].slices - 1;
    if (job->count == boxes)
        return ROI_SUCCESS;
    struct roi_plan *plans = roi_reallocate(job->plans, job->count, sizeof *plans);
    if (!plans)
        return ROI_ERROR_MEMORY;
    job->plans = plans;
    struct roi_plan *end = plans + job->count;
    for (int64_t k = boxes - 1; k >= 0; k--) {
        const struct roi_plan whole = plans[k];
        if (whole.slices == 1)
            end[-1] = whole;
        else
            cut_into_slices(job, &whole, end);
        end -= whole.slices;
    }
    return ROI_SUCCESS;
}

roi_status roi_job_plan(struct roi_job *job, roi_error *error_ret)
{
    const struct roi_call *call = job->call;
    const double guess = (double)call->count * 2000; /* planning a box costs about as much as 2000 multiply-adds */
    job->count = call->count;
    job->plans = roi_allocate(job->count, sizeof *job->plans);
    if (!job->plans)
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    ROI_TRY(roi_parallel_for(groups_of(call->count, MEASURE_GROUP), roi_threads_for(guess), call->cancel, measure_group,
                             job));
    for (int64_t k = 0; k < call->count; k++)
        if (job->plans[k].row < 0)
            return roi_fail(error_ret, ROI_ERROR_BOX_OVERFLOW, k, -1, 0);
    ROI_TRY(roi_report(error_ret, cut_boxes(job)));
    for (int64_t k = 0; k < job->count; k++) {
        const struct roi_plan *plan = &job->plans[k];
        if (call->pooling->include)
            call->pooling->include(&job->scratch_size, plan, call->crops);
        if (plan->way == ROI_LINES_IN_RING)
            roi_ring_include(&job->rings[plan->box->level], plan->y.end - plan->y.first, plan->x.end - plan->x.first);
        job->work += (double)call->crops->shape[AXIS_C] * call->pooling->work(&call->rule, plan);
    }
    job->threads = roi_threads_for(job->work);
    return ROI_SUCCESS;
}

/* Bytes of plan->blocks. */
static int64_t blocks_bytes(const struct roi_plan *plan)
{
    return plan->way == ROI_LINES_IN_RING ? roi_bytes(plan->y.end - plan->y.first, sizeof *plan->blocks) : 0;
}

/* The end of the chunk that begins at `begin`: at least one box, else as many as CHUNK_BYTES hold. */
static int64_t chunk_end(const struct roi_job *job, int64_t begin, int64_t *bytes_ret)
{
    int64_t end = begin;
    *bytes_ret = 0;
    for (; end < job->count; end++) {
        const int64_t bytes = job->plans[end].bytes + blocks_bytes(&job->plans[end]);
        if (end > begin && *bytes_ret + bytes > CHUNK_BYTES)
            break;
        *bytes_ret += bytes;
    }
    return end;
}

bool roi_job_is_one_chunk(const struct roi_job *job)
{
    int64_t bytes;
    return chunk_end(job, 0, &bytes) == job->count;
}

static int64_t largest_chunk(const struct roi_job *job)
{
    int64_t bytes, most = 0;
    for (int64_t begin = 0; begin < job->count; begin = chunk_end(job, begin, &bytes)) {
        chunk_end(job, begin, &bytes);
        most = max_i64(most, bytes);
    }
    return most;
}

/* Allocates `bytes` and scratch memory for each thread; for fewer threads if there is not enough memory. */
static void find_memory(struct roi_job *job, int64_t bytes)
{
    while (!(job->memory = roi_allocate(roi_bytes(job->threads, job->scratch_bytes) + bytes, 1)) && job->threads > 1)
        job->threads /= 2;
}

roi_status roi_job_allocate(struct roi_job *job, roi_error *error_ret)
{
    const int64_t scratch = roi_scratch_bytes(&job->scratch_size, job->call->rule.axis.single);
    const int64_t tables = largest_chunk(job);
    job->scratch_bytes = round_up(scratch + ROI_GUARD_BYTES, ROI_PAGE_BYTES);
    find_memory(job, tables + ROI_GUARD_BYTES + ROI_PAGE_BYTES);
    if (!job->memory)
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    const uintptr_t address = (uintptr_t)job->memory;
    job->scratch = (char *)job->memory + (ROI_PAGE_BYTES - address % ROI_PAGE_BYTES) % ROI_PAGE_BYTES;
    job->tables = roi_job_scratch(job, job->threads);
    for (int thread = 0; thread < job->threads; thread++)
        roi_guard(roi_job_scratch(job, thread) + scratch, (size_t)(job->scratch_bytes - scratch));
    roi_guard(job->tables + tables, ROI_GUARD_BYTES);
    return ROI_SUCCESS;
}

void roi_job_sort(struct roi_job *job)
{
    qsort(job->plans, (size_t)job->count, sizeof *job->plans, compare_plans);
    job->sorted = true;
}

/* ---- Working --------------------------------------------------------------------------------------------------- */

static void fill_group(void *context, int64_t group, int thread)
{
    struct roi_job *job = context;
    const int64_t begin = job->begin + group * MEASURE_GROUP, end = min_i64(begin + MEASURE_GROUP, job->end);
    for (int64_t k = begin; k < end && job->call->pooling->fill; k++)
        job->call->pooling->fill(&job->call->rule, &job->plans[k]);
}

struct roi_tile roi_job_tile(const struct roi_job *job, int64_t channel)
{
    const struct roi_call *call = job->call;
    return (struct roi_tile){.maps = job->maps,
                             .crops = call->crops,
                             .argmax = call->argmax,
                             .plans = job->plans,
                             .scratch_size = &job->scratch_size,
                             .plan_begin = job->begin,
                             .plan_end = job->end,
                             .channel_begin = channel,
                             .channel_end = min_i64(channel + job->channels_per_tile, call->crops->shape[AXIS_C]),
                             .patch_stride = call->rule.patch_stride,
                             .stream = job->stream,
                             .counted = call->counted};
}

void roi_job_run_tile(void *context, int64_t item, int thread)
{
    struct roi_job *job = context;
    const int64_t plan_groups = groups_of(job->end - job->begin, job->plans_per_tile);
    struct roi_tile tile = roi_job_tile(job, item / plan_groups * job->channels_per_tile);
    tile.plan_begin += item % plan_groups * job->plans_per_tile;
    tile.plan_end = min_i64(tile.plan_begin + job->plans_per_tile, job->end);
    job->kernel(&tile, roi_job_scratch(job, thread));
}

int64_t roi_job_tiles(const struct roi_job *job)
{
    const int64_t *shape = job->call->crops->shape;
    return groups_of(shape[AXIS_C], job->channels_per_tile) * groups_of(job->end - job->begin, job->plans_per_tile);
}

/* Fills the tables of the chunk [begin, end), then works on it. Forward, boxes are sorted within their chunk only: among
   more boxes, neighbours on the map would be too far apart in the result. */
static roi_status run_chunk(struct roi_job *job)
{
    const struct roi_call *call = job->call;
    const int64_t count = job->end - job->begin;
    int64_t offset = 0;
    if (!job->sorted)
        qsort(job->plans + job->begin, (size_t)count, sizeof *job->plans, compare_plans);
    roi_plan_mark(job->plans + job->begin, count, (uint64_t *)(void *)job->tables);
    for (int64_t k = job->begin; k < job->end; k++)
        offset += blocks_bytes(&job->plans[k]);
    for (int64_t k = job->begin; k < job->end; offset += job->plans[k++].bytes)
        job->plans[k].tables = job->tables + offset;
    ROI_TRY(roi_parallel_for(groups_of(count, MEASURE_GROUP), job->threads, call->cancel, fill_group, job));
    return roi_parallel_for(job->items(job), job->threads, call->cancel, job->run, job);
}

roi_status roi_job_run(struct roi_job *job)
{
    int64_t bytes;
    for (job->begin = 0; job->begin < job->count; job->begin = job->end) {
        job->end = chunk_end(job, job->begin, &bytes);
        ROI_TRY(run_chunk(job));
    }
    return ROI_SUCCESS;
}

roi_status roi_job_finish(struct roi_job *job, roi_status status, roi_error *error_ret)
{
    free(job->plans);
    free(job->rings);
    free(job->memory);
    return status == ROI_CANCELLED ? roi_fail(error_ret, status, -1, -1, 0) : status;
}
