/* ps.c - position-sensitive pooling: the functions of roi.h. Boxes are planned as for any mean; ps_kernel.h has the rest. */
#include "kernels/entry_points.h"
#include "kernels/ps_kernel.h"
#include "axes/pixel_axis.h"

/* ---- Box by box ------------------------------------------------------------------------------------------------ */

/* scratch.crop holds the counts of bins, and the crops that are computed together (ps_kernel.c). */
static void include(struct roi_scratch_size *size, const struct roi_plan *plan, const roi_array *crops)
{
    size->crop = round_up((1 + ROI_PS_CROPS) * crops->shape[AXIS_H] * crops->shape[AXIS_W], ROI_WIDEST_VECTOR);
}

static double work(const struct roi_plan_rule *rule, const struct roi_plan *plan)
{
    return (double)(rule->bins_y * rule->bins_x) * (double)(plan->y.taps * plan->x.taps + 4);
}

static const struct roi_pooling pooling = {
    roi_plan_measure, include, work, roi_plan_fill, .kernels = roi_ps_kernels, .converts = roi_convert_kernels};

/* ---- Calls ----------------------------------------------------------------------------------------------------- */

static struct roi_call call_of(const roi_array *maps, const double *spatial_scale, const roi_boxes *boxes,
                               const roi_array *crops, const volatile int32_t *cancel)
{
    struct roi_call call = roi_call_of(maps, spatial_scale, boxes, crops, cancel);
    call.rule.fours = true;
    call.by_bin = true;
    call.pooling = &pooling;
    return call;
}

static roi_status align(const roi_ps_roi_align_params *params, const roi_array *maps, const roi_boxes *boxes,
                        const roi_array *crops, roi_direction *direction, roi_error *error_ret)
{
    ROI_TRY(roi_report(error_ret, roi_check_params(params, sizeof *params)));
    struct roi_call call = call_of(maps, &params->spatial_scale, boxes, crops, params->cancel);
    call.rule.axis.kind = &roi_sampled_axis;
    call.rule.axis.sampling_ratio = params->sampling_ratio;
    call.rule.axis.aligned = true;
    call.rule.axis.flat_is_empty = true;
    return roi_make_call(&call, boxes, NULL, direction, error_ret);
}

static roi_status pool(const roi_ps_roi_pool_params *params, const roi_array *maps, const roi_boxes *boxes,
                       const roi_array *crops, roi_direction *direction, roi_error *error_ret)
{
    ROI_TRY(roi_report(error_ret, roi_check_params(params, sizeof *params)));
    struct roi_call call = call_of(maps, &params->spatial_scale, boxes, crops, params->cancel);
    call.rule.axis.kind = &roi_open_pixel_axis;
    call.counted = true;
    return roi_make_call(&call, boxes, NULL, direction, error_ret);
}

roi_status roi_ps_roi_align(const roi_ps_roi_align_params *params, const roi_array *input, const roi_boxes *boxes,
                            const roi_array *output_ret, roi_error *error_ret)
{
    return align(params, input, boxes, output_ret, roi_tiles_forward, error_ret);
}

roi_status roi_ps_roi_align_backward(const roi_ps_roi_align_params *params, const roi_array *grad,
                                     const roi_boxes *boxes, const roi_array *input_grad_ret, roi_error *error_ret)
{
    return align(params, input_grad_ret, boxes, grad, roi_tiles_backward, error_ret);
}

roi_status roi_ps_roi_pool(const roi_ps_roi_pool_params *params, const roi_array *input, const roi_boxes *boxes,
                           const roi_array *output_ret, roi_error *error_ret)
{
    return pool(params, input, boxes, output_ret, roi_tiles_forward, error_ret);
}

roi_status roi_ps_roi_pool_backward(const roi_ps_roi_pool_params *params, const roi_array *grad, const roi_boxes *boxes,
                                    const roi_array *input_grad_ret, roi_error *error_ret)
{
    return pool(params, input_grad_ret, boxes, grad, roi_tiles_backward, error_ret);
}
