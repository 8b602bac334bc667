/* overlap_kinds.h - the kinds of overlap of two upright boxes, each with its formula. A new kind needs a row here alone. */
#ifndef ROI_OVERLAP_KINDS_H
#define ROI_OVERLAP_KINDS_H

/*
 * EACH(kind, formula), in the order of roi_iou_kind. A formula is of the boxes `a` and `b`, their `intersection`, the area
 * of their union, `area`, and `iou`: overlap() of overlap_template.h, which also has the functions.
 */
#define ROI_OVERLAP_KINDS(EACH)                                                                                        \
    EACH(ROI_IOU, iou)                                                                                                 \
    EACH(ROI_GIOU, iou - gap(a, b, area))                                                                              \
    EACH(ROI_DIOU, iou - distance(a, b))                                                                               \
    EACH(ROI_CIOU, iou - distance(a, b) - aspect(a, b, iou))                                                           \
    EACH(ROI_IOF, ratio(intersection, a.area))                                                                         \
    EACH(ROI_IOS, ratio(intersection, smaller(a.area, b.area)))

#define ROI_COUNT_KIND(kind, formula) +1
enum { ROI_OVERLAP_KIND_COUNT = ROI_OVERLAP_KINDS(ROI_COUNT_KIND) };
#undef ROI_COUNT_KIND

#endif
