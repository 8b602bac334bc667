/* call.c - the gate and the common way of all operators that pool boxes: call.h. */
#include "call.h"

#include <math.h>
#include <stdlib.h>

#include "array.h"
#include "levels.h"

/* ---- The gate -------------------------------------------------------------------------------------------------- */

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

/* Stops at the first failure. */
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

/* ---- The way --------------------------------------------------------------------------------------------------- */

struct roi_align_call roi_call_of(const roi_array *maps, const double *spatial_scales, const roi_boxes *boxes,
                                  const roi_array *crops, const volatile int32_t *cancel)
{
    return (struct roi_align_call){
        .rule = {.axis = {.narrow = maps && !roi_is_double(maps->dtype)},
                 .spatial_scales = spatial_scales,
                 .maps = maps,
                 .bins_y = crops ? crops->shape[AXIS_H] : 0,
                 .bins_x = crops ? crops->shape[AXIS_W] : 0},
        .crops = crops,
        .count = boxes ? boxes->count : 0,
        .cancel = cancel};
}

/* Fills the table, with levels where there are several, and goes on. */
static roi_status read_and_run(struct roi_align_call *call, const roi_boxes *boxes, const roi_levels_params *levels,
                               struct roi_box *table, roi_way *way, roi_error *error_ret)
{
    const roi_status status = roi_read_boxes(boxes, call->rule.maps->shape[AXIS_N], table, error_ret);
    if (status != ROI_SUCCESS)
        return status;
    for (int64_t k = 0; levels && k < boxes->count; k++)
        table[k].level = roi_level_of(levels, table[k].corner);
    call->boxes = table;
    return way(call, error_ret);
}

roi_status roi_make_call(struct roi_align_call *call, const roi_boxes *boxes, const roi_levels_params *levels,
                         roi_way *way, roi_error *error_ret)
{
    roi_status status = check_all(call, levels ? levels->num_levels : 1, boxes);
    if (status != ROI_SUCCESS)
        return roi_fail(error_ret, status, -1, -1, 0);
    struct roi_box *table = malloc((size_t)max_i64(boxes->count, 1) * sizeof *table);
    if (!table)
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    status = read_and_run(call, boxes, levels, table, way, error_ret);
    free(table);
    return status;
}
