/*
 * resize.c - resizing whole images
 *
 * An image that is resized is a map with one box, the image; its crop is the result. All that is new is the kind of axis
 * (resample_axis.h). With several images there is a box for each; but where the channels of all images lie at equal
 * distances, as they do in a plain array, they are taken for the channels of one image, whose weights are built once.
 */
#include <math.h>
#include <stdlib.h>

#include "pool/align.h"
#include "common/array.h"
#include "image/resample_axis.h"

roi_resize_params roi_resize_defaults(void)
{
    return (roi_resize_params){.size = sizeof(roi_resize_params), .mode = ROI_NEAREST};
}

/* ---- Checks ---------------------------------------------------------------------------------------------------- */

static const struct roi_axis_kind *kind_of(roi_resize_mode mode, bool antialias)
{
    switch (mode) {
    case ROI_NEAREST: return &roi_nearest_axis;
    case ROI_NEAREST_EXACT: return &roi_exact_axis;
    case ROI_BILINEAR: return antialias ? &roi_triangle_axis : &roi_bilinear_axis;
    case ROI_BICUBIC: return antialias ? &roi_keys_axis : &roi_bicubic_axis;
    case ROI_AREA: return &roi_area_axis;
    }
    return NULL;
}

/* 0 says that there is none. Written so that NaN falls out. */
static bool is_factor(double factor) { return factor == 0 || (factor > 0 && isfinite(factor) && isfinite(1 / factor)); }

static roi_status check_params(const roi_resize_params *params)
{
    if (!params)
        return ROI_ERROR_NULL;
    if (params->size != sizeof *params)
        return ROI_ERROR_STRUCT_SIZE;
    if (!kind_of(params->mode, false))
        return ROI_ERROR_MODE;
    const bool interpolates = params->mode == ROI_BILINEAR || params->mode == ROI_BICUBIC;
    if (params->align_corners && !interpolates)
        return ROI_ERROR_ALIGN_CORNERS;
    if (params->antialias && !interpolates)
        return ROI_ERROR_ANTIALIAS;
    return is_factor(params->scale_y) && is_factor(params->scale_x) ? ROI_SUCCESS : ROI_ERROR_SCALE_FACTOR;
}

/* ---- Images as boxes ------------------------------------------------------------------------------------------- */

/* Whether the channels of all images lie at equal distances. */
static bool in_line(const roi_array *array)
{
    return array->shape[AXIS_N] <= 1 || array->shape[AXIS_C] <= 1 ||
           array->strides[AXIS_N] == array->shape[AXIS_C] * array->strides[AXIS_C];
}

static void join_images(roi_array *array)
{
    if (array->shape[AXIS_C] == 1)
        array->strides[AXIS_C] = array->strides[AXIS_N];
    array->shape[AXIS_C] *= array->shape[AXIS_N];
    array->shape[AXIS_N] = 1;
}

struct images {
    bool valid; /* else nothing but boxes is set */
    roi_array map, crops;
    double corner[4]; /* of every image: steps (resample_axis.h) */
    int64_t *index;   /* 0, 1, 2, ...; NULL where there is one */
    roi_boxes boxes;
};

static bool number_images(struct images *images)
{
    const int64_t count = images->map.shape[AXIS_N];
    images->boxes.count = count;
    if (count <= 1)
        return true;
    images->boxes.batch_index = images->index = malloc((size_t)count * sizeof *images->index);
    for (int64_t n = 0; images->index && n < count; n++)
        images->index[n] = n;
    return images->index != NULL;
}

/* Arrays that are not valid are left as they are, for the gate to say what is wrong with them. */
static bool make_images(const roi_resize_params *params, const roi_array *map, const roi_array *crops,
                        struct images *images)
{
    *images = (struct images){.boxes = {.dtype = ROI_FLOAT64, .columns = 4, .strides = {0, 1}}};
    images->boxes.data = images->corner;
    if (roi_check_array(map) != ROI_SUCCESS || roi_check_array(crops) != ROI_SUCCESS)
        return true;
    images->valid = true;
    images->map = *map;
    images->crops = *crops;
    images->corner[0] = params->scale_x > 0 ? 1 / params->scale_x : 0;
    images->corner[1] = params->scale_y > 0 ? 1 / params->scale_y : 0;
    const bool same = map->shape[AXIS_N] == crops->shape[AXIS_N] && map->shape[AXIS_C] == crops->shape[AXIS_C];
    if (same && in_line(map) && in_line(crops)) {
        join_images(&images->map);
        join_images(&images->crops);
    }
    return number_images(images);
}

static roi_status resize(const roi_resize_params *params, const roi_array *map, const roi_array *crops, roi_way *way,
                         roi_error *error_ret)
{
    static const double scale = 1;
    struct images images;
    roi_status status = check_params(params);
    if (status != ROI_SUCCESS)
        return roi_fail(error_ret, status, -1, -1, 0);
    if (!make_images(params, map, crops, &images))
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    struct roi_align_call call = roi_call_of(images.valid ? &images.map : map, &scale, &images.boxes,
                                             images.valid ? &images.crops : crops, params->cancel);
    call.rule.axis.kind = kind_of(params->mode, params->antialias != 0);
    call.rule.axis.aligned = params->align_corners != 0;
    call.pooling = &roi_mean_pooling;
    status = roi_make_call(&call, &images.boxes, NULL, way, error_ret);
    free(images.index);
    return status;
}

roi_status roi_resize(const roi_resize_params *params, const roi_array *input, const roi_array *output_ret,
                      roi_error *error_ret)
{
    return resize(params, input, output_ret, roi_tiles_forward, error_ret);
}

roi_status roi_resize_backward(const roi_resize_params *params, const roi_array *grad, const roi_array *input_grad_ret,
                               roi_error *error_ret)
{
    return resize(params, input_grad_ret, grad, roi_tiles_backward, error_ret);
}
