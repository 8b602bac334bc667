/* align.c - RoIAlign: the functions of roi.h, which check their arguments and choose between the mean and a maximum. */
#include "operators/poolings.h"
#include "kernels/entry_points.h"

static roi_status check_params(const roi_align_params *params)
{
    ROI_TRY(roi_check_params(params, sizeof *params));
    if (params->mode != ROI_AVG && params->mode != ROI_MAX && params->mode != ROI_MAX_CORNER)
        return ROI_ERROR_MODE;
    return ROI_SUCCESS;
}

/* ---- The mean, box by box -------------------------------------------------------------------------------------- */

static double work(const struct roi_plan_rule *rule, const struct roi_plan *plan)
{
    const double width = (double)(plan->x.end - plan->x.first);
    return (double)plan->bins * width * (double)(plan->y.taps + rule->bins_x);
}

const struct roi_pooling roi_mean_pooling = {.measure = roi_plan_measure,
                                             .include = roi_scratch_include,
                                             .work = work,
                                             .fill = roi_plan_fill,
                                             .kernels = roi_align_kernels,
                                             .patch_kernels = roi_patch_kernels,
                                             .converts = roi_convert_kernels,
                                             .ways = {.ring = true, .map = true, .pixels = true}};

/* ---- Calls ----------------------------------------------------------------------------------------------------- */

static struct roi_call call_of(const roi_align_params *params, const roi_array *maps, const double *scales,
                               const roi_boxes *boxes, const roi_array *crops)
{
    struct roi_call call = roi_call_of(maps, scales, boxes, crops, params->cancel);
    call.rule.axis.kind = &roi_sampled_axis;
    call.rule.axis.sampling_ratio = params->sampling_ratio;
    call.rule.axis.aligned = params->aligned != 0;
    call.rule.corners = params->mode == ROI_MAX_CORNER;
    call.pooling = params->mode == ROI_AVG ? &roi_mean_pooling : &roi_largest_pooling;
    return call;
}

roi_status roi_align(const roi_align_params *params, const roi_array *input, const roi_boxes *boxes,
                     const roi_array *output_ret, roi_error *error_ret)
{
    ROI_TRY(roi_report(error_ret, check_params(params)));
    struct roi_call call = call_of(params, input, &params->spatial_scale, boxes, output_ret);
    return roi_make_call(&call, boxes, NULL, roi_tiles_forward, error_ret);
}

roi_status roi_align_backward(const roi_align_params *params, const roi_array *grad, const roi_boxes *boxes,
                              const roi_array *input_grad_ret, roi_error *error_ret)
{
    ROI_TRY(roi_report(error_ret, check_params(params)));
    if (params->mode != ROI_AVG)
        return roi_fail(error_ret, ROI_ERROR_MODE, -1, -1, 0);
    struct roi_call call = call_of(params, input_grad_ret, &params->spatial_scale, boxes, grad);
    return roi_make_call(&call, boxes, NULL, roi_tiles_backward, error_ret);
}

roi_status roi_align_multiscale(const roi_align_params *params, const roi_levels_params *levels,
                                const roi_array *features, const double *spatial_scales, const roi_boxes *boxes,
                                const roi_array *output_ret, roi_error *error_ret)
{
    ROI_TRY(roi_report(error_ret, check_params(params)));
    ROI_TRY(roi_report(error_ret, roi_check_levels(levels)));
    struct roi_call call = call_of(params, features, spatial_scales, boxes, output_ret);
    return roi_make_call(&call, boxes, levels, roi_tiles_forward, error_ret);
}
