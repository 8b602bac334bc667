/* boxes.c - reads and checks boxes of every accepted form. */
#include "boxes/boxes.h"

#include <math.h>
#include <string.h>

static double element(const roi_boxes *boxes, int64_t row, int64_t column)
{
    const int64_t at = row * boxes->strides[0] + column * boxes->strides[1];
    return boxes->dtype == ROI_FLOAT64 ? ((const double *)boxes->data)[at] : (double)((const float *)boxes->data)[at];
}

static roi_status check_memory(const roi_boxes *boxes)
{
    if (boxes->count < 0 || boxes->count > INT64_MAX / 64)
        return ROI_ERROR_SHAPE;
    if (boxes->dtype != ROI_FLOAT32 && boxes->dtype != ROI_FLOAT64)
        return ROI_ERROR_DTYPE;
    return boxes->data || boxes->count == 0 ? ROI_SUCCESS : ROI_ERROR_NULL;
}

/* Whether rows begin with their batch index. */
static bool begins_with_image(const roi_boxes *boxes, int64_t numbers) { return boxes->columns == numbers + 1; }

roi_status roi_check_boxes(const roi_boxes *boxes, int64_t numbers)
{
    if (!boxes)
        return ROI_ERROR_NULL;
    if (boxes->columns != numbers && (!begins_with_image(boxes, numbers) || boxes->batch_index))
        return ROI_ERROR_COLUMNS;
    return check_memory(boxes);
}

roi_status roi_check_rows(const roi_boxes *boxes, int64_t numbers)
{
    if (boxes && (boxes->columns != numbers || boxes->batch_index))
        return ROI_ERROR_COLUMNS;
    return roi_check_boxes(boxes, numbers);
}

roi_status roi_read_row(const roi_boxes *boxes, int64_t row, int64_t numbers, double *values_ret, roi_error *error_ret)
{
    const int64_t first = boxes->columns - numbers;
    for (int64_t i = 0; i < numbers; i++) {
        values_ret[i] = element(boxes, row, first + i);
        if (!isfinite(values_ret[i]))
            return roi_fail(error_ret, ROI_ERROR_COORDINATE, row, first + i, values_ret[i]);
    }
    for (int64_t i = 2; i < 4 && numbers == ROI_ROTATED; i++)
        if (values_ret[i] < 0)
            return roi_fail(error_ret, ROI_ERROR_SIDE, row, first + i, values_ret[i]);
    return ROI_SUCCESS;
}

/* Written so that NaN fails: the comparison holds only for numbers, and comes before the cast. */
static bool whole_number_below(double value, int64_t limit)
{
    return value >= 0 && value < (double)limit && value == floor(value);
}

static roi_status read_image(const roi_boxes *boxes, int64_t numbers, int64_t row, int64_t images, int64_t *image_ret,
                             roi_error *error_ret)
{
    const bool first = begins_with_image(boxes, numbers);
    double index = 0;
    if (first)
        index = element(boxes, row, 0);
    else if (boxes->batch_index)
        index = (double)boxes->batch_index[row];
    if (!whole_number_below(index, images))
        return roi_fail(error_ret, ROI_ERROR_BATCH_INDEX, row, first ? 0 : -1, index);
    *image_ret = (int64_t)index;
    return ROI_SUCCESS;
}

roi_status roi_check_images(const roi_boxes *boxes, int64_t numbers, int64_t images)
{
    const bool unsaid = !begins_with_image(boxes, numbers) && !boxes->batch_index;
    return unsaid && (images > 1 || (images == 0 && boxes->count > 0)) ? ROI_ERROR_NO_BATCH_INDEX : ROI_SUCCESS;
}

roi_status roi_read_box(const roi_boxes *boxes, int64_t numbers, int64_t row, int64_t images, struct roi_box *box_ret,
                        roi_error *error_ret)
{
    double values[ROI_ROTATED] = {0};
    *box_ret = (struct roi_box){.level = 0};
    ROI_TRY(read_image(boxes, numbers, row, images, &box_ret->image, error_ret));
    ROI_TRY(roi_read_row(boxes, row, numbers, values, error_ret));
    memcpy(box_ret->corner, values, sizeof box_ret->corner);
    box_ret->angle = values[4];
    return ROI_SUCCESS;
}
