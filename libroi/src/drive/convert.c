/* convert.c - planes in another element type: convert.h has the theory. */
#include "drive/convert.h"

#include "common/array.h"
#include "common/storage.h"

/* Number by number, wherever they lie. */
static void convert_row(const roi_array *from, const void *source, const roi_array *to, void *target, int64_t y)
{
    for (int64_t x = 0; x < to->shape[AXIS_W]; x++)
        store_element(target, to->dtype, y * to->strides[AXIS_H] + x * to->strides[AXIS_W],
                      load_element(source, from->dtype, y * from->strides[AXIS_H] + x * from->strides[AXIS_W]));
}

void roi_convert_plane(roi_convert_kernels_of_type *converts, const roi_array *from, const roi_array *to, int64_t n,
                       int64_t c)
{
    const size_t from_size = roi_dtype_size(from->dtype), to_size = roi_dtype_size(to->dtype);
    const char *source = roi_plane(from, from_size, n, c);
    char *target = roi_plane(to, to_size, n, c);
    roi_convert_row *const convert = from_size < to_size ? converts(from->dtype)->widen : converts(to->dtype)->narrow;
    for (int64_t y = 0; y < to->shape[AXIS_H]; y++)
        if (from->strides[AXIS_W] == 1 && to->strides[AXIS_W] == 1)
            convert(source + y * from->strides[AXIS_H] * (int64_t)from_size,
                    target + y * to->strides[AXIS_H] * (int64_t)to_size, to->shape[AXIS_W]);
        else
            convert_row(from, source, to, target, y);
}
