/* normalize.c - means and standard deviations out of images, and back into them. */
#include <math.h>

#include "common/array.h"
#include "common/parallel.h"
#include "common/storage.h"

/* ---- Checks ---------------------------------------------------------------------------------------------------- */

/* All elements must be finite and above `bound`; those that are repeated along a dimension are checked once. */
static roi_status check_values(const roi_array *array, double bound, roi_status status, roi_error *error_ret)
{
    int64_t size[4];
    for (int d = 0; d < 4; d++)
        size[d] = array->strides[d] == 0 ? min_i64(array->shape[d], 1) : array->shape[d];
    for (int64_t n = 0; n < size[0]; n++)
        for (int64_t c = 0; c < size[1]; c++) {
            const void *plane = roi_plane(array, roi_dtype_size(array->dtype), n, c);
            for (int64_t i = 0; i < size[2] * size[3]; i++) {
                const int64_t at = i / size[3] * array->strides[2] + i % size[3] * array->strides[3];
                const double value = load_element(plane, array->dtype, at);
                if (!(value > bound && isfinite(value)))
                    return roi_fail(error_ret, status, c, -1, value);
            }
        }
    return ROI_SUCCESS;
}

static roi_status check_shapes(const roi_array *image, const roi_array *mean, const roi_array *std,
                               const roi_array *output)
{
    const roi_array *const arrays[] = {image, mean, std, output};
    for (int i = 0; i < 4; i++) {
        ROI_TRY(roi_check_array(arrays[i]));
        for (int d = 0; d < 4; d++)
            if (arrays[i]->shape[d] != image->shape[d])
                return ROI_ERROR_SHAPE;
    }
    const roi_dtype real = roi_is_double(image->dtype) ? ROI_FLOAT64 : ROI_FLOAT32;
    const bool fits = output->dtype == image->dtype && mean->dtype == real && std->dtype == real;
    return fits ? ROI_SUCCESS : ROI_ERROR_DTYPE;
}

/* ---- Row by row ------------------------------------------------------------------------------------------------ */

struct work {
    const roi_array *image, *mean, *std, *output;
    bool inverse, one_row; /* one_row: each plane of each array goes on from row to row as it does in a row */
};

/* One row; a loop of its own where all numbers lie together, which compilers turn into vectors. */
#define DEFINE_ROW(SUFFIX, STORE, REAL)                                                                                \
    static void row_##SUFFIX(const STORE *in, int64_t in_stride, const REAL *mean, int64_t mean_stride,                \
                             const REAL *std, int64_t std_stride, STORE *out, int64_t out_stride, int64_t width,       \
                             bool inverse)                                                                             \
    {                                                                                                                  \
        const bool plain = in_stride == 1 && out_stride == 1 && mean_stride == 0 && std_stride == 0;                   \
        const REAL m = *mean, s = *std;                                                                                \
        if (plain && inverse)                                                                                          \
            for (int64_t x = 0; x < width; x++)                                                                        \
                store_##SUFFIX(out + x, load_##SUFFIX(in + x) * s + m);                                                \
        else if (plain)                                                                                                \
            for (int64_t x = 0; x < width; x++)                                                                        \
                store_##SUFFIX(out + x, (load_##SUFFIX(in + x) - m) / s);                                              \
        else                                                                                                           \
            for (int64_t x = 0; x < width; x++) {                                                                      \
                const REAL value = load_##SUFFIX(in + x * in_stride);                                                  \
                const REAL shift = mean[x * mean_stride], scale = std[x * std_stride];                                 \
                store_##SUFFIX(out + x * out_stride, inverse ? value * scale + shift : (value - shift) / scale);       \
            }                                                                                                          \
    }

DEFINE_ROW(f32, float, float)
DEFINE_ROW(f64, double, double)
DEFINE_ROW(f16, roi_f16, float)
DEFINE_ROW(bf16, roi_bf16, float)

/* Element [n, c, y, 0]. */
static void *row_of(const roi_array *array, int64_t n, int64_t c, int64_t y)
{
    const size_t size = roi_dtype_size(array->dtype);
    return (char *)roi_plane(array, size, n, c) + y * array->strides[AXIS_H] * (int64_t)size;
}

/* `width` elements from [n, c, y, 0] on. */
static void run_row(const struct work *work, int64_t n, int64_t c, int64_t y, int64_t width)
{
    const void *in = row_of(work->image, n, c, y), *mean = row_of(work->mean, n, c, y),
               *std = row_of(work->std, n, c, y);
    void *out = row_of(work->output, n, c, y);
    const int64_t in_stride = work->image->strides[AXIS_W], mean_stride = work->mean->strides[AXIS_W],
                  std_stride = work->std->strides[AXIS_W], out_stride = work->output->strides[AXIS_W];
#define ROW(SUFFIX)                                                                                                    \
    row_##SUFFIX(in, in_stride, mean, mean_stride, std, std_stride, out, out_stride, width, work->inverse)
    switch (work->image->dtype) {
    case ROI_FLOAT32: ROW(f32); break;
    case ROI_FLOAT64: ROW(f64); break;
    case ROI_FLOAT16: ROW(f16); break;
    case ROI_BFLOAT16: ROW(bf16); break;
    }
#undef ROW
}

static bool goes_on(const roi_array *array)
{
    return array->strides[AXIS_H] == array->shape[AXIS_W] * array->strides[AXIS_W];
}

static void run_plane(void *context, int64_t item, int thread)
{
    const struct work *work = context;
    const int64_t *shape = work->image->shape, n = item / shape[AXIS_C], c = item % shape[AXIS_C];
    if (work->one_row)
        run_row(work, n, c, 0, shape[AXIS_H] * shape[AXIS_W]);
    for (int64_t y = 0; y < shape[AXIS_H] && !work->one_row; y++)
        run_row(work, n, c, y, shape[AXIS_W]);
}

roi_status roi_normalize(const roi_normalize_params *params, const roi_array *image, const roi_array *mean,
                         const roi_array *std, const roi_array *output_ret, roi_error *error_ret)
{
    ROI_TRY(roi_report(error_ret, roi_check_params(params, sizeof *params)));
    ROI_TRY(roi_report(error_ret, check_shapes(image, mean, std, output_ret)));
    if (roi_array_elements(image) == 0)
        return ROI_SUCCESS;
    ROI_TRY(check_values(mean, -INFINITY, ROI_ERROR_MEAN, error_ret));
    ROI_TRY(check_values(std, 0, ROI_ERROR_STD, error_ret));
    struct work work = {image, mean, std, output_ret, params->inverse != 0, false};
    work.one_row = goes_on(image) && goes_on(mean) && goes_on(std) && goes_on(output_ret);
    const int threads = roi_threads_for((double)roi_array_elements(image) * 4);
    return roi_report(error_ret, roi_parallel_for(image->shape[AXIS_N] * image->shape[AXIS_C], threads, params->cancel,
                                                  run_plane, &work));
}
