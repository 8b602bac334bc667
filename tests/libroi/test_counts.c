/* test_counts.c - counts of which no memory can hold the tables: an error and no write, whatever the product with a size wraps to. */
#include <stdbool.h>

#include "arrays.h"
#include "check.h"

/* The last number of boxes that is accepted, and the counts around powers of 2 above it. A count of 2^61 elements of 8 bytes is
   the first that wraps in 64 bits. */
#define MOST_BOXES (INT64_MAX / 64)
static const int64_t counts[] = {MOST_BOXES,       MOST_BOXES + 1,         ((int64_t)1 << 58) + 1, (int64_t)1 << 59,
                                 (int64_t)1 << 60, ((int64_t)1 << 61) - 1, (int64_t)1 << 61};
enum { COUNTS = sizeof counts / sizeof *counts };

static double row[6] = {0, 1, 1, 2, 2, 0}; /* of boxes with a batch index, upright or rotated */
static int64_t untouched[4] = {-7, -7, -7, -7};

/* Every box is the same row, so that there is memory for all of them. */
static roi_boxes many_boxes(int64_t count, int64_t columns)
{
    return (roi_boxes){row + (columns < 5), ROI_FLOAT64, count, columns, {0, 1}, NULL};
}

/* An array without elements, and without memory. */
static roi_array empty(roi_dtype dtype, int64_t n, int64_t c, int64_t h, int64_t w)
{
    return (roi_array){NULL, dtype, {n, c, h, w}, {0, 0, w, 1}};
}

static roi_status status_of(int64_t count) { return count > MOST_BOXES ? ROI_ERROR_SHAPE : ROI_ERROR_MEMORY; }

/* ---- Crops of boxes -------------------------------------------------------------------------------------------- */

/* Crops of no channels; both directions have a table of the boxes. */
static void test_crops(int64_t count)
{
    const roi_array map = empty(ROI_FLOAT32, 1, 0, 5, 5), crops = empty(ROI_FLOAT32, count, 0, 1, 1);
    const roi_indices argmax = {NULL, {count, 0, 1, 1}, {0, 0, 1, 1}};
    const roi_boxes boxes = many_boxes(count, 5), rotated = many_boxes(count, 6);
    const roi_align_params align = roi_align_defaults();
    const roi_pool_params pool = roi_pool_defaults();
    const roi_ps_roi_align_params ps_align = roi_ps_roi_align_defaults();
    const roi_ps_roi_pool_params ps_pool = roi_ps_roi_pool_defaults();
    const roi_prroi_params prroi = roi_prroi_defaults();
    const roi_align_rotated_params turned = roi_align_rotated_defaults();
    const roi_status expected = status_of(count);
    roi_levels_params levels = roi_levels_defaults();
    const double scale = 1;
    double box_grad = 7;
    levels.num_levels = 1;
    CHECK(roi_align(&align, &map, &boxes, &crops, NULL) == expected);
    CHECK(roi_align_backward(&align, &crops, &boxes, &map, NULL) == expected);
    CHECK(roi_align_multiscale(&align, &levels, &map, &scale, &boxes, &crops, NULL) == expected);
    CHECK(roi_pool(&pool, &map, &boxes, &crops, &argmax, NULL) == expected);
    CHECK(roi_pool_backward(&pool, &crops, &argmax, &boxes, &map, NULL) == expected);
    CHECK(roi_ps_roi_align(&ps_align, &map, &boxes, &crops, NULL) == expected);
    CHECK(roi_ps_roi_align_backward(&ps_align, &crops, &boxes, &map, NULL) == expected);
    CHECK(roi_ps_roi_pool(&ps_pool, &map, &boxes, &crops, NULL) == expected);
    CHECK(roi_ps_roi_pool_backward(&ps_pool, &crops, &boxes, &map, NULL) == expected);
    CHECK(roi_prroi_pool(&prroi, &map, &boxes, &crops, NULL) == expected);
    CHECK(roi_prroi_pool_backward(&prroi, &crops, &map, &boxes, &map, &box_grad, NULL) == expected && box_grad == 7);
    CHECK(roi_align_rotated(&turned, &map, &rotated, &crops, NULL) == expected);
    CHECK(roi_align_rotated_backward(&turned, &crops, &rotated, &map, NULL) == expected);
    if (count > MOST_BOXES) /* otherwise there is a level to write for each of them */
        CHECK(roi_assign_levels(&levels, &boxes, untouched, NULL) == ROI_ERROR_SHAPE && untouched[0] == -7);
}

/* ---- Boxes alone ----------------------------------------------------------------------------------------------- */

static void test_overlap(int64_t count)
{
    const roi_boxes boxes = many_boxes(count, 4), none = many_boxes(0, 4);
    roi_boxes rotated = many_boxes(count, 5), no_rotated = many_boxes(0, 5);
    rotated.data = no_rotated.data = row + 1;
    const roi_vector scores = {row + 1, ROI_FLOAT64, count, 0};
    const roi_array rows = empty(ROI_FLOAT32, 1, 1, count, 0), columns = empty(ROI_FLOAT32, 1, 1, 0, count);
    const roi_iou_params iou = roi_iou_defaults();
    const roi_nms_params nms = roi_nms_defaults();
    const roi_soft_nms_params soft = roi_soft_nms_defaults();
    const roi_status expected = status_of(count);
    double score = 7;
    CHECK(roi_box_iou(&iou, &boxes, &none, &rows, NULL) == expected);
    CHECK(roi_box_iou(&iou, &none, &boxes, &columns, NULL) == expected);
    CHECK(roi_box_iou_rotated(&iou, &rotated, &no_rotated, &rows, NULL) == expected);
    CHECK(roi_nms(&nms, &boxes, &scores, NULL, untouched, untouched + 1, NULL) == expected);
    CHECK(roi_nms_rotated(&nms, &rotated, &scores, NULL, untouched, untouched + 1, NULL) == expected);
    CHECK(roi_soft_nms(&soft, &boxes, &scores, untouched, &score, untouched + 1, NULL) == expected);
    CHECK(untouched[0] == -7 && untouched[1] == -7 && score == 7);
}

/* ---- Whole maps ------------------------------------------------------------------------------------------------ */

/* Images without rows. They are pooled as one image with all channels, unless the channels do not lie at equal distances, or
   positions are scattered: then each image has an index. Positions have 8 bytes. */
static void test_images(int64_t count)
{
    const roi_adaptive_params adaptive = roi_adaptive_defaults();
    const roi_resize_params resize = roi_resize_defaults();
    for (int64_t channels = 1; channels <= 2 && count <= INT64_MAX / channels / 2; channels++) {
        roi_array map = empty(ROI_FLOAT16, count, channels, 0, 1);
        const roi_array crops = map;
        const roi_indices argmax = {NULL, {count, channels, 0, 1}, {0, 0, 1, 1}};
        map.strides[1] = channels - 1;
        const roi_status plain = channels == 1 ? ROI_SUCCESS : ROI_ERROR_MEMORY;
        const bool too_many = channels == 1 && count > INT64_MAX / 8;
        check_context("%lld images of %lld channels", (long long)count, (long long)channels);
        CHECK(roi_adaptive_max_pool(&adaptive, &map, &crops, NULL, NULL) == plain);
        CHECK(roi_adaptive_max_pool(&adaptive, &map, &crops, &argmax, NULL) == (too_many ? ROI_ERROR_OVERFLOW : plain));
        CHECK(roi_adaptive_max_pool_backward(&adaptive, &crops, &argmax, &map, NULL) == ROI_ERROR_MEMORY);
        CHECK(roi_resize(&resize, &map, &crops, NULL) == plain);
        CHECK(roi_resize_backward(&resize, &crops, &map, NULL) == plain);
    }
}

/* Without elements there is nothing to do. */
static void test_points(int64_t count)
{
    const roi_array images = empty(ROI_FLOAT16, count, 0, 1, 1), points = empty(ROI_FLOAT16, count, 0, 1, 2);
    const roi_array crops = empty(ROI_FLOAT16, count, 0, 0, 1), theta = {row, ROI_FLOAT64, {count, 2, 3, 1}, {0}};
    const roi_array grid = empty(ROI_FLOAT64, count, 0, 1, 2);
    const roi_grid_params sample = roi_grid_defaults();
    const roi_affine_params affine = roi_affine_defaults();
    const roi_normalize_params normalize = roi_normalize_defaults();
    const roi_status of_four_bytes = count > INT64_MAX / 4 ? ROI_ERROR_OVERFLOW : ROI_SUCCESS;
    roi_array mean = empty(ROI_FLOAT32, count, 0, 1, 1);
    CHECK(roi_grid_sample(&sample, &images, &points, &crops, NULL) == of_four_bytes);
    CHECK(roi_affine_grid(&affine, &theta, &grid, NULL) == (count > INT64_MAX / 48 ? ROI_ERROR_OVERFLOW : ROI_SUCCESS));
    for (int stride = 0; stride < 2; stride++) {
        mean.strides[0] = mean.strides[1] = stride;
        CHECK(roi_normalize(&normalize, &images, &mean, &mean, &images, NULL) == of_four_bytes);
    }
}

/* ---- 32 bits --------------------------------------------------------------------------------------------------- */

/* Counts of boxes from which tables have 2^31 bytes or more, and those that wrapped to a few: 80 million boxes took 185 MB. Where
   size_t has 64 bits, there may be memory for them. */
static void test_narrow_counts(void)
{
    static const int64_t narrow[] = {53687092, 76695845, 80000000, 107374183, 134217728, 268435456, 536870912};
    for (size_t i = 0; SIZE_MAX == UINT32_MAX && i < sizeof narrow / sizeof *narrow; i++) {
        check_context("%lld boxes, with sizes of 32 bits", (long long)narrow[i]);
        test_crops(narrow[i]);
        test_overlap(narrow[i]);
    }
}

/* A gradient of one number for 2^25 bins of 12 pixels each. Bins have 10 weights, those that the map is wide, and with their
   positions 128 bytes: 2^32 in all. */
static void test_narrow_bins(void)
{
    const int64_t bins = (int64_t)1 << 25;
    const double box[4] = {0, 0, 12.0 * (double)bins, 1};
    float map_grad[10] = {7}, one = 1;
    const roi_align_params params = roi_align_defaults();
    const roi_array map = {map_grad, ROI_FLOAT32, {1, 1, 1, 10}, {10, 10, 10, 1}};
    const roi_array grad = {&one, ROI_FLOAT32, {1, 1, 1, bins}, {0}};
    const roi_boxes boxes = {box, ROI_FLOAT64, 1, 4, {4, 1}, NULL};
    check_context("2^25 bins, with sizes of 32 bits");
    if (SIZE_MAX == UINT32_MAX)
        CHECK(roi_align_backward(&params, &grad, &boxes, &map, NULL) == ROI_ERROR_MEMORY && map_grad[0] == 7);
}

int main(void)
{
    for (int i = 0; i < COUNTS; i++) {
        check_context("a count of %lld", (long long)counts[i]);
        test_crops(counts[i]);
        test_overlap(counts[i]);
        test_images(counts[i]);
        check_context("a count of %lld", (long long)counts[i]);
        test_points(counts[i]);
    }
    test_narrow_counts();
    test_narrow_bins();
    return check_result();
}
