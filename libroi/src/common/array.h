/* array.h - element types, the checks of an array's shape, and clearing of planes. */
#ifndef ROI_ARRAY_H
#define ROI_ARRAY_H

#include "common/internal.h"

/* Bytes of an element; 0 for an unknown type. */
size_t roi_dtype_size(roi_dtype dtype);

/* Whether arithmetic for maps of this type is done in double precision. */
static inline bool roi_is_double(roi_dtype dtype) { return dtype == ROI_FLOAT64; }

/* Elements of an array that roi_check_array has passed. */
int64_t roi_array_elements(const roi_array *array);

/* Checks that the type is known, no size is negative, the size in bytes does not overflow, and that an array with elements
   has memory. */
roi_status roi_check_array(const roi_array *array);

/* Element [n, c, 0, 0]; NULL if the array, which then is empty, has no memory. */
static inline void *roi_plane(const roi_array *array, size_t element_size, int64_t n, int64_t c)
{
    const int64_t at = n * array->strides[AXIS_N] + c * array->strides[AXIS_C];
    return array->data ? (char *)array->data + at * (int64_t)element_size : NULL;
}

/* Sets image n, channel c of `array` to 0. */
void roi_clear_plane(const roi_array *array, int64_t n, int64_t c);

#endif
