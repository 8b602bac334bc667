/*
 * align_real_template.h - RoIAlign's mean for one type computed in: what has to do with neither maps nor crops
 *
 * REAL is the type, R() makes names for it. See align_kernel.h; lines are what ring.h says.
 */
#include "pool/band_template.h"

enum { R(LINE) = ROI_LINE_BYTES / (int)sizeof(REAL) };

/* ---- Lines to bins, and back ----------------------------------------------------------------------------------- */

/* A row of bins: crop[q] = sum over k < taps of weights[q, k] * t[offsets[q, k]], all of them lines; `taps` is a constant
   where this is inlined. `lines` of a pixel lie together in t, and those of a bin `apart` in the crop; offsets count one.
   Returns NaN in the lanes of channels where a number is NaN. */
INLINE R(vec) R(add_up_taps)(const REAL *t, const struct roi_sparse *columns, const int64_t taps, int64_t bins,
                             const int64_t lines, REAL *crop, int64_t apart)
{
    const int64_t *offset = columns->offsets;
    const REAL *weight = columns->weights;
    R(vec) all = {0}, part;
    for (int64_t q = 0; q < bins; q++, offset += taps, weight += taps, crop += R(LINE))
        for (int64_t i = 0; i < lines; i++) {
            R(vec) sum[LINE_VECTORS] = {{0}};
            for (int64_t k = 0; k < taps; k++)
                for (int v = 0; v < LINE_VECTORS; v++) {
                    memcpy(&part, t + offset[k] * lines + i * R(LINE) + v * R(LANES), sizeof part);
                    sum[v] += weight[k] * part;
                }
            memcpy(crop + i * apart, sum, sizeof sum);
            for (int v = 0; v < LINE_VECTORS; v++)
                all += sum[v];
        }
    return all;
}

INLINE R(vec) R(add_up_bins_of)(const REAL *t, const struct roi_sparse *columns, int64_t bins, const int64_t lines,
                                REAL *crop, int64_t apart)
{
    switch (columns->taps) {
    case 1: return R(add_up_taps)(t, columns, 1, bins, lines, crop, apart);
    case 2: return R(add_up_taps)(t, columns, 2, bins, lines, crop, apart);
    case 3: return R(add_up_taps)(t, columns, 3, bins, lines, crop, apart);
    case 4: return R(add_up_taps)(t, columns, 4, bins, lines, crop, apart);
    default: return R(add_up_taps)(t, columns, columns->taps, bins, lines, crop, apart);
    }
}

ALONE R(vec) R(add_up_bins)(const REAL *t, const struct roi_sparse *columns, int64_t bins, REAL *crop)
{
    return R(add_up_bins_of)(t, columns, bins, 1, crop, 0);
}

ALONE R(vec) R(add_up_long_bins)(const REAL *t, const struct roi_sparse *columns, int64_t bins, int64_t lines, REAL *crop,
                                 int64_t apart)
{
    return R(add_up_bins_of)(t, columns, bins, lines, crop, apart);
}

/* line[i] += weight * t[i] for n lines. */
static inline void R(add_lines)(REAL *restrict lines, const REAL *restrict t, REAL weight, int64_t n)
{
    for (int64_t i = 0; i < n * R(LINE); i += R(LANES)) {
        R(vec) sum, part;
        memcpy(&sum, lines + i, sizeof sum);
        memcpy(&part, t + i, sizeof part);
        sum += weight * part;
        memcpy(lines + i, &sum, sizeof sum);
    }
}

/* ---- Scratch memory -------------------------------------------------------------------------------------------- */

struct R(scratch) {
    REAL *ring;  /* forward a ring, backward a patch */
    REAL *row;   /* of a box: lines */
    REAL *lines; /* of bins that are worked on together */
    REAL *stage; /* the same channel by channel, on their way to the result */
    REAL *rows;  /* of boxes without lines: ROI_TILE_ROWS of them */
    REAL *crop;  /* of one channel */
    struct R(band) band;
};

static struct R(scratch) R(scratch_of)(const struct roi_scratch_size *size, void *memory)
{
    struct R(scratch) scratch;
    scratch.ring = memory;
    scratch.row = scratch.ring + size->ring;
    scratch.lines = scratch.row + size->row;
    scratch.stage = scratch.lines + size->lines;
    scratch.rows = scratch.stage + size->stage;
    scratch.crop = scratch.rows + ROI_TILE_ROWS * size->width;
    scratch.band.values = scratch.crop + size->crop;
    scratch.band.block = (struct roi_band_block *)(void *)(scratch.band.values + size->band);
    return scratch;
}
