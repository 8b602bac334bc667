/*
 * overlap_template.h - how much two boxes overlap, for one type (REAL, R() makes names)
 *
 * Branch-free, so that compilers turn a loop over it into vector code. It must not be contracted: the intersection has
 * to be the same number where it is a factor and where it is subtracted, or a box would not have IoU 1 with itself.
 * Without contraction IoU is never above 1, and the same on every tier.
 */

#include "common/names.h"

/* As an instruction of the processor has it, which a call of fmin is not. */
static inline REAL R(smaller)(REAL a, REAL b) { return a < b ? a : b; }
static inline REAL R(larger)(REAL a, REAL b) { return a > b ? a : b; }

static inline REAL R(side)(REAL from, REAL to) { return R(larger)(to - from, 0); }

/* To be computed in the type of the intersection, which it has to equal for a box with itself. */
static inline REAL R(area)(REAL x1, REAL y1, REAL x2, REAL y2) { return R(side)(x1, x2) * R(side)(y1, y2); }

struct R(box) {
    REAL x1, y1, x2, y2, area;
    REAL angle; /* of the diagonal: atan2(width, height), for ROI_CIOU */
};

static inline REAL R(ratio)(REAL part, REAL whole) { return part / (whole > 0 ? whole : 1); }

/* Share of the smallest box around both that neither covers. */
static inline REAL R(gap)(struct R(box) a, struct R(box) b, REAL area)
{
    const REAL hull = R(side)(R(smaller)(a.x1, b.x1), R(larger)(a.x2, b.x2)) *
                      R(side)(R(smaller)(a.y1, b.y1), R(larger)(a.y2, b.y2));
    return R(ratio)(R(larger)(hull - area, 0), hull);
}

/* Squared distance of the centres over the squared diagonal of the smallest box around both. Corners are subtracted
   before anything is added: boxes far from the origin do not lose digits. */
static inline REAL R(distance)(struct R(box) a, struct R(box) b)
{
    const REAL x = ((a.x1 - b.x1) + (a.x2 - b.x2)) / 2, y = ((a.y1 - b.y1) + (a.y2 - b.y2)) / 2;
    const REAL width = R(side)(R(smaller)(a.x1, b.x1), R(larger)(a.x2, b.x2));
    const REAL height = R(side)(R(smaller)(a.y1, b.y1), R(larger)(a.y2, b.y2));
    return R(ratio)(x * x + y * y, width * width + height * height);
}

/* What differing aspect ratios cost: v * v / (1 - iou + v). */
static inline REAL R(aspect)(struct R(box) a, struct R(box) b, REAL iou)
{
    const REAL difference = a.angle - b.angle, v = (REAL)0.405284734569351086 * difference * difference; /* 4 / pi^2 */
    return R(ratio)(v * v, 1 - iou + v);
}

static inline REAL R(overlap)(roi_iou_kind kind, struct R(box) a, struct R(box) b)
{
    const REAL intersection = R(side)(R(larger)(a.x1, b.x1), R(smaller)(a.x2, b.x2)) *
                              R(side)(R(larger)(a.y1, b.y1), R(smaller)(a.y2, b.y2));
    const REAL area = a.area + b.area - intersection;
    const REAL iou = R(ratio)(intersection, area);
    switch (kind) {
    case ROI_IOU: return iou;
    case ROI_GIOU: return iou - R(gap)(a, b, area);
    case ROI_DIOU: return iou - R(distance)(a, b);
    case ROI_CIOU: return iou - R(distance)(a, b) - R(aspect)(a, b, iou);
    }
    return 0;
}
