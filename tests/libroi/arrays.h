/*
 * arrays.h - arrays for the tests: any shape, any order of memory, any element type
 *
 * An array owns a block that is exactly as large as its first and its last element need, so that a checker of memory
 * sees each step beyond it. Elements are read and written as double here, by code of the tests' own.
 */
#ifndef ARRAYS_H
#define ARRAYS_H

#include <math.h>
#include <roi.h>
#include <stdlib.h>
#include <string.h>

static inline size_t dtype_size(roi_dtype dtype) { return dtype == ROI_FLOAT64 ? 8 : dtype == ROI_FLOAT32 ? 4 : 2; }

/* ---- Elements -------------------------------------------------------------------------------------------------- */

static inline double half_to_double(uint16_t bits)
{
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double value;
    if (exponent == 31)
        value = fraction ? NAN : INFINITY;
    else if (exponent == 0)
        value = ldexp(fraction, -24);
    else
        value = ldexp(1024 + fraction, exponent - 25);
    return bits >> 15 ? -value : value;
}

static inline double bfloat_to_double(uint16_t bits)
{
    const uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}

/* The 16-bit number nearest to a value, by trying: the tests write few of them. Ties do not occur in what they write. */
static inline uint16_t nearest_16(double value, double (*to_double)(uint16_t))
{
    uint16_t low = 0, high = to_double == half_to_double ? 0x7bff : 0x7f7f; /* 0 .. the largest finite number */
    const double size = fabs(value);
    while (low < high) {
        const uint16_t middle = (uint16_t)(low + (high - low + 1) / 2);
        if (to_double(middle) <= size)
            low = middle;
        else
            high = (uint16_t)(middle - 1);
    }
    if (to_double((uint16_t)(low + 1)) - size < size - to_double(low))
        low++;
    return (uint16_t)(low | (signbit(value) ? 0x8000 : 0));
}

static inline double load(roi_dtype dtype, const void *data, int64_t at)
{
    switch (dtype) {
    case ROI_FLOAT64: return ((const double *)data)[at];
    case ROI_FLOAT32: return (double)((const float *)data)[at];
    case ROI_FLOAT16: return half_to_double(((const uint16_t *)data)[at]);
    default: return bfloat_to_double(((const uint16_t *)data)[at]);
    }
}

static inline void store(roi_dtype dtype, void *data, int64_t at, double value)
{
    switch (dtype) {
    case ROI_FLOAT64: ((double *)data)[at] = value; break;
    case ROI_FLOAT32: ((float *)data)[at] = (float)value; break;
    case ROI_FLOAT16: ((uint16_t *)data)[at] = nearest_16(value, half_to_double); break;
    default: ((uint16_t *)data)[at] = nearest_16(value, bfloat_to_double);
    }
}

/* ---- Arrays ---------------------------------------------------------------------------------------------------- */

/* An array and the block it lies in: `bytes` from `block` on, filled with 0x5a where no element is. */
struct tensor {
    roi_array array;
    unsigned char *block;
    size_t bytes;
};

static inline int64_t tensor_count(const roi_array *array)
{
    return array->shape[0] * array->shape[1] * array->shape[2] * array->shape[3];
}

static inline int64_t offset_of(const roi_array *array, int64_t n, int64_t c, int64_t y, int64_t x)
{
    return n * array->strides[0] + c * array->strides[1] + y * array->strides[2] + x * array->strides[3];
}

/* Lowest offset of any element (0 or less) and, by `highest_ret`, the highest. */
static inline int64_t lowest_offset(const roi_array *array, int64_t *highest_ret)
{
    int64_t low = 0, high = 0;
    for (int axis = 0; axis < 4; axis++) {
        const int64_t last = (array->shape[axis] - 1) * array->strides[axis];
        if (last < 0)
            low += last;
        else
            high += last;
    }
    *highest_ret = high;
    return low;
}

/* Memory for an array whose shape, strides and dtype are set. Empty arrays get no memory, and data NULL. */
static inline void tensor_allocate(struct tensor *tensor)
{
    roi_array *array = &tensor->array;
    array->data = NULL;
    tensor->block = NULL;
    tensor->bytes = 0;
    if (tensor_count(array) == 0)
        return;
    int64_t high;
    const int64_t low = lowest_offset(array, &high);
    tensor->bytes = (size_t)(high - low + 1) * dtype_size(array->dtype);
    tensor->block = malloc(tensor->bytes);
    if (!tensor->block)
        abort();
    memset(tensor->block, 0x5a, tensor->bytes);
    array->data = tensor->block + (size_t)-low * dtype_size(array->dtype);
}

/* Strides of an array whose axes lie in memory in the order given, outermost first. */
static inline void set_strides(roi_array *array, const int order[4])
{
    int64_t stride = 1;
    for (int i = 3; i >= 0; i--) {
        array->strides[order[i]] = stride;
        stride *= array->shape[order[i]] > 0 ? array->shape[order[i]] : 1;
    }
}

static inline struct tensor make_tensor(roi_dtype dtype, int64_t n, int64_t c, int64_t h, int64_t w)
{
    static const int rows[4] = {0, 1, 2, 3};
    struct tensor tensor = {.array = {.dtype = dtype, .shape = {n, c, h, w}}};
    set_strides(&tensor.array, rows);
    tensor_allocate(&tensor);
    return tensor;
}

static inline void free_tensor(struct tensor *tensor)
{
    free(tensor->block);
    tensor->block = NULL;
}

static inline double get(const roi_array *array, int64_t n, int64_t c, int64_t y, int64_t x)
{
    return load(array->dtype, array->data, offset_of(array, n, c, y, x));
}

static inline void put(const roi_array *array, int64_t n, int64_t c, int64_t y, int64_t x, double value)
{
    store(array->dtype, array->data, offset_of(array, n, c, y, x), value);
}

/* 0, 1, 2, ... in the order of the indices. */
static inline void fill_counting(const roi_array *array)
{
    double value = 0;
    for (int64_t n = 0; n < array->shape[0]; n++)
        for (int64_t c = 0; c < array->shape[1]; c++)
            for (int64_t y = 0; y < array->shape[2]; y++)
                for (int64_t x = 0; x < array->shape[3]; x++)
                    put(array, n, c, y, x, value++);
}

/* `count` rows of `columns` numbers, one after the other. */
static inline roi_boxes plain_boxes(const float *rows, int64_t count, int64_t columns)
{
    return (roi_boxes){rows, ROI_FLOAT32, count, columns, {columns, 1}, NULL};
}

/* ---- Random numbers -------------------------------------------------------------------------------------------- */

/* xorshift64*: the same numbers on every machine. */
static uint64_t random_state = 0x9e3779b97f4a7c15u;

static inline uint64_t random_bits(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545f4914f6cdd1du;
}

/* A whole number in [low, high]. */
static inline int64_t random_int(int64_t low, int64_t high)
{
    return low + (int64_t)((random_bits() >> 11) % (uint64_t)(high - low + 1));
}

static inline double random_real(double low, double high)
{
    return low + (high - low) * ((double)(random_bits() >> 11) / 9007199254740992.0);
}

#endif
