/* convert.h - planes in another element type: 16-bit types and the type computed in. */
#ifndef ROI_CONVERT_H
#define ROI_CONVERT_H

#include "common/internal.h"

/* Copies `count` numbers, `stride` elements from each to the next. */
typedef void roi_convert_row(const void *from, int64_t from_stride, void *to, int64_t to_stride, int64_t count);

/* From an element type to the type computed in, and back. */
struct roi_convert_kernels {
    roi_convert_row *widen, *narrow;
};

/* Those for an element type, of the tier in use. */
typedef const struct roi_convert_kernels *roi_convert_kernels_of_type(roi_dtype dtype);

/* Copies image n, channel c of `from` to `to`, which has the same shape; one of the two is of the type computed in. */
void roi_convert_plane(roi_convert_kernels_of_type *converts, const roi_array *from, const roi_array *to, int64_t n,
                       int64_t c);

#endif
