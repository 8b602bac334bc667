/* rotated.h - rotated boxes as their overlap is computed. */
#ifndef ROI_ROTATED_H
#define ROI_ROTATED_H

#include "boxes/extent.h"

/* Made unique: the angle is in (-45, 45] degrees, since 90 more are w and h exchanged. Two boxes that cover the same
   points by other words are the same numbers here. */
struct roi_rotated {
    double cx, cy, w, h, cos, sin, angle, area;
};

/* The same as a list of numbers, in which kernels have one box beside another. */
enum { ROI_ROTATED_LANES = 8 };

static inline void roi_rotated_lanes(const struct roi_rotated *box, double lanes_ret[ROI_ROTATED_LANES])
{
    const double lanes[ROI_ROTATED_LANES] = {box->cx,  box->cy,  box->w,     box->h,
                                             box->cos, box->sin, box->angle, box->area};
    for (int i = 0; i < ROI_ROTATED_LANES; i++)
        lanes_ret[i] = lanes[i];
}

static inline struct roi_rotated roi_rotated_of_lanes(const double lanes[ROI_ROTATED_LANES])
{
    return (struct roi_rotated){lanes[0], lanes[1], lanes[2], lanes[3], lanes[4], lanes[5], lanes[6], lanes[7]};
}

/* Reads rows of cx, cy, w, h, angle and widens *range. */
roi_status roi_read_rotated(const roi_boxes *boxes, struct roi_rotated *rotated_ret, struct roi_range *range,
                            roi_error *error_ret);

/* As roi_tame_extents. */
void roi_tame_rotated(struct roi_rotated *rotated, int64_t count, const struct roi_range *range);

/* What surely encloses a box. */
struct roi_extent roi_enclose(const struct roi_rotated *rotated);

#endif
