/* test_bad_input.c - each status, with the row that caused it; after an error the result is as it was. */
#include "arrays.h"
#include "check.h"

/* A call that is right, so that each test breaks one thing in it: 3 boxes on 2 images. */
struct call {
    roi_align_params params;
    struct tensor input, output;
    float rows[15];
    roi_boxes boxes;
};

static const float GOOD_ROWS[15] = {0, 1, 1, 3, 3, 1, 0, 0, 5, 5, 0, 2, 2, 4, 4};

static void begin(struct call *call)
{
    call->params = roi_align_defaults();
    call->input = make_tensor(ROI_FLOAT32, 2, 3, 5, 5);
    call->output = make_tensor(ROI_FLOAT32, 3, 3, 2, 2);
    fill_counting(&call->input.array);
    fill_counting(&call->output.array);
    memcpy(call->rows, GOOD_ROWS, sizeof GOOD_ROWS);
    call->boxes = plain_boxes(call->rows, 3, 5);
}

static void end(struct call *call)
{
    free_tensor(&call->input);
    free_tensor(&call->output);
}

static int same_value(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

/* Both directions give `status` for the call, say where, and change nothing; also without an error_ret. */
static void expect(struct call *call, roi_status status, int64_t row, int64_t column, double value)
{
    unsigned char output[3 * 3 * 2 * 2 * 4], input[2 * 3 * 5 * 5 * 4];
    roi_error error;
    memcpy(output, call->output.block, sizeof output);
    memcpy(input, call->input.block, sizeof input);
    for (int backward = 0; backward < 2; backward++) {
        memset(&error, 0x77, sizeof error);
        CHECK((backward
                   ? roi_align_backward(&call->params, &call->output.array, &call->boxes, &call->input.array, &error)
                   : roi_align(&call->params, &call->input.array, &call->boxes, &call->output.array, &error)) ==
              status);
        CHECK(error.status == status);
        CHECK(error.row == row);
        CHECK(error.column == column);
        CHECK(same_value(error.value, value));
        CHECK((backward
                   ? roi_align_backward(&call->params, &call->output.array, &call->boxes, &call->input.array, NULL)
                   : roi_align(&call->params, &call->input.array, &call->boxes, &call->output.array, NULL)) == status);
        CHECK(!memcmp(output, call->output.block, sizeof output));
        CHECK(!memcmp(input, call->input.block, sizeof input));
    }
}

/* ---- Rows of boxes --------------------------------------------------------------------------------------------- */

static void test_batch_index(void)
{
    static const float wrong[] = {-1, 2, 1e8f, 0.5f, 1.0000001f, -0.5f, 1e30f, NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        for (int row = 0; row < 3; row++) {
            struct call call;
            begin(&call);
            call.rows[5 * row] = wrong[i];
            check_context("batch index %g in row %d", (double)wrong[i], row);
            expect(&call, ROI_ERROR_BATCH_INDEX, row, 0, (double)wrong[i]);
            end(&call);
        }
}

static void test_separate_batch_index(void)
{
    static const int64_t wrong[] = {-1, 2, INT64_MAX, INT64_MIN, (int64_t)1 << 32};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct call call;
        int64_t images[3] = {0, 1, 0};
        begin(&call);
        images[1] = wrong[i];
        call.boxes = (roi_boxes){call.rows + 1, ROI_FLOAT32, 3, 4, {5, 1}, images};
        check_context("separate batch index %lld", (long long)wrong[i]);
        expect(&call, ROI_ERROR_BATCH_INDEX, 1, -1, (double)wrong[i]);
        end(&call);
    }
}

static void test_coordinate(void)
{
    static const float wrong[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++)
        for (int row = 0; row < 3; row++)
            for (int column = 1; column < 5; column++) {
                struct call call;
                begin(&call);
                call.rows[5 * row + column] = wrong[i];
                check_context("coordinate %g in row %d, column %d", (double)wrong[i], row, column);
                expect(&call, ROI_ERROR_COORDINATE, row, column, (double)wrong[i]);
                end(&call);
            }
}

/* Of several wrong rows the first is told, whatever is wrong with it. */
static void test_first_row(void)
{
    struct call call;
    begin(&call);
    check_context("several wrong rows");
    call.rows[5 * 1 + 2] = NAN;
    call.rows[5 * 2] = 7;
    expect(&call, ROI_ERROR_COORDINATE, 1, 2, (double)NAN);
    call.rows[0] = 3;
    expect(&call, ROI_ERROR_BATCH_INDEX, 0, 0, 3);
    end(&call);
}

/* float64 boxes keep their digits for the check, whatever the map's type: 1 - 1e-12 is no image. */
static void test_double_boxes(void)
{
    struct call call;
    double rows[15];
    begin(&call);
    for (int i = 0; i < 15; i++)
        rows[i] = (double)GOOD_ROWS[i];
    call.boxes = (roi_boxes){rows, ROI_FLOAT64, 3, 5, {5, 1}, NULL};
    rows[10] = 1 - 1e-12;
    check_context("float64 batch index");
    expect(&call, ROI_ERROR_BATCH_INDEX, 2, 0, 1 - 1e-12);
    rows[10] = 1;
    rows[7] = NAN;
    expect(&call, ROI_ERROR_COORDINATE, 1, 2, (double)NAN);
    rows[7] = 1e308;
    call.params.spatial_scale = 1e10;
    check_context("box times scale");
    roi_error error;
    CHECK(roi_align(&call.params, &call.input.array, &call.boxes, &call.output.array, &error) ==
          ROI_ERROR_BOX_OVERFLOW);
    CHECK(error.row == 1);
    end(&call);
}

static void test_no_batch_index(void)
{
    struct call call;
    begin(&call);
    call.boxes = (roi_boxes){call.rows + 1, ROI_FLOAT32, 3, 4, {5, 1}, NULL};
    check_context("four columns, two images");
    expect(&call, ROI_ERROR_NO_BATCH_INDEX, -1, -1, 0);
    end(&call);
}

static void test_columns(void)
{
    static const int64_t wrong[] = {0, 1, 2, 3, 6, -4, -1, INT64_MAX};
    static const int64_t images[3] = {0, 0, 0};
    struct call call;
    begin(&call);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        call.boxes.columns = wrong[i];
        check_context("%lld columns", (long long)wrong[i]);
        expect(&call, ROI_ERROR_COLUMNS, -1, -1, 0);
    }
    call.boxes.columns = 5;
    call.boxes.batch_index = images;
    check_context("5 columns and a batch index");
    expect(&call, ROI_ERROR_COLUMNS, -1, -1, 0);
    end(&call);
}

/* ---- Parameters ------------------------------------------------------------------------------------------------ */

static void test_spatial_scale(void)
{
    static const double wrong[] = {0, -0.0, -1, -1e-300, NAN, INFINITY, -INFINITY};
    struct call call;
    begin(&call);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        call.params.spatial_scale = wrong[i];
        check_context("scale %g", wrong[i]);
        roi_error error;
        CHECK(roi_align(&call.params, &call.input.array, &call.boxes, &call.output.array, &error) ==
              ROI_ERROR_SPATIAL_SCALE);
        CHECK(error.status == ROI_ERROR_SPATIAL_SCALE && error.row == -1);
        CHECK(roi_align_backward(&call.params, &call.output.array, &call.boxes, &call.input.array, NULL) ==
              ROI_ERROR_SPATIAL_SCALE);
    }
    CHECK(get(&call.output.array, 2, 2, 1, 1) == 35); /* as it was counted */
    end(&call);
}

static void test_mode(void)
{
    struct call call;
    begin(&call);
    check_context("mode 3");
    call.params.mode = (roi_mode)3;
    expect(&call, ROI_ERROR_MODE, -1, -1, 0);
    check_context("backward of max");
    call.params.mode = ROI_MAX;
    CHECK(roi_align_backward(&call.params, &call.output.array, &call.boxes, &call.input.array, NULL) == ROI_ERROR_MODE);
    end(&call);
}

/* ---- Arrays ---------------------------------------------------------------------------------------------------- */

static void test_shapes(void)
{
    struct call call;
    begin(&call);
    check_context("count");
    call.boxes.count = 2;
    expect(&call, ROI_ERROR_SHAPE, -1, -1, 0);
    call.boxes.count = -1;
    expect(&call, ROI_ERROR_SHAPE, -1, -1, 0);
    call.boxes.count = 3;
    check_context("channels");
    call.output.array.shape[1] = 2;
    expect(&call, ROI_ERROR_SHAPE, -1, -1, 0);
    call.output.array.shape[1] = 3;
    check_context("negative height of the map");
    call.input.array.shape[2] = -5;
    expect(&call, ROI_ERROR_SHAPE, -1, -1, 0);
    call.input.array.shape[2] = 5;
    for (int axis = 2; axis < 4; axis++) {
        check_context("negative output size, axis %d", axis);
        call.output.array.shape[axis] = -1;
        expect(&call, ROI_ERROR_OUTPUT_SIZE, -1, -1, 0);
        call.output.array.shape[axis] = 2;
    }
    end(&call);
}

static void test_overflow(void)
{
    static const int64_t shapes[][4] = {
        {2, 3, (int64_t)1 << 62, (int64_t)1 << 62},
        {2, 3, (int64_t)1 << 31, (int64_t)1 << 31},
        {(int64_t)1 << 61, 3, 5, 5},
        {2, 3, INT64_MAX, 1},
        {INT64_MAX, 3, INT64_MAX, INT64_MAX},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct call call;
        begin(&call);
        memcpy(call.input.array.shape, shapes[i], sizeof shapes[i]);
        check_context("shape %zu", i);
        expect(&call, ROI_ERROR_OVERFLOW, -1, -1, 0);
        end(&call);
        begin(&call);
        call.output.array.shape[2] = shapes[i][2];
        call.output.array.shape[3] = shapes[i][3];
        check_context("output size %zu", i);
        if (i != 2 && i != 3)
            expect(&call, ROI_ERROR_OVERFLOW, -1, -1, 0);
        end(&call);
    }
}

static void test_dtypes(void)
{
    struct call call;
    begin(&call);
    check_context("unknown element type");
    call.input.array.dtype = (roi_dtype)4;
    expect(&call, ROI_ERROR_DTYPE, -1, -1, 0);
    call.input.array.dtype = ROI_FLOAT32;
    call.boxes.dtype = ROI_FLOAT16;
    check_context("boxes of float16");
    expect(&call, ROI_ERROR_DTYPE, -1, -1, 0);
    call.boxes.dtype = (roi_dtype)77;
    expect(&call, ROI_ERROR_DTYPE, -1, -1, 0);
    call.boxes.dtype = ROI_FLOAT32;
    call.output.array.dtype = ROI_FLOAT64;
    check_context("float32 into float64");
    expect(&call, ROI_ERROR_DTYPE, -1, -1, 0);
    end(&call);
}

static void test_null(void)
{
    struct call call;
    roi_error error;
    begin(&call);
    check_context("NULL");
    CHECK(roi_align(NULL, &call.input.array, &call.boxes, &call.output.array, &error) == ROI_ERROR_NULL);
    CHECK(roi_align(&call.params, NULL, &call.boxes, &call.output.array, &error) == ROI_ERROR_NULL);
    CHECK(roi_align(&call.params, &call.input.array, NULL, &call.output.array, &error) == ROI_ERROR_NULL);
    CHECK(roi_align(&call.params, &call.input.array, &call.boxes, NULL, &error) == ROI_ERROR_NULL);
    CHECK(roi_align_backward(NULL, &call.output.array, &call.boxes, &call.input.array, NULL) == ROI_ERROR_NULL);
    CHECK(roi_align_backward(&call.params, NULL, &call.boxes, &call.input.array, NULL) == ROI_ERROR_NULL);
    CHECK(roi_align_backward(&call.params, &call.output.array, NULL, &call.input.array, NULL) == ROI_ERROR_NULL);
    CHECK(roi_align_backward(&call.params, &call.output.array, &call.boxes, NULL, NULL) == ROI_ERROR_NULL);

    check_context("NULL as data");
    call.boxes.data = NULL;
    expect(&call, ROI_ERROR_NULL, -1, -1, 0);
    call.boxes.data = call.rows;
    void *data = call.input.array.data;
    call.input.array.data = NULL;
    expect(&call, ROI_ERROR_NULL, -1, -1, 0);
    call.input.array.data = data;
    data = call.output.array.data;
    call.output.array.data = NULL;
    expect(&call, ROI_ERROR_NULL, -1, -1, 0);
    call.output.array.data = data;

    check_context("success after errors");
    CHECK(roi_align(&call.params, &call.input.array, &call.boxes, &call.output.array, &error) == ROI_SUCCESS);
    end(&call);
}

/* ---- Maxima, and a channel for each bin ------------------------------------------------------------------------ */

/* A call of roi_pool that is right, with its places: of 3 boxes, 3 channels, 2 x 2 bins. */
static void test_pool(void)
{
    static const int64_t wrong[] = {-2, 25, INT64_MAX, INT64_MIN, (int64_t)1 << 32};
    struct call call;
    int64_t places[36] = {0};
    roi_indices argmax = {places, {3, 3, 2, 2}, {12, 4, 2, 1}};
    roi_pool_params params = roi_pool_defaults();
    roi_error error;
    begin(&call);
#define POOL(argmax) roi_pool(&params, &call.input.array, &call.boxes, &call.output.array, argmax, &error)
#define SCATTER(argmax) roi_pool_backward(&params, &call.output.array, argmax, &call.boxes, &call.input.array, &error)
    check_context("places of roi_pool");
    const double before = get(&call.input.array, 1, 2, 3, 4);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        for (int row = 0; row < 3; row++) {
            places[12 * row + 7] = places[35] = wrong[i];
            CHECK(SCATTER(&argmax) == ROI_ERROR_ARGMAX);
            CHECK(error.status == ROI_ERROR_ARGMAX && error.row == row && error.value == (double)wrong[i]);
            places[12 * row + 7] = places[35] = 0;
        }
    argmax.shape[2] = 1;
    CHECK(SCATTER(&argmax) == ROI_ERROR_SHAPE && POOL(&argmax) == ROI_ERROR_SHAPE);
    argmax.shape[2] = -2;
    CHECK(SCATTER(&argmax) == ROI_ERROR_SHAPE && POOL(&argmax) == ROI_ERROR_SHAPE);
    argmax.shape[2] = 2;
    argmax.data = NULL;
    CHECK(SCATTER(&argmax) == ROI_ERROR_NULL && POOL(&argmax) == ROI_ERROR_NULL);
    argmax.data = places;
    CHECK(SCATTER(NULL) == ROI_ERROR_NULL && error.status == ROI_ERROR_NULL);
    CHECK(get(&call.input.array, 1, 2, 3, 4) == before && get(&call.output.array, 2, 2, 1, 1) == 35);

    check_context("parameters of roi_pool");
    params.size--;
    CHECK(POOL(&argmax) == ROI_ERROR_STRUCT_SIZE && SCATTER(&argmax) == ROI_ERROR_STRUCT_SIZE);
    params.size++;
    params.spatial_scale = NAN;
    CHECK(POOL(&argmax) == ROI_ERROR_SPATIAL_SCALE && SCATTER(&argmax) == ROI_ERROR_SPATIAL_SCALE);
    params.spatial_scale = 1;
    call.rows[7] = NAN;
    CHECK(POOL(&argmax) == ROI_ERROR_COORDINATE && error.row == 1 && error.column == 2);
    CHECK(SCATTER(&argmax) == ROI_ERROR_COORDINATE && error.row == 1);
    call.rows[7] = 0;
    CHECK(roi_pool(NULL, &call.input.array, &call.boxes, &call.output.array, &argmax, NULL) == ROI_ERROR_NULL);
    CHECK(roi_pool(&params, NULL, &call.boxes, &call.output.array, &argmax, NULL) == ROI_ERROR_NULL);
    CHECK(roi_pool(&params, &call.input.array, NULL, &call.output.array, &argmax, NULL) == ROI_ERROR_NULL);
    CHECK(roi_pool(&params, &call.input.array, &call.boxes, NULL, &argmax, NULL) == ROI_ERROR_NULL);
    CHECK(roi_pool_backward(NULL, &call.output.array, &argmax, &call.boxes, &call.input.array, NULL) == ROI_ERROR_NULL);
    CHECK(places[35] == 0 && get(&call.output.array, 2, 2, 1, 1) == 35);
    CHECK(POOL(&argmax) == ROI_SUCCESS && error.row == -1 && places[0] == 12); /* of pixels 1 to 2, the last one */
    CHECK(POOL(NULL) == ROI_SUCCESS);
    places[0] = places[35] = -1;
    CHECK(SCATTER(&argmax) == ROI_SUCCESS);
    end(&call);
}

/* As many channels of the map as the crops have bins in all. */
static void test_position_sensitive(void)
{
    struct call call;
    roi_ps_roi_align_params align = roi_ps_roi_align_defaults();
    roi_ps_roi_pool_params pool = roi_ps_roi_pool_defaults();
    roi_error error;
    begin(&call);
#define EACH(expected)                                                                                                 \
    CHECK(roi_ps_roi_align(&align, &call.input.array, &call.boxes, &crops, &error) == (expected));                     \
    CHECK(roi_ps_roi_align_backward(&align, &crops, &call.boxes, &call.input.array, &error) == (expected));            \
    CHECK(roi_ps_roi_pool(&pool, &call.input.array, &call.boxes, &crops, &error) == (expected));                       \
    CHECK(roi_ps_roi_pool_backward(&pool, &crops, &call.boxes, &call.input.array, &error) == (expected));              \
    CHECK(error.status == (expected))
    check_context("channels of position-sensitive pooling");
    roi_array crops = call.output.array;
    EACH(ROI_ERROR_SHAPE); /* 12 bins, 3 channels */
    crops.shape[1] = 1;
    EACH(ROI_ERROR_SHAPE);
    crops.shape[2] = (int64_t)1 << 62, crops.shape[3] = 4; /* whose product is 0 in 64 bits */
    EACH(ROI_ERROR_OVERFLOW);
    crops.shape[2] = -1, crops.shape[3] = -3;
    EACH(ROI_ERROR_OUTPUT_SIZE);
    crops.shape[2] = 1, crops.shape[3] = 3, crops.strides[3] = 1;
    CHECK(get(&call.output.array, 2, 2, 1, 1) == 35);
    call.rows[5] = 2;
    EACH(ROI_ERROR_BATCH_INDEX);
    CHECK(error.row == 1);
    call.rows[5] = 1;
    align.spatial_scale = pool.spatial_scale = 0;
    EACH(ROI_ERROR_SPATIAL_SCALE);
    align.spatial_scale = pool.spatial_scale = 1;
    align.size++, pool.size++;
    EACH(ROI_ERROR_STRUCT_SIZE);
    align.size--, pool.size--;
    const int32_t set = 1;
    align.cancel = pool.cancel = &set;
    EACH(ROI_CANCELLED);
    align.cancel = pool.cancel = NULL;
    EACH(ROI_SUCCESS);
    crops.shape[2] = 0; /* no bins: any number of channels */
    EACH(ROI_SUCCESS);
    end(&call);
}

/* ---- Rotated boxes --------------------------------------------------------------------------------------------- */

static void test_rotated(void)
{
    static const double wrong[] = {-1, -1e-300, NAN, INFINITY, 0x1p41};
    struct call call;
    double rows[18] = {0, 2, 2, 3, 3, 30, 1, 2, 2, 3, 3, 30, 0, 2, 2, 3, 3, 30};
    roi_align_rotated_params params = roi_align_rotated_defaults();
    roi_error error;
    begin(&call);
    call.boxes = (roi_boxes){rows, ROI_FLOAT64, 3, 6, {6, 1}, NULL};
#define TURNED(expected)                                                                                               \
    CHECK(roi_align_rotated(&params, &call.input.array, &call.boxes, &call.output.array, &error) == (expected));       \
    CHECK(roi_align_rotated_backward(&params, &call.output.array, &call.boxes, &call.input.array, &error) ==           \
          (expected));                                                                                                 \
    CHECK(error.status == (expected))
    for (int column = 3; column < 5; column++)
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
            check_context("rotated side %g in column %d", wrong[i], column);
            rows[6 + column] = wrong[i];
            TURNED(i < 2 ? ROI_ERROR_SIDE : i < 4 ? ROI_ERROR_COORDINATE : ROI_ERROR_BOX_REACH);
            CHECK(error.row == 1);
            if (i < 4)
                CHECK(error.column == column && same_value(error.value, wrong[i]));
            rows[6 + column] = 3;
        }
    check_context("other numbers of rotated boxes");
    for (int column = 1; column < 6; column++) {
        rows[12 + column] = NAN;
        TURNED(ROI_ERROR_COORDINATE);
        CHECK(error.row == 2 && error.column == column);
        rows[12 + column] = 3;
    }
    rows[6] = 2;
    TURNED(ROI_ERROR_BATCH_INDEX);
    rows[6] = 1;
    rows[7] = -0x1p41;
    TURNED(ROI_ERROR_BOX_REACH);
    rows[7] = 2;
    call.boxes.columns = 4;
    TURNED(ROI_ERROR_COLUMNS);
    call.boxes.columns = 5; /* no batch index, and two images */
    TURNED(ROI_ERROR_NO_BATCH_INDEX);
    call.boxes.columns = 6;
    params.sampling_ratio = ROI_MOST_ROTATED_SAMPLES + 1;
    CHECK(roi_align_rotated(&params, &call.input.array, &call.boxes, &call.output.array, NULL) ==
          ROI_ERROR_SAMPLING_RATIO);
    params.sampling_ratio = ROI_MOST_ROTATED_SAMPLES;
    params.size--;
    TURNED(ROI_ERROR_STRUCT_SIZE);
    params.size++;
    call.output.array.shape[1] = 2;
    TURNED(ROI_ERROR_SHAPE);
    call.output.array.shape[1] = 3;
    CHECK(get(&call.output.array, 2, 2, 1, 1) == 35);
    CHECK(roi_align_rotated(NULL, &call.input.array, &call.boxes, &call.output.array, NULL) == ROI_ERROR_NULL);
    TURNED(ROI_SUCCESS);
    end(&call);
}

/* What error_ret holds after success: nothing is wrong anywhere. */
static void test_success(void)
{
    struct call call;
    roi_error error;
    begin(&call);
    memset(&error, 0x77, sizeof error);
    check_context("success");
    CHECK(roi_align(&call.params, &call.input.array, &call.boxes, &call.output.array, &error) == ROI_SUCCESS);
    CHECK(error.status == ROI_SUCCESS && error.row == -1 && error.column == -1 && error.value == 0);
    end(&call);
}

/* ---- Levels ---------------------------------------------------------------------------------------------------- */

static void expect_levels(const roi_levels_params *params, const roi_boxes *boxes, roi_status status, int64_t row)
{
    int64_t levels[3] = {77, 77, 77};
    roi_error error;
    CHECK(roi_assign_levels(params, boxes, levels, &error) == status);
    CHECK(error.status == status && error.row == row);
    CHECK(roi_assign_levels(params, boxes, levels, NULL) == status);
    CHECK(levels[0] == 77 && levels[1] == 77 && levels[2] == 77);
}

static void test_levels(void)
{
    float rows[15];
    memcpy(rows, GOOD_ROWS, sizeof rows);
    roi_boxes boxes = plain_boxes(rows, 3, 5);
    roi_levels_params params = roi_levels_defaults();
    check_context("levels");
    expect_levels(&params, &boxes, ROI_ERROR_LEVELS, -1); /* 0 levels until they are set */
    params.num_levels = -3;
    expect_levels(&params, &boxes, ROI_ERROR_LEVELS, -1);
    params.num_levels = 4;
    static const double wrong[] = {0, -224, NAN, INFINITY};
    for (int i = 0; i < 4; i++) {
        params.canonical_scale = wrong[i];
        expect_levels(&params, &boxes, ROI_ERROR_CANONICAL, -1);
    }
    params.canonical_scale = 224;
    rows[13] = NAN;
    expect_levels(&params, &boxes, ROI_ERROR_COORDINATE, 2);
    rows[13] = 4;
    rows[0] = -5; /* batch indices are not looked at */
    int64_t levels[3];
    CHECK(roi_assign_levels(&params, &boxes, levels, NULL) == ROI_SUCCESS);
    CHECK(roi_assign_levels(&params, &boxes, NULL, NULL) == ROI_ERROR_NULL);
    boxes.columns = 3;
    expect_levels(&params, &boxes, ROI_ERROR_COLUMNS, -1);
}

static void test_multiscale(void)
{
    struct call call;
    begin(&call);
    struct tensor half = make_tensor(ROI_FLOAT32, 2, 3, 3, 3), other = make_tensor(ROI_FLOAT32, 2, 2, 3, 3);
    fill_counting(&half.array);
    roi_array features[2] = {call.input.array, half.array};
    double scales[2] = {1, 0.5};
    roi_levels_params levels = roi_levels_defaults();
    roi_error error;
    levels.num_levels = 2;
#define MULTISCALE()                                                                                                   \
    roi_align_multiscale(&call.params, &levels, features, scales, &call.boxes, &call.output.array, &error)
    check_context("multiscale");
    const double before = get(&call.output.array, 0, 0, 0, 1);
    features[1] = other.array;
    CHECK(MULTISCALE() == ROI_ERROR_SHAPE); /* another number of channels */
    features[1] = half.array;
    features[1].dtype = ROI_FLOAT16;
    CHECK(MULTISCALE() == ROI_ERROR_DTYPE);
    features[1] = half.array;
    scales[1] = 0;
    CHECK(MULTISCALE() == ROI_ERROR_SPATIAL_SCALE);
    scales[1] = 0.5;
    levels.num_levels = 0;
    CHECK(MULTISCALE() == ROI_ERROR_LEVELS);
    levels.num_levels = 2;
    call.rows[10] = 2;
    CHECK(MULTISCALE() == ROI_ERROR_BATCH_INDEX);
    CHECK(error.row == 2);
    call.rows[10] = 0;
    CHECK(get(&call.output.array, 0, 0, 0, 1) == before);
    call.params.spatial_scale = NAN; /* not used here */
    CHECK(MULTISCALE() == ROI_SUCCESS);
    CHECK(roi_align_multiscale(&call.params, &levels, NULL, scales, &call.boxes, &call.output.array, NULL) ==
          ROI_ERROR_NULL);
    CHECK(roi_align_multiscale(&call.params, &levels, features, NULL, &call.boxes, &call.output.array, NULL) ==
          ROI_ERROR_NULL);
#undef MULTISCALE
    free_tensor(&half);
    free_tensor(&other);
    end(&call);
}

int main(void)
{
    test_batch_index();
    test_separate_batch_index();
    test_coordinate();
    test_first_row();
    test_double_boxes();
    test_no_batch_index();
    test_columns();
    test_spatial_scale();
    test_mode();
    test_shapes();
    test_overflow();
    test_dtypes();
    test_null();
    test_pool();
    test_position_sensitive();
    test_rotated();
    test_success();
    test_levels();
    test_multiscale();
    return check_result();
}
