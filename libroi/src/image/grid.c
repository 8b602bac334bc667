/* grid.c - sampling at a grid, and grids of affine maps: the functions of roi.h. */
#include <stdlib.h>

#include "common/array.h"
#include "kernels/entry_points.h"
#include "common/parallel.h"
#include "common/storage.h"
#include "common/memory.h"

enum { CHANNEL_GROUP = 64, ALIGNMENT = 64 };

static bool has_shape(const roi_array *array, int64_t a, int64_t b, int64_t c, int64_t d)
{
    const int64_t *shape = array->shape;
    return shape[0] == a && shape[1] == b && shape[2] == c && shape[3] == d;
}

/* ---- Sampling -------------------------------------------------------------------------------------------------- */

struct sampling {
    const roi_grid_params *params;
    const roi_array *input, *grid, *output;
    const struct roi_grid_kernels *kernels;
    int64_t points, blocks, groups; /* of an image; blocks of points; groups of channels */
    size_t scratch_bytes;
    char *scratch; /* aligned; one part for each thread */
};

static roi_status check_sampling(const roi_grid_params *params, const roi_array *input, const roi_array *grid,
                                 const roi_array *output)
{
    ROI_TRY(roi_check_params(params, sizeof *params));
    if (params->mode != ROI_NEAREST && params->mode != ROI_BILINEAR && params->mode != ROI_BICUBIC)
        return ROI_ERROR_MODE;
    if (params->padding != ROI_PAD_ZEROS && params->padding != ROI_PAD_BORDER && params->padding != ROI_PAD_REFLECTION)
        return ROI_ERROR_PADDING;
    ROI_TRY(roi_check_array(input));
    ROI_TRY(roi_check_array(grid));
    ROI_TRY(roi_check_array(output));
    if (output->dtype != input->dtype)
        return ROI_ERROR_DTYPE;
    const bool fits = has_shape(grid, input->shape[0], grid->shape[1], grid->shape[2], 2) &&
                      has_shape(output, input->shape[0], input->shape[1], grid->shape[1], grid->shape[2]);
    return fits ? ROI_SUCCESS : ROI_ERROR_SHAPE;
}

static void sample_block(void *context, int64_t item, int thread)
{
    const struct sampling *sampling = context;
    const int64_t block = item % sampling->blocks, rest = item / sampling->blocks;
    const int64_t channel = rest % sampling->groups * CHANNEL_GROUP, begin = block * ROI_GRID_POINTS;
    const struct roi_grid_block part = {
        .input = sampling->input,
        .grid = sampling->grid,
        .output = sampling->output,
        .params = sampling->params,
        .image = rest / sampling->groups,
        .begin = begin,
        .end = min_i64(begin + ROI_GRID_POINTS, sampling->points),
        .channel_begin = channel,
        .channel_end = min_i64(channel + CHANNEL_GROUP, sampling->input->shape[AXIS_C])};
    sampling->kernels->sample(&part, sampling->scratch + (size_t)thread * sampling->scratch_bytes);
}

static void clear_plane(void *context, int64_t item, int thread)
{
    const struct sampling *sampling = context;
    const int64_t channels = sampling->output->shape[AXIS_C];
    roi_clear_plane(sampling->output, item / channels, item % channels);
}

static roi_status run_sampling(struct sampling *sampling)
{
    const int64_t *shape = sampling->output->shape, planes = shape[AXIS_N] * shape[AXIS_C];
    const int threads = roi_threads_for((double)roi_array_elements(sampling->output) * 16);
    if (sampling->input->shape[AXIS_H] == 0 || sampling->input->shape[AXIS_W] == 0)
        return roi_parallel_for(planes, threads, sampling->params->cancel, clear_plane, sampling);
    sampling->scratch_bytes = (size_t)round_up((int64_t)sampling->kernels->scratch_bytes, ALIGNMENT);
    void *memory = roi_allocate(roi_bytes(threads, (int64_t)sampling->scratch_bytes) + ALIGNMENT, 1);
    if (!memory)
        return ROI_ERROR_MEMORY;
    sampling->scratch = (char *)memory + (ALIGNMENT - (uintptr_t)memory % ALIGNMENT) % ALIGNMENT;
    const roi_status status = roi_parallel_for(shape[AXIS_N] * sampling->blocks * sampling->groups, threads,
                                               sampling->params->cancel, sample_block, sampling);
    free(memory);
    return status;
}

roi_status roi_grid_sample(const roi_grid_params *params, const roi_array *input, const roi_array *grid,
                           const roi_array *output_ret, roi_error *error_ret)
{
    ROI_TRY(roi_report(error_ret, check_sampling(params, input, grid, output_ret)));
    if (roi_array_elements(output_ret) == 0)
        return ROI_SUCCESS;
    const int64_t points = grid->shape[1] * grid->shape[2];
    struct sampling sampling = {.params = params,
                                .input = input,
                                .grid = grid,
                                .output = output_ret,
                                .kernels = roi_grid_kernels(input->dtype),
                                .points = points,
                                .blocks = groups_of(points, ROI_GRID_POINTS),
                                .groups = groups_of(input->shape[AXIS_C], CHANNEL_GROUP)};
    return roi_report(error_ret, run_sampling(&sampling));
}

/* ---- Affine maps ----------------------------------------------------------------------------------------------- */

struct affine {
    const roi_affine_params *params;
    const roi_array *theta, *grid;
};

static roi_status check_affine(const roi_affine_params *params, const roi_array *theta, const roi_array *grid)
{
    ROI_TRY(roi_check_params(params, sizeof *params));
    ROI_TRY(roi_check_array(theta));
    ROI_TRY(roi_check_array(grid));
    if (grid->dtype != theta->dtype)
        return ROI_ERROR_DTYPE;
    const bool fits = has_shape(theta, grid->shape[0], 2, 3, 1) && grid->shape[3] == 2;
    return fits ? ROI_SUCCESS : ROI_ERROR_SHAPE;
}

/* Where pixel `at` of `size` lies in [-1, 1]: its centre, or its share of the way between the outermost centres. */
static double base(int64_t at, int64_t size, bool align_corners)
{
    if (size <= 1)
        return 0;
    return align_corners ? (double)(2 * at - (size - 1)) / (double)(size - 1)
                         : (double)(2 * at + 1 - size) / (double)size;
}

/* One row of one image. */
static void map_row(void *context, int64_t item, int thread)
{
    const struct affine *affine = context;
    const roi_array *theta = affine->theta, *grid = affine->grid;
    const int64_t height = grid->shape[1], width = grid->shape[2], n = item / height, row = item % height;
    const bool align_corners = affine->params->align_corners != 0;
    const double y = base(row, height, align_corners);
    for (int64_t i = 0; i < 2; i++) {
        double factor[3];
        for (int64_t j = 0; j < 3; j++)
            factor[j] = load_element(theta->data, theta->dtype,
                                     n * theta->strides[0] + i * theta->strides[1] + j * theta->strides[2]);
        const int64_t first = n * grid->strides[0] + row * grid->strides[1] + i * grid->strides[3];
        for (int64_t column = 0; column < width; column++) {
            const double value = factor[0] * base(column, width, align_corners) + factor[1] * y + factor[2];
            store_element(grid->data, grid->dtype, first + column * grid->strides[2], value);
        }
    }
}

roi_status roi_affine_grid(const roi_affine_params *params, const roi_array *theta, const roi_array *grid_ret,
                           roi_error *error_ret)
{
    ROI_TRY(roi_report(error_ret, check_affine(params, theta, grid_ret)));
    if (roi_array_elements(grid_ret) == 0)
        return ROI_SUCCESS;
    struct affine affine = {params, theta, grid_ret};
    const int threads = roi_threads_for((double)roi_array_elements(grid_ret) * 8);
    return roi_report(error_ret, roi_parallel_for(grid_ret->shape[0] * grid_ret->shape[1], threads, params->cancel,
                                                  map_row, &affine));
}
