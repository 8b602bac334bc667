/* levels.h - which level of a feature pyramid a box is pooled from. */
#ifndef ROI_LEVELS_H
#define ROI_LEVELS_H

#include "common/internal.h"

roi_status roi_check_levels(const roi_levels_params *params);

/* The level of one box whose corners are finite: roi.h, roi_assign_levels. */
int64_t roi_level_of(const roi_levels_params *params, const double corner[4]);

#endif
