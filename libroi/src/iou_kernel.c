/* iou_kernel.c - one box against a row of others, compiled once per CPU tier: plain loops, which compilers turn into
   vector code. Not contracted, so that all tiers have the same numbers: see overlap_template.h. */
#include "iou_kernel.h"

#include <math.h>

#include "rotated_overlap.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define R(name) PASTE(name, REAL)

#define REAL float
#include "iou_row_template.h"
#undef REAL

#define REAL double
#include "iou_row_template.h"

static void rotated_double(roi_iou_kind kind, const struct roi_iou_lanes *one, int64_t row,
                           const struct roi_iou_lanes *many, int64_t begin, int64_t end, void *iou_ret)
{
    const double *restrict cx = many->lane[0], *restrict cy = many->lane[1], *restrict w = many->lane[2];
    const double *restrict h = many->lane[3], *restrict c = many->lane[4], *restrict s = many->lane[5];
    const double *restrict angle = many->lane[6], *restrict area = many->lane[7];
    double *restrict iou = iou_ret;
    double a[ROI_ROTATED_LANES];
    (void)kind;
    for (int i = 0; i < ROI_ROTATED_LANES; i++)
        a[i] = ((const double *)one->lane[i])[row];
    const struct roi_rotated box = {a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]};
    for (int64_t j = begin; j < end; j++) {
        const struct roi_rotated other = {cx[j], cy[j], w[j], h[j], c[j], s[j], angle[j], area[j]};
        iou[j - begin] = rotated_iou(box, other);
    }
}

const struct roi_iou_kernels PASTE(roi_iou_kernels, ROI_TIER) = {upright_float, upright_double, rotated_double};
