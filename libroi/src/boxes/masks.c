/* masks.c - the bounding box of each mask. */
#include <string.h>

#include "common/internal.h"
#include "common/parallel.h"

enum { MASK_WORK = 16 }; /* elements that are looked at in the time of a multiply-add */

struct masks {
    const uint8_t *data;
    const int64_t *shape, *strides;
    float *boxes;
};

struct bounds {
    int64_t x1, y1, x2, y2;
};

/* Whether 64 contiguous bytes are all 0. */
static bool is_clear(const uint8_t *bytes)
{
    uint64_t words[8];
    memcpy(words, bytes, sizeof words);
    return (words[0] | words[1] | words[2] | words[3] | words[4] | words[5] | words[6] | words[7]) == 0;
}

/* The first element from `begin` on that is not 0, or end. */
static int64_t first_set(const uint8_t *row, int64_t stride, int64_t begin, int64_t end)
{
    while (stride == 1 && begin + 64 <= end && is_clear(row + begin))
        begin += 64;
    while (begin < end && !row[begin * stride])
        begin++;
    return begin;
}

/* The last element before `end` that is not 0, or begin - 1. */
static int64_t last_set(const uint8_t *row, int64_t stride, int64_t begin, int64_t end)
{
    while (stride == 1 && end - 64 >= begin && is_clear(row + end - 64))
        end -= 64;
    while (end > begin && !row[(end - 1) * stride])
        end--;
    return end - 1;
}

/* Extends *bounds by one row. Columns within the bounds are not examined. */
static void include_row(const uint8_t *row, int64_t stride, int64_t width, int64_t y, struct bounds *bounds)
{
    const int64_t first = first_set(row, stride, 0, width);
    if (first == width)
        return;
    bounds->x1 = min_i64(bounds->x1, first);
    bounds->x2 = max_i64(bounds->x2, last_set(row, stride, max_i64(first, bounds->x2 + 1), width));
    bounds->y1 = min_i64(bounds->y1, y);
    bounds->y2 = y;
}

static void enclose(void *context, int64_t mask, int thread)
{
    const struct masks *masks = context;
    const int64_t height = masks->shape[1], width = masks->shape[2], *strides = masks->strides;
    struct bounds bounds = {width, height, -1, -1};
    for (int64_t y = 0; y < height && width > 0; y++) /* masks of 0 columns may have no memory */
        include_row(masks->data + mask * strides[0] + y * strides[1], strides[2], width, y, &bounds);
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

roi_status roi_masks_to_boxes(const uint8_t *masks, const int64_t shape[3], const int64_t strides[3], float *boxes_ret,
                              roi_error *error_ret)
{
    struct masks call = {masks, shape, strides, boxes_ret};
    ROI_TRY(roi_report(error_ret, check(&call)));
    const double elements = (double)shape[0] * (double)shape[1] * (double)shape[2];
    return roi_parallel_for(shape[0], roi_threads_for(elements / MASK_WORK), NULL, enclose, &call);
}
