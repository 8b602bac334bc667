/* tiles.c - tables for all boxes, then tiles of work for the kernels: tiles.h has the theory. */
#include "pool/tiles.h"

#include <stdlib.h>

#include "common/array.h"
#include "common/convert.h"
#include "common/parallel.h"

enum {
    MEASURE_GROUP = 64,       /* boxes planned at a time by one thread */
    CHANNEL_GROUP = 8,        /* channels of a tile: neighbours in the result, so that cache lines are written whole */
    CHANNELS_TOGETHER = 64,   /* the same where the map has its channels together */
    SWATH = 32,               /* rows of the map whose boxes follow each other from left to right */
    LINES_TOGETHER = 16,      /* lines of a tile where pixels lie together, if rows of boxes are no longer than ... */
    ROW_LINES = 8192,         /* ... so many lines */
    REUSE = 16,               /* how often pixels are read that are worth a copy */
    LEAST_CHANNELS = 4,       /* that are worth lines of which the other lanes idle */
    TILES_PER_THREAD = 4,     /* so that no thread waits long for the last one */
    CHUNK_BYTES = 4 << 20,    /* of weight tables that are held at a time */
    STREAM_BYTES = 16 << 20,  /* of a result: smaller ones stay in the cache for who reads them next */
    PATCH_WIDTH = 512,        /* pixels */
    ALIGNMENT = 64
};

struct job {
    const struct roi_call *call;
    const roi_array *maps; /* that the kernel works on: the call's, or the sum of gradients */
    struct roi_plan *plans;
    int64_t count; /* of plans: one for each box, and more where boxes are cut into bands */
    char *tables;
    void *scratch_memory;
    char *scratch; /* the same, aligned; one part for each thread */
    struct roi_scratch_size scratch_size;
    size_t scratch_bytes;
    struct roi_ring *rings; /* by level */
    bool stream;
    int threads;
    double work; /* multiply-adds */
    /* The chunk at hand, and how it is cut into tiles. */
    int64_t begin, end, plans_per_tile, channels_per_tile, bins_per_tile;
    int64_t patch_rows, patch_columns; /* backward, patch by patch; else 0 */
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
        job->plans[k] = (struct roi_plan){
            .box = &job->call->boxes[k], .row = k, .bins = job->call->rule.bins_y, .bands = 1};
        if (pooling->measure && !pooling->measure(&job->call->rule, &job->plans[k]))
            job->plans[k].row = -1;
    }
}

static int compare_i64(int64_t a, int64_t b) { return (a > b) - (a < b); }

/* Boxes of a ring by stripe, as rows enter it; others swath by swath, in each from left to right. Then from top to bottom:
   so neighbours read pixels that are still in the cache. */
static int compare_places(const struct roi_plan *a, const struct roi_plan *b)
{
    int order = compare_i64(a->ring != NULL, b->ring != NULL);
    if (order == 0 && a->ring)
        order = compare_i64(roi_ring_stripe(a->ring, a->x.first), roi_ring_stripe(b->ring, b->x.first));
    if (order == 0 && !a->ring)
        order = compare_i64(a->y.first / SWATH, b->y.first / SWATH);
    if (order == 0 && !a->ring)
        order = compare_i64(a->x.first, b->x.first);
    return order ? order : compare_i64(a->y.first, b->y.first);
}

/* By map, then by place. Never a tie, so that the order, and with it the order of sums backward, depends on nothing but
   the boxes. */
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

/* Puts the plans of a box's bands behind `end`, the last one first. */
static void cut_into_bands(const struct job *job, const struct roi_plan *whole, struct roi_plan *end)
{
    const int64_t bins = groups_of(whole->bins, whole->bands);
    for (int64_t bin = (whole->bands - 1) * bins; bin >= 0; bin -= bins) {
        struct roi_plan band = {.box = whole->box, .row = whole->row, .first_bin = bin,
                                .bins = min_i64(bins, whole->bins - bin)};
        job->call->pooling->measure(&job->call->rule, &band);
        *--end = band;
    }
}
/* Makes room for the bands of all boxes, and puts them where these were. */
static roi_status cut_boxes(struct job *job)
{
    const int64_t boxes = job->count;
    for (int64_t k = 0; k < boxes; k++)
        job->count += job->plans[k].bands - 1;
    if (job->count == boxes)
        return ROI_SUCCESS;
    struct roi_plan *plans = realloc(job->plans, (size_t)job->count * sizeof *plans);
    if (!plans)
        return ROI_ERROR_MEMORY;
    job->plans = plans;
    struct roi_plan *end = plans + job->count;
    for (int64_t k = boxes - 1; k >= 0; k--) {
        const struct roi_plan whole = plans[k];
        if (whole.bands == 1)
            end[-1] = whole;
        else
            cut_into_bands(job, &whole, end);
        end -= whole.bands;
    }
    return ROI_SUCCESS;
}

/* Sizes of all tables and of scratch memory. */
static roi_status measure(struct job *job, roi_error *error_ret)
{
    const struct roi_call *call = job->call;
    const double guess = (double)call->count * 2000; /* planning a box costs about as much as 2000 multiply-adds */
    roi_status status = roi_parallel_for(groups_of(call->count, MEASURE_GROUP), roi_threads_for(guess), call->cancel,
                                         measure_group, job);
    for (int64_t k = 0; k < call->count && status == ROI_SUCCESS; k++)
        if (job->plans[k].row < 0)
            return roi_fail(error_ret, ROI_ERROR_BOX_OVERFLOW, k, -1, 0);
    if (status == ROI_SUCCESS)
        status = cut_boxes(job);
    if (status != ROI_SUCCESS)
        return roi_fail(error_ret, status, -1, -1, 0);
    for (int64_t k = 0; k < job->count; k++) {
        const struct roi_plan *plan = &job->plans[k];
        if (call->pooling->include)
            call->pooling->include(&job->scratch_size, plan, call->crops);
        if (plan->ring)
            roi_ring_include(&job->rings[plan->box->level], plan);
        job->work += (double)call->crops->shape[AXIS_C] * call->pooling->work(&call->rule, plan);
    }
    job->threads = roi_threads_for(job->work);
    return ROI_SUCCESS;
}

/* Bytes of what a ring is told of a box: a word for each row. */
static size_t blocks_bytes(const struct roi_plan *plan)
{
    return plan->ring ? (size_t)(plan->y.end - plan->y.first) * sizeof *plan->blocks : 0;
}

/* The end of the chunk that begins at `begin`: at least one box, else as many as CHUNK_BYTES hold. */
static int64_t chunk_end(const struct job *job, int64_t begin, size_t *bytes_ret)
{
    int64_t end = begin;
    *bytes_ret = 0;
    for (; end < job->count; end++) {
        const size_t bytes = job->plans[end].bytes + blocks_bytes(&job->plans[end]);
        if (end > begin && *bytes_ret + bytes > CHUNK_BYTES)
            break;
        *bytes_ret += bytes;
    }
    return end;
}

static size_t largest_chunk(const struct job *job)
{
    size_t bytes, most = 0;
    for (int64_t begin = 0; begin < job->count; begin = chunk_end(job, begin, &bytes)) {
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

static roi_status plan_boxes(struct job *job, roi_error *error_ret)
{
    job->count = job->call->count;
    job->plans = malloc((size_t)max_i64(job->count, 1) * sizeof *job->plans);
    return job->plans ? measure(job, error_ret) : roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
}

static void release(struct job *job)
{
    free(job->plans);
    free(job->rings);
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
                                  .first_bin = bin,
                                  .stream = job->stream};
    job->kernel(&tile, job->scratch + (size_t)thread * job->scratch_bytes);
}

/* Those of all images. */
static int64_t patches(const struct job *job)
{
    const int64_t *shape = job->maps->shape;
    return shape[AXIS_N] * groups_of(shape[AXIS_H], job->patch_rows) * groups_of(shape[AXIS_W], job->patch_columns);
}

static void run_patch(void *context, int64_t item, int thread)
{
    struct job *job = context;
    const int64_t *shape = job->maps->shape, channels = shape[AXIS_C];
    const int64_t across = groups_of(shape[AXIS_W], job->patch_columns), down = groups_of(shape[AXIS_H], job->patch_rows);
    const int64_t channel = item / patches(job) * job->channels_per_tile, place = item % patches(job);
    const int64_t y = place / across % down * job->patch_rows, x = place % across * job->patch_columns;
    const struct roi_tile tile = {.maps = job->maps,
                                  .crops = job->call->crops,
                                  .plans = job->plans,
                                  .scratch_size = &job->scratch_size,
                                  .plan_begin = job->begin,
                                  .plan_end = job->end,
                                  .channel_begin = channel,
                                  .channel_end = min_i64(channel + job->channels_per_tile, channels),
                                  .patch = {.image = place / across / down,
                                            .y = y,
                                            .y_end = min_i64(y + job->patch_rows, shape[AXIS_H]),
                                            .x = x,
                                            .x_end = min_i64(x + job->patch_columns, shape[AXIS_W]),
                                            .fresh = job->begin == 0},
                                  .patch_stride = job->call->rule.patch_stride,
                                  .stream = job->stream};
    job->kernel(&tile, job->scratch + (size_t)thread * job->scratch_bytes);
}

/* Fills the tables of the chunk [begin, end), then runs the kernel over it. Boxes are sorted within their chunk alone:
   of many more, neighbours on the map would lie too far apart in the result. */
static roi_status run_chunk(struct job *job)
{
    const struct roi_call *call = job->call;
    const int64_t count = job->end - job->begin;
    size_t offset = 0;
    qsort(job->plans + job->begin, (size_t)count, sizeof *job->plans, compare_plans);
    roi_ring_mark(job->plans + job->begin, count, (uint64_t *)(void *)job->tables);
    for (int64_t k = job->begin; k < job->end; k++)
        offset += blocks_bytes(&job->plans[k]);
    for (int64_t k = job->begin; k < job->end; offset += job->plans[k++].bytes)
        job->plans[k].tables = job->tables + offset;
    const roi_status status =
        roi_parallel_for(groups_of(count, MEASURE_GROUP), job->threads, call->cancel, fill_group, job);
    if (status != ROI_SUCCESS)
        return status;
    const int64_t channels = groups_of(call->crops->shape[AXIS_C], job->channels_per_tile);
    if (job->patch_rows > 0)
        return roi_parallel_for(channels * patches(job), job->threads, call->cancel, run_patch, job);
    const int64_t items = channels * groups_of(count, job->plans_per_tile) *
                          groups_of(call->crops->shape[AXIS_H], job->bins_per_tile);
    return roi_parallel_for(items, job->threads, call->cancel, run_tile, job);
}

static roi_status run_chunks(struct job *job)
{
    roi_status status = ROI_SUCCESS;
    size_t bytes;
    for (job->begin = 0; job->begin < job->count && status == ROI_SUCCESS; job->begin = job->end) {
        job->end = chunk_end(job, job->begin, &bytes);
        status = run_chunk(job);
    }
    return status;
}

/* Whether a map's pixels are whole lines, and read too seldom to be worth a ring. */
static bool is_read_in_place(const struct job *job, int64_t level)
{
    const roi_array *map = &job->maps[level];
    const double pixels = (double)map->shape[AXIS_N] * (double)map->shape[AXIS_H] * (double)map->shape[AXIS_W];
    return map->strides[AXIS_C] == 1 && map->shape[AXIS_C] % roi_line_channels(job->call->rule.axis.narrow) == 0 &&
           job->rings[level].pixels < REUSE * pixels;
}

/* Lines of a tile: several where they lie together. */
static int64_t lines_of_a_tile(const struct job *job)
{
    const int64_t room = ROW_LINES * roi_line_channels(job->call->rule.axis.narrow) / max_i64(job->scratch_size.row, 1);
    for (int64_t level = 0; level < job->call->levels; level++)
        if (!is_read_in_place(job, level))
            return 1;
    return max_i64(1, min_i64(room, LINES_TOGETHER));
}

static int64_t channels_of_a_tile(const struct job *job)
{
    if (job->call->pooling->lines)
        return roi_line_channels(job->call->rule.axis.narrow) * lines_of_a_tile(job);
    return job->maps->strides[AXIS_C] == 1 ? CHANNELS_TOGETHER : CHANNEL_GROUP;
}

static bool is_large(const roi_array *result)
{
    return roi_array_elements(result) * (int64_t)roi_dtype_size(result->dtype) >= STREAM_BYTES;
}

/* Whether crops are large in all, and their channels lie together. */
static bool is_worth_streaming(const roi_array *crops)
{
    return is_large(crops) && crops->strides[AXIS_W] == 1 && crops->strides[AXIS_H] == crops->shape[AXIS_W] &&
           crops->strides[AXIS_C] == crops->shape[AXIS_H] * crops->shape[AXIS_W];
}

static roi_status make_rings(struct job *job, roi_error *error_ret)
{
    const struct roi_call *call = job->call;
    job->rings = calloc((size_t)call->levels, sizeof *job->rings);
    if (!job->rings)
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    for (int64_t level = 0; level < call->levels; level++)
        job->rings[level].closed = call->crops->shape[AXIS_C] < LEAST_CHANNELS;
    return ROI_SUCCESS;
}

/* Some levels turn out not to want them. */
static void settle_rings(struct job *job)
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

/* Rows of bins of a tile. */
static int64_t strip_of(const struct job *job)
{
    const struct roi_call *call = job->call;
    return call->pooling->strip ? call->pooling->strip(call->crops) : call->crops->shape[AXIS_H];
}

/* Cuts boxes that have been measured into tiles, and settles what scratch memory these need. */
static void cut_by_boxes(struct job *job)
{
    const struct roi_call *call = job->call;
    job->channels_per_tile = channels_of_a_tile(job);
    job->bins_per_tile = strip_of(job);
    const int64_t channel_groups = groups_of(call->crops->shape[AXIS_C], job->channels_per_tile);
    const int64_t plan_groups = job->threads == 1 ? 1 : groups_of(TILES_PER_THREAD * job->threads, channel_groups);
    job->plans_per_tile = groups_of(job->count, plan_groups);
    if (!call->pooling->lines)
        return;
    settle_rings(job);
    const int64_t lines = lines_of_a_tile(job), row = job->scratch_size.row * lines;
    const int64_t rows = min_i64(job->bins_per_tile * row, ROI_TILE_LINES * roi_line_channels(call->rule.axis.narrow));
    job->scratch_size.row = max_i64(row, rows);
    job->scratch_size.stage *= lines;
    job->stream = is_worth_streaming(call->crops);
}

static roi_status finish(struct job *job, roi_status status, roi_error *error_ret)
{
    release(job);
    return status == ROI_CANCELLED ? roi_fail(error_ret, status, -1, -1, 0) : status;
}

roi_status roi_tiles_forward(const struct roi_call *given, roi_error *error_ret)
{
    struct roi_call forward = *given;
    struct job job = {.call = &forward, .maps = forward.rule.maps, .kernel = forward.pooling->kernels()->forward};
    roi_status status = ROI_SUCCESS;
    if (roi_array_elements(forward.crops) == 0)
        return ROI_SUCCESS;
    if (forward.pooling->lines)
        status = make_rings(&job, error_ret);
    forward.rule.sparse = forward.pooling->lines;
    forward.rule.rings = job.rings;
    forward.rule.banded = forward.pooling->lines && strip_of(&job) >= forward.rule.bins_y;
    if (status == ROI_SUCCESS)
        status = plan_boxes(&job, error_ret);
    if (status == ROI_SUCCESS) {
        cut_by_boxes(&job);
        status = allocate(&job, error_ret);
    }
    if (status == ROI_SUCCESS)
        status = run_chunks(&job);
    return finish(&job, status, error_ret);
}

/* ---- Backward -------------------------------------------------------------------------------------------------- */

/* Gradients are summed in the type computed in: in the result itself where it is of that type. Where they are not summed
   patch by patch, rows of the sum lie together. */
struct sum {
    const roi_array *result;
    roi_array array;
    bool apart;
};

static roi_status make_sum(const roi_array *result, bool by_patch, struct sum *sum, roi_error *error_ret)
{
    const bool same_type = result->dtype == ROI_FLOAT32 || result->dtype == ROI_FLOAT64;
    const int64_t *shape = result->shape;
    *sum = (struct sum){.result = result, .array = *result};
    sum->apart = !same_type || (!by_patch && result->strides[AXIS_W] != 1);
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

/* Patches that are fresh need not be cleared, if there is a box at all. */
static roi_status run_backward(struct job *job, struct sum *sum)
{
    const volatile int32_t *cancel = job->call->cancel;
    const int64_t planes = sum->array.shape[AXIS_N] * sum->array.shape[AXIS_C];
    const int threads = roi_threads_for((double)roi_array_elements(&sum->array));
    roi_status status = ROI_SUCCESS;
    if (job->patch_rows == 0 || job->call->count == 0)
        status = roi_parallel_for(planes, threads, cancel, clear_plane, sum);
    if (status == ROI_SUCCESS)
        status = run_chunks(job);
    if (status == ROI_SUCCESS && sum->apart)
        status = roi_parallel_for(planes, threads, cancel, finish_plane, sum);
    return status;
}

/* A tile has all boxes of its channels, in their order: no two tiles add to the same pixel. */
static void cut_by_channels(struct job *job)
{
    const int64_t share = job->call->crops->shape[AXIS_C] / (TILES_PER_THREAD * job->threads);
    job->channels_per_tile = max_i64(1, min_i64(CHANNEL_GROUP, share));
    job->plans_per_tile = max_i64(job->count, 1);
    job->bins_per_tile = max_i64(job->call->crops->shape[AXIS_H], 1);
}

/* Patches of one size, as far as it goes: not wide and flat, nor a small rest at the end; as large as a ring may be. Sets
   what plans and scratch memory have to know of it. */
static void cut_by_patches(struct job *job, struct roi_plan_rule *rule)
{
    const int64_t height = job->maps->shape[AXIS_H], width = job->maps->shape[AXIS_W];
    job->channels_per_tile = roi_line_channels(rule->axis.narrow);
    job->patch_columns = groups_of(width, groups_of(width, PATCH_WIDTH));
    job->patch_rows = groups_of(height, groups_of(height, ROI_RING_LINES / job->patch_columns));
    rule->sparse = true;
    rule->patch_stride = (job->patch_columns + 1) * job->channels_per_tile;
    job->scratch_size.ring = job->patch_rows * rule->patch_stride;
    job->scratch_size.stage = job->patch_columns * job->channels_per_tile;
    job->stream = is_large(job->maps) && job->maps->strides[AXIS_W] == 1;
}

roi_status roi_tiles_backward(const struct roi_call *given, roi_error *error_ret)
{
    struct sum sum;
    struct roi_call backward = *given;
    const struct roi_call *call = &backward;
    const bool by_patch = call->pooling->lines;
    struct job job = {.call = call, .maps = &sum.array, .kernel = call->pooling->kernels()->backward};
    if (roi_array_elements(call->rule.maps) == 0)
        return ROI_SUCCESS;
    if (roi_array_elements(call->crops) == 0) /* however many bins its sides have */
        backward.count = 0;
    roi_status status = make_sum(call->rule.maps, by_patch, &sum, error_ret);
    if (status == ROI_SUCCESS && by_patch)
        cut_by_patches(&job, &backward.rule);
    if (status == ROI_SUCCESS)
        status = plan_boxes(&job, error_ret);
    if (status == ROI_SUCCESS) {
        if (!by_patch)
            cut_by_channels(&job);
        status = allocate(&job, error_ret);
    }
    if (status == ROI_SUCCESS)
        status = run_backward(&job, &sum);
    if (sum.apart)
        free(sum.array.data);
    return finish(&job, status, error_ret);
}
