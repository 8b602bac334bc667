/* resize.c - resizing whole images: the functions of roi.h. The work is done as for boxes: images.h, resample_axis.h. */
#include <float.h>
#include <math.h>

#include "image/images.h"
#include "axes/resample_axis.h"
#include "operators/poolings.h"

/* ---- Checks ---------------------------------------------------------------------------------------------------- */

static const struct roi_axis_kind *kind_of(roi_resize_mode mode, bool antialias)
{
    switch (mode) {
    case ROI_NEAREST: return &roi_nearest_axis;
    case ROI_NEAREST_EXACT: return &roi_exact_axis;
    case ROI_BILINEAR: return antialias ? &roi_triangle_axis : &roi_bilinear_axis;
    case ROI_BICUBIC: return antialias ? &roi_keys_axis : &roi_bicubic_axis;
    case ROI_AREA: return &roi_area_axis;
    }
    return NULL;
}

/* 0 says that there is none. The negated comparison rejects NaN, too. */
static bool is_factor(double factor) { return factor == 0 || (factor > 0 && isfinite(factor) && isfinite(1 / factor)); }

static roi_status check_params(const roi_resize_params *params)
{
    ROI_TRY(roi_check_params(params, sizeof *params));
    if (!kind_of(params->mode, false))
        return ROI_ERROR_MODE;
    const bool interpolates = params->mode == ROI_BILINEAR || params->mode == ROI_BICUBIC;
    if (params->align_corners && !interpolates)
        return ROI_ERROR_ALIGN_CORNERS;
    if (params->antialias && !interpolates)
        return ROI_ERROR_ANTIALIAS;
    return is_factor(params->scale_y) && is_factor(params->scale_x) ? ROI_SUCCESS : ROI_ERROR_SCALE_FACTOR;
}

/* ---- Calls ----------------------------------------------------------------------------------------------------- */

/* 0 where no factor is given; else finite, which the inverse of a subnormal factor is not. */
static double step_of(double factor) { return factor > 0 ? fmin(1 / factor, DBL_MAX) : 0; }

static roi_status resize(const roi_resize_params *params, const roi_array *maps, const roi_array *crops,
                         roi_direction *direction, roi_error *error_ret)
{
    ROI_TRY(roi_report(error_ret, check_params(params)));
    const struct roi_image_call call = {.maps = maps,
                                        .crops = crops,
                                        .step_y = step_of(params->scale_y),
                                        .step_x = step_of(params->scale_x),
                                        .kind = kind_of(params->mode, params->antialias != 0),
                                        .aligned = params->align_corners != 0,
                                        .pooling = &roi_mean_pooling,
                                        .direction = direction,
                                        .cancel = params->cancel};
    return roi_make_image_call(&call, error_ret);
}

roi_status roi_resize(const roi_resize_params *params, const roi_array *input, const roi_array *output_ret,
                      roi_error *error_ret)
{
    return resize(params, input, output_ret, roi_tiles_forward, error_ret);
}

roi_status roi_resize_backward(const roi_resize_params *params, const roi_array *grad, const roi_array *input_grad_ret,
                               roi_error *error_ret)
{
    return resize(params, input_grad_ret, grad, roi_tiles_backward, error_ret);
}
