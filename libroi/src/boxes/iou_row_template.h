/* iou_row_template.h - one upright box against a row of others, for one type (REAL, R() makes names). */

#include "boxes/overlap_template.h"

#define INLINE static inline __attribute__((always_inline))

INLINE void R(row_of_kind)(const roi_iou_kind kind, struct R(box) a, const struct roi_iou_lanes *many, int64_t begin,
                           int64_t end, REAL *restrict iou)
{
    const REAL *restrict x1 = many->lane[0], *restrict y1 = many->lane[1], *restrict x2 = many->lane[2];
    const REAL *restrict y2 = many->lane[3], *restrict area = many->lane[4], *restrict angle = many->lane[5];
    for (int64_t j = begin; j < end; j++) {
        const struct R(box) b = {x1[j], y1[j], x2[j], y2[j], area[j], kind == ROI_CIOU ? angle[j] : 0};
        iou[j - begin] = R(overlap)(kind, a, b);
    }
}

static void R(upright)(roi_iou_kind kind, const struct roi_iou_lanes *one, int64_t row,
                       const struct roi_iou_lanes *many, int64_t begin, int64_t end, void *iou_ret)
{
    REAL a[ROI_UPRIGHT_LANES];
    for (int i = 0; i < ROI_UPRIGHT_LANES; i++)
        a[i] = ((const REAL *)one->lane[i])[row];
    const struct R(box) box = {a[0], a[1], a[2], a[3], a[4], a[5]};
    switch (kind) {
    case ROI_IOU: R(row_of_kind)(ROI_IOU, box, many, begin, end, iou_ret); break;
    case ROI_GIOU: R(row_of_kind)(ROI_GIOU, box, many, begin, end, iou_ret); break;
    case ROI_DIOU: R(row_of_kind)(ROI_DIOU, box, many, begin, end, iou_ret); break;
    case ROI_CIOU: R(row_of_kind)(ROI_CIOU, box, many, begin, end, iou_ret); break;
    }
}

#undef INLINE
