/* normalize.c - means and standard deviations out of images, and back into them. */
#include <math.h>

#include "common/array.h"
#include "common/parallel.h"
#include "common/storage.h"
#include "kernels/entry_points.h"

enum { HALVES_TOGETHER = 512 /* numbers in float32, which are in L1 from one step to the next */ };

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
#define DEFINE_ROW(SUFFIX, REAL)                                                                                       \
    static void row_##SUFFIX(const REAL *in, int64_t in_stride, const REAL *mean, int64_t mean_stride,                 \
                             const REAL *std, int64_t std_stride, REAL *out, int64_t out_stride, int64_t width,        \
                             bool inverse)                                                                             \
    {                                                                                                                  \
        const bool plain = in_stride == 1 && out_stride == 1 && mean_stride == 0 && std_stride == 0;                   \
        const REAL m = *mean, s = *std;                                                                                \
        if (plain && inverse)                                                                                          \
            for (int64_t x = 0; x < width; x++)                                                                        \
                out[x] = in[x] * s + m;                                                                                \
        else if (plain)                                                                                                \
            for (int64_t x = 0; x < width; x++)                                                                        \
                out[x] = (in[x] - m) / s;                                                                              \
        else                                                                                                           \
            for (int64_t x = 0; x < width; x++) {                                                                      \
                const REAL value = in[x * in_stride];                                                                  \
                const REAL shift = mean[x * mean_stride], scale = std[x * std_stride];                                 \
                out[x * out_stride] = inverse ? value * scale + shift : (value - shift) / scale;                       \
            }                                                                                                          \
    }

DEFINE_ROW(f32, float)
DEFINE_ROW(f64, double)

/* The same of 16-bit numbers, which are computed with in float32: some at a time, in memory between. */
static void row_of_halves(const roi_array *in, const float *mean, int64_t mean_stride, const float *std,
                          int64_t std_stride, const roi_array *out, bool inverse)
{
    float numbers[HALVES_TOGETHER];
    roi_array from = *in, to = *out;
    for (int64_t x = 0; x < in->shape[AXIS_W]; x += HALVES_TOGETHER) {
        const int64_t count = min_i64(in->shape[AXIS_W] - x, HALVES_TOGETHER);
        from.shape[AXIS_W] = to.shape[AXIS_W] = count;
        from.data = (char *)in->data + x * in->strides[AXIS_W] * (int64_t)sizeof(roi_f16);
        to.data = (char *)out->data + x * out->strides[AXIS_W] * (int64_t)sizeof(roi_f16);
        const roi_array between = {numbers, ROI_FLOAT32, {1, 1, 1, count}, {0, 0, 0, 1}};
        roi_convert_plane(roi_convert_kernels, &from, &between, 0, 0);
        row_f32(numbers, 1, mean + x * mean_stride, mean_stride, std + x * std_stride, std_stride, numbers, 1, count,
                inverse);
        roi_convert_plane(roi_convert_kernels, &between, &to, 0, 0);
    }
}

/* Element [n, c, y, 0]. */
static void *row_of(const roi_array *array, int64_t n, int64_t c, int64_t y)
{
    const size_t size = roi_dtype_size(array->dtype);
    return (char *)roi_plane(array, size, n, c) + y * array->strides[AXIS_H] * (int64_t)size;
}

/* `width` elements from [n, c, y, 0] on. */
static void run_row(const struct work *work, int64_t n, int64_t c, int64_t y, int64_t width)
{
    const int64_t in = work->image->strides[AXIS_W], mean = work->mean->strides[AXIS_W],
                  std = work->std->strides[AXIS_W], out = work->output->strides[AXIS_W];
    void *from = row_of(work->image, n, c, y), *means = row_of(work->mean, n, c, y), *stds = row_of(work->std, n, c, y),
         *to = row_of(work->output, n, c, y);
    const roi_dtype dtype = work->image->dtype;
    if (dtype == ROI_FLOAT32) {
        row_f32(from, in, means, mean, stds, std, to, out, width, work->inverse);
    } else if (dtype == ROI_FLOAT64) {
        row_f64(from, in, means, mean, stds, std, to, out, width, work->inverse);
    } else {
        const roi_array halves = {from, dtype, {1, 1, 1, width}, {0, 0, 0, in}};
        const roi_array result = {to, dtype, {1, 1, 1, width}, {0, 0, 0, out}};
        row_of_halves(&halves, means, mean, stds, std, &result, work->inverse);
    }
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
