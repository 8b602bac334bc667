/* test_overread.c - map, boxes and results lie against pages that must not be touched; one byte too many is a crash. With
   ROI_TEST_QEMU set in the environment, one width in three is tried, since qemu-user takes long to change pages. */
#define _DEFAULT_SOURCE
#include "arrays.h"
#include "check.h"
#include "system.h"

/* ---- Guarded memory -------------------------------------------------------------------------------------------- */

/* An array of guarded memory, with shape, strides and dtype set, filled with small numbers. */
static void guard_array(struct guarded *guarded, roi_array *array, int at_end)
{
    int64_t high;
    const int64_t low = lowest_offset(array, &high);
    const size_t size = dtype_size(array->dtype);
    unsigned char *block = guard(guarded, (size_t)(high - low + 1) * size, at_end);
    array->data = block + (size_t)-low * size;
    double value = 0;
    for (int64_t i = low; i <= high; i++, value = value < 100 ? value + 1 : 0)
        store(array->dtype, array->data, i, value);
}

/* ---- Layouts --------------------------------------------------------------------------------------------------- */

enum { ROWS, CHANNELS_LAST, COLUMNS, IMAGES_LAST, MIRRORED, LAYOUTS };

static roi_array layout(roi_dtype dtype, int kind, int64_t n, int64_t c, int64_t h, int64_t w)
{
    static const int orders[LAYOUTS][4] = {{0, 1, 2, 3}, {0, 2, 3, 1}, {0, 1, 3, 2}, {1, 2, 3, 0}, {0, 1, 2, 3}};
    roi_array array = {.dtype = dtype, .shape = {n, c, h, w}};
    set_strides(&array, orders[kind]);
    for (int axis = 0; axis < 4 && kind == MIRRORED; axis++)
        array.strides[axis] = -array.strides[axis];
    return array;
}

/* ---- Calls ----------------------------------------------------------------------------------------------------- */

enum { BOXES = 6 };

static void fill_boxes(float *rows, double height, double width)
{
    const double corners[BOXES][4] = {
        {0, 0, width, height},           {width - 1, height - 1, width, height},  {0, 0, 1, 1},
        {-3, -3, width + 3, height + 3}, {width / 3, 0, width - 0.5, height / 2}, {width + 5, 0, width + 9, 2},
    };
    for (int k = 0; k < BOXES; k++) {
        rows[5 * k] = 0;
        for (int i = 0; i < 4; i++)
            rows[5 * k + 1 + i] = (float)corners[k][i];
    }
}

/* Maxima, whose places have their own guards, and there and back. */
static void try_maxima(int kind, const roi_array *input, const roi_boxes *boxes, const roi_array *output, int at_end)
{
    const roi_pool_params params = roi_pool_defaults();
    struct guarded memory;
    roi_array places = layout(ROI_FLOAT64, kind, BOXES, output->shape[1], output->shape[2], output->shape[3]);
    guard_array(&memory, &places, at_end); /* its elements are as large as indices */
    roi_indices argmax = {places.data, {0}, {0}};
    memcpy(argmax.shape, places.shape, sizeof argmax.shape);
    memcpy(argmax.strides, places.strides, sizeof argmax.strides);
    CHECK(roi_pool(&params, input, boxes, output, NULL, NULL) == ROI_SUCCESS);
    CHECK(roi_pool(&params, input, boxes, output, &argmax, NULL) == ROI_SUCCESS);
    CHECK(roi_pool_backward(&params, output, &argmax, boxes, input, NULL) == ROI_SUCCESS);
    unguard(&memory);
}

static void try_turned(const roi_array *input, const roi_array *output, int at_end)
{
    const roi_align_rotated_params params = roi_align_rotated_defaults();
    const double numbers[BOXES][6] = {{0, 2, 2, 9, 3, 30}, {0, 0, 0, 60, 80, -77}, {0, 1, 1, 1, 1, 90},
                                      {0, 9, 1, 5, 0, 45}, {0, 3, 2, 1, 9, 180},   {0, 90, 90, 3, 3, 10}};
    struct guarded memory;
    double *rows = guard(&memory, sizeof numbers, at_end);
    memcpy(rows, numbers, sizeof numbers);
    const roi_boxes boxes = {rows, ROI_FLOAT64, BOXES, 6, {6, 1}, NULL};
    CHECK(roi_align_rotated(&params, input, &boxes, output, NULL) == ROI_SUCCESS);
    CHECK(roi_align_rotated_backward(&params, output, &boxes, input, NULL) == ROI_SUCCESS);
    unguard(&memory);
}

/* A channel for each bin: all of them in one row, and one for each channel of the crops. */
static void try_bins(roi_dtype dtype, int kind, const roi_array *input, const roi_boxes *boxes, int at_end)
{
    const int64_t channels = input->shape[1];
    for (int one = 0; one < 2; one++) {
        roi_ps_roi_align_params align = roi_ps_roi_align_defaults();
        const roi_ps_roi_pool_params pool = roi_ps_roi_pool_defaults();
        struct guarded memory;
        roi_array output = layout(dtype, kind, BOXES, one ? channels : 1, 1, one ? 1 : channels);
        guard_array(&memory, &output, at_end);
        align.sampling_ratio = 2 * one;
        CHECK(roi_ps_roi_align(&align, input, boxes, &output, NULL) == ROI_SUCCESS);
        CHECK(roi_ps_roi_align_backward(&align, &output, boxes, input, NULL) == ROI_SUCCESS);
        CHECK(roi_ps_roi_pool(&pool, input, boxes, &output, NULL) == ROI_SUCCESS);
        CHECK(roi_ps_roi_pool_backward(&pool, &output, boxes, input, NULL) == ROI_SUCCESS);
        unguard(&memory);
    }
}

static void try_map(roi_dtype dtype, int kind, int64_t channels, int64_t height, int64_t width, int at_end)
{
    static const int64_t outputs[][2] = {{2, 3}, {1, 7}, {7, 7}, {3, 1}};
    struct guarded memory[3];
    roi_array input = layout(dtype, kind, 1, channels, height, width);
    guard_array(&memory[0], &input, at_end);
    float *rows = guard(&memory[1], sizeof(float) * 5 * BOXES, at_end);
    fill_boxes(rows, (double)height, (double)width);
    const roi_boxes boxes = plain_boxes(rows, BOXES, 5);
    for (int i = 0; i < 4; i++) {
        roi_align_params params = roi_align_defaults();
        roi_array output = layout(dtype, kind, BOXES, channels, outputs[i][0], outputs[i][1]);
        guard_array(&memory[2], &output, at_end);
        params.sampling_ratio = i % 3;
        for (int mode = ROI_MAX_CORNER; mode >= ROI_AVG; mode--) {
            params.mode = (roi_mode)mode;
            CHECK(roi_align(&params, &input, &boxes, &output, NULL) == ROI_SUCCESS);
        }
        CHECK(roi_align_backward(&params, &output, &boxes, &input, NULL) == ROI_SUCCESS);
        try_maxima(kind, &input, &boxes, &output, at_end);
        try_turned(&input, &output, at_end);
        unguard(&memory[2]);
    }
    try_bins(dtype, kind, &input, &boxes, at_end);
    unguard(&memory[0]);
    unguard(&memory[1]);
}

int main(void)
{
    static const int64_t sizes[][2] = {{1, 1}, {1, 3}, {3, 2}, {8, 1}, {17, 2}}; /* channels, rows */
    const int64_t step = getenv("ROI_TEST_QEMU") ? 3 : 1;
    roi_set_num_threads(1);
    for (int dtype = ROI_FLOAT32; dtype <= (int)ROI_BFLOAT16; dtype++)
        for (int kind = 0; kind < LAYOUTS; kind++)
            for (int64_t width = 1; width <= 40; width += step)
                for (int i = 0; i < 5; i++)
                    for (int at_end = 0; at_end < 2; at_end++) {
                        check_context("dtype %d, layout %d, width %d, size %d, end %d", dtype, kind, (int)width, i,
                                      at_end);
                        try_map((roi_dtype)dtype, kind, sizes[i][0], sizes[i][1], width, at_end);
                    }
    return check_result();
}
