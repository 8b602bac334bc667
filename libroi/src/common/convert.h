/* convert.h - whole arrays: from the type computed in to the type stored in. */
#ifndef ROI_CONVERT_H
#define ROI_CONVERT_H

#include "common/internal.h"

/* Copies image n, channel c of `from` (float32 or float64) to `to`, converting. The shapes are the same. */
void roi_convert_plane(const roi_array *from, const roi_array *to, int64_t n, int64_t c);

/* Sets image n, channel c of `array` to 0. */
void roi_clear_plane(const roi_array *array, int64_t n, int64_t c);

#endif
