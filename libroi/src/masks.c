/* masks.c - the box around each mask. */
#include "internal.h"
#include "parallel.h"

enum { MASK_WORK = 16 }; /* elements that are looked at in the time of a multiply-add */

struct masks {
    const uint8_t *data;
    const int64_t *shape, *strides;
    float *boxes;
};

struct bounds {
    int64_t x1, y1, x2, y2;
};

/* Widens *bounds by one row. Columns that are already inside are passed over, once it is known that the row counts. */
static void include_row(const uint8_t *row, int64_t stride, int64_t width, int64_t y, struct bounds *bounds)
{
    int64_t first = 0, last = width - 1;
    while (first < width && !row[first * stride])
        first++;
    if (first == width)
        return;
    while (last > bounds->x2 && !row[last * stride])
        last--;
    bounds->x1 = min_i64(bounds->x1, first);
    bounds->x2 = max_i64(bounds->x2, last);
    bounds->y1 = min_i64(bounds->y1, y);
    bounds->y2 = y;
}

static void enclose(void *context, int64_t mask, int thread)
{
    const struct masks *masks = context;
    const int64_t height = masks->shape[1], width = masks->shape[2], *strides = masks->strides;
    const uint8_t *data = masks->data + mask * strides[0];
    struct bounds bounds = {width, height, -1, -1};
    (void)thread;
    for (int64_t y = 0; y < height; y++)
        include_row(data + y * strides[1], strides[2], width, y, &bounds);
    if (bounds.y2 < 0)
        bounds = (struct bounds){0, 0, 0, 0};
    float *box = masks->boxes + 4 * mask;
    box[0] = (float)bounds.x1;
    box[1] = (float)bounds.y1;
    box[2] = (float)bounds.x2;
    box[3] = (float)bounds.y2;
}

static roi_status check(const struct masks *masks)
{
    const int64_t exact = 1 << 24, *shape = masks->shape;
    if (!shape || !masks->strides)
        return ROI_ERROR_NULL;
    if (shape[0] < 0 || shape[1] < 0 || shape[2] < 0 || shape[1] > exact || shape[2] > exact)
        return ROI_ERROR_SHAPE;
    if (shape[0] > 0 && (!masks->boxes || (shape[1] > 0 && shape[2] > 0 && !masks->data)))
        return ROI_ERROR_NULL;
    return ROI_SUCCESS;
}

roi_status roi_masks_to_boxes(const uint8_t *masks, const int64_t shape[3], const int64_t strides[3],
                              float *boxes_ret, roi_error *error_ret)
{
    struct masks call = {masks, shape, strides, boxes_ret};
    const roi_status status = check(&call);
    if (status != ROI_SUCCESS)
        return roi_fail(error_ret, status, -1, -1, 0);
    const double elements = (double)shape[0] * (double)shape[1] * (double)shape[2];
    return roi_parallel_for(shape[0], roi_threads_for(elements / MASK_WORK), NULL, enclose, &call);
}
