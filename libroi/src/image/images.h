/*
 * images.h - whole images as boxes
 *
 * An operator on whole images is one on boxes, with a box for each image that is the image; its crops are the result. All
 * that is new is the kind of axis. Where the channels of all images lie at equal distances, as they do in a plain array,
 * they are taken for the channels of one image, so that its tables are built once.
 */
#ifndef ROI_IMAGES_H
#define ROI_IMAGES_H

#include "drive/tiles.h"

struct roi_image_call {
    const roi_array *maps, *crops; /* as in struct roi_call, not yet checked */
    const roi_indices *argmax;     /* NULL where there is none */
    bool apart;                    /* images are not joined: what is said of the first wrong row is said of an image */
    double step_y, step_x;         /* 0, or what comes in place of a box's first corner: resample_axis.h */
    const struct roi_axis_kind *kind;
    bool aligned;
    const struct roi_pooling *pooling;
    roi_direction *direction;
    const volatile int32_t *cancel;
};

/* As roi_make_call. */
roi_status roi_make_image_call(const struct roi_image_call *call, roi_error *error_ret);

#endif
