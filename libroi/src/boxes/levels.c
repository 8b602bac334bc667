/* levels.c - which level of a feature pyramid a box is pooled from. */
#include "boxes/boxes.h"

#include <math.h>

roi_status roi_check_levels(const roi_levels_params *params)
{
    ROI_TRY(roi_check_params(params, sizeof *params));
    if (params->num_levels < 1)
        return ROI_ERROR_LEVELS;
    if (!(params->canonical_scale > 0 && isfinite(params->canonical_scale)))
        return ROI_ERROR_CANONICAL;
    return ROI_SUCCESS;
}

int64_t roi_level_of(const roi_levels_params *params, const double corner[4])
{
    const double width = fmax(corner[2] - corner[0], 0), height = fmax(corner[3] - corner[1], 0);
    const double side = width > 0 && height > 0 ? sqrt(width * height) : 0; /* infinity times 0 is no area either */
    const double level = floor((double)params->canonical_level + log2(side / params->canonical_scale + 1e-6));
    /* Clamped before the cast, since a product of huge sides is infinite. */
    return (int64_t)fmin(fmax(level, 0), (double)(params->num_levels - 1));
}

roi_status roi_assign_levels(const roi_levels_params *params, const roi_boxes *boxes, int64_t *levels_ret,
                             roi_error *error_ret)
{
    ROI_TRY(roi_report(error_ret, roi_check_levels(params)));
    ROI_TRY(roi_report(error_ret, roi_check_boxes(boxes, ROI_UPRIGHT)));
    if (!levels_ret && boxes->count > 0)
        return roi_fail(error_ret, ROI_ERROR_NULL, -1, -1, 0);
    double corner[4];
    for (int64_t row = 0; row < boxes->count; row++) /* all checks before the first write */
        ROI_TRY(roi_read_row(boxes, row, ROI_UPRIGHT, corner, error_ret));
    for (int64_t row = 0; row < boxes->count; row++) {
        roi_read_row(boxes, row, ROI_UPRIGHT, corner, NULL);
        levels_ret[row] = roi_level_of(params, corner);
    }
    return ROI_SUCCESS;
}
