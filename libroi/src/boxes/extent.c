/* extent.c - upright boxes as IoU takes them. Compiled without contraction of a * b + c: see overlap_template.h. */
#include "boxes/extent.h"

#include <math.h>

#include "boxes/boxes.h"

#define REAL double
#include "boxes/overlap_template.h"

static double area_of(const double corner[4]) { return area(corner[0], corner[1], corner[2], corner[3]); }

struct roi_range roi_range_of(const struct roi_extent *extent)
{
    struct roi_range range = {0, extent->area > 0 ? extent->area : INFINITY};
    for (int i = 0; i < 4; i++)
        range.farthest = max_f64(range.farthest, fabs(extent->corner[i]));
    return range;
}

roi_status roi_read_extents(const roi_boxes *boxes, struct roi_extent *extents_ret, struct roi_range *range,
                            roi_error *error_ret)
{
    for (int64_t row = 0; row < boxes->count; row++) {
        struct roi_extent *extent = &extents_ret[row];
        ROI_TRY(roi_read_row(boxes, row, ROI_UPRIGHT, extent->corner, error_ret));
        extent->area = area_of(extent->corner);
        const struct roi_range own = roi_range_of(extent);
        range->farthest = max_f64(range->farthest, own.farthest);
        range->least_area = min_f64(range->least_area, own.least_area);
    }
    return ROI_SUCCESS;
}

void roi_tame_extents(struct roi_extent *extents, int64_t count, const struct roi_range *range)
{
    if (range->farthest <= 0x1p500)
        return;
    for (int64_t row = 0; row < count; row++) {
        for (int i = 0; i < 4; i++)
            extents[row].corner[i] = ldexp(extents[row].corner[i], -600);
        extents[row].area = area_of(extents[row].corner);
    }
}

float roi_area_in_float(const double corner[4])
{
    const float width = (float)corner[2] - (float)corner[0], height = (float)corner[3] - (float)corner[1];
    return (width > 0 ? width : 0) * (height > 0 ? height : 0);
}

/* The overlap of two sides. Minimum and maximum of numbers that float represents are the same in either type. */
static float shared_in_float(const struct roi_extent *a, const struct roi_extent *b, int axis)
{
    const float from = (float)max_f64(a->corner[axis], b->corner[axis]);
    const float to = (float)min_f64(a->corner[2 + axis], b->corner[2 + axis]);
    return to > from ? to - from : 0;
}

float roi_iou_of_extents_in_float(const struct roi_extent *a, const struct roi_extent *b)
{
    const float intersection = shared_in_float(a, b, 0) * shared_in_float(a, b, 1);
    const float both = roi_area_in_float(a->corner) + roi_area_in_float(b->corner);
    return intersection / (both - intersection);
}
