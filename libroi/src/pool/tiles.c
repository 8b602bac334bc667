/* tiles.c - tables for all boxes, then tiles of work for the kernels: tiles.h has the theory. */
#include "pool/tiles.h"

#include <stdlib.h>

#include "common/array.h"
#include "common/convert.h"
#include "common/parallel.h"

enum {
    MEASURE_GROUP = 64,       /* boxes planned at a time by one thread */
    CHANNEL_GROUP = 8,        /* channels of a tile: neighbours in the result, so that cache lines are written whole */
    CHANNELS_TOGETHER = ROI_CHANNELS_AT_ONCE, /* the same where the map has its channels together */
    TILES_PER_THREAD = 4,     /* so that no thread waits long for the last one */
    CHUNK_BYTES = 4 << 20,    /* of weight tables that are held at a time */
    ALIGNMENT = 64
};

struct job {
    const struct roi_call *call;
    const roi_array *maps; /* that the kernel works on: the call's, or the sum of gradients */
    struct roi_plan *plans;
    char *tables;
    void *scratch_memory;
    char *scratch; /* the same, aligned; one part for each thread */
    struct roi_scratch_size scratch_size;
    size_t scratch_bytes;
    int threads;
    double work; /* multiply-adds */
    /* The chunk at hand, and how it is cut into tiles. */
    int64_t begin, end, plans_per_tile, channels_per_tile, bins_per_tile;
    roi_tile_kernel *kernel;
};

/* ---- Planning -------------------------------------------------------------------------------------------------- */

static void measure_group(void *context, int64_t group, int thread)
{
    struct job *job = context;
    const struct roi_pooling *pooling = job->call->pooling;
    const int64_t end = min_i64((group + 1) * MEASURE_GROUP, job->call->count);
    (void)thread;
    for (int64_t k = group * MEASURE_GROUP; k < end; k++) {
        job->plans[k] = (struct roi_plan){.box = &job->call->boxes[k], .row = k};
        if (pooling->measure && !pooling->measure(&job->call->rule, &job->plans[k]))
            job->plans[k].row = -1;
    }
}

static int compare_i64(int64_t a, int64_t b) { return (a > b) - (a < b); }

/* By map, then from top to bottom: neighbours read the same rows, which are still in the cache. Never a tie, so that
   the order, and with it the order of sums backward, depends on nothing but the boxes. */
static int compare_plans(const void *first, const void *second)
{
    const struct roi_plan *a = first, *b = second;
    int order = compare_i64(a->box->level, b->box->level);
    if (order == 0)
        order = compare_i64(a->box->image, b->box->image);
    if (order == 0)
        order = compare_i64(a->y.first, b->y.first);
    return order ? order : compare_i64(a->row, b->row);
}

/* Sizes of all tables and of scratch memory. */
static roi_status measure(struct job *job, roi_error *error_ret)
{
    const struct roi_call *call = job->call;
    const double guess = (double)call->count * 2000; /* planning a box costs about as much as 2000 multiply-adds */
    const roi_status status = roi_parallel_for(groups_of(call->count, MEASURE_GROUP), roi_threads_for(guess),
                                               call->cancel, measure_group, job);
    if (status != ROI_SUCCESS)
        return roi_fail(error_ret, status, -1, -1, 0);
    for (int64_t k = 0; k < call->count; k++) {
        if (job->plans[k].row < 0)
            return roi_fail(error_ret, ROI_ERROR_BOX_OVERFLOW, k, -1, 0);
        if (call->pooling->include)
            call->pooling->include(&job->scratch_size, &job->plans[k], call->crops);
        job->work += (double)call->crops->shape[AXIS_C] * call->pooling->work(&call->rule, &job->plans[k]);
    }
    job->threads = roi_threads_for(job->work);
    return ROI_SUCCESS;
}

/* The end of the chunk that begins at `begin`: at least one box, else as many as CHUNK_BYTES hold. */
static int64_t chunk_end(const struct job *job, int64_t begin, size_t *bytes_ret)
{
    int64_t end = begin;
    *bytes_ret = 0;
    while (end < job->call->count && (end == begin || *bytes_ret + job->plans[end].bytes <= CHUNK_BYTES))
        *bytes_ret += job->plans[end++].bytes;
    return end;
}

static size_t largest_chunk(const struct job *job)
{
    size_t bytes, most = 0;
    for (int64_t begin = 0; begin < job->call->count; begin = chunk_end(job, begin, &bytes)) {
        chunk_end(job, begin, &bytes);
        most = bytes > most ? bytes : most;
    }
    return most;
}

static roi_status allocate(struct job *job, roi_error *error_ret)
{
    job->scratch_bytes = roi_scratch_bytes(&job->scratch_size, job->call->rule.axis.narrow);
    job->tables = malloc(largest_chunk(job) + 1);
    job->scratch_memory = malloc(job->scratch_bytes * (size_t)job->threads + ALIGNMENT);
    if (!job->tables || !job->scratch_memory)
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    const uintptr_t address = (uintptr_t)job->scratch_memory;
    job->scratch = (char *)job->scratch_memory + (ALIGNMENT - address % ALIGNMENT) % ALIGNMENT;
    return ROI_SUCCESS;
}

static roi_status prepare(struct job *job, roi_error *error_ret)
{
    job->plans = malloc((size_t)max_i64(job->call->count, 1) * sizeof *job->plans);
    if (!job->plans)
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    const roi_status status = measure(job, error_ret);
    return status == ROI_SUCCESS ? allocate(job, error_ret) : status;
}

static void release(struct job *job)
{
    free(job->plans);
    free(job->tables);
    free(job->scratch_memory);
}

/* ---- Working --------------------------------------------------------------------------------------------------- */

static void fill_group(void *context, int64_t group, int thread)
{
    struct job *job = context;
    const int64_t begin = job->begin + group * MEASURE_GROUP, end = min_i64(begin + MEASURE_GROUP, job->end);
    (void)thread;
    for (int64_t k = begin; k < end && job->call->pooling->fill; k++)
        job->call->pooling->fill(&job->call->rule, &job->plans[k]);
}

/* The rows of an array from `first` on. */
static roi_array rows_of(const roi_array *array, int64_t first, int64_t rows)
{
    roi_array part = *array;
    part.data = (char *)array->data + first * array->strides[AXIS_H] * (int64_t)roi_dtype_size(array->dtype);
    part.shape[AXIS_H] = rows;
    return part;
}

static void run_tile(void *context, int64_t item, int thread)
{
    struct job *job = context;
    const int64_t channels = job->call->crops->shape[AXIS_C], bins = job->call->crops->shape[AXIS_H];
    const int64_t strips = groups_of(bins, job->bins_per_tile);
    const int64_t plan_groups = groups_of(job->end - job->begin, job->plans_per_tile);
    const int64_t channel = item / strips / plan_groups * job->channels_per_tile;
    const int64_t plan = job->begin + item / strips % plan_groups * job->plans_per_tile;
    const int64_t bin = item % strips * job->bins_per_tile;
    const roi_array crops = rows_of(job->call->crops, bin, min_i64(job->bins_per_tile, bins - bin));
    const struct roi_tile tile = {.maps = job->maps,
                                  .crops = &crops,
                                  .argmax = job->call->argmax,
                                  .plans = job->plans,
                                  .scratch_size = &job->scratch_size,
                                  .plan_begin = plan,
                                  .plan_end = min_i64(plan + job->plans_per_tile, job->end),
                                  .channel_begin = channel,
                                  .channel_end = min_i64(channel + job->channels_per_tile, channels),
                                  .first_bin = bin};
    job->kernel(&tile, job->scratch + (size_t)thread * job->scratch_bytes);
}

/* Fills the tables of the chunk [begin, end), then runs the kernel over it. Boxes are sorted within their chunk alone:
   of many more, neighbours on the map would lie too far apart in the result. */
static roi_status run_chunk(struct job *job)
{
    const struct roi_call *call = job->call;
    size_t offset = 0;
    qsort(job->plans + job->begin, (size_t)(job->end - job->begin), sizeof *job->plans, compare_plans);
    for (int64_t k = job->begin; k < job->end; offset += job->plans[k++].bytes)
        job->plans[k].tables = job->tables + offset;
    roi_status status = roi_parallel_for(groups_of(job->end - job->begin, MEASURE_GROUP), job->threads, call->cancel,
                                         fill_group, job);
    if (status != ROI_SUCCESS)
        return status;
    const int64_t items = groups_of(call->crops->shape[AXIS_C], job->channels_per_tile) *
                          groups_of(job->end - job->begin, job->plans_per_tile) *
                          groups_of(call->crops->shape[AXIS_H], job->bins_per_tile);
    return roi_parallel_for(items, job->threads, call->cancel, run_tile, job);
}

static roi_status run_chunks(struct job *job)
{
    roi_status status = ROI_SUCCESS;
    size_t bytes;
    for (job->begin = 0; job->begin < job->call->count && status == ROI_SUCCESS; job->begin = job->end) {
        job->end = chunk_end(job, job->begin, &bytes);
        status = run_chunk(job);
    }
    return status;
}

static int64_t channels_of_a_tile(const roi_array *map)
{
    return map->strides[AXIS_C] == 1 ? CHANNELS_TOGETHER : CHANNEL_GROUP;
}

roi_status roi_tiles_forward(const struct roi_call *given, roi_error *error_ret)
{
    struct roi_call forward = *given;
    const struct roi_call *call = &forward;
    forward.rule.sparse = given->pooling->sparse;
    forward.rule.lanes = given->pooling->sparse && given->pooling->kernels()->lanes;
    struct job job = {.call = call,
                        .maps = call->rule.maps,
                        .kernel = call->pooling->kernels()->forward,
                        .channels_per_tile = channels_of_a_tile(call->rule.maps),
                        .bins_per_tile = call->pooling->strip ? call->pooling->strip(call->crops) : call->crops->shape[AXIS_H]};
    if (roi_array_elements(call->crops) == 0)
        return ROI_SUCCESS;
    roi_status status = prepare(&job, error_ret);
    if (status == ROI_SUCCESS) {
        const int64_t channel_groups = groups_of(call->crops->shape[AXIS_C], job.channels_per_tile);
        const int64_t plan_groups = groups_of(TILES_PER_THREAD * job.threads, channel_groups);
        job.plans_per_tile = groups_of(call->count, plan_groups);
        status = run_chunks(&job);
    }
    release(&job);
    return status == ROI_CANCELLED ? roi_fail(error_ret, status, -1, -1, 0) : status;
}

/* ---- Backward -------------------------------------------------------------------------------------------------- */

/* Gradients are summed in the type computed in, in rows that lie together: in the result itself where it is so. */
struct sum {
    const roi_array *result;
    roi_array array;
    bool apart;
};

static roi_status make_sum(const roi_array *result, struct sum *sum, roi_error *error_ret)
{
    const bool same_type = result->dtype == ROI_FLOAT32 || result->dtype == ROI_FLOAT64;
    const int64_t *shape = result->shape;
    *sum = (struct sum){.result = result, .array = *result, .apart = !same_type || result->strides[AXIS_W] != 1};
    if (!sum->apart)
        return ROI_SUCCESS;
    sum->array.dtype = same_type ? result->dtype : ROI_FLOAT32;
    sum->array.strides[AXIS_W] = 1;
    sum->array.strides[AXIS_H] = shape[AXIS_W];
    sum->array.strides[AXIS_C] = shape[AXIS_W] * shape[AXIS_H];
    sum->array.strides[AXIS_N] = shape[AXIS_W] * shape[AXIS_H] * shape[AXIS_C];
    const roi_status status = roi_check_array(&(roi_array){.data = sum, .dtype = sum->array.dtype, .shape = {
        shape[0], shape[1], shape[2], shape[3]}});
    sum->array.data = status == ROI_SUCCESS ? malloc((size_t)roi_array_elements(result) *
                                                     roi_dtype_size(sum->array.dtype)) : NULL;
    return sum->array.data ? ROI_SUCCESS : roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
}

static void clear_plane(void *context, int64_t item, int thread)
{
    const struct sum *sum = context;
    (void)thread;
    roi_clear_plane(&sum->array, item / sum->array.shape[AXIS_C], item % sum->array.shape[AXIS_C]);
}

static void finish_plane(void *context, int64_t item, int thread)
{
    const struct sum *sum = context;
    (void)thread;
    roi_convert_plane(&sum->array, sum->result, item / sum->array.shape[AXIS_C], item % sum->array.shape[AXIS_C]);
}

static roi_status run_backward(struct job *job, struct sum *sum)
{
    const volatile int32_t *cancel = job->call->cancel;
    const int64_t planes = sum->array.shape[AXIS_N] * sum->array.shape[AXIS_C];
    const int threads = roi_threads_for((double)roi_array_elements(&sum->array));
    roi_status status = roi_parallel_for(planes, threads, cancel, clear_plane, sum);
    if (status == ROI_SUCCESS)
        status = run_chunks(job);
    if (status == ROI_SUCCESS && sum->apart)
        status = roi_parallel_for(planes, threads, cancel, finish_plane, sum);
    return status;
}

roi_status roi_tiles_backward(const struct roi_call *call, roi_error *error_ret)
{
    struct sum sum;
    struct job job = {.call = call, .maps = &sum.array, .kernel = call->pooling->kernels()->backward};
    if (roi_array_elements(call->rule.maps) == 0)
        return ROI_SUCCESS;
    struct roi_call nothing = *call;
    if (roi_array_elements(call->crops) == 0) { /* however many bins its sides have */
        nothing.count = 0;
        job.call = &nothing;
    }
    roi_status status = prepare(&job, error_ret);
    if (status == ROI_SUCCESS)
        status = make_sum(call->rule.maps, &sum, error_ret);
    if (status == ROI_SUCCESS) {
        /* A tile has all boxes of its channels, in their order: no two tiles add to the same pixel. */
        const int64_t share = call->crops->shape[AXIS_C] / (TILES_PER_THREAD * job.threads);
        job.channels_per_tile = max_i64(1, min_i64(CHANNEL_GROUP, share));
        job.plans_per_tile = max_i64(job.call->count, 1);
        job.bins_per_tile = max_i64(call->crops->shape[AXIS_H], 1);
        status = run_backward(&job, &sum);
        if (sum.apart)
            free(sum.array.data);
    }
    release(&job);
    return status == ROI_CANCELLED ? roi_fail(error_ret, status, -1, -1, 0) : status;
}
