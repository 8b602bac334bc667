/* array.c - element types and the checks of an array's shape. */
#include "common/array.h"

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

/* The product is taken without its zeros: [0, 2^40, 2^40, 1] is as impossible as it looks, though it is empty. */
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
