/* iou_kernel.h - one box against a row of others, which exists once per element type and CPU tier. */
#ifndef ROI_IOU_KERNEL_H
#define ROI_IOU_KERNEL_H

#include "boxes/rotated.h"

/* Boxes by columns: upright ones in the order of overlap_template.h, rotated ones as double in that of rotated.h. */
enum { ROI_UPRIGHT_FIELDS = 6, ROI_IOU_FIELDS = ROI_ROTATED_FIELDS };

struct roi_iou_fields {
    void *field[ROI_IOU_FIELDS];
};

/* Box `row` of `one` with boxes [begin, end) of `many`. */
typedef void roi_iou_kernel(roi_iou_kind kind, const struct roi_iou_fields *one, int64_t row,
                            const struct roi_iou_fields *many, int64_t begin, int64_t end, void *iou_ret);

struct roi_iou_kernels {
    roi_iou_kernel *upright;
    roi_iou_kernel *rotated; /* of double alone */
};

#endif
