/*
 * test_boxes.c - overlap, suppression and masks: worked examples, each status with its row, and random calls
 *
 * After an error the results are as they were. Random calls are held to plain loops over all pairs, in double; run them
 * under the sanitizers.
 */
#include "arrays.h"
#include "check.h"

enum { MOST = 200 };

static double random_unit(void) { return rand() / (RAND_MAX + 1.0); }

static roi_boxes rows_of(const void *data, roi_dtype dtype, int64_t count, int64_t columns)
{
    return (roi_boxes){data, dtype, count, columns, {columns, 1}, NULL};
}

static roi_vector vector_of(const double *data, int64_t count) { return (roi_vector){data, ROI_FLOAT64, count, 1}; }

static roi_array matrix_of(void *data, roi_dtype dtype, int64_t rows, int64_t columns)
{
    return (roi_array){data, dtype, {1, 1, rows, columns}, {rows * columns, rows * columns, columns, 1}};
}

/* ---- Worked examples ------------------------------------------------------------------------------------------- */

/* Two have half of their union in common, the third nothing. */
static const double ROWS[] = {0, 0, 10, 10, 0, 0, 10, 5, 20, 0, 30, 10};
static const double TURNED[] = {5, 5, 10, 10, 0, 5, 2.5, 5, 10, 90, 25, 5, 10, 10, 180};
static const double SCORES[] = {1, 3, 2};

static void test_examples(void)
{
    const roi_boxes boxes = rows_of(ROWS, ROI_FLOAT64, 3, 4), turned = rows_of(TURNED, ROI_FLOAT64, 3, 5);
    const roi_vector scores = vector_of(SCORES, 3);
    const int64_t classes[] = {7, -7, 7};
    double iou[9], lowered[3];
    int64_t kept[3], count;
    const roi_array matrix = matrix_of(iou, ROI_FLOAT64, 3, 3);

    const roi_iou_params iou_params = roi_iou_defaults();
    CHECK(roi_box_iou(&iou_params, &boxes, &boxes, &matrix, NULL) == ROI_SUCCESS);
    CHECK(iou[0] == 1 && iou[1] == 0.5 && iou[2] == 0 && iou[3] == 0.5 && iou[4] == 1 && iou[8] == 1);
    CHECK(roi_box_iou_rotated(&iou_params, &turned, &turned, &matrix, NULL) == ROI_SUCCESS);
    CHECK(iou[0] == 1 && iou[1] == 0.5 && iou[2] == 0 && iou[3] == 0.5 && iou[4] == 1 && iou[8] == 1);

    roi_nms_params params = roi_nms_defaults();
    CHECK(roi_nms(&params, &boxes, &scores, NULL, kept, &count, NULL) == ROI_SUCCESS);
    CHECK(count == 3 && kept[0] == 1 && kept[1] == 2 && kept[2] == 0); /* 0.5 is not above 0.5 */
    params.iou_threshold = 0.4;
    CHECK(roi_nms(&params, &boxes, &scores, NULL, kept, &count, NULL) == ROI_SUCCESS);
    CHECK(count == 2 && kept[0] == 1 && kept[1] == 2);
    CHECK(roi_nms_rotated(&params, &turned, &scores, NULL, kept, &count, NULL) == ROI_SUCCESS);
    CHECK(count == 2 && kept[0] == 1 && kept[1] == 2);
    CHECK(roi_nms(&params, &boxes, &scores, classes, kept, &count, NULL) == ROI_SUCCESS);
    CHECK(count == 3);
    params.max_output = 1;
    CHECK(roi_nms(&params, &boxes, &scores, classes, kept, &count, NULL) == ROI_SUCCESS);
    CHECK(count == 1 && kept[0] == 1);
    params.max_output = 0;
    CHECK(roi_nms(&params, &boxes, &scores, NULL, NULL, &count, NULL) == ROI_SUCCESS);
    CHECK(count == 0);

    roi_soft_nms_params soft = roi_soft_nms_defaults();
    soft.method = ROI_SOFT_LINEAR;
    CHECK(roi_soft_nms(&soft, &boxes, &scores, kept, lowered, &count, NULL) == ROI_SUCCESS);
    CHECK(count == 3 && kept[0] == 1 && kept[1] == 2 && kept[2] == 0);
    CHECK(lowered[0] == 3 && lowered[1] == 2 && lowered[2] == 0.5);
}

static void test_masks(void)
{
    const uint8_t masks[2][3][4] = {{{0, 0, 0, 0}, {0, 9, 0, 0}, {0, 0, 1, 0}}, {{0}}};
    const int64_t shape[] = {2, 3, 4}, strides[] = {12, 4, 1}, backwards[] = {12, -4, -1};
    float boxes[8] = {0};
    CHECK(roi_masks_to_boxes(&masks[0][0][0], shape, strides, boxes, NULL) == ROI_SUCCESS);
    CHECK(boxes[0] == 1 && boxes[1] == 1 && boxes[2] == 2 && boxes[3] == 2);
    CHECK(boxes[4] == 0 && boxes[5] == 0 && boxes[6] == 0 && boxes[7] == 0);
    CHECK(roi_masks_to_boxes(&masks[0][2][3], shape, backwards, boxes, NULL) == ROI_SUCCESS);
    CHECK(boxes[0] == 1 && boxes[1] == 0 && boxes[2] == 2 && boxes[3] == 1);

    const int64_t negative[] = {1, -1, 4}, wide[] = {0, 1, ((int64_t)1 << 24) + 1}, none[] = {0, 3, 4};
    CHECK(roi_masks_to_boxes(&masks[0][0][0], negative, strides, boxes, NULL) == ROI_ERROR_SHAPE);
    CHECK(roi_masks_to_boxes(&masks[0][0][0], wide, strides, boxes, NULL) == ROI_ERROR_SHAPE);
    CHECK(roi_masks_to_boxes(NULL, shape, strides, boxes, NULL) == ROI_ERROR_NULL);
    CHECK(roi_masks_to_boxes(&masks[0][0][0], shape, strides, NULL, NULL) == ROI_ERROR_NULL);
    CHECK(roi_masks_to_boxes(&masks[0][0][0], NULL, strides, boxes, NULL) == ROI_ERROR_NULL);
    const int64_t empty[2][3] = {{2, 3, 0}, {2, 0, 4}}; /* masks of no columns, and of no rows, without memory */
    for (int i = 0; i < 2; i++) {
        memset(boxes, 0x77, sizeof boxes);
        CHECK(roi_masks_to_boxes(NULL, empty[i], strides, boxes, NULL) == ROI_SUCCESS);
        for (int at = 0; at < 8; at++)
            CHECK(boxes[at] == 0);
    }
    CHECK(roi_masks_to_boxes(NULL, none, strides, NULL, NULL) == ROI_SUCCESS);
}

/* ---- Bad input ------------------------------------------------------------------------------------------------- */

/* Everything that a call of any of the functions takes; right, until a test breaks one thing in it. */
struct call {
    roi_iou_params iou;
    roi_nms_params nms;
    roi_soft_nms_params soft;
    double scores[3];
    roi_boxes boxes, turned, others;
    roi_vector vector;
    double matrix[9], lowered[3];
    roi_array result;
    int64_t kept[3], count;
};

static void begin(struct call *call)
{
    memset(call, 0, sizeof *call);
    call->iou = roi_iou_defaults();
    call->nms = roi_nms_defaults();
    call->soft = roi_soft_nms_defaults();
    memcpy(call->scores, SCORES, sizeof SCORES);
    call->boxes = rows_of(ROWS, ROI_FLOAT64, 3, 4);
    call->turned = rows_of(TURNED, ROI_FLOAT64, 3, 5);
    call->others = call->boxes;
    call->vector = vector_of(call->scores, 3);
    call->result = matrix_of(call->matrix, ROI_FLOAT64, 3, 3);
    for (int i = 0; i < 9; i++)
        call->matrix[i] = 77;
    for (int i = 0; i < 3; i++)
        call->kept[i] = (int64_t)(call->lowered[i] = 77);
    call->count = 77;
}

enum { NMS, TURNED_NMS, SOFT_NMS, IOU, TURNED_IOU, FUNCTIONS };

static roi_status run(struct call *call, int function, roi_error *error)
{
    switch (function) {
    case NMS: return roi_nms(&call->nms, &call->boxes, &call->vector, NULL, call->kept, &call->count, error);
    case TURNED_NMS:
        return roi_nms_rotated(&call->nms, &call->turned, &call->vector, NULL, call->kept, &call->count, error);
    case SOFT_NMS:
        return roi_soft_nms(&call->soft, &call->boxes, &call->vector, call->kept, call->lowered, &call->count, error);
    case IOU: return roi_box_iou(&call->iou, &call->others, &call->boxes, &call->result, error);
    default: return roi_box_iou_rotated(&call->iou, &call->turned, &call->turned, &call->result, error);
    }
}

/* The function gives `status`, says where, and changes nothing; also without an error_ret. */
static void expect(struct call *call, int function, roi_status status, int64_t row, int64_t column)
{
    roi_error error = {0};
    CHECK(run(call, function, NULL) == status);
    CHECK(run(call, function, &error) == status);
    CHECK(error.status == status && error.row == row && error.column == column);
    int same = call->count == 77;
    for (int i = 0; i < 9; i++)
        same &= call->matrix[i] == 77;
    for (int i = 0; i < 3; i++)
        same &= call->kept[i] == 77 && call->lowered[i] == 77;
    CHECK(same);
}

static void test_parameters(void)
{
    const double thresholds[] = {-0.001, 1.001, NAN, INFINITY};
    struct call call;
    for (int function = 0; function < FUNCTIONS; function++) {
        check_context("function %d", function);
        begin(&call);
        call.nms.size++;
        call.soft.size--;
        call.iou.size = 0;
        expect(&call, function, ROI_ERROR_STRUCT_SIZE, -1, -1);
    }
    for (int i = 0; i < 4; i++)
        for (int function = NMS; function <= SOFT_NMS; function++) {
            begin(&call);
            call.nms.iou_threshold = call.soft.iou_threshold = thresholds[i];
            expect(&call, function, ROI_ERROR_IOU_THRESHOLD, -1, -1);
            begin(&call);
            call.nms.score_threshold = call.soft.score_threshold = NAN;
            expect(&call, function, ROI_ERROR_SCORE_THRESHOLD, -1, -1);
        }
    begin(&call);
    call.soft.sigma = 0;
    expect(&call, SOFT_NMS, ROI_ERROR_SIGMA, -1, -1);
    begin(&call);
    call.soft.method = (roi_soft_method)2;
    expect(&call, SOFT_NMS, ROI_ERROR_METHOD, -1, -1);
    begin(&call);
    call.iou.kind = (roi_iou_kind)1000;
    expect(&call, IOU, ROI_ERROR_METHOD, -1, -1);
    begin(&call);
    call.iou.kind = ROI_GIOU;
    expect(&call, TURNED_IOU, ROI_ERROR_METHOD, -1, -1);
}

static void test_arrays(void)
{
    const int64_t images[3] = {0};
    struct call call;
    for (int function = 0; function < FUNCTIONS; function++) {
        check_context("function %d", function);
        begin(&call);
        call.boxes.data = call.turned.data = NULL;
        expect(&call, function, ROI_ERROR_NULL, -1, -1);
        begin(&call);
        call.boxes.columns = 5;
        call.turned.columns = 4;
        expect(&call, function, ROI_ERROR_COLUMNS, -1, -1);
        begin(&call);
        call.boxes.batch_index = call.turned.batch_index = images;
        expect(&call, function, ROI_ERROR_COLUMNS, -1, -1);
        begin(&call);
        call.boxes.dtype = call.turned.dtype = ROI_FLOAT16;
        expect(&call, function, ROI_ERROR_DTYPE, -1, -1);
        begin(&call);
        call.boxes.count = call.turned.count = -1;
        expect(&call, function, ROI_ERROR_SHAPE, -1, -1);
        begin(&call);
        call.vector.count = 2;
        call.result.shape[3] = 2;
        expect(&call, function, ROI_ERROR_SHAPE, -1, -1);
        begin(&call);
        call.vector.data = NULL;
        call.result.data = NULL;
        expect(&call, function, ROI_ERROR_NULL, -1, -1);
    }
}

static void test_values(void)
{
    double rows[15];
    struct call call;
    for (int column = 0; column < 4; column++) {
        begin(&call);
        memcpy(rows, ROWS, sizeof ROWS);
        rows[4 + column] = column & 1 ? NAN : -INFINITY;
        call.boxes.data = rows;
        expect(&call, NMS, ROI_ERROR_COORDINATE, 1, column);
        expect(&call, SOFT_NMS, ROI_ERROR_COORDINATE, 1, column);
        expect(&call, IOU, ROI_ERROR_COORDINATE, 4, column); /* counted through three rows of the first array */
        call.others.data = rows;
        expect(&call, IOU, ROI_ERROR_COORDINATE, 1, column);
    }
    for (int column = 0; column < 5; column++) {
        begin(&call);
        memcpy(rows, TURNED, sizeof TURNED);
        rows[10 + column] = NAN;
        call.turned.data = rows;
        expect(&call, TURNED_NMS, ROI_ERROR_COORDINATE, 2, column);
        rows[10 + column] = -1;
        if (column == 2 || column == 3) {
            expect(&call, TURNED_NMS, ROI_ERROR_SIDE, 2, column);
            expect(&call, TURNED_IOU, ROI_ERROR_SIDE, 2, column);
        }
    }
    for (int function = NMS; function <= SOFT_NMS; function++) {
        begin(&call);
        call.scores[2] = NAN;
        expect(&call, function, ROI_ERROR_SCORE, 2, -1);
    }
    begin(&call);
    call.scores[1] = INFINITY;
    expect(&call, SOFT_NMS, ROI_ERROR_SCORE, 1, -1);
    CHECK(run(&call, NMS, NULL) == ROI_SUCCESS);
}

/* ---- Random calls ---------------------------------------------------------------------------------------------- */

static double overlap_of(const double *a, const double *b)
{
    const double width = fmin(a[2], b[2]) - fmax(a[0], b[0]), height = fmin(a[3], b[3]) - fmax(a[1], b[1]);
    const double common = fmax(width, 0) * fmax(height, 0);
    const double area_a = fmax(a[2] - a[0], 0) * fmax(a[3] - a[1], 0);
    const double area_b = fmax(b[2] - b[0], 0) * fmax(b[3] - b[1], 0), area = area_a + area_b - common;
    return area > 0 ? common / area : 0;
}

/* The loop that the definition describes; returns how many are kept. */
static int64_t keep(const double *rows, const double *scores, const int64_t *classes, int64_t count, double threshold,
                    int64_t *kept)
{
    unsigned char gone[MOST] = {0};
    int64_t found = 0;
    for (int64_t round = 0; round < count; round++) {
        int64_t best = -1;
        for (int64_t i = 0; i < count; i++)
            if (!gone[i] && (best < 0 || scores[i] > scores[best]))
                best = i;
        if (best < 0)
            break;
        kept[found++] = best;
        gone[best] = 1;
        for (int64_t i = 0; i < count; i++)
            gone[i] |= classes[i] == classes[best] && overlap_of(rows + 4 * best, rows + 4 * i) > threshold;
    }
    return found;
}

static void test_random_calls(void)
{
    static double rows[4 * MOST], scores[MOST], iou[MOST * MOST];
    static float narrow[4 * MOST];
    int64_t classes[MOST], kept[MOST], expected[MOST], count;
    srand(1);
    for (int round = 0; round < 300; round++) {
        const int64_t boxes = rand() % (round % 3 ? 20 : MOST);
        const double side = pow(10, 4 * random_unit() - 2), extent = round % 2 ? 10 : 40;
        const int kinds = 1 + rand() % 4;
        for (int64_t i = 0; i < boxes; i++) {
            for (int axis = 0; axis < 2; axis++) {
                rows[4 * i + axis] = (float)(side * extent * random_unit());
                rows[4 * i + 2 + axis] = (float)(rows[4 * i + axis] + side * (6 * random_unit() - 0.5));
            }
            scores[i] = rand() % 50;
            classes[i] = rand() % kinds;
        }
        for (int64_t i = 0; i < 4 * boxes; i++)
            narrow[i] = (float)rows[i];
        roi_nms_params params = roi_nms_defaults();
        params.iou_threshold = round % 5 ? random_unit() : 0;
        const roi_boxes given = round & 1 ? rows_of(rows, ROI_FLOAT64, boxes, 4)
                                          : rows_of(narrow, ROI_FLOAT32, boxes, 4);
        const roi_vector vector = vector_of(scores, boxes);
        check_context("round %d, %d boxes", round, (int)boxes);
        CHECK(roi_nms(&params, &given, &vector, classes, kept, &count, NULL) == ROI_SUCCESS);
        CHECK(count == keep(rows, scores, classes, boxes, params.iou_threshold, expected));
        CHECK(!memcmp(kept, expected, (size_t)count * sizeof *kept));

        const roi_iou_params plain = roi_iou_defaults();
        const roi_array result = matrix_of(iou, ROI_FLOAT64, boxes, boxes);
        CHECK(roi_box_iou(&plain, &given, &given, &result, NULL) == ROI_SUCCESS);
        for (int64_t i = 0; i < boxes * boxes; i++)
            CHECK(fabs(iou[i] - overlap_of(rows + 4 * (i / boxes), rows + 4 * (i % boxes))) < 1e-6);
    }
}

/* torchvision's loop, in float. */
static int64_t keep_in_float(const float *rows, int64_t count, double threshold, int64_t *kept_ret)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++) {
        int gone = 0;
        for (int64_t k = 0; k < kept && !gone; k++) {
            const float *a = rows + 4 * kept_ret[k], *b = rows + 4 * i;
            const float width = fmaxf(fminf(a[2], b[2]) - fmaxf(a[0], b[0]), 0);
            const float height = fmaxf(fminf(a[3], b[3]) - fmaxf(a[1], b[1]), 0);
            const float shared = width * height, mine = (a[2] - a[0]) * (a[3] - a[1]);
            const float both = mine + (b[2] - b[0]) * (b[3] - b[1]);
            gone = (double)(shared / (both - shared)) > threshold;
        }
        if (!gone)
            kept_ret[kept++] = i;
    }
    return kept;
}

/* Whole-number boxes, whose IoU are short fractions, at thresholds that are such fractions; and tiny and huge ones. The
   scores fall. */
static void test_iou_in_float(void)
{
    enum { COUNT = 300 };
    static float rows[4 * COUNT];
    static double scores[COUNT];
    static int64_t kept[COUNT], expected[COUNT];
    int differ = 0;
    for (int round = 0; round < 60; round++) {
        const float scale = round % 3 ? 1 : (float)ldexp(1, 13 * (round / 3) - 130);
        int64_t count, in_double;
        roi_nms_params params = roi_nms_defaults();
        params.iou_threshold = (double)(rand() % 11) / 10;
        for (int i = 0; i < COUNT; i++) {
            for (int axis = 0; axis < 2; axis++) {
                rows[4 * i + axis] = scale * (float)(rand() % 40);
                rows[4 * i + 2 + axis] = rows[4 * i + axis] + scale * (float)(rand() % 12);
            }
            scores[i] = -i;
        }
        const roi_boxes boxes = rows_of(rows, ROI_FLOAT32, COUNT, 4);
        const roi_vector vector = vector_of(scores, COUNT);
        check_context("round %d", round);
        CHECK(roi_nms(&params, &boxes, &vector, NULL, kept, &in_double, NULL) == ROI_SUCCESS);
        params.in_float = 1;
        CHECK(roi_nms(&params, &boxes, &vector, NULL, kept, &count, NULL) == ROI_SUCCESS);
        CHECK(count == keep_in_float(rows, COUNT, params.iou_threshold, expected));
        CHECK(!memcmp(kept, expected, (size_t)count * sizeof *kept));
        differ += count != in_double;
    }
    CHECK(differ > 5); /* the rules are not the same */
}

int main(void)
{
    test_iou_in_float();
    test_examples();
    test_masks();
    test_parameters();
    test_arrays();
    test_values();
    test_random_calls();
    return check_result();
}
