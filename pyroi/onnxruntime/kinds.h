/* kinds.h - the list of operators, for register.c; docs/frameworks/onnxruntime.md describes them. */
#ifndef ROI_ORT_KINDS_H
#define ROI_ORT_KINDS_H

#include "kernel.h"

/* pooling.c: crops of a map at boxes */
extern const struct kind ort_roi_align, ort_max_roi_pool;      /* of ONNX */
extern const struct kind ort_old_roi_align;                    /* before its operator set 16 */
extern const struct kind ort_mmcv_roi_align, ort_mmcv_rotated; /* of mmcv */
extern const struct kind ort_rotated, ort_prroi_pool, ort_ps_roi_align, ort_ps_roi_pool;

/* suppression.c: which of many boxes are kept */
extern const struct kind ort_non_max_suppression; /* of ONNX */
extern const struct kind ort_mmdeploy_rotated;    /* of mmdeploy */
extern const struct kind ort_nms_rotated, ort_soft_nms;

#endif
