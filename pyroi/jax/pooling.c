/*
 * pooling.c - the operators that pool boxes from maps, and their gradients
 *
 * The first argument has the boxes; the next ones are those in which the operator is linear: the map, the gradient of
 * the crops, or the levels. The shape of a gradient is that of its result. The positions of roi_pool's maxima are
 * integers of 64 bits, which only its gradient reads. They are passed as pairs of 32 bits, because JAX disables 64-bit
 * types by default.
 */
#include <stdlib.h>
#include <string.h>

#include "call.h"

/* ---- RoIAlign -------------------------------------------------------------------------------------------------- */

typedef roi_status align_function(const roi_align_params *, const roi_array *, const roi_boxes *, const roi_array *,
                                  roi_error *);

static roi_align_params align_params(xla_call *call, double spatial_scale)
{
    return (roi_align_params){.size = sizeof(roi_align_params),
                              .spatial_scale = spatial_scale,
                              .sampling_ratio = xla_integer(call, "sampling_ratio"),
                              .aligned = xla_flag(call, "aligned"),
                              .mode = ROI_AVG};
}

/* Forward or backward: from the map to the crops, or from the gradient of the crops to that of the map. */
static roi_status run_align(xla_call *call, align_function *function, const roi_array *from, const roi_array *into,
                            const roi_align_params *params, roi_error *error_ret)
{
    roi_boxes boxes = xla_boxes(call, &call->arguments[0]);
    return call->broken ? ROI_SUCCESS : function(params, from, &boxes, into, error_ret);
}

static roi_status align(xla_call *call, roi_error *error_ret)
{
    roi_align_params params = align_params(call, xla_number(call, "spatial_scale"));
    params.mode = (roi_mode)xla_integer(call, "mode");
    roi_array input = xla_map(call, &call->arguments[1]), output = xla_map(call, &call->results[0]);
    call->fault.images = input.shape[0];
    return run_align(call, roi_align, &input, &output, &params, error_ret);
}

static roi_status align_backward(xla_call *call, roi_error *error_ret)
{
    roi_align_params params = align_params(call, xla_number(call, "spatial_scale"));
    roi_array grad = xla_map(call, &call->arguments[1]), input_grad = xla_map(call, &call->results[0]);
    call->fault.images = input_grad.shape[0];
    return run_align(call, roi_align_backward, &grad, &input_grad, &params, error_ret);
}

void *xla_roi_align(void *frame) { return xla_run(frame, "roi_align", align, 2, 1, (int[]){2, 4, 4}); }

void *xla_roi_align_backward(void *frame)
{
    return xla_run(frame, "roi_align_backward", align_backward, 2, 1, (int[]){2, 4, 4});
}

/* ---- Rotated boxes --------------------------------------------------------------------------------------------- */

typedef roi_status rotated_function(const roi_align_rotated_params *, const roi_array *, const roi_boxes *,
                                    const roi_array *, roi_error *);

static roi_status run_rotated(xla_call *call, rotated_function *function, int64_t images, roi_error *error_ret)
{
    roi_align_rotated_params params = {.size = sizeof params,
                                       .spatial_scale = xla_number(call, "spatial_scale"),
                                       .sampling_ratio = xla_integer(call, "sampling_ratio"),
                                       .aligned = xla_flag(call, "aligned"),
                                       .clockwise = xla_flag(call, "clockwise")};
    roi_array from = xla_map(call, &call->arguments[1]), into = xla_map(call, &call->results[0]);
    roi_boxes boxes = xla_boxes(call, &call->arguments[0]);
    call->fault.images = images;
    return call->broken ? ROI_SUCCESS : function(&params, &from, &boxes, &into, error_ret);
}

static roi_status align_rotated(xla_call *call, roi_error *error_ret)
{
    return run_rotated(call, roi_align_rotated, call->arguments[1].dims[0], error_ret);
}

static roi_status align_rotated_backward(xla_call *call, roi_error *error_ret)
{
    return run_rotated(call, roi_align_rotated_backward, call->results[0].dims[0], error_ret);
}

void *xla_roi_align_rotated(void *frame)
{
    return xla_run(frame, "roi_align_rotated", align_rotated, 2, 1, (int[]){2, 4, 4});
}

void *xla_roi_align_rotated_backward(void *frame)
{
    return xla_run(frame, "roi_align_rotated_backward", align_rotated_backward, 2, 1, (int[]){2, 4, 4});
}

/* ---- Several levels -------------------------------------------------------------------------------------------- */

static roi_levels_params levels_params(xla_call *call, int64_t levels)
{
    return (roi_levels_params){.size = sizeof(roi_levels_params),
                               .num_levels = levels,
                               .canonical_level = xla_integer(call, "canonical_level"),
                               .canonical_scale = xla_number(call, "canonical_scale")};
}

/* Boxes come first, then the levels. */
static roi_status multiscale(xla_call *call, roi_error *error_ret)
{
    int64_t count = call->frame->arguments.size - 1;
    roi_array features[XLA_MOST_OPERANDS];
    for (int64_t level = 0; level < count; level++)
        features[level] = xla_map(call, &call->arguments[level + 1]);
    roi_align_params params = align_params(call, 1);
    roi_levels_params levels = levels_params(call, count);
    const double *scales = xla_numbers(call, "spatial_scales", count);
    roi_boxes boxes = xla_boxes(call, &call->arguments[0]);
    roi_array output = xla_map(call, &call->results[0]);
    call->fault.images = features[0].shape[0];
    if (call->broken)
        return ROI_SUCCESS;
    return roi_align_multiscale(&params, &levels, features, scales, &boxes, &output, error_ret);
}

/* The boxes that are pooled from one level, for its gradient. */
typedef struct {
    int64_t *levels; /* of all boxes */
    int64_t *places; /* the indices of this level's boxes among all */
    char *boxes, *grads;
} gathered;

static bool allocate(gathered *scratch, const roi_boxes *boxes, size_t box_bytes, size_t grad_bytes)
{
    size_t count = (size_t)boxes->count + 1; /* so that an allocation of size 0 is not mistaken for a failure */
    scratch->levels = malloc(count * sizeof *scratch->levels);
    scratch->places = malloc(count * sizeof *scratch->places);
    scratch->boxes = malloc(count * box_bytes);
    scratch->grads = malloc(count * grad_bytes + 1);
    return scratch->levels && scratch->places && scratch->boxes && scratch->grads;
}

static void release(gathered *scratch)
{
    free(scratch->levels);
    free(scratch->places);
    free(scratch->boxes);
    free(scratch->grads);
}

static int64_t gather(gathered *scratch, int64_t level, const roi_boxes *boxes, size_t box_bytes, const roi_array *grad,
                      size_t grad_bytes)
{
    int64_t count = 0;
    for (int64_t row = 0; row < boxes->count; row++) {
        if (scratch->levels[row] != level)
            continue;
        size_t from = (size_t)row, to = (size_t)count;
        memcpy(scratch->boxes + to * box_bytes, (const char *)boxes->data + from * box_bytes, box_bytes);
        memcpy(scratch->grads + to * grad_bytes, (const char *)grad->data + from * grad_bytes, grad_bytes);
        scratch->places[count++] = row;
    }
    return count;
}

static size_t bytes_of(const roi_array *grad)
{
    size_t size = grad->dtype == ROI_FLOAT64 ? 8 : grad->dtype == ROI_FLOAT32 ? 4 : 2;
    return size * (size_t)(grad->shape[1] * grad->shape[2] * grad->shape[3]);
}

static roi_status flow_to_levels(xla_call *call, gathered *scratch, int64_t count, const roi_boxes *boxes,
                                 const roi_array *grad, const double *scales, roi_error *error_ret)
{
    size_t box_bytes = (boxes->dtype == ROI_FLOAT64 ? 8 : 4) * (size_t)boxes->columns, grad_bytes = bytes_of(grad);
    if (!allocate(scratch, boxes, box_bytes, grad_bytes))
        return ROI_ERROR_MEMORY;
    roi_levels_params levels = levels_params(call, count);
    roi_status status = roi_assign_levels(&levels, boxes, scratch->levels, error_ret);
    for (int64_t level = 0; level < count && status == ROI_SUCCESS; level++) {
        roi_boxes selected = *boxes;
        roi_array rows = *grad, into = xla_map(call, &call->results[level]);
        selected.data = scratch->boxes;
        rows.data = scratch->grads;
        rows.shape[0] = selected.count = gather(scratch, level, boxes, box_bytes, grad, grad_bytes);
        roi_align_params params = align_params(call, scales[level]);
        status = roi_align_backward(&params, &rows, &selected, &into, error_ret);
        if (status != ROI_SUCCESS && error_ret->row >= 0)
            error_ret->row = scratch->places[error_ret->row];
    }
    return status;
}

static roi_status multiscale_backward(xla_call *call, roi_error *error_ret)
{
    int64_t count = call->frame->results.size;
    const double *scales = xla_numbers(call, "spatial_scales", count);
    roi_boxes boxes = xla_boxes(call, &call->arguments[0]);
    roi_array grad = xla_map(call, &call->arguments[1]);
    call->fault.images = call->results[0].dims[0];
    if (grad.shape[0] != boxes.count)
        call->broken = "there is not one crop for each box";
    if (call->broken)
        return ROI_SUCCESS;
    gathered scratch = {NULL, NULL, NULL, NULL};
    roi_status status = flow_to_levels(call, &scratch, count, &boxes, &grad, scales, error_ret);
    release(&scratch);
    return status;
}

/* The number of operands of a frame, if it is within the limits. */
static int operands_of(const xla_ffi_buffers *operands, int least)
{
    return least <= operands->size && operands->size <= XLA_MOST_OPERANDS ? (int)operands->size : least;
}

/* Ranks: boxes, then only maps. */
static xla_ffi_error *run_levels(xla_ffi_frame *frame, const char *name, xla_operator *compute, int arguments,
                                 int results)
{
    int ranks[2 * XLA_MOST_OPERANDS];
    for (int i = 0; i < 2 * XLA_MOST_OPERANDS; i++)
        ranks[i] = i ? 4 : 2;
    return xla_run(frame, name, compute, arguments, results, ranks);
}

void *xla_multiscale_roi_align(void *frame)
{
    int arguments = operands_of(&((xla_ffi_frame *)frame)->arguments, 2);
    return run_levels(frame, "multiscale_roi_align", multiscale, arguments, 1);
}

void *xla_multiscale_roi_align_backward(void *frame)
{
    int results = operands_of(&((xla_ffi_frame *)frame)->results, 1);
    return run_levels(frame, "multiscale_roi_align_backward", multiscale_backward, 2, results);
}

/* ---- Maxima ---------------------------------------------------------------------------------------------------- */

/* Positions [K, C, height, width, 2], pairs of 32 bits. libroi checks that their shape is that of the crops. */
static roi_indices to_indices(xla_call *call, const xla_view *view)
{
    roi_indices indices = {xla_data(call, view, XLA_FFI_S32), {0}, {0}};
    if (view->dims[4] != 2)
        call->broken = "places are no pairs";
    memcpy(indices.shape, view->dims, sizeof indices.shape);
    int64_t stride = 1;
    for (int d = 3; d >= 0; d--) {
        indices.strides[d] = stride;
        stride *= indices.shape[d];
    }
    return indices;
}

static roi_pool_params pool_params(xla_call *call)
{
    return (roi_pool_params){.size = sizeof(roi_pool_params), .spatial_scale = xla_number(call, "spatial_scale")};
}

static roi_status pool(xla_call *call, roi_error *error_ret)
{
    roi_pool_params params = pool_params(call);
    roi_array input = xla_map(call, &call->arguments[1]), output = xla_map(call, &call->results[0]);
    roi_boxes boxes = xla_boxes(call, &call->arguments[0]);
    roi_indices places = to_indices(call, &call->results[1]);
    call->fault.images = input.shape[0];
    if (call->broken)
        return ROI_SUCCESS;
    return roi_pool(&params, &input, &boxes, &output, &places, error_ret);
}

static roi_status pool_backward(xla_call *call, roi_error *error_ret)
{
    roi_pool_params params = pool_params(call);
    roi_array grad = xla_map(call, &call->arguments[1]), input_grad = xla_map(call, &call->results[0]);
    roi_indices places = to_indices(call, &call->arguments[2]);
    roi_boxes boxes = xla_boxes(call, &call->arguments[0]);
    call->fault.images = input_grad.shape[0];
    if (call->broken)
        return ROI_SUCCESS;
    return roi_pool_backward(&params, &grad, &places, &boxes, &input_grad, error_ret);
}

void *xla_roi_pool(void *frame) { return xla_run(frame, "roi_pool", pool, 2, 2, (int[]){2, 4, 4, 5}); }

void *xla_roi_pool_backward(void *frame)
{
    return xla_run(frame, "roi_pool_backward", pool_backward, 3, 1, (int[]){2, 4, 5, 4});
}

/* ---- Integrals ------------------------------------------------------------------------------------------------- */

static roi_prroi_params prroi_params(xla_call *call)
{
    return (roi_prroi_params){.size = sizeof(roi_prroi_params), .spatial_scale = xla_number(call, "spatial_scale")};
}

static roi_status prroi(xla_call *call, roi_error *error_ret)
{
    roi_prroi_params params = prroi_params(call);
    roi_array input = xla_map(call, &call->arguments[1]), output = xla_map(call, &call->results[0]);
    roi_boxes boxes = xla_boxes(call, &call->arguments[0]);
    call->fault.images = input.shape[0];
    if (call->broken)
        return ROI_SUCCESS;
    return roi_prroi_pool(&params, &input, &boxes, &output, error_ret);
}

/* Gradients of corners [K, 4] in double, written as rows of the boxes' columns and type; that of a batch index is 0. */
static void write_corners(const double *corners, const roi_boxes *boxes, void *data)
{
    int64_t columns = boxes->columns, batch = columns - 4;
    for (int64_t i = 0; i < boxes->count * columns; i++) {
        int64_t row = i / columns, column = i % columns;
        double value = column < batch ? 0 : corners[row * 4 + column - batch];
        if (boxes->dtype == ROI_FLOAT64)
            ((double *)data)[i] = value;
        else
            ((float *)data)[i] = (float)value;
    }
}

static roi_status prroi_backward(xla_call *call, roi_error *error_ret)
{
    roi_prroi_params params = prroi_params(call);
    roi_array grad = xla_map(call, &call->arguments[1]), input = xla_map(call, &call->arguments[2]);
    roi_boxes boxes = xla_boxes(call, &call->arguments[0]);
    roi_array input_grad = xla_map(call, &call->results[0]);
    const xla_view *boxes_view = &call->arguments[0], *boxes_grad = &call->results[1];
    void *into = xla_data(call, boxes_grad, boxes_view->buffer->dtype);
    call->fault.images = input.shape[0];
    if (memcmp(boxes_grad->dims, boxes_view->dims, 2 * sizeof *boxes_grad->dims))
        call->broken = "the gradient of the boxes has another shape than these";
    if (call->broken)
        return ROI_SUCCESS;
    double *corners = malloc(((size_t)boxes.count * 4 + 1) * sizeof *corners);
    if (!corners)
        return ROI_ERROR_MEMORY;
    roi_status status = roi_prroi_pool_backward(&params, &grad, &input, &boxes, &input_grad, corners, error_ret);
    if (status == ROI_SUCCESS)
        write_corners(corners, &boxes, into);
    free(corners);
    return status;
}

void *xla_prroi_pool(void *frame) { return xla_run(frame, "prroi_pool", prroi, 2, 1, (int[]){2, 4, 4}); }

void *xla_prroi_pool_backward(void *frame)
{
    return xla_run(frame, "prroi_pool_backward", prroi_backward, 3, 2, (int[]){2, 4, 4, 4, 2});
}
