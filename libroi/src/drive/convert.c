/* convert.c - planes in another element type: see convert.h. */
#include "drive/convert.h"

#include "common/array.h"

void roi_convert_plane(roi_convert_kernels_of_type *converts, const roi_array *from, const roi_array *to, int64_t n,
                       int64_t c)
{
    const size_t from_size = roi_dtype_size(from->dtype), to_size = roi_dtype_size(to->dtype);
    roi_convert_row *const convert = from_size < to_size ? converts(from->dtype)->widen : converts(to->dtype)->narrow;
    const char *source = roi_plane(from, from_size, n, c);
    char *target = roi_plane(to, to_size, n, c);
    for (int64_t y = 0; y < to->shape[AXIS_H]; y++)
        convert(source + y * from->strides[AXIS_H] * (int64_t)from_size, from->strides[AXIS_W],
                target + y * to->strides[AXIS_H] * (int64_t)to_size, to->strides[AXIS_W], to->shape[AXIS_W]);
}
