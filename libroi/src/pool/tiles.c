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

struct mean {
    const struct roi_align_call *call;
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
    struct mean *mean = context;
    const struct roi_pooling *pooling = mean->call->pooling;
    const int64_t end = min_i64((group + 1) * MEASURE_GROUP, mean->call->count);
    (void)thread;
    for (int64_t k = group * MEASURE_GROUP; k < end; k++) {
        mean->plans[k] = (struct roi_plan){.box = &mean->call->boxes[k], .row = k};
        if (pooling->measure && !pooling->measure(&mean->call->rule, &mean->plans[k]))
            mean->plans[k].row = -1;
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
static roi_status measure(struct mean *mean, roi_error *error_ret)
{
    const struct roi_align_call *call = mean->call;
    const double guess = (double)call->count * 2000; /* planning a box costs about as much as 2000 multiply-adds */
    roi_parallel_for(groups_of(call->count, MEASURE_GROUP), roi_threads_for(guess), NULL, measure_group, mean);
    for (int64_t k = 0; k < call->count; k++) {
        if (mean->plans[k].row < 0)
            return roi_fail(error_ret, ROI_ERROR_BOX_OVERFLOW, k, -1, 0);
        if (call->pooling->include)
            call->pooling->include(&mean->scratch_size, &mean->plans[k], call->crops);
        mean->work += (double)call->crops->shape[AXIS_C] * call->pooling->work(&call->rule, &mean->plans[k]);
    }
    mean->threads = roi_threads_for(mean->work);
    return ROI_SUCCESS;
}

/* The end of the chunk that begins at `begin`: at least one box, else as many as CHUNK_BYTES hold. */
static int64_t chunk_end(const struct mean *mean, int64_t begin, size_t *bytes_ret)
{
    int64_t end = begin;
    *bytes_ret = 0;
    while (end < mean->call->count && (end == begin || *bytes_ret + mean->plans[end].bytes <= CHUNK_BYTES))
        *bytes_ret += mean->plans[end++].bytes;
    return end;
}

static size_t largest_chunk(const struct mean *mean)
{
    size_t bytes, most = 0;
    for (int64_t begin = 0; begin < mean->call->count; begin = chunk_end(mean, begin, &bytes)) {
        chunk_end(mean, begin, &bytes);
        most = bytes > most ? bytes : most;
    }
    return most;
}

static roi_status allocate(struct mean *mean, roi_error *error_ret)
{
    mean->scratch_bytes = roi_scratch_bytes(&mean->scratch_size, mean->call->rule.axis.narrow);
    mean->tables = malloc(largest_chunk(mean) + 1);
    mean->scratch_memory = malloc(mean->scratch_bytes * (size_t)mean->threads + ALIGNMENT);
    if (!mean->tables || !mean->scratch_memory)
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    const uintptr_t address = (uintptr_t)mean->scratch_memory;
    mean->scratch = (char *)mean->scratch_memory + (ALIGNMENT - address % ALIGNMENT) % ALIGNMENT;
    return ROI_SUCCESS;
}

static roi_status prepare(struct mean *mean, roi_error *error_ret)
{
    mean->plans = malloc((size_t)max_i64(mean->call->count, 1) * sizeof *mean->plans);
    if (!mean->plans)
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    const roi_status status = measure(mean, error_ret);
    return status == ROI_SUCCESS ? allocate(mean, error_ret) : status;
}

static void release(struct mean *mean)
{
    free(mean->plans);
    free(mean->tables);
    free(mean->scratch_memory);
}

/* ---- Working --------------------------------------------------------------------------------------------------- */

static void fill_group(void *context, int64_t group, int thread)
{
    struct mean *mean = context;
    const int64_t begin = mean->begin + group * MEASURE_GROUP, end = min_i64(begin + MEASURE_GROUP, mean->end);
    (void)thread;
    for (int64_t k = begin; k < end && mean->call->pooling->fill; k++)
        mean->call->pooling->fill(&mean->call->rule, &mean->plans[k]);
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
    struct mean *mean = context;
    const int64_t channels = mean->call->crops->shape[AXIS_C], bins = mean->call->crops->shape[AXIS_H];
    const int64_t strips = groups_of(bins, mean->bins_per_tile);
    const int64_t plan_groups = groups_of(mean->end - mean->begin, mean->plans_per_tile);
    const int64_t channel = item / strips / plan_groups * mean->channels_per_tile;
    const int64_t plan = mean->begin + item / strips % plan_groups * mean->plans_per_tile;
    const int64_t bin = item % strips * mean->bins_per_tile;
    const roi_array crops = rows_of(mean->call->crops, bin, min_i64(mean->bins_per_tile, bins - bin));
    const struct roi_tile tile = {.maps = mean->maps,
                                  .crops = &crops,
                                  .argmax = mean->call->argmax,
                                  .plans = mean->plans,
                                  .scratch_size = &mean->scratch_size,
                                  .plan_begin = plan,
                                  .plan_end = min_i64(plan + mean->plans_per_tile, mean->end),
                                  .channel_begin = channel,
                                  .channel_end = min_i64(channel + mean->channels_per_tile, channels),
                                  .first_bin = bin};
    mean->kernel(&tile, mean->scratch + (size_t)thread * mean->scratch_bytes);
}

/* Fills the tables of the chunk [begin, end), then runs the kernel over it. Boxes are sorted within their chunk alone:
   of many more, neighbours on the map would lie too far apart in the result. */
static roi_status run_chunk(struct mean *mean)
{
    const struct roi_align_call *call = mean->call;
    size_t offset = 0;
    qsort(mean->plans + mean->begin, (size_t)(mean->end - mean->begin), sizeof *mean->plans, compare_plans);
    for (int64_t k = mean->begin; k < mean->end; offset += mean->plans[k++].bytes)
        mean->plans[k].tables = mean->tables + offset;
    roi_status status = roi_parallel_for(groups_of(mean->end - mean->begin, MEASURE_GROUP), mean->threads, call->cancel,
                                         fill_group, mean);
    if (status != ROI_SUCCESS)
        return status;
    const int64_t items = groups_of(call->crops->shape[AXIS_C], mean->channels_per_tile) *
                          groups_of(mean->end - mean->begin, mean->plans_per_tile) *
                          groups_of(call->crops->shape[AXIS_H], mean->bins_per_tile);
    return roi_parallel_for(items, mean->threads, call->cancel, run_tile, mean);
}

static roi_status run_chunks(struct mean *mean)
{
    roi_status status = ROI_SUCCESS;
    size_t bytes;
    for (mean->begin = 0; mean->begin < mean->call->count && status == ROI_SUCCESS; mean->begin = mean->end) {
        mean->end = chunk_end(mean, mean->begin, &bytes);
        status = run_chunk(mean);
    }
    return status;
}

static int64_t channels_of_a_tile(const roi_array *map)
{
    return map->strides[AXIS_C] == 1 ? CHANNELS_TOGETHER : CHANNEL_GROUP;
}

roi_status roi_tiles_forward(const struct roi_align_call *call, roi_error *error_ret)
{
    struct mean mean = {.call = call,
                        .maps = call->rule.maps,
                        .kernel = call->pooling->kernels()->forward,
                        .channels_per_tile = channels_of_a_tile(call->rule.maps),
                        .bins_per_tile = call->pooling->strip ? call->pooling->strip(call->crops) : call->crops->shape[AXIS_H]};
    if (roi_array_elements(call->crops) == 0)
        return ROI_SUCCESS;
    roi_status status = prepare(&mean, error_ret);
    if (status == ROI_SUCCESS) {
        const int64_t channel_groups = groups_of(call->crops->shape[AXIS_C], mean.channels_per_tile);
        const int64_t plan_groups = groups_of(TILES_PER_THREAD * mean.threads, channel_groups);
        mean.plans_per_tile = groups_of(call->count, plan_groups);
        status = run_chunks(&mean);
    }
    release(&mean);
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

static roi_status run_backward(struct mean *mean, struct sum *sum)
{
    const volatile int32_t *cancel = mean->call->cancel;
    const int64_t planes = sum->array.shape[AXIS_N] * sum->array.shape[AXIS_C];
    const int threads = roi_threads_for((double)roi_array_elements(&sum->array));
    roi_status status = roi_parallel_for(planes, threads, cancel, clear_plane, sum);
    if (status == ROI_SUCCESS)
        status = run_chunks(mean);
    if (status == ROI_SUCCESS && sum->apart)
        status = roi_parallel_for(planes, threads, cancel, finish_plane, sum);
    return status;
}

roi_status roi_tiles_backward(const struct roi_align_call *call, roi_error *error_ret)
{
    struct sum sum;
    struct mean mean = {.call = call, .maps = &sum.array, .kernel = call->pooling->kernels()->backward};
    if (roi_array_elements(call->rule.maps) == 0)
        return ROI_SUCCESS;
    struct roi_align_call nothing = *call;
    if (roi_array_elements(call->crops) == 0) { /* however many bins its sides have */
        nothing.count = 0;
        mean.call = &nothing;
    }
    roi_status status = prepare(&mean, error_ret);
    if (status == ROI_SUCCESS)
        status = make_sum(call->rule.maps, &sum, error_ret);
    if (status == ROI_SUCCESS) {
        /* A tile has all boxes of its channels, in their order: no two tiles add to the same pixel. */
        const int64_t share = call->crops->shape[AXIS_C] / (TILES_PER_THREAD * mean.threads);
        mean.channels_per_tile = max_i64(1, min_i64(CHANNEL_GROUP, share));
        mean.plans_per_tile = max_i64(mean.call->count, 1);
        mean.bins_per_tile = max_i64(call->crops->shape[AXIS_H], 1);
        status = run_backward(&mean, &sum);
        if (sum.apart)
            free(sum.array.data);
    }
    release(&mean);
    return status == ROI_CANCELLED ? roi_fail(error_ret, status, -1, -1, 0) : status;
}
