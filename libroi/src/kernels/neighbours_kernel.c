/* neighbours_kernel.c - comparing one box with many: neighbours_kernel.h. */
#include "kernels/neighbours_kernel.h"

#include "kernels/vector.h"

/* Which lanes of a vector, `first` numbers into a block, overlap the query enough. */
INLINE unsigned compare(const REAL *block, int first, const vec query[ROI_FIELDS])
{
    vec field[ROI_FIELDS];
    for (int i = 0; i < ROI_FIELDS; i++)
        memcpy(&field[i], block + i * ROI_BLOCK + first, sizeof field[i]);
    const vec width = min_vec(field[ROI_FIELD_RIGHT], query[ROI_FIELD_RIGHT]) +
                      min_vec(field[ROI_FIELD_LEFT], query[ROI_FIELD_LEFT]);
    const vec height = min_vec(field[ROI_FIELD_BOTTOM], query[ROI_FIELD_BOTTOM]) +
                       min_vec(field[ROI_FIELD_TOP], query[ROI_FIELD_TOP]);
    const vec bar = field[ROI_FIELD_BAR] + query[ROI_FIELD_BAR], none = {0};
    return above_vec(min_vec(width, height), none) & above_vec(width * height, bar);
}

static int64_t scan(const void *blocks, const double query[ROI_FIELDS], int64_t begin, int64_t end, int64_t *places_ret)
{
    vec q[ROI_FIELDS];
    int64_t found = 0;
    for (int i = 0; i < ROI_FIELDS; i++)
        q[i] = splat_vec((REAL)query[i]);
    for (int64_t at = begin / ROI_BLOCK * ROI_BLOCK; at < end; at += ROI_BLOCK) {
        const REAL *block = (const REAL *)blocks + at * ROI_FIELDS;
        unsigned hits = 0;
        for (int first = 0; first < ROI_BLOCK; first += LANES)
            hits |= compare(block, first, q) << first;
        for (; hits; hits &= hits - 1) {
            const int64_t hit = at + __builtin_ctz(hits);
            if (hit >= begin && hit < end)
                places_ret[found++] = hit;
        }
    }
    return found;
}

const struct roi_neighbours_kernels ROI_ENTRY_POINT(roi_neighbours_kernels) = {scan};
