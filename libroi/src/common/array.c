/* array.c - element types, the checks of an array's shape, and clearing of planes. */
#include "common/array.h"

#include "common/storage.h"

size_t roi_dtype_size(roi_dtype dtype)
{
    switch (dtype) {
    case ROI_FLOAT32: return 4;
    case ROI_FLOAT64: return 8;
    case ROI_FLOAT16: return 2;
    case ROI_BFLOAT16: return 2;
    }
    return 0;
}

int64_t roi_array_elements(const roi_array *array)
{
    int64_t elements = 1;
    for (int d = 0; d < 4; d++)
        elements *= array->shape[d];
    return elements;
}

/* The product is computed without factors of 0, so that the shape [0, 2^40, 2^40, 1] is an error although it is empty. */
static bool fits(const roi_array *array, int64_t element_size)
{
    int64_t bytes = element_size;
    for (int d = 0; d < 4; d++) {
        if (array->shape[d] > 0 && bytes > INT64_MAX / array->shape[d])
            return false;
        bytes *= max_i64(array->shape[d], 1);
    }
    return true;
}

roi_status roi_check_array(const roi_array *array)
{
    const size_t element_size = array ? roi_dtype_size(array->dtype) : 0;
    if (!array)
        return ROI_ERROR_NULL;
    if (!element_size)
        return ROI_ERROR_DTYPE;
    for (int d = 0; d < 4; d++)
        if (array->shape[d] < 0)
            return ROI_ERROR_SHAPE;
    if (!fits(array, (int64_t)element_size))
        return ROI_ERROR_OVERFLOW;
    return array->data || roi_array_elements(array) == 0 ? ROI_SUCCESS : ROI_ERROR_NULL;
}

void roi_clear_plane(const roi_array *array, int64_t n, int64_t c)
{
    const size_t size = roi_dtype_size(array->dtype);
    char *plane = roi_plane(array, size, n, c);
    const int64_t height = array->shape[AXIS_H], width = array->shape[AXIS_W], *strides = array->strides;
    for (int64_t y = 0; y < height && strides[AXIS_W] == 1 && width > 0; y++) /* 0 has no bit set in any type */
        memset(plane + y * strides[AXIS_H] * (int64_t)size, 0, (size_t)width * size);
    for (int64_t y = 0; y < height && strides[AXIS_W] != 1; y++)
        for (int64_t x = 0; x < width; x++)
            store_element(plane, array->dtype, y * strides[AXIS_H] + x * strides[AXIS_W], 0);
}
