/* images.c - whole images as boxes: see images.h. */
#include "image/images.h"

#include <stdlib.h>

#include "common/array.h"
#include "common/memory.h"

/* A box for each image, and the arrays as they are worked on. */
struct images {
    roi_array maps, crops;
    roi_indices argmax;
    double corner[4]; /* of every box */
    int64_t *index;   /* 0, 1, 2, ...; NULL where there is one */
    roi_boxes boxes;
};

/* Whether the channels of all images lie at equal distances. */
static bool in_line(const int64_t shape[4], const int64_t strides[4])
{
    return shape[AXIS_N] <= 1 || shape[AXIS_C] <= 1 || strides[AXIS_N] == shape[AXIS_C] * strides[AXIS_C];
}

static void join(int64_t shape[4], int64_t strides[4])
{
    if (shape[AXIS_C] == 1)
        strides[AXIS_C] = strides[AXIS_N];
    shape[AXIS_C] *= shape[AXIS_N];
    shape[AXIS_N] = 1;
}

/* If shapes do not match, nothing is done: roi_make_call reports it. */
static void join_images(struct images *images, bool argmax)
{
    roi_array *maps = &images->maps, *crops = &images->crops;
    roi_indices *places = &images->argmax;
    bool fits = in_line(maps->shape, maps->strides) && in_line(crops->shape, crops->strides);
    for (int d = AXIS_N; d <= AXIS_C; d++)
        fits &= maps->shape[d] == crops->shape[d] && (!argmax || places->shape[d] == crops->shape[d]);
    if (!fits || (argmax && !in_line(places->shape, places->strides)))
        return;
    join(maps->shape, maps->strides);
    join(crops->shape, crops->strides);
    if (argmax)
        join(places->shape, places->strides);
}

/* False: no memory. */
static bool take_images(struct images *images, const struct roi_image_call *call)
{
    images->maps = *call->maps;
    images->crops = *call->crops;
    if (call->argmax)
        images->argmax = *call->argmax;
    if (!call->apart)
        join_images(images, call->argmax != NULL);
    const int64_t count = images->boxes.count = images->maps.shape[AXIS_N];
    if (count > 1)
        images->boxes.batch_index = images->index = roi_allocate(count, sizeof *images->index);
    for (int64_t n = 0; images->index && n < count; n++)
        images->index[n] = n;
    return count <= 1 || images->index;
}

/* Invalid arrays are passed on unchanged: roi_make_call reports the error. */
roi_status roi_make_image_call(const struct roi_image_call *call, roi_error *error_ret)
{
    static const double scale = 1;
    const bool valid = roi_check_array(call->maps) == ROI_SUCCESS && roi_check_array(call->crops) == ROI_SUCCESS;
    struct images images = {.corner = {call->step_x, call->step_y, 0, 0}};
    images.boxes = (roi_boxes){.data = images.corner, .dtype = ROI_FLOAT64, .columns = 4, .strides = {0, 1}};
    if (valid && !take_images(&images, call))
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    struct roi_call made = roi_call_of(valid ? &images.maps : call->maps, &scale, &images.boxes,
                                       valid ? &images.crops : call->crops, call->cancel);
    made.rule.axis.kind = call->kind;
    made.rule.axis.aligned = call->aligned;
    made.pooling = call->pooling;
    made.argmax = call->argmax ? &images.argmax : NULL;
    const roi_status status = roi_make_call(&made, &images.boxes, NULL, call->direction, error_ret);
    free(images.index);
    return status;
}
