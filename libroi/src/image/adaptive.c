/* adaptive.c - adaptive maximum pooling: the functions of roi.h. Bins are those of the area kind, and what is taken of them
   is RoIPool's maximum. (Adaptive average pooling is resizing by area: resize.c.) */
#include "image/images.h"
#include "axes/resample_axis.h"
#include "operators/poolings.h"

static roi_status pool(const roi_adaptive_params *params, const roi_array *maps, const roi_array *crops,
                       const roi_indices *argmax, bool backward, roi_error *error_ret)
{
    ROI_TRY(roi_report(error_ret, backward && !argmax ? ROI_ERROR_NULL : roi_check_params(params, sizeof *params)));
    const struct roi_image_call call = {.maps = maps,
                                        .crops = crops,
                                        .argmax = argmax,
                                        .apart = backward,
                                        .kind = &roi_area_axis,
                                        .pooling = backward ? &roi_max_pooling_backward : &roi_max_pooling,
                                        .direction = backward ? roi_max_backward : roi_max_forward,
                                        .cancel = params->cancel};
    return roi_make_image_call(&call, error_ret);
}

roi_status roi_adaptive_max_pool(const roi_adaptive_params *params, const roi_array *input, const roi_array *output_ret,
                                 const roi_indices *argmax_ret, roi_error *error_ret)
{
    return pool(params, input, output_ret, argmax_ret, false, error_ret);
}

roi_status roi_adaptive_max_pool_backward(const roi_adaptive_params *params, const roi_array *grad,
                                          const roi_indices *argmax, const roi_array *input_grad_ret,
                                          roi_error *error_ret)
{
    return pool(params, input_grad_ret, grad, argmax, true, error_ret);
}
