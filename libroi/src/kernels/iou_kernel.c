/* iou_kernel.c - one box against a row of others, plain loops that compilers turn into vector code. Not contracted, so that
   all tiers have the same numbers: see overlap_template.h. */
#include "kernels/iou_kernel.h"

#include <string.h>

#include "boxes/rotated_overlap.h"
#include "kernels/vector.h"
#include "boxes/overlap_template.h"

INLINE void row_of_kind(const roi_iou_kind kind, struct box a, const struct roi_iou_fields *many, int64_t begin,
                        int64_t end, REAL *restrict iou)
{
    const REAL *restrict x1 = many->field[0], *restrict y1 = many->field[1], *restrict x2 = many->field[2];
    const REAL *restrict y2 = many->field[3], *restrict area = many->field[4], *restrict angle = many->field[5];
    for (int64_t j = begin; j < end; j++) {
        const struct box b = {x1[j], y1[j], x2[j], y2[j], area[j], kind == ROI_CIOU ? angle[j] : 0};
        iou[j - begin] = overlap(kind, a, b);
    }
}

static void upright(roi_iou_kind kind, const struct roi_iou_fields *one, int64_t row, const struct roi_iou_fields *many,
                    int64_t begin, int64_t end, void *iou_ret)
{
    REAL a[ROI_UPRIGHT_FIELDS];
    for (int i = 0; i < ROI_UPRIGHT_FIELDS; i++)
        a[i] = ((const REAL *)one->field[i])[row];
    const struct box box = {a[0], a[1], a[2], a[3], a[4], a[5]};
#define ROW_OF_KIND(which, formula)                                                                                    \
    case which: row_of_kind(which, box, many, begin, end, iou_ret); break;
    switch (kind) {
        ROI_OVERLAP_KINDS(ROW_OF_KIND)
    }
#undef ROW_OF_KIND
}

/* ---- Rotated boxes --------------------------------------------------------------------------------------------- */

#if defined(ROI_IS_DOUBLE)

enum { CHUNK = 256 };

/* Which of `count` boxes from `begin` on are so near that the upright boxes around both overlap: most are not, and
   need no more work. Returns how many. */
static int64_t find_near(struct roi_rotated a, const struct roi_iou_fields *many, int64_t begin, int64_t count,
                         int64_t *near_ret)
{
    const double *restrict cx = many->field[0], *restrict cy = many->field[1], *restrict w = many->field[2];
    const double *restrict h = many->field[3], *restrict c = many->field[4], *restrict s = many->field[5];
    const double c_a = magnitude(a.cos), s_a = magnitude(a.sin);
    const double width = a.w * c_a + a.h * s_a, height = a.w * s_a + a.h * c_a;
    int64_t flag[CHUNK], found = 0;
    for (int64_t i = 0, j = begin; i < count; i++, j++) {
        const double c_b = magnitude(c[j]), s_b = magnitude(s[j]);
        const double room_x = width + (w[j] * c_b + h[j] * s_b), room_y = height + (w[j] * s_b + h[j] * c_b);
        const int64_t near_x = magnitude(cx[j] - a.cx) * 2 < room_x, near_y = magnitude(cy[j] - a.cy) * 2 < room_y;
        flag[i] = near_x & near_y;
    }
    for (int64_t i = 0; i < count; i++) {
        near_ret[found] = i;
        found += flag[i];
    }
    return found;
}

/* The IoU of a box with `count` others, which lie together. */
static void rotated_row(struct roi_rotated a, double (*restrict field)[CHUNK], int64_t count, double *restrict iou)
{
    for (int64_t i = 0; i < count; i++) {
        const struct roi_rotated b = {field[0][i], field[1][i], field[2][i], field[3][i],
                                      field[4][i], field[5][i], field[6][i], field[7][i]};
        iou[i] = rotated_iou(a, b);
    }
}

static void rotated(roi_iou_kind kind, const struct roi_iou_fields *one, int64_t row, const struct roi_iou_fields *many,
                    int64_t begin, int64_t end, void *iou_ret)
{
    double n[ROI_ROTATED_FIELDS], field[ROI_ROTATED_FIELDS][CHUNK], iou[CHUNK], *result = iou_ret;
    int64_t near[CHUNK];
    for (int i = 0; i < ROI_ROTATED_FIELDS; i++)
        n[i] = ((const double *)one->field[i])[row];
    const struct roi_rotated a = {n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7]};
    for (; begin < end; begin += CHUNK, result += CHUNK) {
        const int64_t count = min_i64(CHUNK, end - begin), found = find_near(a, many, begin, count, near);
        for (int i = 0; i < ROI_ROTATED_FIELDS; i++)
            for (int64_t k = 0; k < found; k++)
                field[i][k] = ((const double *)many->field[i])[begin + near[k]];
        rotated_row(a, field, found, iou);
        memset(result, 0, (size_t)count * sizeof *result);
        for (int64_t k = 0; k < found; k++)
            result[near[k]] = iou[k];
    }
}

const struct roi_iou_kernels ROI_ENTRY_POINT(roi_iou_kernels) = {upright, rotated};

#else

const struct roi_iou_kernels ROI_ENTRY_POINT(roi_iou_kernels) = {upright, NULL};

#endif
