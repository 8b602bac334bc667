/* extent.h - upright boxes as IoU takes them: their corners and area in double precision. */
#ifndef ROI_EXTENT_H
#define ROI_EXTENT_H

#include "common/internal.h"

/* An upright box; or the bounding box of a rotated box, with the area of the rotated box. */
struct roi_extent {
    double corner[4]; /* x1, y1, x2, y2 */
    double area;      /* a side below 0 counts as 0 */
};

/* The range of the numbers of some boxes. */
struct roi_range {
    double farthest;   /* largest |coordinate| */
    double least_area; /* smallest area above 0; infinity if there is none */
};

/* Whether float holds areas, sums and products of these numbers without loss of range. */
static inline bool roi_suits_float(const struct roi_range *range)
{
    return range->farthest <= 0x1p60 && range->least_area >= 0x1p-100;
}

/* The range of the numbers of one box. */
struct roi_range roi_range_of(const struct roi_extent *extent);

/* Reads rows of x1, y1, x2, y2 and widens *range, which is {0, INFINITY} at first. */
roi_status roi_read_extents(const roi_boxes *boxes, struct roi_extent *extents_ret, struct roi_range *range,
                            roi_error *error_ret);

/* If areas could overflow, scales all boxes by a power of 2, which does not change their IoU. */
void roi_tame_extents(struct roi_extent *extents, int64_t count, const struct roi_range *range);

/* The area of a box in float, rounded as kernels that compute in float do. */
float roi_area_in_float(const double corner[4]);

/* Intersection over union, every step rounded to float, of boxes whose corners float holds exactly and that have areas:
   inf and NaN are possible, where areas leave its range. */
float roi_iou_of_extents_in_float(const struct roi_extent *a, const struct roi_extent *b);

#endif
