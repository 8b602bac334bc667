/* rotated.h - rotated boxes as their overlap is computed. */
#ifndef ROI_ROTATED_H
#define ROI_ROTATED_H

#include "boxes/extent.h"

/* The canonical form of a rotated box, whose angle is in (-45, 45] degrees: turning by 90 degrees exchanges w and h. Boxes
   that cover the same points have the same numbers. */
struct roi_rotated {
    double cx, cy, w, h, cos, sin, angle, area;
};

/* Its numbers, in the order in which kernels have them, one box beside another. */
enum { ROI_ROTATED_FIELDS = sizeof(struct roi_rotated) / sizeof(double) };

/* Reads rows of cx, cy, w, h, angle and widens *range. */
roi_status roi_read_rotated(const roi_boxes *boxes, struct roi_rotated *rotated_ret, struct roi_range *range,
                            roi_error *error_ret);

/* As roi_tame_extents. */
void roi_tame_rotated(struct roi_rotated *rotated, int64_t count, const struct roi_range *range);

/* An upright box that encloses it in spite of rounding. */
struct roi_extent roi_enclose(const struct roi_rotated *rotated);

#endif
