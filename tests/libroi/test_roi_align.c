/* test_roi_align.c - results: worked by hand, against the definition walked sample by sample, and of empty input. */
#include "arrays.h"
#include "check.h"
#include "naive.h"

static const roi_dtype DTYPES[] = {ROI_FLOAT32, ROI_FLOAT64, ROI_FLOAT16, ROI_BFLOAT16};

static roi_align_params params_of(int64_t ratio, int aligned, roi_mode mode)
{
    roi_align_params params = roi_align_defaults();
    params.sampling_ratio = ratio;
    params.aligned = aligned;
    params.mode = mode;
    return params;
}

/* ---- Worked by hand -------------------------------------------------------------------------------------------- */

struct example {
    float box[4];
    int64_t height, width, ratio;
    int aligned;
    roi_mode mode;
    double expected[4];
};

/* On the 5 x 5 map 0 .. 24. Samples lie at a quarter and three quarters of each bin; a bin's mean is 5 y + x of its
   middle. */
static const struct example EXAMPLES[] = {
    {{1, 1, 3, 3}, 2, 2, 2, 1, ROI_AVG, {6, 7, 11, 12}},
    {{1, 1, 3, 3}, 2, 2, 2, 0, ROI_AVG, {9, 10, 14, 15}}, /* half a pixel on: 2.5 + 0.5 more */
    {{2, 2, 2, 2}, 1, 1, 0, 1, ROI_AVG, {0}},             /* ceil(0) samples */
    {{2, 2, 2, 2}, 1, 1, 2, 1, ROI_AVG, {9}},             /* 5 * 1.5 + 1.5 */
    {{2, 2, 2, 2}, 1, 1, -1, 0, ROI_AVG, {15}},           /* one pixel wide: 5 * 2.5 + 2.5 */
    {{3, 1, 1, 3}, 2, 2, 2, 1, ROI_AVG, {7, 6, 12, 11}},  /* mirrored */
    {{3, 1, 1, 3}, 2, 2, 0, 1, ROI_AVG, {0}},             /* mirrored, adaptive: no samples */
    {{1, 1, 3, 3}, 2, 2, 2, 1, ROI_MAX, {7.5, 8.5, 12.5, 13.5}},
    {{1, 1, 3, 3}, 2, 2, 2, 1, ROI_MAX_CORNER, {3.375, 3.9375, 6.1875, 6.75}}, /* 9/16 of a pixel */
    {{50, 50, 60, 60}, 2, 2, 2, 1, ROI_MAX, {0}},                              /* outside */
};

static void test_examples(roi_dtype dtype)
{
    struct tensor input = make_tensor(dtype, 1, 1, 5, 5);
    fill_counting(&input.array);
    for (size_t k = 0; k < sizeof EXAMPLES / sizeof *EXAMPLES; k++) {
        const struct example *example = &EXAMPLES[k];
        const roi_align_params params = params_of(example->ratio, example->aligned, example->mode);
        const roi_boxes boxes = plain_boxes(example->box, 1, 4);
        struct tensor output = make_tensor(dtype, 1, 1, example->height, example->width);
        roi_error error;
        check_context("dtype %d, example %zu", (int)dtype, k);
        CHECK(roi_align(&params, &input.array, &boxes, &output.array, &error) == ROI_SUCCESS);
        for (int64_t i = 0; i < example->height * example->width; i++) {
            double expected = example->expected[i];
            if (dtype == ROI_BFLOAT16) /* 8 digits: 3.9375 and such are rounded */
                expected = bfloat_to_double(nearest_16(expected, bfloat_to_double));
            CHECK(get(&output.array, 0, 0, i / example->width, i % example->width) == expected);
        }
        free_tensor(&output);
    }
    free_tensor(&input);
}

static void test_backward_example(roi_dtype dtype)
{
    static const float box[] = {1, 1, 3, 3};
    static const double shares[] = {0, 1, 2, 1, 0};
    const roi_align_params params = params_of(2, 0, ROI_AVG);
    const roi_boxes boxes = plain_boxes(box, 1, 4);
    struct tensor grad = make_tensor(dtype, 1, 1, 2, 2), result = make_tensor(dtype, 1, 1, 5, 5);
    for (int i = 0; i < 4; i++)
        put(&grad.array, 0, 0, i / 2, i % 2, 1);
    check_context("dtype %d", (int)dtype);
    CHECK(roi_align_backward(&params, &grad.array, &boxes, &result.array, NULL) == ROI_SUCCESS);
    for (int y = 0; y < 5; y++)
        for (int x = 0; x < 5; x++)
            CHECK(get(&result.array, 0, 0, y, x) == shares[y] * shares[x] / 4);
    free_tensor(&grad);
    free_tensor(&result);
}

/* Shares 2^60, 1 and -2^60 on one pixel, of which the third box begins a row above the others. Whether the 1 is lost
   depends on the order of sums: of boxes that begin in the same column, from top to bottom, it is -2^60 + 2^60 + 1,
   whatever the number of threads. */
static void test_backward_adds_from_top_to_bottom(roi_dtype dtype)
{
    static const float rows[] = {0, 2, 1, 3, 0, 2, 1, 3, 0, 1.5f, 1, 2.5f};
    static const double grads[] = {0x1p60, 1, -0x1p61}; /* the last is read half from row 1, half from row 2 */
    const roi_align_params params = params_of(1, 1, ROI_AVG);
    const roi_boxes boxes = plain_boxes(rows, 3, 4);
    struct tensor grad = make_tensor(dtype, 3, 1, 1, 1), result = make_tensor(dtype, 1, 1, 5, 1);
    for (int k = 0; k < 3; k++)
        put(&grad.array, k, 0, 0, 0, grads[k]);
    check_context("order of sums, dtype %d", (int)dtype);
    CHECK(roi_align_backward(&params, &grad.array, &boxes, &result.array, NULL) == ROI_SUCCESS);
    CHECK(get(&result.array, 0, 0, 1, 0) == -0x1p60);
    CHECK(get(&result.array, 0, 0, 2, 0) == 1);
    free_tensor(&grad);
    free_tensor(&result);
}

/* The gradient of a map, in a block that begins `start` elements after a multiple of 64 bytes, with channels together and `gap`
   elements between pixels: it is that of planes, and nothing is written between. */
static void compare_pixels(const struct tensor *planes, const roi_array *grad, const roi_boxes *boxes, int64_t start,
                           int64_t gap)
{
    const roi_align_params params = params_of(2, 1, ROI_AVG);
    const int64_t *shape = planes->array.shape, pixel = shape[1] + gap, row = pixel * shape[3];
    const size_t size = dtype_size(grad->dtype), bytes = (size_t)(row * shape[2] + start) * size;
    unsigned char *block = malloc(bytes + 64), *first = block + (64 - (uintptr_t)block % 64);
    memset(first, 0x5a, bytes);
    unsigned char *data = first + (size_t)start * size;
    const roi_array result = {data, grad->dtype, {1, shape[1], shape[2], shape[3]}, {row * shape[2], 1, row, pixel}};
    CHECK(roi_align_backward(&params, grad, boxes, &result, NULL) == ROI_SUCCESS);
    int64_t others = 0, written = 0;
    for (int64_t i = 0; i < shape[2] * shape[3]; i++)
        for (int64_t c = 0; c < pixel; c++) {
            const unsigned char *at = data + (size_t)(i * pixel + c) * size;
            const int64_t there = c * shape[2] * shape[3] + i;
            if (c < shape[1])
                others += memcmp(at, planes->block + (size_t)there * size, size) != 0;
            else
                written += *at != 0x5a;
        }
    check_context("dtype %d, start %d, gap %d", (int)grad->dtype, (int)start, (int)gap);
    CHECK(others == 0);
    CHECK(written == 0);
    free(block);
}

/* Gradients of more than 16 MiB are written by other instructions. */
static void test_large_gradient(roi_dtype dtype)
{
    static const float corners[] = {3, 5, 450, 475, 50, 300, 150, 305, 320, 0, 320.5f, 495};
    const roi_boxes boxes = plain_boxes(corners, 3, 4);
    const roi_align_params params = params_of(2, 1, ROI_AVG);
    struct tensor grad = make_tensor(dtype, 3, 19, 3, 4), planes = make_tensor(dtype, 1, 19, 500, 480);
    for (int64_t i = 0; i < tensor_count(&grad.array); i++)
        store(dtype, grad.array.data, i, (double)(i % 23 - 11) / 4);
    CHECK(roi_align_backward(&params, &grad.array, &boxes, &planes.array, NULL) == ROI_SUCCESS);
    for (int64_t start = 0; start < 2; start++)
        for (int64_t gap = 0; gap < 14; gap += 13)
            compare_pixels(&planes, &grad.array, &boxes, start, gap);
    free_tensor(&grad);
    free_tensor(&planes);
}

static void test_five_columns_and_batch_index(void)
{
    static const float five[] = {2, 0, 0, 2, 2, 0, 0, 0, 2, 2}; /* images 2 and 0 */
    static const float four[] = {0, 0, 2, 2, 0, 0, 2, 2};
    static const int64_t images[] = {2, 0};
    const roi_align_params params = roi_align_defaults();
    struct tensor input = make_tensor(ROI_FLOAT32, 3, 1, 2, 2), output = make_tensor(ROI_FLOAT32, 2, 1, 1, 1);
    for (int n = 0; n < 3; n++)
        for (int i = 0; i < 4; i++)
            put(&input.array, n, 0, i / 2, i % 2, n + 1);
    roi_boxes boxes = plain_boxes(five, 2, 5);
    check_context("five columns");
    CHECK(roi_align(&params, &input.array, &boxes, &output.array, NULL) == ROI_SUCCESS);
    CHECK(get(&output.array, 0, 0, 0, 0) == 3 && get(&output.array, 1, 0, 0, 0) == 1);
    boxes = plain_boxes(four, 2, 4);
    boxes.batch_index = images;
    check_context("a batch index of its own");
    put(&output.array, 0, 0, 0, 0, 9);
    CHECK(roi_align(&params, &input.array, &boxes, &output.array, NULL) == ROI_SUCCESS);
    CHECK(get(&output.array, 0, 0, 0, 0) == 3 && get(&output.array, 1, 0, 0, 0) == 1);
    free_tensor(&input);
    free_tensor(&output);
}

/* ---- Against the definition ------------------------------------------------------------------------------------ */

/* A few ulp of the sum of |weight * value|, as tests/support/oracles/bounds.py has it, and one rounding to the stored type. */
static double allowed(roi_dtype dtype, double expected, double size)
{
    static const double stored[] = {0, 0, 0x1p-11, 0x1p-8}, smallest[] = {0x1p-149, 0x1p-1074, 0x1p-24, 0x1p-133};
    const double bound = 8 * (dtype == ROI_FLOAT64 ? 0x1p-52 : 0x1p-23) * size;
    return bound + stored[dtype] * (fabs(expected) + bound) + 4 * smallest[dtype];
}

static void compare(const roi_align_params *params, const roi_array *input, const float *box, const roi_array *output)
{
    const int single = input->dtype != ROI_FLOAT64;
    struct naive_axis y, x;
    if (!CHECK(naive_place(&x, params, single, (double)box[0], (double)box[2], output->shape[3]) &&
               naive_place(&y, params, single, (double)box[1], (double)box[3], output->shape[2])))
        return;
    for (int64_t c = 0; c < output->shape[1]; c++)
        for (int64_t p = 0; p < output->shape[2]; p++)
            for (int64_t q = 0; q < output->shape[3]; q++) {
                double size;
                const double expected = naive_bin(params, input, 0, c, &y, &x, p, q, &size);
                const double off = fabs(get(output, 0, c, p, q) - expected);
                CHECK(off <= allowed(input->dtype, expected, size));
            }
}

static void test_random(int round)
{
    const roi_dtype dtype = DTYPES[round % 4];
    const roi_align_params params = params_of(random_int(-1, 4), (int)random_int(0, 1), (roi_mode)random_int(0, 2));
    struct tensor input = make_tensor(dtype, 1, random_int(1, 9), random_int(1, 20), random_int(1, 20));
    struct tensor output = make_tensor(dtype, 1, input.array.shape[1], random_int(1, 7), random_int(1, 7));
    for (int64_t i = 0; i < tensor_count(&input.array); i++)
        store(dtype, input.array.data, i, random_real(-1, 1));
    float box[4];
    for (int i = 0; i < 4; i++)
        box[i] = random_int(0, 2) ? (float)random_real(-10, 30) : (float)random_int(-4, 44) / 2;
    const roi_boxes boxes = plain_boxes(box, 1, 4);
    check_context("round %d: dtype %d, ratio %d, mode %d, box %g %g %g %g", round, (int)dtype,
                  (int)params.sampling_ratio, (int)params.mode, (double)box[0], (double)box[1], (double)box[2],
                  (double)box[3]);
    CHECK(roi_align(&params, &input.array, &boxes, &output.array, NULL) == ROI_SUCCESS);
    compare(&params, &input.array, box, &output.array);
    free_tensor(&input);
    free_tensor(&output);
}

/* ---- Several levels -------------------------------------------------------------------------------------------- */

static void test_levels(void)
{
    static const float rows[] = {0, 0, 112, 112, 0, 0, 224, 224, 0, 0, 448, 448, 0, 0, 1, 1, 9, 9, 2, 2, 0, 0, 56, 896};
    static const int64_t expected[] = {1, 2, 3, 0, 0, 2};
    roi_levels_params params = roi_levels_defaults();
    const roi_boxes boxes = plain_boxes(rows, 6, 4);
    int64_t levels[6];
    params.num_levels = 4;
    check_context("levels");
    CHECK(roi_assign_levels(&params, &boxes, levels, NULL) == ROI_SUCCESS);
    for (int k = 0; k < 6; k++)
        CHECK(levels[k] == expected[k]);
}

static void test_multiscale(void)
{
    static const float rows[] = {0, 0, 448, 448, 0, 0, 56, 56, 0, 0, 112, 112, 0, 0, 224, 224};
    static const double expected[] = {3, 0, 1, 2}; /* the level of each box: level l is constant l */
    const roi_align_params params = params_of(1, 1, ROI_AVG);
    roi_levels_params levels = roi_levels_defaults();
    struct tensor maps[4];
    roi_array features[4];
    double scales[4];
    for (int level = 0; level < 4; level++) {
        maps[level] = make_tensor(ROI_FLOAT64, 1, 2, 8 - level, 8);
        for (int64_t i = 0; i < tensor_count(&maps[level].array); i++)
            store(ROI_FLOAT64, maps[level].array.data, i, level);
        features[level] = maps[level].array;
        scales[level] = 1.0 / 64;
    }
    levels.num_levels = 4;
    const roi_boxes boxes = plain_boxes(rows, 4, 4);
    struct tensor output = make_tensor(ROI_FLOAT64, 4, 2, 1, 1);
    check_context("multiscale");
    CHECK(roi_align_multiscale(&params, &levels, features, scales, &boxes, &output.array, NULL) == ROI_SUCCESS);
    for (int k = 0; k < 4; k++)
        CHECK(get(&output.array, k, 0, 0, 0) == expected[k] && get(&output.array, k, 1, 0, 0) == expected[k]);
    for (int level = 0; level < 4; level++)
        free_tensor(&maps[level]);
    free_tensor(&output);
}

/* ---- Empty input ----------------------------------------------------------------------------------------------- */

static void test_empty(int64_t n, int64_t c, int64_t h, int64_t w, int64_t k, int64_t oh, int64_t ow)
{
    const float last = (float)(n - 1); /* the second box is on the last image */
    const float rows[] = {0, 0, 0, 3, 3, last, 1, 1, 2, 2};
    roi_align_params params = params_of(2, 1, ROI_AVG);
    roi_boxes boxes = plain_boxes(k ? rows : NULL, k, 5);
    struct tensor input = make_tensor(ROI_FLOAT32, n, c, h, w), output = make_tensor(ROI_FLOAT32, k, c, oh, ow);
    check_context("input %d %d %d %d, %d boxes, output %d %d", (int)n, (int)c, (int)h, (int)w, (int)k, (int)oh,
                  (int)ow);
    for (int mode = ROI_MAX_CORNER; mode >= ROI_AVG; mode--) {
        params.mode = (roi_mode)mode;
        CHECK(roi_align(&params, &input.array, &boxes, &output.array, NULL) == ROI_SUCCESS);
        for (int64_t i = 0; i < tensor_count(&output.array); i++)
            CHECK(load(ROI_FLOAT32, output.array.data, i) == 0);
    }
    CHECK(roi_align_backward(&params, &output.array, &boxes, &input.array, NULL) == ROI_SUCCESS);
    for (int64_t i = 0; i < tensor_count(&input.array); i++)
        CHECK(load(ROI_FLOAT32, input.array.data, i) == 0);
    free_tensor(&input);
    free_tensor(&output);
}

static void test_empty_inputs(void)
{
    test_empty(1, 2, 5, 5, 0, 2, 2);
    test_empty(0, 2, 5, 5, 0, 2, 2);
    test_empty(1, 0, 5, 5, 2, 2, 2);
    test_empty(3, 2, 0, 5, 2, 2, 2);
    test_empty(3, 2, 5, 0, 2, 2, 2);
    test_empty(1, 2, 5, 5, 2, 0, 2);
    test_empty(1, 2, 5, 5, 2, 2, 0);
    test_empty(0, 0, 0, 0, 0, 0, 0);
    test_empty(1, 0, 5, 5, 1, (int64_t)1 << 40, (int64_t)1 << 20); /* no element: however long its sides are */
}

/* ---- The small functions --------------------------------------------------------------------------------------- */

static void test_defaults(void)
{
    const roi_align_params align = roi_align_defaults();
    const roi_levels_params levels = roi_levels_defaults();
    check_context("defaults");
    CHECK(align.size == sizeof align && align.spatial_scale == 1 && align.sampling_ratio == -1);
    CHECK(align.aligned && align.mode == ROI_AVG && !align.cancel);
    CHECK(levels.size == sizeof levels && levels.canonical_level == 2 && levels.canonical_scale == 224);
    CHECK(levels.num_levels == 0);
}

/* How many values roi_status has. */
enum { STATUSES = 33 };

static void test_texts(void)
{
    check_context("texts");
    const char *texts[STATUSES];
    int count = 0;
    for (int status = -1; status < 1000; status++) {
        const char *text = roi_status_text((roi_status)status);
        CHECK(text && strlen(text) > 3 && !strchr(text, '\n'));
        if (strcmp(text, "unknown status") == 0)
            continue;
        for (int other = 0; other < count && other < STATUSES; other++)
            CHECK(strcmp(text, texts[other]) != 0);
        if (count < STATUSES)
            texts[count] = text;
        count++;
    }
    CHECK(count == STATUSES && !strcmp(texts[0], "success"));
    CHECK(strcmp(roi_status_text(ROI_ERROR_PADDING), "unknown status") != 0);
    char version[64];
    snprintf(version, sizeof version, "%d.%d.%d", ROI_VERSION_MAJOR, ROI_VERSION_MINOR, ROI_VERSION_PATCH);
    CHECK(strcmp(roi_version(), version) == 0);
    CHECK(roi_get_cpu_tier() <= roi_best_cpu_tier());
    CHECK(!strcmp(roi_cpu_tier_name(ROI_CPU_BASELINE), "baseline"));
    CHECK(!strcmp(roi_cpu_tier_name(ROI_CPU_AVX2), "avx2"));
    CHECK(!strcmp(roi_cpu_tier_name(ROI_CPU_AVX512), "avx512"));
}

static void test_thread_setting(void)
{
    const int32_t before = roi_get_num_threads();
    check_context("threads, at first %d", (int)before);
    CHECK(before >= 1);
    roi_set_num_threads(3);
    CHECK(roi_get_num_threads() == (ROI_SERIAL ? 1 : 3));
    roi_set_num_threads(0);
    CHECK(roi_get_num_threads() == 1);
    roi_set_num_threads(-7);
    CHECK(roi_get_num_threads() == 1);
    roi_set_num_threads(INT32_MAX);
    CHECK(roi_get_num_threads() == (ROI_SERIAL ? 1 : ROI_MOST_THREADS));
    roi_set_num_threads(before);
}

static void test_cancel(void)
{
    static float rows[4 * 500];
    const volatile int32_t flag = 1;
    roi_align_params params = params_of(2, 1, ROI_AVG);
    struct tensor input = make_tensor(ROI_FLOAT32, 1, 32, 50, 50), output = make_tensor(ROI_FLOAT32, 500, 32, 7, 7);
    fill_counting(&input.array);
    for (int k = 0; k < 500; k++)
        rows[4 * k + 2] = rows[4 * k + 3] = 40;
    const roi_boxes boxes = plain_boxes(rows, 500, 4);
    params.cancel = &flag;
    check_context("cancel");
    CHECK(roi_align(&params, &input.array, &boxes, &output.array, NULL) == ROI_CANCELLED);
    CHECK(roi_align_backward(&params, &output.array, &boxes, &input.array, NULL) == ROI_CANCELLED);
    params.cancel = NULL;
    CHECK(roi_align(&params, &input.array, &boxes, &output.array, NULL) == ROI_SUCCESS);
    free_tensor(&input);
    free_tensor(&output);
}

int main(void)
{
    for (size_t i = 0; i < sizeof DTYPES / sizeof *DTYPES; i++) {
        test_examples(DTYPES[i]);
        test_backward_example(DTYPES[i]);
        test_large_gradient(DTYPES[i]);
    }
    test_backward_adds_from_top_to_bottom(ROI_FLOAT32);
    test_backward_adds_from_top_to_bottom(ROI_FLOAT64);
    test_five_columns_and_batch_index();
    for (int round = 0; round < 2000; round++)
        test_random(round);
    test_levels();
    test_multiscale();
    test_empty_inputs();
    test_defaults();
    test_texts();
    test_thread_setting();
    test_cancel();
    return check_result();
}
