/* align_rotated.c - rotated RoIAlign: the functions of roi.h. */
#include "drive/rotated_samples.h"
#include "kernels/entry_points.h"

#include "common/array.h"

/* ---- Box by box ------------------------------------------------------------------------------------------------ */

/* scratch.crop holds a crop, or a row of bins of a line of channels. */
static void include(struct roi_scratch_size *size, const struct roi_plan *plan, const roi_array *crops)
{
    const int64_t rows = max_i64(crops->shape[AXIS_H], roi_line_channels(!roi_is_double(crops->dtype)));
    size->crop = round_up(rows * crops->shape[AXIS_W], ROI_WIDEST_VECTOR);
}

static double work(const struct roi_plan_rule *rule, const struct roi_plan *plan)
{
    return (double)(plan->y.taps * plan->x.taps + 4 * rule->bins_y * rule->bins_x);
}

static const struct roi_pooling pooling = {roi_rotated_measure,
                                           include,
                                           work,
                                           roi_rotated_fill,
                                           .kernels = roi_rotated_kernels,
                                           .converts = roi_convert_kernels};

/* ---- Calls ----------------------------------------------------------------------------------------------------- */

static roi_status make_call(const roi_align_rotated_params *params, const roi_array *maps, const roi_boxes *boxes,
                            const roi_array *crops, roi_direction *direction, roi_error *error_ret)
{
    ROI_TRY(roi_report(error_ret, roi_check_params(params, sizeof *params)));
    if (params->sampling_ratio > ROI_MOST_ROTATED_SAMPLES)
        return roi_fail(error_ret, ROI_ERROR_SAMPLING_RATIO, -1, -1, 0);
    struct roi_call call = roi_call_of(maps, &params->spatial_scale, boxes, crops, params->cancel);
    call.rule.axis.sampling_ratio = params->sampling_ratio;
    call.rule.axis.aligned = params->aligned != 0;
    call.rule.axis.clockwise = params->clockwise != 0;
    call.box_numbers = ROI_ROTATED;
    call.pooling = &pooling;
    return roi_make_call(&call, boxes, NULL, direction, error_ret);
}

roi_status roi_align_rotated(const roi_align_rotated_params *params, const roi_array *input, const roi_boxes *boxes,
                             const roi_array *output_ret, roi_error *error_ret)
{
    return make_call(params, input, boxes, output_ret, roi_tiles_forward, error_ret);
}

roi_status roi_align_rotated_backward(const roi_align_rotated_params *params, const roi_array *grad,
                                      const roi_boxes *boxes, const roi_array *input_grad_ret, roi_error *error_ret)
{
    return make_call(params, input_grad_ret, boxes, grad, roi_tiles_backward, error_ret);
}
