/*
 * call.h - a call of an operator that pools boxes from maps
 *
 * All of these operators take maps, boxes and crops, and have the same steps: the arguments are checked before any memory is
 * accessed through them, the boxes are read into a table, and then the operator's own part runs.
 */
#ifndef ROI_CALL_H
#define ROI_CALL_H

#include "drive/plan.h"

struct roi_call {
    struct roi_plan_rule rule; /* maps: the input; backward, the gradient for it */
    int64_t levels;            /* of the maps */
    const roi_array *crops;    /* the result; backward, its gradient */
    const struct roi_box *boxes;
    int64_t count;
    const struct roi_pooling *pooling; /* what the operator does box by box: tiles.h */
    const roi_indices *argmax;         /* of the same shape as the crops, or NULL */
    bool by_bin;                       /* whether each bin of a crop reads a channel of its own, ... */
    bool counted;                      /* ... and is divided by the number of its pixels */
    int64_t box_numbers;               /* ROI_UPRIGHT or ROI_ROTATED */
    const volatile int32_t *cancel;
};

/* A call of these arguments, not yet checked. Its rule says nothing of sampling except the type computed in. */
struct roi_call roi_call_of(const roi_array *maps, const double *spatial_scales, const roi_boxes *boxes,
                            const roi_array *crops, const volatile int32_t *cancel);

/* Computes a call that has passed all checks: allocates what it needs, then works. Fails only with ROI_ERROR_MEMORY or
   ROI_ERROR_BOX_OVERFLOW, before anything is written, or with ROI_CANCELLED. */
typedef roi_status roi_direction(const struct roi_call *call, roi_error *error_ret);

/* Checks all that `call` holds, in the order in which a caller meets the arguments, then reads the boxes into a table and
   lets `direction` do the rest. call->boxes and call->levels are set here. `levels` has been checked; NULL means one map. */
roi_status roi_make_call(struct roi_call *call, const roi_boxes *boxes, const roi_levels_params *levels,
                         roi_direction *direction, roi_error *error_ret);

#endif
