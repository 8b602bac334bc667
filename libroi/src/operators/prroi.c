/*
 * prroi.c - precise RoI pooling, and its gradients for the map and for the boxes
 *
 * The mean of the surface over a bin, and the gradient for the map, are those of any axis with weights. The gradient for
 * a box comes from the edges of its bins (integral_axis.h). With C the means of a box, E those over the lines at its
 * vertical edges (along y the bins, along x single points), w the width of a bin, q the bin and n the number of bins,
 *
 *     dC[q] / d(left edge) = (C[q] - E[q]) / w        dC[q] / d(right edge) = (E[q + 1] - C[q]) / w
 *
 * and the left edge is x1 + q / n * (x2 - x1). All of C and E, along both axes, are the crop of one box with edges and
 * bins in turn; so boxes are pooled that way, some at a time, and their crops are summed against the gradient.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "operators/poolings.h"
#include "common/array.h"
#include "axes/integral_axis.h"
#include "common/parallel.h"
#include "kernels/entry_points.h"
#include "common/storage.h"
#include "common/memory.h"

static struct roi_call call_of(const roi_prroi_params *params, const roi_array *map, const roi_boxes *boxes,
                               const roi_array *crops)
{
    struct roi_call call = roi_call_of(map, &params->spatial_scale, boxes, crops, params->cancel);
    call.rule.axis.kind = &roi_integral_axis;
    call.pooling = &roi_mean_pooling;
    return call;
}

roi_status roi_prroi_pool(const roi_prroi_params *params, const roi_array *input, const roi_boxes *boxes,
                          const roi_array *output_ret, roi_error *error_ret)
{
    ROI_TRY(roi_report(error_ret, roi_check_params(params, sizeof *params)));
    struct roi_call call = call_of(params, input, boxes, output_ret);
    return roi_make_call(&call, boxes, NULL, roi_tiles_forward, error_ret);
}

/* ---- The gradient for boxes ------------------------------------------------------------------------------------ */

enum { CROP_BYTES = 1 << 21 /* of crops that are held at a time */ };

struct box_grad {
    const struct roi_call *call; /* maps: the input; crops: the gradient of the result */
    double *sum;                 /* [count, 4], in the order of the boxes */
    /* Some boxes and channels of them. */
    int64_t box, channel;
    roi_array maps, crops; /* the channels; crops of edges and bins, in the type computed in */
};

/* The same channels of an array. */
static roi_array channels_of(const roi_array *array, int64_t channel, int64_t count)
{
    roi_array part = *array;
    if (roi_array_elements(array) > 0)
        part.data = roi_plane(array, roi_dtype_size(array->dtype), 0, channel);
    part.shape[AXIS_C] = count;
    return part;
}

static double at(const roi_array *array, int64_t n, int64_t c, int64_t y, int64_t x)
{
    return load_element(roi_plane(array, roi_dtype_size(array->dtype), n, c), array->dtype,
                        y * array->strides[AXIS_H] + x * array->strides[AXIS_W]);
}

/* What one bin adds to the gradients for the lower and the upper corner along one axis: bin p of n, from the values at
   its edges and its mean, times the gradient of the bin, over the length of a bin. */
static void add_bin(double *corners, double low, double mean, double high, double grad, int64_t p, int64_t n)
{
    const double from_low = (mean - low) * grad, from_high = (high - mean) * grad;
    const double begin = (double)p / (double)n, end = (double)(p + 1) / (double)n;
    corners[0] += from_low * (1 - begin) + from_high * (1 - end);
    corners[2] += from_low * begin + from_high * end;
}

/* One box, all channels at hand: what they add to the sums, still to be divided by the length of a bin. */
static void add_channel(const struct box_grad *work, int64_t k, int64_t c, double corner[4])
{
    const roi_array *grad = work->call->crops, *crops = &work->crops;
    const int64_t bins_y = grad->shape[AXIS_H], bins_x = grad->shape[AXIS_W];
    for (int64_t p = 0; p < bins_y; p++)
        for (int64_t q = 0; q < bins_x; q++) {
            const double g = at(grad, work->box + k, work->channel + c, p, q);
            if (g == 0)
                continue;
            const int64_t y = 2 * p + 1, x = 2 * q + 1;
            const double mean = at(crops, k, c, y, x);
            add_bin(corner, at(crops, k, c, y, x - 1), mean, at(crops, k, c, y, x + 1), g, q, bins_x);
            add_bin(corner + 1, at(crops, k, c, y - 1, x), mean, at(crops, k, c, y + 1, x), g, p, bins_y);
        }
}

static void add_box(void *context, int64_t k, int thread)
{
    const struct box_grad *work = context;
    const struct roi_plan_rule *rule = &work->call->rule;
    struct roi_axis x, y;
    roi_place_box(rule, &work->call->boxes[work->box + k], false, &x);
    roi_place_box(rule, &work->call->boxes[work->box + k], true, &y);
    if (!(x.bin > 0 && y.bin > 0))
        return;
    double corner[4] = {0};
    for (int64_t c = 0; c < work->crops.shape[AXIS_C]; c++)
        add_channel(work, k, c, corner);
    for (int i = 0; i < 4; i++)
        work->sum[4 * (work->box + k) + i] += corner[i] * rule->spatial_scales[0] / (i % 2 ? y.bin : x.bin);
}

/* Pools work->crops and sums them against the gradient. */
static roi_status run_boxes(struct box_grad *work, roi_error *error_ret)
{
    struct roi_call call = *work->call;
    call.rule.maps = &work->maps;
    call.rule.axis.kind = &roi_edges_axis;
    call.rule.bins_y = work->crops.shape[AXIS_H];
    call.rule.bins_x = work->crops.shape[AXIS_W];
    call.crops = &work->crops;
    call.boxes = work->call->boxes + work->box;
    call.count = work->crops.shape[AXIS_N];
    ROI_TRY(roi_tiles_forward(&call, error_ret));
    const int threads = roi_threads_for((double)roi_array_elements(&work->crops) * 8);
    return roi_report(error_ret, roi_parallel_for(call.count, threads, call.cancel, add_box, work));
}

/* An array of so many elements, row after row, without memory yet. */
static roi_array plain_array(roi_dtype dtype, int64_t n, int64_t c, int64_t h, int64_t w)
{
    const uint64_t rows = (uint64_t)h * (uint64_t)w; /* which may wrap around, in a shape that is still to be checked */
    return (roi_array){
        .dtype = dtype, .shape = {n, c, h, w}, .strides = {(int64_t)((uint64_t)c * rows), (int64_t)rows, w, 1}};
}

static void widen_plane(void *context, int64_t item, int thread)
{
    const struct box_grad *work = context;
    const roi_array from = channels_of(work->call->rule.maps, work->channel, work->maps.shape[AXIS_C]);
    roi_convert_plane(roi_convert_kernels, &from, &work->maps, item / from.shape[AXIS_C], item % from.shape[AXIS_C]);
}

/* The channels at hand, of a 16-bit map in float32: a difference of two crops needs more than 16 bits. *memory_ret is
   to be freed. */
static bool take_channels(struct box_grad *work, int64_t channels, void **memory_ret)
{
    const roi_array *map = work->call->rule.maps;
    *memory_ret = NULL;
    work->maps = channels_of(map, work->channel, channels);
    if (map->dtype == ROI_FLOAT32 || map->dtype == ROI_FLOAT64)
        return true;
    work->maps = plain_array(ROI_FLOAT32, map->shape[AXIS_N], channels, map->shape[AXIS_H], map->shape[AXIS_W]);
    if (roi_array_elements(&work->maps) == 0)
        return true;
    work->maps.data = *memory_ret = roi_allocate(roi_array_elements(&work->maps), sizeof(float));
    if (!*memory_ret)
        return false;
    roi_parallel_for(map->shape[AXIS_N] * channels, roi_threads_for((double)roi_array_elements(&work->maps)), NULL,
                     widen_plane, work);
    return true;
}

/* All boxes, `channels` channels from work->channel on, as many boxes at a time as CROP_BYTES hold. */
static roi_status run_channels(struct box_grad *work, int64_t channels, int64_t boxes, void *memory,
                               roi_error *error_ret)
{
    const int64_t count = work->call->count, height = 2 * work->call->crops->shape[AXIS_H] + 1,
                  width = 2 * work->call->crops->shape[AXIS_W] + 1;
    for (work->box = 0; work->box < count; work->box += boxes) {
        const int64_t some = min_i64(boxes, count - work->box);
        work->crops = plain_array(roi_is_double(work->maps.dtype) ? ROI_FLOAT64 : ROI_FLOAT32, some, channels, height,
                                  width);
        work->crops.data = memory;
        ROI_TRY(run_boxes(work, error_ret));
    }
    return ROI_SUCCESS;
}

/* Each box's sum is taken over its channels in order, whatever the number of threads. */
static roi_status sum_boxes(struct box_grad *work, roi_error *error_ret)
{
    const roi_array *grad = work->call->crops;
    const int64_t all = grad->shape[AXIS_C];
    roi_array one = plain_array(ROI_FLOAT64, 1, 1, 2 * grad->shape[AXIS_H] + 1, 2 * grad->shape[AXIS_W] + 1);
    one.data = work;
    if (roi_check_array(&one) != ROI_SUCCESS)
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    const int64_t bytes = roi_array_elements(&one) * (int64_t)sizeof(double);
    const int64_t crops = max_i64(CROP_BYTES / bytes, 1), channels = min_i64(crops, all);
    const int64_t boxes = min_i64(max_i64(crops / channels, 1), work->call->count);
    void *memory = roi_allocate(boxes * channels, bytes), *widened = NULL;
    roi_status status = memory ? ROI_SUCCESS : roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    for (work->channel = 0; work->channel < all && status == ROI_SUCCESS; work->channel += channels) {
        const int64_t some = min_i64(channels, all - work->channel);
        if (take_channels(work, some, &widened))
            status = run_channels(work, some, boxes, memory, error_ret);
        else
            status = roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
        free(widened);
    }
    free(memory);
    return status;
}

/* ---- Backward -------------------------------------------------------------------------------------------------- */

struct backward {
    struct roi_call call; /* first, so that a pointer to it is one to the whole */
    const roi_array *input_grad_ret;
    double *box_grad_ret;
};

static roi_status run_input_grad(const struct roi_call *call, const roi_array *input_grad_ret, roi_error *error_ret)
{
    struct roi_call scatter = *call;
    scatter.rule.maps = input_grad_ret;
    return input_grad_ret ? roi_tiles_backward(&scatter, error_ret) : ROI_SUCCESS;
}

/* The gradient for the boxes is written last, so that an error leaves both results unchanged. */
static roi_status run_backward(const struct roi_call *call, roi_error *error_ret)
{
    const struct backward *backward = (const void *)call;
    if (!backward->box_grad_ret)
        return run_input_grad(call, backward->input_grad_ret, error_ret);
    struct box_grad work = {.call = call, .sum = roi_allocate_zeros(call->count, 4 * sizeof(double))};
    if (!work.sum)
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    roi_status status = ROI_SUCCESS;
    if (roi_array_elements(call->crops) > 0)
        status = sum_boxes(&work, error_ret);
    if (status == ROI_SUCCESS)
        status = run_input_grad(call, backward->input_grad_ret, error_ret);
    if (status == ROI_SUCCESS && call->count > 0)
        memcpy(backward->box_grad_ret, work.sum, (size_t)call->count * 4 * sizeof(double));
    free(work.sum);
    return status;
}

static roi_status check_input_grad(const roi_array *input, const roi_array *input_grad)
{
    if (!input_grad)
        return ROI_SUCCESS;
    ROI_TRY(roi_check_array(input_grad));
    if (!input)
        return ROI_SUCCESS;
    if (input_grad->dtype != input->dtype)
        return ROI_ERROR_DTYPE;
    return memcmp(input_grad->shape, input->shape, sizeof input->shape) == 0 ? ROI_SUCCESS : ROI_ERROR_SHAPE;
}

roi_status roi_prroi_pool_backward(const roi_prroi_params *params, const roi_array *grad, const roi_array *input,
                                   const roi_boxes *boxes, const roi_array *input_grad_ret, double *box_grad_ret,
                                   roi_error *error_ret)
{
    ROI_TRY(roi_report(error_ret, roi_check_params(params, sizeof *params)));
    ROI_TRY(roi_report(error_ret, check_input_grad(input, input_grad_ret)));
    struct backward backward = {call_of(params, input, boxes, grad), input_grad_ret, box_grad_ret};
    return roi_make_call(&backward.call, boxes, NULL, run_backward, error_ret);
}
