/* convert.c - whole arrays: from the type computed in to the type stored in. */
#include "common/convert.h"

#include "common/array.h"
#include "common/storage.h"

void roi_convert_plane(const roi_array *from, const roi_array *to, int64_t n, int64_t c)
{
    const void *source = roi_plane(from, roi_dtype_size(from->dtype), n, c);
    void *target = roi_plane(to, roi_dtype_size(to->dtype), n, c);
    for (int64_t y = 0; y < to->shape[AXIS_H]; y++)
        for (int64_t x = 0; x < to->shape[AXIS_W]; x++) {
            const double value = load_element(source, from->dtype,
                                              y * from->strides[AXIS_H] + x * from->strides[AXIS_W]);
            store_element(target, to->dtype, y * to->strides[AXIS_H] + x * to->strides[AXIS_W], value);
        }
}

void roi_clear_plane(const roi_array *array, int64_t n, int64_t c)
{
    void *plane = roi_plane(array, roi_dtype_size(array->dtype), n, c);
    for (int64_t y = 0; y < array->shape[AXIS_H]; y++)
        for (int64_t x = 0; x < array->shape[AXIS_W]; x++)
            store_element(plane, array->dtype, y * array->strides[AXIS_H] + x * array->strides[AXIS_W], 0);
}
