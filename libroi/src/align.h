/* align.h - a RoIAlign call after all checks, as the ways of computing it take it. */
#ifndef ROI_ALIGN_H
#define ROI_ALIGN_H

#include "plan.h"

struct roi_align_call {
    struct roi_plan_rule rule; /* maps: the input; backward, the gradient for it */
    const roi_array *crops;    /* the result; backward, its gradient */
    const struct roi_box *boxes;
    int64_t count;
    roi_mode mode;
    const volatile int32_t *cancel;
};

/* Each allocates what it needs, then computes. They fail only with ROI_ERROR_MEMORY or ROI_ERROR_BOX_OVERFLOW, before
   anything is written, or with ROI_CANCELLED. */
roi_status roi_align_mean(const struct roi_align_call *call, roi_error *error_ret);
roi_status roi_align_mean_backward(const struct roi_align_call *call, roi_error *error_ret);
roi_status roi_align_max(const struct roi_align_call *call, roi_error *error_ret);

#endif
