/* align.c - RoIAlign: the functions of roi.h, which check their arguments and choose the way of computing. */
#include <math.h>
#include <stdlib.h>

#include "align.h"
#include "array.h"
#include "levels.h"

roi_align_params roi_align_defaults(void)
{
    return (roi_align_params){
        .size = sizeof(roi_align_params), .spatial_scale = 1.0, .sampling_ratio = -1, .aligned = 1, .mode = ROI_AVG};
}

/* ---- Checks ---------------------------------------------------------------------------------------------------- */

static roi_status check_params(const roi_align_params *params)
{
    if (!params)
        return ROI_ERROR_NULL;
    if (params->size != sizeof *params)
        return ROI_ERROR_STRUCT_SIZE;
    if (params->mode != ROI_AVG && params->mode != ROI_MAX && params->mode != ROI_MAX_CORNER)
        return ROI_ERROR_MODE;
    return ROI_SUCCESS;
}

/* Written so that NaN falls out. */
static roi_status check_scales(const double *scales, int64_t levels)
{
    for (int64_t level = 0; level < levels; level++)
        if (!(scales[level] > 0 && isfinite(scales[level])))
            return ROI_ERROR_SPATIAL_SCALE;
    return ROI_SUCCESS;
}

static roi_status check_maps(const roi_array *maps, int64_t levels)
{
    for (int64_t level = 0; level < levels; level++) {
        const roi_status status = roi_check_array(&maps[level]);
        if (status != ROI_SUCCESS)
            return status;
        if (maps[level].dtype != maps->dtype)
            return ROI_ERROR_DTYPE;
        if (maps[level].shape[AXIS_N] != maps->shape[AXIS_N] || maps[level].shape[AXIS_C] != maps->shape[AXIS_C])
            return ROI_ERROR_SHAPE;
    }
    return ROI_SUCCESS;
}

static roi_status check_crops(const roi_array *crops, const roi_array *map, const roi_boxes *boxes)
{
    if (!crops)
        return ROI_ERROR_NULL;
    if (crops->shape[AXIS_H] < 0 || crops->shape[AXIS_W] < 0)
        return ROI_ERROR_OUTPUT_SIZE;
    const roi_status status = roi_check_array(crops);
    if (status != ROI_SUCCESS)
        return status;
    if (crops->dtype != map->dtype)
        return ROI_ERROR_DTYPE;
    if (crops->shape[AXIS_N] != boxes->count || crops->shape[AXIS_C] != map->shape[AXIS_C])
        return ROI_ERROR_SHAPE;
    return ROI_SUCCESS;
}

/* In the order in which a caller meets the arguments; stops at the first failure. */
static roi_status check_all(const struct roi_align_call *call, int64_t levels, const roi_boxes *boxes)
{
    roi_status status = call->rule.maps && call->rule.spatial_scales ? ROI_SUCCESS : ROI_ERROR_NULL;
    if (status == ROI_SUCCESS)
        status = check_maps(call->rule.maps, levels);
    if (status == ROI_SUCCESS)
        status = roi_check_boxes(boxes);
    if (status == ROI_SUCCESS)
        status = check_crops(call->crops, call->rule.maps, boxes);
    if (status == ROI_SUCCESS)
        status = check_scales(call->rule.spatial_scales, levels);
    return status;
}

/* ---- Calls ----------------------------------------------------------------------------------------------------- */

typedef roi_status way(const struct roi_align_call *call, roi_error *error_ret);

/* The way that leads through all of it: box table, levels where there are several, then the work. */
static roi_status run(struct roi_align_call *call, const roi_boxes *boxes, const roi_levels_params *levels, way *compute,
                      roi_error *error_ret)
{
    struct roi_box *table = malloc((size_t)max_i64(boxes->count, 1) * sizeof *table);
    if (!table)
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    roi_status status = roi_read_boxes(boxes, call->rule.maps->shape[AXIS_N], table, error_ret);
    if (status == ROI_SUCCESS) {
        for (int64_t k = 0; levels && k < boxes->count; k++)
            table[k].level = roi_level_of(levels, table[k].corner);
        call->boxes = table;
        status = compute(call, error_ret);
    }
    free(table);
    return status;
}

static struct roi_align_call call_of(const roi_align_params *params, const roi_array *maps, const double *scales,
                                     const roi_boxes *boxes, const roi_array *crops)
{
    return (struct roi_align_call){
        .rule = {.axis = {.kind = &roi_sampled_axis,
                          .sampling_ratio = params->sampling_ratio,
                          .aligned = params->aligned != 0,
                          .narrow = maps && !roi_is_double(maps->dtype)},
                 .spatial_scales = scales,
                 .maps = maps,
                 .bins_y = crops ? crops->shape[AXIS_H] : 0,
                 .bins_x = crops ? crops->shape[AXIS_W] : 0},
        .crops = crops,
        .count = boxes ? boxes->count : 0,
        .mode = params->mode,
        .cancel = params->cancel};
}

static way *forward_way(roi_mode mode) { return mode == ROI_AVG ? roi_align_mean : roi_align_max; }

roi_status roi_align(const roi_align_params *params, const roi_array *input, const roi_boxes *boxes,
                     const roi_array *output_ret, roi_error *error_ret)
{
    roi_status status = check_params(params);
    if (status != ROI_SUCCESS)
        return roi_fail(error_ret, status, -1, -1, 0);
    struct roi_align_call call = call_of(params, input, &params->spatial_scale, boxes, output_ret);
    status = check_all(&call, 1, boxes);
    if (status != ROI_SUCCESS)
        return roi_fail(error_ret, status, -1, -1, 0);
    return run(&call, boxes, NULL, forward_way(params->mode), error_ret);
}

roi_status roi_align_backward(const roi_align_params *params, const roi_array *grad, const roi_boxes *boxes,
                              const roi_array *input_grad_ret, roi_error *error_ret)
{
    roi_status status = check_params(params);
    if (status == ROI_SUCCESS && params->mode != ROI_AVG)
        status = ROI_ERROR_MODE;
    if (status != ROI_SUCCESS)
        return roi_fail(error_ret, status, -1, -1, 0);
    struct roi_align_call call = call_of(params, input_grad_ret, &params->spatial_scale, boxes, grad);
    status = check_all(&call, 1, boxes);
    if (status != ROI_SUCCESS)
        return roi_fail(error_ret, status, -1, -1, 0);
    return run(&call, boxes, NULL, roi_align_mean_backward, error_ret);
}

roi_status roi_align_multiscale(const roi_align_params *params, const roi_levels_params *levels,
                                const roi_array *features, const double *spatial_scales, const roi_boxes *boxes,
                                const roi_array *output_ret, roi_error *error_ret)
{
    roi_status status = check_params(params);
    if (status == ROI_SUCCESS)
        status = roi_check_levels(levels);
    if (status != ROI_SUCCESS)
        return roi_fail(error_ret, status, -1, -1, 0);
    struct roi_align_call call = call_of(params, features, spatial_scales, boxes, output_ret);
    status = check_all(&call, levels->num_levels, boxes);
    if (status != ROI_SUCCESS)
        return roi_fail(error_ret, status, -1, -1, 0);
    return run(&call, boxes, levels, forward_way(params->mode), error_ret);
}
