/*
 * test_maps.c - the operators on whole maps, precise RoI pooling and rotated boxes: each status; and random calls, the
 * same ones each time, of any shape, order of memory, type and parameter
 *
 * Of random calls it must hold that they succeed, that forward and backward are each other's transpose, and that maxima
 * are where they are said to be. Run it under the address and undefined-behaviour sanitizers.
 *
 *     test_maps [ROUNDS]
 */
#include "arrays.h"
#include "check.h"

/* ---- Random arrays --------------------------------------------------------------------------------------------- */

static int64_t random_side(void)
{
    switch (random_int(0, 9)) {
    case 0: return 0;
    case 1: return random_int(10, 70);
    default: return random_int(1, 9);
    }
}

/* Numbers from -4 to 4 in eighths, which every type holds; the axes in any order in memory. */
static struct tensor random_map(roi_dtype dtype, int64_t n, int64_t c, int64_t h, int64_t w)
{
    struct tensor tensor = {.array = {.dtype = dtype, .shape = {n, c, h, w}}};
    int order[4] = {0, 1, 2, 3};
    for (int i = 3; i > 0 && random_int(0, 2); i--) {
        const int other = (int)random_int(0, i), axis = order[i];
        order[i] = order[other];
        order[other] = axis;
    }
    set_strides(&tensor.array, order);
    tensor_allocate(&tensor);
    for (int64_t i = 0; i < tensor_count(&tensor.array); i++)
        put(&tensor.array, i / (c * h * w), i / (h * w) % c, i / w % h, i % w, (double)random_int(-32, 32) / 8);
    return tensor;
}

static double product(const roi_array *a, const roi_array *b)
{
    const int64_t *shape = a->shape;
    double sum = 0;
    for (int64_t i = 0; i < tensor_count(a); i++) {
        const int64_t n = i / (shape[1] * shape[2] * shape[3]), c = i / (shape[2] * shape[3]) % shape[1];
        const int64_t y = i / shape[3] % shape[2], x = i % shape[3];
        sum += get(a, n, c, y, x) * get(b, n, c, y, x);
    }
    return sum;
}

static int near(double a, double b) { return fabs(a - b) <= 1e-9 * (1 + fabs(a) + fabs(b)); }

/* A map, a result and the gradients of both. */
struct arrays {
    struct tensor input, output, grad, input_grad;
};

static struct arrays random_arrays(roi_dtype dtype)
{
    const int64_t n = random_int(0, 3), c = random_int(0, 20), h = random_side(), w = random_side();
    const int64_t height = random_side(), width = random_side();
    return (struct arrays){random_map(dtype, n, c, h, w), random_map(dtype, n, c, height, width),
                           random_map(dtype, n, c, height, width), random_map(dtype, n, c, h, w)};
}

static void free_arrays(struct arrays *arrays)
{
    free_tensor(&arrays->input);
    free_tensor(&arrays->output);
    free_tensor(&arrays->grad);
    free_tensor(&arrays->input_grad);
}

static void check_transpose(const struct arrays *arrays)
{
    if (arrays->input.array.dtype == ROI_FLOAT64)
        CHECK(near(product(&arrays->grad.array, &arrays->output.array),
                   product(&arrays->input_grad.array, &arrays->input.array)));
}

/* ---- Random calls ---------------------------------------------------------------------------------------------- */

static void try_resize(roi_dtype dtype)
{
    struct arrays a = random_arrays(dtype);
    roi_resize_params params = roi_resize_defaults();
    params.mode = (roi_resize_mode)random_int(0, 4);
    if (params.mode == ROI_BILINEAR || params.mode == ROI_BICUBIC) {
        params.align_corners = random_int(0, 1);
        params.antialias = random_int(0, 1);
    }
    if (random_int(0, 1))
        params.scale_y = random_real(0.05, 9), params.scale_x = pow(10, random_real(-300, 300));
    check_context("mode %d, align_corners %d, antialias %d, %g x %g, dtype %d", (int)params.mode, params.align_corners,
                  params.antialias, params.scale_y, params.scale_x, (int)dtype);
    CHECK(roi_resize(&params, &a.input.array, &a.output.array, NULL) == ROI_SUCCESS);
    CHECK(roi_resize_backward(&params, &a.grad.array, &a.input_grad.array, NULL) == ROI_SUCCESS);
    check_transpose(&a);
    free_arrays(&a);
}

static double random_corner(int64_t side)
{
    switch (random_int(0, 3)) {
    case 0: return (double)random_int(-3, side + 3);
    case 1: return pow(10, random_real(-20, 20)) * (random_int(0, 1) ? 1 : -1);
    default: return random_real(-2, (double)side + 2);
    }
}

static void try_prroi(roi_dtype dtype)
{
    enum { MOST = 5 };
    struct arrays a = random_arrays(dtype);
    const int64_t *shape = a.input.array.shape, count = shape[0] == 0 ? 0 : random_int(0, MOST);
    double rows[MOST][5], box_grad[MOST][4];
    for (int64_t k = 0; k < count; k++) {
        rows[k][0] = (double)random_int(0, shape[0] - 1);
        for (int i = 1; i < 5; i++)
            rows[k][i] = random_corner(shape[3]);
    }
    const roi_boxes boxes = {rows, ROI_FLOAT64, count, 5, {5, 1}, NULL};
    roi_prroi_params params = roi_prroi_defaults();
    params.spatial_scale = random_real(0.1, 3);
    struct tensor crops = random_map(dtype, count, shape[1], random_int(0, 9), random_int(0, 9));
    struct tensor grad = random_map(dtype, count, shape[1], crops.array.shape[2], crops.array.shape[3]);
    check_context("prroi, %d boxes, dtype %d", (int)count, (int)dtype);
    CHECK(roi_prroi_pool(&params, &a.input.array, &boxes, &crops.array, NULL) == ROI_SUCCESS);
    CHECK(roi_prroi_pool_backward(&params, &grad.array, &a.input.array, &boxes, &a.input_grad.array, &box_grad[0][0],
                                  NULL) == ROI_SUCCESS);
    for (int64_t k = 0; k < 4 * count; k++)
        CHECK(isfinite((&box_grad[0][0])[k]));
    if (dtype == ROI_FLOAT64)
        CHECK(near(product(&grad.array, &crops.array), product(&a.input_grad.array, &a.input.array)));
    free_tensor(&crops);
    free_tensor(&grad);
    free_arrays(&a);
}

/* Weights of a bin are 0 or more and add up to 1 at most, so that no pixel of 4 or less makes more of itself. */
static void try_turned(roi_dtype dtype)
{
    enum { MOST = 5 };
    struct arrays a = random_arrays(dtype);
    const int64_t *shape = a.input.array.shape, count = shape[0] == 0 ? 0 : random_int(0, MOST);
    double rows[MOST][6];
    for (int64_t k = 0; k < count; k++) {
        rows[k][0] = (double)random_int(0, shape[0] - 1);
        for (int i = 1; i < 5; i++)
            rows[k][i] = fmin(fmax(random_corner(shape[3]), -1e11), 1e11);
        rows[k][3] = fabs(rows[k][3]);
        rows[k][4] = fabs(rows[k][4]);
        rows[k][5] = random_int(0, 2) ? random_real(-1e3, 1e3) : 90 * (double)random_int(-5, 5);
    }
    const roi_boxes boxes = {rows, ROI_FLOAT64, count, 6, {6, 1}, NULL};
    roi_align_rotated_params params = roi_align_rotated_defaults();
    params.spatial_scale = random_real(0.1, 3);
    params.sampling_ratio = (int64_t[]){-1, 0, 1, 2, 3, 17}[random_int(0, 5)];
    params.aligned = (int32_t)random_int(0, 1);
    params.clockwise = (int32_t)random_int(0, 1);
    struct tensor crops = random_map(dtype, count, shape[1], random_int(0, 7), random_int(0, 7));
    struct tensor grad = random_map(dtype, count, shape[1], crops.array.shape[2], crops.array.shape[3]);
    check_context("turned, %d boxes, ratio %d, dtype %d", (int)count, (int)params.sampling_ratio, (int)dtype);
    CHECK(roi_align_rotated(&params, &a.input.array, &boxes, &crops.array, NULL) == ROI_SUCCESS);
    CHECK(roi_align_rotated_backward(&params, &grad.array, &boxes, &a.input_grad.array, NULL) == ROI_SUCCESS);
    const int64_t *of = crops.array.shape;
    for (int64_t i = 0; i < tensor_count(&crops.array); i++)
        CHECK(fabs(get(&crops.array, i / (of[1] * of[2] * of[3]), i / (of[2] * of[3]) % of[1], i / of[3] % of[2],
                       i % of[3])) <= 4 * (1 + 0x1p-7));
    if (dtype == ROI_FLOAT64)
        CHECK(near(product(&grad.array, &crops.array), product(&a.input_grad.array, &a.input.array)));
    free_tensor(&crops);
    free_tensor(&grad);
    free_arrays(&a);
}

static void try_adaptive(roi_dtype dtype)
{
    struct arrays a = random_arrays(dtype);
    const roi_array *output = &a.output.array, *input = &a.input.array;
    const int64_t count = tensor_count(output), *shape = output->shape, width = input->shape[3];
    const roi_adaptive_params params = roi_adaptive_defaults();
    int64_t *places = malloc((size_t)(count + 1) * sizeof *places);
    roi_indices argmax = {places, {shape[0], shape[1], shape[2], shape[3]}, {0}};
    argmax.strides[3] = 1, argmax.strides[2] = shape[3], argmax.strides[1] = shape[2] * shape[3];
    argmax.strides[0] = shape[1] * argmax.strides[1];
    check_context("adaptive maxima, dtype %d", (int)dtype);
    CHECK(roi_adaptive_max_pool(&params, input, output, &argmax, NULL) == ROI_SUCCESS);
    for (int64_t i = 0; i < count; i++) {
        const int64_t n = i / argmax.strides[0], c = i / argmax.strides[1] % shape[1];
        const double value = get(output, n, c, i / shape[3] % shape[2], i % shape[3]);
        if (input->shape[2] == 0 || width == 0)
            CHECK(places[i] == -1 && value == 0);
        else
            CHECK(places[i] >= 0 && get(input, n, c, places[i] / width, places[i] % width) == value);
    }
    CHECK(roi_adaptive_max_pool_backward(&params, &a.grad.array, &argmax, &a.input_grad.array, NULL) == ROI_SUCCESS);
    CHECK(roi_adaptive_max_pool(&params, input, &a.grad.array, NULL, NULL) == ROI_SUCCESS);
    CHECK(near(product(output, output), product(&a.grad.array, &a.grad.array)));
    free(places);
    free_arrays(&a);
}

static void try_grid(roi_dtype dtype)
{
    struct arrays a = random_arrays(dtype);
    const int64_t *shape = a.output.array.shape;
    struct tensor grid = random_map((roi_dtype)random_int(0, 3), shape[0], shape[2], shape[3], 2);
    roi_grid_params params = roi_grid_defaults();
    params.mode = (roi_resize_mode[]){ROI_NEAREST, ROI_BILINEAR, ROI_BICUBIC}[random_int(0, 2)];
    params.padding = (roi_padding)random_int(0, 2);
    params.align_corners = random_int(0, 1);
    if (tensor_count(&grid.array) > 0)
        put(&grid.array, 0, 0, 0, 0, (double[]){NAN, INFINITY, -INFINITY, 65504, -65504}[random_int(0, 4)]);
    check_context("grid, mode %d, padding %d", (int)params.mode, (int)params.padding);
    CHECK(roi_grid_sample(&params, &a.input.array, &grid.array, &a.output.array, NULL) == ROI_SUCCESS);
    free_tensor(&grid);
    free_arrays(&a);

    struct tensor theta = random_map(dtype, random_int(0, 3), 2, 3, 1);
    struct tensor made = random_map(dtype, theta.array.shape[0], random_side(), random_side(), 2);
    const roi_affine_params affine = {sizeof affine, (int32_t)random_int(0, 1), NULL};
    CHECK(roi_affine_grid(&affine, &theta.array, &made.array, NULL) == ROI_SUCCESS);
    free_tensor(&theta);
    free_tensor(&made);
}

static void try_normalize(roi_dtype dtype)
{
    struct arrays a = random_arrays(dtype);
    const double mean[2] = {0.5, 0}, std[2] = {2, 0};
    const float narrow_mean[2] = {0.5f, 0}, narrow_std[2] = {2, 0};
    const int wide = dtype == ROI_FLOAT64;
    roi_array means = {(void *)(wide ? (const void *)mean : narrow_mean), wide ? ROI_FLOAT64 : ROI_FLOAT32, {0}, {0}};
    memcpy(means.shape, a.input.array.shape, sizeof means.shape);
    roi_array stds = means;
    stds.data = (void *)(wide ? (const void *)std : narrow_std);
    roi_normalize_params params = roi_normalize_defaults();
    check_context("normalize, dtype %d", (int)dtype);
    CHECK(roi_normalize(&params, &a.input.array, &means, &stds, &a.input_grad.array, NULL) == ROI_SUCCESS);
    params.inverse = 1; /* eighths are exact in every type, there and back */
    CHECK(roi_normalize(&params, &a.input_grad.array, &means, &stds, &a.input_grad.array, NULL) == ROI_SUCCESS);
    CHECK(product(&a.input.array, &a.input.array) == product(&a.input_grad.array, &a.input_grad.array));
    free_arrays(&a);
}

/* ---- Statuses -------------------------------------------------------------------------------------------------- */

static void test_resize_statuses(void)
{
    struct tensor input = make_tensor(ROI_FLOAT32, 1, 2, 4, 5), output = make_tensor(ROI_FLOAT32, 1, 2, 7, 8);
    roi_resize_params params = roi_resize_defaults();
    roi_error error;
#define RESIZE(...)                                                                                                    \
    (params = roi_resize_defaults(), __VA_ARGS__, roi_resize(&params, &input.array, &output.array, &error))
    check_context("parameters of roi_resize");
    CHECK(roi_resize(NULL, &input.array, &output.array, &error) == ROI_ERROR_NULL);
    CHECK(RESIZE(params.size--) == ROI_ERROR_STRUCT_SIZE);
    CHECK(RESIZE(params.mode = (roi_resize_mode)5) == ROI_ERROR_MODE && error.status == ROI_ERROR_MODE);
    CHECK(RESIZE(params.align_corners = 1) == ROI_ERROR_ALIGN_CORNERS);
    CHECK(RESIZE(params.antialias = 1) == ROI_ERROR_ANTIALIAS);
    CHECK(RESIZE(params.mode = ROI_AREA, params.align_corners = 1) == ROI_ERROR_ALIGN_CORNERS);
    CHECK(RESIZE(params.scale_x = -1) == ROI_ERROR_SCALE_FACTOR);
    CHECK(RESIZE(params.scale_y = NAN) == ROI_ERROR_SCALE_FACTOR);
    CHECK(RESIZE(params.scale_y = INFINITY) == ROI_ERROR_SCALE_FACTOR);
    CHECK(RESIZE(params.scale_y = 5e-324) == ROI_ERROR_SCALE_FACTOR); /* its inverse is infinite */
    CHECK(RESIZE(input.array.shape[1] = 3) == ROI_ERROR_SHAPE);
    CHECK(RESIZE(input.array.shape[1] = 2, input.array.shape[0] = 2) == ROI_ERROR_SHAPE);
    CHECK(RESIZE(input.array.shape[0] = 1, output.array.shape[2] = -1) == ROI_ERROR_OUTPUT_SIZE);
    CHECK(RESIZE(output.array.shape[2] = 7, output.array.dtype = ROI_FLOAT16) == ROI_ERROR_DTYPE);
    CHECK(RESIZE(output.array.dtype = (roi_dtype)9) == ROI_ERROR_DTYPE);
    CHECK(RESIZE(output.array.dtype = ROI_FLOAT32, input.array.shape[2] = INT64_MAX / 4) == ROI_ERROR_OVERFLOW);
    CHECK(RESIZE(input.array.shape[2] = 4) == ROI_SUCCESS);
    CHECK(roi_resize(&params, NULL, &output.array, &error) == ROI_ERROR_NULL);
    CHECK(roi_resize(&params, &input.array, NULL, NULL) == ROI_ERROR_NULL);
    CHECK(roi_resize_backward(&params, NULL, &input.array, NULL) == ROI_ERROR_NULL);
    const int32_t set = 1;
    params.cancel = &set;
    CHECK(roi_resize(&params, &input.array, &output.array, &error) == ROI_CANCELLED && error.status == ROI_CANCELLED);
    free_tensor(&input);
    free_tensor(&output);
}

static void test_prroi_statuses(void)
{
    const float rows[] = {0, 0, 2, 2, 1, 1, 3, 3};
    const roi_boxes boxes = plain_boxes(rows, 2, 4);
    struct tensor input = make_tensor(ROI_FLOAT32, 1, 1, 5, 5), crops = make_tensor(ROI_FLOAT32, 2, 1, 2, 2);
    struct tensor input_grad = make_tensor(ROI_FLOAT32, 1, 1, 5, 5);
    roi_prroi_params params = roi_prroi_defaults();
    double box_grad[8] = {7, 7, 7, 7, 7, 7, 7, 7};
    fill_counting(&input.array);
    fill_counting(&crops.array);
#define BACKWARD()                                                                                                     \
    roi_prroi_pool_backward(&params, &crops.array, &input.array, &boxes, &input_grad.array, box_grad, NULL)
    check_context("roi_prroi_pool_backward");
    params.size++;
    CHECK(BACKWARD() == ROI_ERROR_STRUCT_SIZE);
    params.size--;
    params.spatial_scale = 0;
    CHECK(BACKWARD() == ROI_ERROR_SPATIAL_SCALE);
    params.spatial_scale = 1;
    input_grad.array.shape[2] = 4;
    CHECK(BACKWARD() == ROI_ERROR_SHAPE);
    input_grad.array.shape[2] = 5;
    input_grad.array.dtype = ROI_FLOAT16;
    CHECK(BACKWARD() == ROI_ERROR_DTYPE);
    input_grad.array.dtype = ROI_FLOAT32;
    crops.array.shape[0] = 1;
    CHECK(BACKWARD() == ROI_ERROR_SHAPE);
    crops.array.shape[0] = 2;
    for (int i = 0; i < 8; i++)
        CHECK(box_grad[i] == 7);
    CHECK(BACKWARD() == ROI_SUCCESS);
    CHECK(box_grad[0] != 7 && box_grad[7] != 7);
    CHECK(roi_prroi_pool_backward(&params, &crops.array, &input.array, &boxes, NULL, NULL, NULL) == ROI_SUCCESS);
    CHECK(roi_prroi_pool_backward(&params, &crops.array, NULL, &boxes, NULL, box_grad, NULL) == ROI_ERROR_NULL);
    free_tensor(&input);
    free_tensor(&crops);
    free_tensor(&input_grad);
}

static void test_other_statuses(void)
{
    struct tensor map = make_tensor(ROI_FLOAT32, 2, 1, 3, 4), grid = make_tensor(ROI_FLOAT32, 2, 3, 4, 2);
    struct tensor output = make_tensor(ROI_FLOAT32, 2, 1, 3, 4), numbers = make_tensor(ROI_FLOAT32, 2, 1, 3, 4);
    roi_grid_params params = roi_grid_defaults();
    roi_error error;
    fill_counting(&map.array);
    fill_counting(&grid.array);
    fill_counting(&numbers.array);
#define SAMPLE() roi_grid_sample(&params, &map.array, &grid.array, &output.array, &error)
    check_context("roi_grid_sample");
    CHECK(SAMPLE() == ROI_SUCCESS);
    params.mode = ROI_AREA;
    CHECK(SAMPLE() == ROI_ERROR_MODE);
    params.mode = ROI_NEAREST;
    params.padding = (roi_padding)3;
    CHECK(SAMPLE() == ROI_ERROR_PADDING);
    params.padding = ROI_PAD_ZEROS;
    grid.array.shape[3] = 1;
    CHECK(SAMPLE() == ROI_ERROR_SHAPE);
    grid.array.shape[3] = 2;
    output.array.shape[2] = 2;
    CHECK(SAMPLE() == ROI_ERROR_SHAPE);
    output.array.shape[2] = 3;
    CHECK(roi_grid_sample(NULL, &map.array, &grid.array, &output.array, &error) == ROI_ERROR_NULL);
    CHECK(roi_grid_sample(&params, &map.array, NULL, &output.array, &error) == ROI_ERROR_NULL);

    check_context("roi_normalize");
    const roi_normalize_params normalize = roi_normalize_defaults();
    CHECK(roi_normalize(&normalize, &map.array, &numbers.array, &numbers.array, &output.array, &error) ==
          ROI_ERROR_STD); /* the first is 0 */
    CHECK(error.row == 0 && error.value == 0);
    put(&numbers.array, 1, 0, 2, 3, NAN);
    CHECK(roi_normalize(&normalize, &map.array, &numbers.array, &map.array, &output.array, &error) == ROI_ERROR_MEAN);
    CHECK(roi_normalize(NULL, &map.array, &numbers.array, &map.array, &output.array, &error) == ROI_ERROR_NULL);

    check_context("roi_adaptive_max_pool_backward");
    int64_t places[24] = {0};
    roi_indices argmax = {places, {2, 1, 3, 4}, {12, 12, 4, 1}};
    const roi_adaptive_params adaptive = roi_adaptive_defaults();
#define SCATTER() roi_adaptive_max_pool_backward(&adaptive, &output.array, &argmax, &map.array, &error)
    CHECK(SCATTER() == ROI_SUCCESS);
    places[13] = 12;
    CHECK(SCATTER() == ROI_ERROR_ARGMAX && error.row == 1 && error.value == 12);
    places[13] = -2;
    CHECK(SCATTER() == ROI_ERROR_ARGMAX && error.row == 1 && error.value == -2);
    places[13] = -1;
    CHECK(SCATTER() == ROI_SUCCESS);
    argmax.shape[2] = 2;
    CHECK(SCATTER() == ROI_ERROR_SHAPE);
    CHECK(roi_adaptive_max_pool_backward(&adaptive, &output.array, NULL, &map.array, &error) == ROI_ERROR_NULL);
    free_tensor(&map);
    free_tensor(&grid);
    free_tensor(&output);
    free_tensor(&numbers);
}

int main(int count, char **arguments)
{
    const int rounds = count > 1 ? atoi(arguments[1]) : 300;
    test_resize_statuses();
    test_prroi_statuses();
    test_other_statuses();
    for (int round = 0; round < rounds; round++) {
        const roi_dtype dtype = (roi_dtype)random_int(0, 3);
        roi_set_num_threads((int32_t)random_int(1, 4));
        try_resize(dtype);
        try_prroi(dtype);
        try_turned(dtype);
        try_adaptive(dtype);
        try_grid(dtype);
        try_normalize(dtype);
    }
    return check_result();
}
