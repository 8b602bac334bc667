/* tiles_backward.c - gradients of maps: the array of sums, and the division of the work. */
#include <stdlib.h>

#include "common/array.h"
#include "common/memory.h"
#include "drive/job.h"

enum {
    PATCH_WIDTH = 512,          /* pixels */
    STREAM_SUM_BYTES = 16 << 20 /* of a sum that is written by non-temporal stores: a smaller one stays in the caches */
};

/* ---- The sum --------------------------------------------------------------------------------------------------- */

/* Gradients are summed in the type computed in: in the result itself where it is of that type, or where patches are complete
   when they are written. Another sum has rows that lie together, or channels, where patches are written to it and the result
   has these. */
struct sum {
    roi_array result, array;
    bool apart;
    roi_convert_kernels_of_type *converts;
};

static bool has_channels_together(const roi_array *array)
{
    return array->strides[AXIS_C] == 1 && array->strides[AXIS_W] != 1;
}

/* A sum of its own, of which the shape and the type are set. */
static roi_status allocate_sum(roi_array *sum, bool channels_together)
{
    const int64_t *shape = sum->shape;
    sum->data = &sum->shape; /* for the check, which does not allow NULL */
    const roi_status status = roi_check_array(sum);
    sum->data = NULL;
    if (status != ROI_SUCCESS)
        return ROI_ERROR_MEMORY;
    sum->strides[AXIS_C] = channels_together ? 1 : shape[AXIS_W] * shape[AXIS_H];
    sum->strides[AXIS_W] = channels_together ? shape[AXIS_C] : 1;
    sum->strides[AXIS_H] = sum->strides[AXIS_W] * shape[AXIS_W];
    sum->strides[AXIS_N] = shape[AXIS_C] * shape[AXIS_H] * shape[AXIS_W];
    sum->data = roi_allocate(roi_array_elements(sum), roi_dtype_size(sum->dtype));
    return sum->data ? ROI_SUCCESS : ROI_ERROR_MEMORY;
}

/* The sum of a job that is planned: tables of all boxes at once make patches complete. */
static roi_status make_sum(const struct roi_job *job, struct sum *sum)
{
    const roi_array *result = job->call->rule.maps;
    const bool by_patch = job->patch_rows > 0, complete = by_patch && roi_job_is_one_chunk(job);
    const bool same_type = result->dtype == ROI_FLOAT32 || result->dtype == ROI_FLOAT64;
    *sum = (struct sum){.result = *result, .array = *result, .converts = job->call->pooling->converts};
    sum->apart = (!same_type && !complete) || (!by_patch && result->strides[AXIS_W] != 1);
    if (!sum->apart)
        return ROI_SUCCESS;
    sum->array.dtype = same_type ? result->dtype : ROI_FLOAT32;
    return allocate_sum(&sum->array, by_patch && has_channels_together(result));
}

static void clear_plane(void *context, int64_t item, int thread)
{
    const struct sum *sum = context;
    roi_clear_plane(&sum->array, item / sum->array.shape[AXIS_C], item % sum->array.shape[AXIS_C]);
}

/* The same memory with rows of pixels for planes: what lies together is then at the end of the shape. */
static roi_array by_pixels(const roi_array *array)
{
    const int64_t *shape = array->shape, *strides = array->strides;
    return (roi_array){array->data,
                       array->dtype,
                       {shape[AXIS_N], shape[AXIS_H], shape[AXIS_W], shape[AXIS_C]},
                       {strides[AXIS_N], strides[AXIS_H], strides[AXIS_W], strides[AXIS_C]}};
}

static void finish_plane(void *context, int64_t item, int thread)
{
    const struct sum *sum = context;
    const bool pixels = has_channels_together(&sum->array);
    const roi_array from = pixels ? by_pixels(&sum->array) : sum->array;
    const roi_array to = pixels ? by_pixels(&sum->result) : sum->result;
    roi_convert_plane(sum->converts, &from, &to, item / to.shape[1], item % to.shape[1]);
}

static roi_status finish(struct sum *sum, int threads, const volatile int32_t *cancel)
{
    const int64_t *shape = sum->array.shape;
    const int64_t planes = shape[has_channels_together(&sum->array) ? AXIS_H : AXIS_C];
    return roi_parallel_for(shape[AXIS_N] * planes, threads, cancel, finish_plane, sum);
}

/* ---- Patches and tiles ----------------------------------------------------------------------------------------- */

/* The number of patches of all images. */
static int64_t patches(const struct roi_job *job)
{
    const int64_t *shape = job->maps->shape;
    return shape[AXIS_N] * groups_of(shape[AXIS_H], job->patch_rows) * groups_of(shape[AXIS_W], job->patch_columns);
}

static void run_patch(void *context, int64_t item, int thread)
{
    struct roi_job *job = context;
    const int64_t *shape = job->maps->shape, patch = item % patches(job);
    const int64_t across = groups_of(shape[AXIS_W], job->patch_columns);
    const int64_t down = groups_of(shape[AXIS_H], job->patch_rows);
    const int64_t y = patch / across % down * job->patch_rows, x = patch % across * job->patch_columns;
    struct roi_tile tile = roi_job_tile(job, item / patches(job) * job->channels_per_tile);
    tile.patch = (struct roi_patch){.image = patch / across / down,
                                    .y = y,
                                    .y_end = min_i64(y + job->patch_rows, shape[AXIS_H]),
                                    .x = x,
                                    .x_end = min_i64(x + job->patch_columns, shape[AXIS_W]),
                                    .fresh = job->begin == 0};
    const struct roi_patch_kernels *kernels = job->call->pooling->patch_kernels(job->maps->dtype);
    void *scratch = roi_job_scratch(job, thread);
    while (tile.plan_begin < tile.plan_end && !roi_patch_is_reached(&tile.patch, &tile.plans[tile.plan_begin]))
        tile.plan_begin++;
    if (tile.plan_begin == tile.plan_end && !tile.patch.fresh)
        return;
    kernels->read(&tile, scratch);
    job->kernel(&tile, scratch);
    kernels->write(&tile, scratch);
}

static int64_t patch_items(const struct roi_job *job)
{
    return groups_of(job->call->crops->shape[AXIS_C], job->channels_per_tile) * patches(job);
}

/* A tile has all boxes of its channels, in their order: no two tiles add to the same pixel. */
static void cut_by_channels(struct roi_job *job)
{
    const int64_t share = job->call->crops->shape[AXIS_C] / (ROI_TILES_PER_THREAD * job->threads);
    job->channels_per_tile = max_i64(1, min_i64(ROI_CHANNEL_GROUP, share));
    job->plans_per_tile = max_i64(job->count, 1);
    job->run = roi_job_run_tile;
    job->items = roi_job_tiles;
}

/* Divides maps into patches of about equal size, at most as large as a ring, and sets the rule of plans and the size of scratch
   memory. */
static void cut_by_patches(struct roi_job *job, struct roi_plan_rule *rule)
{
    const int64_t height = rule->maps->shape[AXIS_H], width = rule->maps->shape[AXIS_W];
    job->channels_per_tile = roi_line_channels(rule->axis.single);
    job->patch_columns = groups_of(width, groups_of(width, PATCH_WIDTH));
    job->patch_rows = groups_of(height, groups_of(height, ROI_RING_LINES / job->patch_columns));
    rule->patch_stride = (job->patch_columns + 1) * job->channels_per_tile;
    job->scratch_size.ring = job->patch_rows * rule->patch_stride;
    job->scratch_size.stage = job->patch_columns * job->channels_per_tile;
    job->run = run_patch;
    job->items = patch_items;
}

/* ---- The call -------------------------------------------------------------------------------------------------- */

/* With boxes and patches, nothing needs to be cleared: the first chunk overwrites all patches. */
static roi_status add_up(struct roi_job *job, struct sum *sum)
{
    const volatile int32_t *cancel = job->call->cancel;
    const int64_t planes = sum->array.shape[AXIS_N] * sum->array.shape[AXIS_C];
    const int threads = roi_threads_for((double)roi_array_elements(&sum->array));
    if (job->patch_rows == 0 || job->call->count == 0)
        ROI_TRY(roi_parallel_for(planes, threads, cancel, clear_plane, sum));
    ROI_TRY(roi_job_run(job));
    return sum->apart ? finish(sum, threads, cancel) : ROI_SUCCESS;
}

static bool is_large(const roi_array *sum)
{
    return roi_array_elements(sum) >= STREAM_SUM_BYTES / (int64_t)roi_dtype_size(sum->dtype);
}

static roi_status run_backward(struct roi_call *call, struct roi_job *job, struct sum *sum, roi_error *error_ret)
{
    const bool by_patch = call->pooling->patch_kernels != NULL;
    if (by_patch)
        cut_by_patches(job, &call->rule);
    ROI_TRY(roi_job_plan(job, error_ret));
    roi_job_sort(job);
    if (!by_patch)
        cut_by_channels(job);
    ROI_TRY(roi_report(error_ret, make_sum(job, sum)));
    job->stream = by_patch && is_large(&sum->array);
    ROI_TRY(roi_job_allocate(job, error_ret));
    return add_up(job, sum);
}

roi_status roi_tiles_backward(const struct roi_call *given, roi_error *error_ret)
{
    struct sum sum = {.apart = false};
    struct roi_call backward = *given;
    struct roi_job job = {
        .call = &backward, .maps = &sum.array, .kernel = given->pooling->kernels(given->crops->dtype)->backward};
    if (roi_array_elements(given->rule.maps) == 0)
        return ROI_SUCCESS;
    if (roi_array_elements(given->crops) == 0) /* however many bins its sides have */
        backward.count = 0;
    const roi_status status = run_backward(&backward, &job, &sum, error_ret);
    if (sum.apart)
        free(sum.array.data);
    return roi_job_finish(&job, status, error_ret);
}
