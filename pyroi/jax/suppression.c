/* suppression.c - overlap and suppression of boxes, with results of a size that is known in advance */
#include <stdlib.h>

#include "call.h"

/* ---- Overlap --------------------------------------------------------------------------------------------------- */

typedef roi_status iou_function(const roi_iou_params *, const roi_boxes *, const roi_boxes *, const roi_array *,
                                roi_error *);

static roi_status run_iou(xla_call *call, iou_function *function, roi_error *error_ret)
{
    roi_iou_params params = {.size = sizeof params, .kind = ROI_IOU};
    roi_boxes first = xla_boxes(call, &call->arguments[0]), second = xla_boxes(call, &call->arguments[1]);
    roi_array matrix = xla_map(call, &call->results[0]);
    call->fault.first_rows = first.count;
    return call->broken ? ROI_SUCCESS : function(&params, &first, &second, &matrix, error_ret);
}

static roi_status iou(xla_call *call, roi_error *error_ret) { return run_iou(call, roi_box_iou, error_ret); }

static roi_status iou_rotated(xla_call *call, roi_error *error_ret)
{
    return run_iou(call, roi_box_iou_rotated, error_ret);
}

void *xla_box_iou(void *frame) { return xla_run(frame, "box_iou", iou, 2, 1, (int[]){2, 2, 2}); }

void *xla_box_iou_rotated(void *frame)
{
    return xla_run(frame, "box_iou_rotated", iou_rotated, 2, 1, (int[]){2, 2, 2});
}

/* ---- Suppression ----------------------------------------------------------------------------------------------- */

typedef roi_status nms_function(const roi_nms_params *, const roi_boxes *, const roi_vector *, const int64_t *,
                                int64_t *, int64_t *, roi_error *);

/* Classes [N] of 32 bits, widened. */
static int64_t *widen(const int32_t *classes, int64_t count)
{
    int64_t *wide = malloc(((size_t)count + 1) * sizeof *wide);
    for (int64_t i = 0; wide && i < count; i++)
        wide[i] = classes[i];
    return wide;
}

/* The indices of the result: of 32 bits, padded with -1. */
static void write_kept(const int64_t *kept, int64_t count, int32_t *into, int64_t size)
{
    for (int64_t i = 0; i < size; i++)
        into[i] = i < count ? (int32_t)kept[i] : -1;
}

/* An empty array of classes means that boxes have no classes. */
static roi_status run_nms(xla_call *call, nms_function *function, roi_error *error_ret)
{
    int64_t limit = call->results[0].dims[0], found = 0;
    roi_nms_params params = {.size = sizeof params,
                             .iou_threshold = xla_number(call, "iou_threshold"),
                             .score_threshold = xla_number(call, "score_threshold"),
                             .max_output = limit};
    roi_boxes boxes = xla_boxes(call, &call->arguments[0]);
    roi_vector scores = xla_vector(call, &call->arguments[1]);
    const int32_t *classes = xla_data(call, &call->arguments[2], XLA_FFI_S32);
    int32_t *indices = xla_data(call, &call->results[0], XLA_FFI_S32);
    int32_t *count = xla_data(call, &call->results[1], XLA_FFI_S32);
    bool by_class = call->arguments[2].dims[0] != 0;
    if (by_class && call->arguments[2].dims[0] != boxes.count)
        call->broken = "there is not one class for each box";
    if (call->broken)
        return ROI_SUCCESS;
    int64_t *wide = by_class ? widen(classes, boxes.count) : NULL, *kept = malloc(((size_t)limit + 1) * sizeof *kept);
    roi_status status = ROI_ERROR_MEMORY;
    if (kept && (wide || !by_class))
        status = function(&params, &boxes, &scores, wide, kept, &found, error_ret);
    if (status == ROI_SUCCESS) {
        write_kept(kept, found, indices, limit);
        *count = (int32_t)found;
    }
    free(kept);
    free(wide);
    return status;
}

static roi_status nms(xla_call *call, roi_error *error_ret) { return run_nms(call, roi_nms, error_ret); }

static roi_status nms_rotated(xla_call *call, roi_error *error_ret)
{
    return run_nms(call, roi_nms_rotated, error_ret);
}

void *xla_nms(void *frame) { return xla_run(frame, "nms", nms, 3, 2, (int[]){2, 1, 1, 1, 0}); }

void *xla_nms_rotated(void *frame) { return xla_run(frame, "nms_rotated", nms_rotated, 3, 2, (int[]){2, 1, 1, 1, 0}); }
