/*
 * overlap_template.h - how much two boxes overlap, for one type, REAL, that is float or double
 *
 * Branch-free, so that compilers turn a loop over it into vector code. It must not be contracted: the intersection has
 * to be the same number where it is a factor and where it is subtracted, or a box would not have IoU 1 with itself.
 * Without contraction IoU is never above 1, and the same on every tier.
 */
#include "boxes/overlap_kinds.h"

/* One instruction each, unlike calls of fmin and fmax. */
static inline REAL smaller(REAL a, REAL b) { return a < b ? a : b; }
static inline REAL larger(REAL a, REAL b) { return a > b ? a : b; }

static inline REAL side(REAL from, REAL to) { return larger(to - from, 0); }

/* It is computed in the type of the intersection, which equals it for a box with itself. */
static inline REAL area(REAL x1, REAL y1, REAL x2, REAL y2) { return side(x1, x2) * side(y1, y2); }

struct box {
    REAL x1, y1, x2, y2, area;
    REAL angle; /* of the diagonal: atan2(width, height), for ROI_CIOU */
};

static inline REAL ratio(REAL part, REAL whole) { return part / (whole > 0 ? whole : 1); }

/* The fraction of the smallest enclosing box that neither box covers. */
static inline REAL gap(struct box a, struct box b, REAL area)
{
    const REAL hull = side(smaller(a.x1, b.x1), larger(a.x2, b.x2)) * side(smaller(a.y1, b.y1), larger(a.y2, b.y2));
    return ratio(larger(hull - area, 0), hull);
}

/* Squared distance of the centres over the squared diagonal of the smallest box around both. Corners are subtracted
   before anything is added: boxes far from the origin do not lose digits. */
static inline REAL distance(struct box a, struct box b)
{
    const REAL x = ((a.x1 - b.x1) + (a.x2 - b.x2)) / 2, y = ((a.y1 - b.y1) + (a.y2 - b.y2)) / 2;
    const REAL width = side(smaller(a.x1, b.x1), larger(a.x2, b.x2));
    const REAL height = side(smaller(a.y1, b.y1), larger(a.y2, b.y2));
    return ratio(x * x + y * y, width * width + height * height);
}

/* The penalty for different aspect ratios, v * v / (1 - iou + v). */
static inline REAL aspect(struct box a, struct box b, REAL iou)
{
    const REAL difference = a.angle - b.angle, v = (REAL)0.405284734569351086 * difference * difference; /* 4 / pi^2 */
    return ratio(v * v, 1 - iou + v);
}

static inline REAL overlap(roi_iou_kind kind, struct box a, struct box b)
{
    const REAL intersection = side(larger(a.x1, b.x1), smaller(a.x2, b.x2)) *
                              side(larger(a.y1, b.y1), smaller(a.y2, b.y2));
    const REAL area = a.area + b.area - intersection;
    const REAL iou = ratio(intersection, area);
#define FORMULA(which, formula)                                                                                        \
    case which: return formula;
    switch (kind) {
        ROI_OVERLAP_KINDS(FORMULA)
    }
#undef FORMULA
    return 0;
}
