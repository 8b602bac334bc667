/* call.c - the checks and the common steps of all operators that pool boxes: call.h. */
#include "drive/call.h"

#include <math.h>
#include <stdlib.h>

#include "common/array.h"
#include "common/memory.h"

/* ---- Checks ---------------------------------------------------------------------------------------------------- */

/* The negated comparison rejects NaN, too. */
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
        ROI_TRY(roi_check_array(&maps[level]));
        if (maps[level].dtype != maps->dtype)
            return ROI_ERROR_DTYPE;
        if (maps[level].shape[AXIS_N] != maps->shape[AXIS_N] || maps[level].shape[AXIS_C] != maps->shape[AXIS_C])
            return ROI_ERROR_SHAPE;
    }
    return ROI_SUCCESS;
}

/* Channels of a map for one of the crops: one, or one for each bin. Without bins there is none to read. */
static bool channels_fit(const struct roi_call *call)
{
    const int64_t bins = call->by_bin ? call->rule.bins_y * call->rule.bins_x : 1;
    return bins == 0 || call->crops->shape[AXIS_C] * bins == call->rule.maps->shape[AXIS_C];
}

static roi_status check_crops(const struct roi_call *call, const roi_boxes *boxes)
{
    const roi_array *crops = call->crops;
    if (!crops)
        return ROI_ERROR_NULL;
    if (crops->shape[AXIS_H] < 0 || crops->shape[AXIS_W] < 0)
        return ROI_ERROR_OUTPUT_SIZE;
    ROI_TRY(roi_check_array(crops));
    if (crops->dtype != call->rule.maps->dtype)
        return ROI_ERROR_DTYPE;
    return crops->shape[AXIS_N] == boxes->count && channels_fit(call) ? ROI_SUCCESS : ROI_ERROR_SHAPE;
}

static roi_status check_all(const struct roi_call *call, int64_t levels, const roi_boxes *boxes)
{
    if (!call->rule.maps || !call->rule.spatial_scales)
        return ROI_ERROR_NULL;
    ROI_TRY(check_maps(call->rule.maps, levels));
    ROI_TRY(roi_check_boxes(boxes, call->box_numbers));
    ROI_TRY(check_crops(call, boxes));
    return check_scales(call->rule.spatial_scales, levels);
}

/* ---- Calls ----------------------------------------------------------------------------------------------------- */

struct roi_call roi_call_of(const roi_array *maps, const double *spatial_scales, const roi_boxes *boxes,
                            const roi_array *crops, const volatile int32_t *cancel)
{
    return (struct roi_call){.rule = {.axis = {.single = maps && !roi_is_double(maps->dtype)},
                                      .spatial_scales = spatial_scales,
                                      .maps = maps,
                                      .bins_y = crops ? crops->shape[AXIS_H] : 0,
                                      .bins_x = crops ? crops->shape[AXIS_W] : 0},
                             .crops = crops,
                             .count = boxes ? boxes->count : 0,
                             .box_numbers = ROI_UPRIGHT,
                             .cancel = cancel};
}

/* Whether the corners and sides of a box on its map are finite. */
static bool is_in_range(const struct roi_box *box, double scale)
{
    for (int i = 0; i < 2; i++) {
        const double start = box->corner[i] * scale, end = box->corner[i + 2] * scale;
        if (!isfinite(start) || !isfinite(end) || !isfinite(end - start))
            return false;
    }
    return true;
}

static bool is_in_reach(const struct roi_box *box, double scale)
{
    for (int i = 0; i < 4; i++)
        if (!(fabs(box->corner[i] * scale) <= ROI_ROTATED_REACH))
            return false;
    return true;
}

static roi_status check_place(const struct roi_call *call, const struct roi_box *box)
{
    const double scale = call->rule.spatial_scales[box->level];
    if (call->box_numbers == ROI_ROTATED)
        return is_in_reach(box, scale) ? ROI_SUCCESS : ROI_ERROR_BOX_REACH;
    return is_in_range(box, scale) ? ROI_SUCCESS : ROI_ERROR_BOX_OVERFLOW;
}

/* Reads the table, with levels if there are several, up to the first row that is wrong. */
static roi_status read_table(const struct roi_call *call, const roi_boxes *boxes, const roi_levels_params *levels,
                             struct roi_box *table, roi_error *error_ret)
{
    const int64_t images = call->rule.maps->shape[AXIS_N];
    ROI_TRY(roi_report(error_ret, roi_check_images(boxes, call->box_numbers, images)));
    for (int64_t row = 0; row < boxes->count; row++) {
        struct roi_box *box = &table[row];
        ROI_TRY(roi_read_box(boxes, call->box_numbers, row, images, box, error_ret));
        if (levels)
            box->level = roi_level_of(levels, box->corner);
        const roi_status status = check_place(call, box);
        if (status != ROI_SUCCESS)
            return roi_fail(error_ret, status, row, -1, 0);
    }
    return ROI_SUCCESS;
}

roi_status roi_make_call(struct roi_call *call, const roi_boxes *boxes, const roi_levels_params *levels,
                         roi_direction *direction, roi_error *error_ret)
{
    roi_fail(error_ret, ROI_SUCCESS, -1, -1, 0); /* so that it is always set */
    call->levels = levels ? levels->num_levels : 1;
    ROI_TRY(roi_report(error_ret, check_all(call, call->levels, boxes)));
    struct roi_box *table = roi_allocate(boxes->count, sizeof *table);
    if (!table)
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    call->boxes = table;
    roi_status status = read_table(call, boxes, levels, table, error_ret);
    if (status == ROI_SUCCESS)
        status = direction(call, error_ret);
    free(table);
    return status;
}
