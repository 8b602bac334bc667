/* neighbours_kernel.h - comparing one box with many, which exists once per element type and CPU tier. */
#ifndef ROI_NEIGHBOURS_KERNEL_H
#define ROI_NEIGHBOURS_KERNEL_H

#include "common/internal.h"

/* Boxes lie in blocks of as many as the longest vector holds: 16 numbers of one field, then those of the next. */
enum { ROI_FIELD_LEFT, ROI_FIELD_TOP, ROI_FIELD_RIGHT, ROI_FIELD_BOTTOM, ROI_FIELD_BAR, ROI_FIELDS, ROI_BLOCK = 16 };

/* Where a box's number in a field is. */
static inline int64_t roi_field_at(int field, int64_t place)
{
    return (place / ROI_BLOCK * ROI_FIELDS + field) * ROI_BLOCK + place % ROI_BLOCK;
}

/* Boxes overlap enough if their common width and height are above 0 and their product is above the sum of their bars:
   IoU > t is intersection > t / (1 + t) * (area 1 + area 2). Left and top are stored negated, so that the common width
   is a sum of two minima. Returns how many boxes of [begin, end) do, which may be end - begin. */
typedef int64_t roi_scan_kernel(const void *blocks, const double query[ROI_FIELDS], int64_t begin, int64_t end,
                                int64_t *places_ret);

struct roi_neighbours_kernels {
    roi_scan_kernel *scan;
};

#endif
