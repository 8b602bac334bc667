/*
 * test_fuzz.c - random calls, the same ones each time: any shape, order of memory, type, box and parameter
 *
 * What must hold of every call: the status is one that the input explains; after an error nothing has changed; after
 * success only elements of the result have, and they are finite and no larger than the map allows; where the sampling
 * grid is small enough, they are what the definition gives; and forward and backward are each other's transpose.
 * Run it under the address and undefined-behaviour sanitizers.
 *
 *     test_fuzz [ROUNDS [SEED]]
 */
#include "arrays.h"
#include "check.h"
#include "naive.h"

enum { MAX_BOXES = 6 };

/* ---- Input ----------------------------------------------------------------------------------------------------- */

static int64_t random_side(void)
{
    switch (random_int(0, 9)) {
    case 0: return 0;
    case 1: return random_int(10, 40);
    default: return random_int(1, 9);
    }
}

/* Of a map. Now and then one is long, with channels enough for rings, stripes and patches. */
static void random_shape(int64_t shape[4])
{
    const int is_long = random_int(0, 59) == 0;
    shape[0] = is_long ? 1 : random_int(0, 3);
    shape[1] = is_long ? random_int(3, 18) : random_side() % 20;
    shape[2] = random_side();
    shape[3] = random_side();
    if (is_long)
        shape[random_int(2, 3)] = random_int(200, 900);
}

/* Axes in any order in memory, with gaps, some of them backwards; inputs may repeat (stride 0). */
static struct tensor random_tensor(roi_dtype dtype, const int64_t shape[4], int may_repeat)
{
    struct tensor tensor = {.array = {.dtype = dtype}};
    int order[4] = {0, 1, 2, 3};
    memcpy(tensor.array.shape, shape, sizeof tensor.array.shape);
    if (random_int(0, 2)) {
        for (int i = 3; i > 0; i--) {
            const int other = (int)random_int(0, i), axis = order[i];
            order[i] = order[other];
            order[other] = axis;
        }
    }
    const int gaps = random_int(0, 2) == 0;
    int64_t stride = 1;
    for (int i = 3; i >= 0; i--) {
        const int axis = order[i];
        stride *= gaps ? random_int(1, 2) : 1;
        tensor.array.strides[axis] = random_int(0, 5) ? stride : -stride;
        if (may_repeat && !random_int(0, 15))
            tensor.array.strides[axis] = 0;
        else
            stride *= shape[axis] > 0 ? shape[axis] : 1;
    }
    tensor_allocate(&tensor);
    return tensor;
}

static void fill_random(const struct tensor *tensor)
{
    const size_t size = dtype_size(tensor->array.dtype);
    for (size_t i = 0; i < tensor->bytes / size; i++)
        store(tensor->array.dtype, tensor->block, (int64_t)i, random_real(-1, 1));
}

static double random_coordinate(double size)
{
    switch (random_int(0, 7)) {
    case 0: return (double)random_int(-4, 2 * (int64_t)size + 4) / 2;
    case 1: return random_real(-1, 1) * pow(10, random_real(0, 12));
    case 2: return random_real(-1e-6, 1e-6);
    default: return random_real(-size - 2, 2 * size + 2);
    }
}

/* Any bit pattern: subnormal, huge, infinite, NaN. */
static double random_pattern(int is_double)
{
    if (is_double) {
        const uint64_t bits = random_bits();
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    const uint32_t bits = (uint32_t)(random_bits() >> 20);
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

/* Boxes in any order of memory, with the image in column 0 or apart. */
struct boxes {
    roi_boxes boxes;
    unsigned char *block;
    int64_t images[MAX_BOXES];
    double image[MAX_BOXES], corner[MAX_BOXES][4]; /* as they read */
};

static void random_boxes(struct boxes *boxes, int64_t count, const int64_t shape[4], int wild)
{
    const int is_double = (int)random_int(0, 1), apart = (int)random_int(0, 1);
    const int64_t columns = apart ? 4 : 5, gap = random_int(0, 2);
    const size_t size = is_double ? 8 : 4;
    roi_boxes *table = &boxes->boxes;
    *table = (roi_boxes){NULL, is_double ? ROI_FLOAT64 : ROI_FLOAT32, count, columns, {columns + gap, 1}, NULL};
    if (random_int(0, 1)) {
        table->strides[0] = 1;
        table->strides[1] = count + gap;
    }
    const size_t elements = (size_t)((count - 1) * table->strides[0] + (columns - 1) * table->strides[1] + 1);
    boxes->block = count ? malloc(elements * size) : NULL;
    table->data = boxes->block;
    for (int64_t k = 0; k < count; k++) {
        boxes->images[k] = shape[0] > 0 ? random_int(0, shape[0] - 1) : 0;
        if (wild && !random_int(0, 9))
            boxes->images[k] = random_int(-2, shape[0] + 2);
        boxes->image[k] = (double)boxes->images[k];
        if (!apart && wild && !random_int(0, 9))
            boxes->image[k] = random_pattern(is_double);
        for (int i = 0; i < 4; i++) {
            double value = random_coordinate((double)shape[i % 2 ? 2 : 3]);
            if (wild && !random_int(0, 3))
                value = random_pattern(is_double);
            boxes->corner[k][i] = is_double ? value : (double)(float)value;
        }
        const int64_t at = k * table->strides[0];
        if (!apart)
            store(table->dtype, boxes->block, at, boxes->image[k]);
        for (int i = 0; i < 4; i++)
            store(table->dtype, boxes->block, at + (i + !apart) * table->strides[1], boxes->corner[k][i]);
    }
    if (apart)
        table->batch_index = boxes->images;
}

static roi_align_params random_params(void)
{
    static const int64_t ratios[] = {-1, 0, 1, 2, 3, 4, 7, 50, 1000000000, INT64_MAX, INT64_MIN};
    static const double scales[] = {1, 1, 1, 0.25, 0.5, 1.0 / 3, 2, 1e-30, 1e30};
    roi_align_params params = roi_align_defaults();
    params.sampling_ratio = ratios[random_int(0, random_int(0, 3) ? 5 : 10)];
    params.spatial_scale = scales[random_int(0, 8)];
    params.aligned = (int32_t)random_int(0, 1);
    params.mode = (roi_mode)random_int(0, 2);
    return params;
}

/* ---- What must come out ---------------------------------------------------------------------------------------- */

/* The first row that is wrong, and its status; -1 where all are right. Rows whose size alone overflows double may be
   either, so that nothing is predicted from them on: *unclear_ret is the first of those. */
static int64_t first_wrong(const struct boxes *boxes, const roi_align_params *params, int64_t images,
                           roi_status *status_ret, int64_t *unclear_ret)
{
    *unclear_ret = boxes->boxes.count;
    for (int64_t k = 0; k < boxes->boxes.count; k++) {
        const double image = boxes->image[k];
        const double *corner = boxes->corner[k];
        int finite = 1, overflow = 0, far = 0;
        for (int i = 0; i < 4; i++) {
            finite = finite && isfinite(corner[i]);
            overflow = overflow || !isfinite(corner[i] * params->spatial_scale);
            far = far || fabs(corner[i] * params->spatial_scale) > 1e307;
        }
        *status_ret = ROI_SUCCESS;
        if (!(image >= 0 && image < (double)images && image == floor(image)))
            *status_ret = ROI_ERROR_BATCH_INDEX;
        else if (!finite)
            *status_ret = ROI_ERROR_COORDINATE;
        else if (overflow)
            *status_ret = ROI_ERROR_BOX_OVERFLOW;
        if (*status_ret != ROI_SUCCESS)
            return k;
        if (far && *unclear_ret == boxes->boxes.count)
            *unclear_ret = k;
    }
    return -1;
}

/* Whether row `row` has something wrong beside what its status says. */
static int two_faults(const struct boxes *boxes, int64_t row, int64_t images)
{
    const double image = boxes->image[row];
    int finite = 1;
    for (int i = 0; i < 4; i++)
        finite = finite && isfinite(boxes->corner[row][i]);
    return !finite && !(image >= 0 && image < (double)images && image == floor(image));
}

static void check_error(const struct boxes *boxes, const roi_align_params *params, int64_t images, roi_status status,
                        const roi_error *error)
{
    roi_status expected;
    int64_t unclear;
    const int64_t row = first_wrong(boxes, params, images, &expected, &unclear);
    if (unclear < boxes->boxes.count && (row < 0 || unclear < row)) {
        CHECK(status == ROI_SUCCESS || status == ROI_ERROR_BOX_OVERFLOW || status == expected);
        return;
    }
    if (row < 0) {
        CHECK(status == ROI_SUCCESS);
        return;
    }
    if (!two_faults(boxes, row, images) && !CHECK(status == expected)) {
        const double *corner = boxes->corner[row];
        fprintf(stderr, "    status %d instead of %d in row %d: image %g, box %g %g %g %g, scale %g\n", (int)status,
                (int)expected, (int)row, boxes->image[row], corner[0], corner[1], corner[2], corner[3],
                params->spatial_scale);
    }
    CHECK(status != ROI_SUCCESS && error->status == status && error->row == row);
}

/* A copy of the block, to see what a call has changed. */
static unsigned char *copy_of(const struct tensor *tensor)
{
    unsigned char *copy = malloc(tensor->bytes + 1);
    memcpy(copy, tensor->block ? tensor->block : copy, tensor->bytes);
    return copy;
}

/* Bytes that belong to no element are as they were. */
static void check_gaps(const struct tensor *tensor, unsigned char *before)
{
    const roi_array *a = &tensor->array;
    const size_t size = dtype_size(a->dtype);
    for (int64_t n = 0; n < a->shape[0]; n++)
        for (int64_t c = 0; c < a->shape[1]; c++)
            for (int64_t y = 0; y < a->shape[2]; y++)
                for (int64_t x = 0; x < a->shape[3]; x++) {
                    const size_t at = (size_t)((unsigned char *)a->data - tensor->block) / size;
                    const size_t element = (size_t)((int64_t)at + offset_of(a, n, c, y, x)) * size;
                    memcpy(before + element, tensor->block + element, size);
                }
    CHECK(!memcmp(before, tensor->block ? tensor->block : before, tensor->bytes));
}

/* Units in the last place of the type computed in, times the size of what was summed, and one rounding. */
static double allowed(roi_dtype dtype, double expected, double size)
{
    static const double stored[] = {0, 0, 0x1p-11, 0x1p-8}, smallest[] = {0x1p-149, 0x1p-1074, 0x1p-24, 0x1p-133};
    const double bound = 8 * (dtype == ROI_FLOAT64 ? 0x1p-52 : 0x1p-23) * size;
    return bound + stored[dtype] * (fabs(expected) + bound) + 4 * smallest[dtype];
}

static int place(struct naive_axis axes[2], const roi_align_params *params, const roi_array *input,
                 const double corner[4], const roi_array *output)
{
    const int single = input->dtype != ROI_FLOAT64;
    return naive_place(&axes[0], params, single, corner[1], corner[3], output->shape[2]) &&
           naive_place(&axes[1], params, single, corner[0], corner[2], output->shape[3]) &&
           axes[0].grid * axes[1].grid * tensor_count(output) <= 100000;
}

static void check_values(const struct boxes *boxes, const roi_align_params *params, const roi_array *input,
                         const roi_array *output)
{
    for (int64_t k = 0; k < output->shape[0]; k++) {
        struct naive_axis axes[2] = {{0, 0, 0, 0}, {0, 0, 0, 0}};
        const int walked = place(axes, params, input, boxes->corner[k], output);
        for (int64_t c = 0; c < output->shape[1]; c++)
            for (int64_t p = 0; p < output->shape[2]; p++)
                for (int64_t q = 0; q < output->shape[3]; q++) {
                    const double value = get(output, k, c, p, q);
                    CHECK(fabs(value) <= 1 + 0x1p-7); /* no pixel is beyond -1 .. 1; rounding in 16 bits */
                    if (!walked)
                        continue;
                    double size;
                    const double expected = naive_bin(params, input, (int64_t)boxes->image[k], c, &axes[0], &axes[1], p,
                                                      q, &size);
                    if (!CHECK(fabs(value - expected) <= allowed(input->dtype, expected, size)))
                        fprintf(stderr, "    %.17g instead of %.17g, sum of |weight * value| %.17g\n", value, expected,
                                size);
                }
    }
}

static double dot(const roi_array *a, const roi_array *b, double *size_ret)
{
    double sum = 0;
    for (int64_t n = 0; n < a->shape[0]; n++)
        for (int64_t c = 0; c < a->shape[1]; c++)
            for (int64_t y = 0; y < a->shape[2]; y++)
                for (int64_t x = 0; x < a->shape[3]; x++) {
                    const double product = get(a, n, c, y, x) * get(b, n, c, y, x);
                    sum += product;
                    *size_ret += fabs(get(b, n, c, y, x));
                }
    return sum;
}

/* ---- Calls ----------------------------------------------------------------------------------------------------- */

static void try_backward(const roi_align_params *forward_params, const struct boxes *boxes, const roi_array *input,
                         const roi_array *crops)
{
    roi_align_params params = *forward_params;
    params.mode = ROI_AVG;
    struct tensor grad = random_tensor(input->dtype, crops->shape, 1);
    struct tensor result = random_tensor(input->dtype, input->shape, 0);
    fill_random(&grad);
    unsigned char *before = copy_of(&result);
    roi_error error;
    const roi_status status = roi_align_backward(&params, &grad.array, &boxes->boxes, &result.array, &error);
    check_error(boxes, &params, input->shape[0], status, &error);
    if (status != ROI_SUCCESS) {
        CHECK(!memcmp(before, result.block ? result.block : before, result.bytes));
    } else {
        check_gaps(&result, before);
        if (forward_params->mode == ROI_AVG) {
            const double unit = input->dtype == ROI_FLOAT64   ? 0x1p-52
                                : input->dtype == ROI_FLOAT32 ? 0x1p-23
                                : input->dtype == ROI_FLOAT16 ? 0x1p-10
                                                              : 0x1p-7;
            double size = 0;
            const double left = dot(crops, &grad.array, &size), right = dot(input, &result.array, &size);
            CHECK(fabs(left - right) <= 8 * unit * (size + (double)tensor_count(crops)) + 1e-6 * unit);
        }
    }
    free(before);
    free_tensor(&grad);
    free_tensor(&result);
}

/* ---- Maxima, and a channel for each bin ------------------------------------------------------------------------- */

enum kind { MAXIMA, BIN_SAMPLES, BIN_PIXELS };

struct settings {
    roi_pool_params maxima;
    roi_ps_roi_align_params samples;
    roi_ps_roi_pool_params pixels;
};

static struct settings settings_of(const roi_align_params *params)
{
    struct settings set = {roi_pool_defaults(), roi_ps_roi_align_defaults(), roi_ps_roi_pool_defaults()};
    set.maxima.spatial_scale = set.samples.spatial_scale = set.pixels.spatial_scale = params->spatial_scale;
    set.samples.sampling_ratio = params->sampling_ratio;
    return set;
}

/* roi_pool, roi_ps_roi_align and roi_ps_roi_pool, by the scale and ratio of `params`. */
static roi_status pool(enum kind kind, const roi_align_params *params, const roi_array *input, const roi_boxes *boxes,
                       const roi_array *output, const roi_indices *argmax, roi_error *error)
{
    const struct settings set = settings_of(params);
    switch (kind) {
    case MAXIMA: return roi_pool(&set.maxima, input, boxes, output, argmax, error);
    case BIN_SAMPLES: return roi_ps_roi_align(&set.samples, input, boxes, output, error);
    default: return roi_ps_roi_pool(&set.pixels, input, boxes, output, error);
    }
}

static roi_status flow_back(enum kind kind, const roi_align_params *params, const roi_array *grad,
                            const roi_indices *argmax, const roi_boxes *boxes, const roi_array *result,
                            roi_error *error)
{
    const struct settings set = settings_of(params);
    switch (kind) {
    case MAXIMA: return roi_pool_backward(&set.maxima, grad, argmax, boxes, result, error);
    case BIN_SAMPLES: return roi_ps_roi_align_backward(&set.samples, grad, boxes, result, error);
    default: return roi_ps_roi_pool_backward(&set.pixels, grad, boxes, result, error);
    }
}

/* One bin of whole pixels. `place`: where the maximum is said to be. */
static void check_pixels(enum kind kind, const roi_align_params *params, const roi_array *input, int64_t n, int64_t c,
                         const double corner[4], const roi_array *output, const int64_t at[4], int64_t place)
{
    const int single = input->dtype != ROI_FLOAT64, closed = kind == MAXIMA;
    const double value = get(output, at[0], at[1], at[2], at[3]);
    int64_t rows[2], columns[2];
    if (closed && CHECK(place >= -1 && place < input->shape[2] * input->shape[3]))
        CHECK(value == (place < 0 ? 0 : get(input, n, c, place / input->shape[3], place % input->shape[3])));
    if (!naive_window(params->spatial_scale, single, (const double[]){corner[1], corner[3]}, closed, output->shape[2],
                      at[2], input->shape[2], rows) ||
        !naive_window(params->spatial_scale, single, (const double[]){corner[0], corner[2]}, closed, output->shape[3],
                      at[3], input->shape[3], columns))
        return;
    const struct naive_pixels pixels = naive_pixels_of(input, n, c, rows, columns);
    const double count = fmax((double)pixels.count, 1), mean = naive_mean(&pixels.sum, count);
    if (closed)
        CHECK(place == pixels.place && value == pixels.largest);
    else
        CHECK(fabs(value - mean) <= 4 * allowed(input->dtype, mean, pixels.size / count));
}

/* One bin of samples: 0 for a box without width or height. */
static void check_samples(const roi_align_params *params, const roi_array *input, int64_t n, int64_t c,
                          const double corner[4], const roi_array *output, const int64_t at[4])
{
    struct naive_axis axes[2] = {{0, 0, 0, 0}, {0, 0, 0, 0}};
    const double value = get(output, at[0], at[1], at[2], at[3]);
    CHECK(fabs(value) <= 1 + 0x1p-7);
    if (!place(axes, params, input, corner, output))
        return;
    double size;
    const double expected = naive_bin(params, input, n, c, &axes[0], &axes[1], at[2], at[3], &size);
    const int flat = axes[0].bin == 0 || axes[1].bin == 0;
    CHECK(fabs(value - (flat ? 0 : expected)) <= 2 * allowed(input->dtype, expected, size));
}

static void check_bins(enum kind kind, const struct boxes *boxes, const roi_align_params *params,
                       const roi_array *input, const roi_array *output, const roi_indices *argmax)
{
    for (int64_t i = 0; i < tensor_count(output); i++) {
        const int64_t *shape = output->shape, bins = shape[2] * shape[3];
        const int64_t at[4] = {i / (shape[1] * bins), i / bins % shape[1], i / shape[3] % shape[2], i % shape[3]};
        const int64_t *strides = argmax->strides, n = (int64_t)boxes->image[at[0]];
        const int64_t c = kind == MAXIMA ? at[1] : at[1] * bins + i % bins;
        if (kind == BIN_SAMPLES)
            check_samples(params, input, n, c, boxes->corner[at[0]], output, at);
        else
            check_pixels(
                kind, params, input, n, c, boxes->corner[at[0]], output, at,
                argmax->data[at[0] * strides[0] + at[1] * strides[1] + at[2] * strides[2] + at[3] * strides[3]]);
    }
}

/* A place that is none: the row is told, and nothing is written. */
static void try_wrong_place(const roi_align_params *params, const roi_array *grad, const roi_indices *argmax,
                            const struct boxes *boxes, const roi_array *input)
{
    const int64_t *shape = argmax->shape, *strides = argmax->strides, pixels = input->shape[2] * input->shape[3];
    const int64_t wrong[] = {-2, pixels, pixels + 1, INT64_MAX, INT64_MIN, (int64_t)1 << 32};
    if (tensor_count(grad) == 0)
        return;
    const int64_t row = random_int(0, shape[0] - 1), c = random_int(0, shape[1] - 1);
    int64_t *place = &argmax->data[row * strides[0] + c * strides[1] + random_int(0, shape[2] - 1) * strides[2] +
                                   random_int(0, shape[3] - 1) * strides[3]];
    const int64_t before = *place;
    struct tensor result = random_tensor(input->dtype, input->shape, 0);
    unsigned char *copy = copy_of(&result);
    roi_error error;
    *place = wrong[random_int(0, 5)];
    CHECK(flow_back(MAXIMA, params, grad, argmax, &boxes->boxes, &result.array, &error) == ROI_ERROR_ARGMAX);
    CHECK(error.row == row && error.value == (double)*place);
    CHECK(!memcmp(copy, result.block ? result.block : copy, result.bytes));
    *place = before;
    free(copy);
    free_tensor(&result);
}

static void try_flow_back(enum kind kind, const roi_align_params *params, const struct boxes *boxes,
                          const roi_array *input, const roi_array *crops, const roi_indices *argmax)
{
    static const double units[] = {0x1p-23, 0x1p-52, 0x1p-10, 0x1p-7};
    struct tensor grad = random_tensor(input->dtype, crops->shape, 1);
    struct tensor result = random_tensor(input->dtype, input->shape, 0);
    fill_random(&grad);
    unsigned char *before = copy_of(&result);
    double size = 0;
    CHECK(flow_back(kind, params, &grad.array, argmax, &boxes->boxes, &result.array, NULL) == ROI_SUCCESS);
    check_gaps(&result, before);
    const double left = dot(crops, &grad.array, &size), right = dot(input, &result.array, &size);
    CHECK(fabs(left - right) <= 8 * units[input->dtype] * (size + (double)tensor_count(crops)));
    if (kind == MAXIMA)
        try_wrong_place(params, &grad.array, argmax, boxes, input);
    free(before);
    free_tensor(&grad);
    free_tensor(&result);
}

static void try_pooling(const roi_align_params *align, const struct boxes *boxes, roi_dtype dtype,
                        const int64_t sides[4])
{
    const enum kind kind = (enum kind)random_int(0, 2);
    roi_align_params params = *align;
    int64_t output_shape[4] = {boxes->boxes.count, random_int(0, 4), random_int(0, 7), random_int(0, 7)};
    const int64_t bins = kind == MAXIMA ? 1 : output_shape[2] * output_shape[3];
    const int64_t shape[4] = {sides[0], output_shape[1] * bins, sides[2], sides[3]};
    struct tensor input = random_tensor(dtype, shape, 1), output = random_tensor(dtype, output_shape, 0);
    struct tensor places = random_tensor(ROI_FLOAT64, output_shape, 0); /* whose elements are as large */
    roi_indices argmax = {places.array.data, {0}, {0}};
    memcpy(argmax.shape, output_shape, sizeof argmax.shape);
    memcpy(argmax.strides, places.array.strides, sizeof argmax.strides);
    for (int64_t i = 0; i < (int64_t)places.bytes / 8; i++)
        ((int64_t *)(void *)places.block)[i] = 0;
    fill_random(&input);
    params.mode = ROI_AVG;
    params.aligned = 1;
    check_context("pooling %d: dtype %d, ratio %lld, scale %g, %lld x %lld bins", (int)kind, (int)dtype,
                  (long long)params.sampling_ratio, params.spatial_scale, (long long)output_shape[2],
                  (long long)output_shape[3]);

    unsigned char *before = copy_of(&output), *places_before = copy_of(&places);
    roi_error error;
    const int wanted = random_int(0, 3) > 0;
    const roi_status status = pool(kind, &params, &input.array, &boxes->boxes, &output.array, wanted ? &argmax : NULL,
                                   &error);
    check_error(boxes, &params, shape[0], status, &error);
    if (status != ROI_SUCCESS) {
        CHECK(!memcmp(before, output.block ? output.block : before, output.bytes));
        CHECK(!memcmp(places_before, places.block ? places.block : places_before, places.bytes));
    } else {
        check_gaps(&output, before);
        if (kind != MAXIMA || wanted) {
            check_bins(kind, boxes, &params, &input.array, &output.array, &argmax);
            try_flow_back(kind, &params, boxes, &input.array, &output.array, &argmax);
        }
    }
    free(before);
    free(places_before);
    free_tensor(&places);
    free_tensor(&input);
    free_tensor(&output);
}

/* ---- Rounds ---------------------------------------------------------------------------------------------------- */

static void one_round(long round)
{
    const roi_dtype dtype = (roi_dtype)random_int(0, 3);
    int64_t shape[4];
    random_shape(shape);
    const int64_t count = random_int(0, MAX_BOXES);
    const int64_t output_shape[4] = {count, shape[1], random_int(0, 7), random_int(0, 7)};
    const roi_align_params params = random_params();
    struct tensor input = random_tensor(dtype, shape, 1), output = random_tensor(dtype, output_shape, 0);
    struct boxes boxes;
    random_boxes(&boxes, count, shape, random_int(0, 3) == 0);
    fill_random(&input);
    unsigned char *before = copy_of(&output);
    check_context("round %ld: dtype %d, mode %d, ratio %lld, %lld boxes", round, (int)dtype, (int)params.mode,
                  (long long)params.sampling_ratio, (long long)count);

    roi_error error;
    const roi_status status = roi_align(&params, &input.array, &boxes.boxes, &output.array, &error);
    check_error(&boxes, &params, shape[0], status, &error);
    if (status != ROI_SUCCESS) {
        CHECK(!memcmp(before, output.block ? output.block : before, output.bytes));
    } else {
        check_gaps(&output, before);
        check_values(&boxes, &params, &input.array, &output.array);
        try_backward(&params, &boxes, &input.array, &output.array);
    }
    try_pooling(&params, &boxes, dtype, shape);
    free(before);
    free(boxes.block);
    free_tensor(&input);
    free_tensor(&output);
}

int main(int argc, char **argv)
{
    const long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 4000;
    if (argc > 2)
        random_state ^= strtoull(argv[2], NULL, 10);
    for (long round = 0; round < rounds; round++) {
        if (round % 16 == 0)
            roi_set_num_threads((int32_t)random_int(1, 3));
        one_round(round);
    }
    return check_result();
}
