/* entry_points.h - kernels for an element type, of the processor tier in use: the one way into the files compiled per tier. */
#ifndef ROI_ENTRY_POINTS_H
#define ROI_ENTRY_POINTS_H

#include "drive/tiles.h"
#include "kernels/grid_kernel.h"
#include "kernels/iou_kernel.h"
#include "kernels/neighbours_kernel.h"

roi_kernels_of_type roi_align_kernels, roi_align_max_kernels, roi_pool_kernels, roi_ps_kernels, roi_rotated_kernels;
const struct roi_grid_kernels *roi_grid_kernels(roi_dtype dtype);
roi_convert_kernels_of_type roi_convert_kernels;
roi_patch_kernels_of_type roi_patch_kernels;

/* Of float32 and float64, the types that are computed in. */
const struct roi_iou_kernels *roi_iou_kernels(roi_dtype dtype);
const struct roi_neighbours_kernels *roi_neighbours_kernels(roi_dtype dtype);

#endif
