/* rotated.c - rotated boxes: reading, checking, and their canonical form. */
#include "boxes/rotated.h"

#include <math.h>

#include "boxes/boxes.h"

enum { CX, CY, W, H, ANGLE };

/* remquo() is exact: multiples of 90 degrees become 0 without rounding. */
static struct roi_rotated unique(const double row[ROI_ROTATED])
{
    const double degree = 3.14159265358979323846 / 180;
    int quarters;
    double angle = remquo(row[ANGLE], 90, &quarters);
    if (angle == -45) {
        angle = 45;
        quarters--;
    }
    const bool turned = (quarters & 1) != 0;
    return (struct roi_rotated){.cx = row[CX],
                                .cy = row[CY],
                                .w = row[turned ? H : W],
                                .h = row[turned ? W : H],
                                .cos = cos(angle * degree),
                                .sin = sin(angle * degree),
                                .angle = angle,
                                .area = row[W] * row[H]};
}

roi_status roi_read_rotated(const roi_boxes *boxes, struct roi_rotated *rotated_ret, struct roi_range *range,
                            roi_error *error_ret)
{
    for (int64_t row = 0; row < boxes->count; row++) {
        struct roi_rotated *box = &rotated_ret[row];
        double numbers[ROI_ROTATED];
        ROI_TRY(roi_read_row(boxes, row, ROI_ROTATED, numbers, error_ret));
        *box = unique(numbers);
        range->farthest = max_f64(range->farthest, max_f64(fabs(box->cx), fabs(box->cy)));
        range->farthest = max_f64(range->farthest, max_f64(box->w, box->h));
    }
    return ROI_SUCCESS;
}

void roi_tame_rotated(struct roi_rotated *rotated, int64_t count, const struct roi_range *range)
{
    if (range->farthest <= 0x1p500)
        return;
    for (struct roi_rotated *box = rotated; box < rotated + count; box++) {
        box->cx = ldexp(box->cx, -600);
        box->cy = ldexp(box->cy, -600);
        box->w = ldexp(box->w, -600);
        box->h = ldexp(box->h, -600);
        box->area = box->w * box->h;
    }
}

struct roi_extent roi_enclose(const struct roi_rotated *rotated)
{
    const double c = fabs(rotated->cos), s = fabs(rotated->sin);
    const double x = (rotated->w * c + rotated->h * s) / 2, y = (rotated->w * s + rotated->h * c) / 2;
    const double more = 0x1p-45 * (x + y + fabs(rotated->cx) + fabs(rotated->cy)); /* than rounding can take away */
    return (struct roi_extent){
        .corner = {rotated->cx - x - more, rotated->cy - y - more, rotated->cx + x + more, rotated->cy + y + more},
        .area = rotated->area};
}
