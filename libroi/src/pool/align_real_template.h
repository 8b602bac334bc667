/*
 * align_real_template.h - RoIAlign's mean for one type computed in: what has to do with neither maps nor crops
 *
 * REAL is the type, R() makes names for it. See align_kernel.h; lines are what ring.h says.
 */
#include "pool/scratch_template.h"
#include "pool/band_template.h"

_Static_assert((int)ROI_TILE_ROWS <= (int)R(GROUP), "rows that are added up together are multiplied at once");

/* ---- Lines to bins, and back ----------------------------------------------------------------------------------- */

/* Four bins, bin[i] = sum over k < taps of weight[i, k] * from[i][offset[i, k]], all of them lines; where they lie together,
   offset k is line k. `taps` and `together` are constants where this is inlined. */
INLINE void R(add_up_bins)(const REAL *const from[4], const int64_t *offset, const REAL *weight, const int64_t taps,
                           const bool together, R(vec) bin[4][LINE_VECTORS])
{
    for (int i = 0; i < 4; i++)
        for (int v = 0; v < LINE_VECTORS; v++)
            bin[i][v] = (R(vec)){0};
    for (int i = 0; i < 4; i++)
        for (int64_t k = 0; k < taps; k++)
            for (int v = 0; v < LINE_VECTORS; v++) {
                R(vec) part;
                memcpy(&part, from[i] + (together ? k * R(LINE) : offset[i * taps + k]) + v * R(LANES), sizeof part);
                bin[i][v] = R(multiply_add_vec)(R(splat_vec)(weight[i * taps + k]), part, bin[i][v]);
            }
}

/* Bin q. Returns NaN in the lanes of channels where a number is NaN. */
static R(vec) R(add_up_bin)(const REAL *t, const struct roi_sparse *columns, int64_t q, REAL line[R(LINE)])
{
    const int64_t *offset = columns->offsets + q * columns->taps;
    const REAL *weight = (const REAL *)columns->weights + q * columns->taps;
    const int64_t first = roi_first_block(columns, q);
    R(vec) bin[LINE_VECTORS] = {{0}}, total[LINE_VECTORS] = {{0}}, lost[LINE_VECTORS] = {{0}}, part, all = {0};
    for (int64_t k = 0; k < columns->taps; k++) {
        for (int v = 0; v < LINE_VECTORS; v++) {
            memcpy(&part, t + offset[k] + v * R(LANES), sizeof part);
            bin[v] = R(multiply_add_vec)(R(splat_vec)(weight[k]), part, bin[v]);
        }
        for (int v = 0; v < LINE_VECTORS && (k + 1 == columns->taps || (k + 1 - first) % ROI_SUM_BLOCK == 0); v++) {
            R(fold_vec)(&total[v], &lost[v], bin[v]);
            bin[v] = (R(vec)){0};
        }
    }
    for (int v = 0; v < LINE_VECTORS; v++) {
        total[v] += lost[v];
        all += total[v];
    }
    memcpy(line, total, sizeof total);
    return all;
}

/* line[i] += weight * t[i] for n lines. */
static inline void R(add_lines)(REAL *restrict lines, const REAL *restrict t, REAL weight, int64_t n)
{
    for (int64_t i = 0; i < n * R(LINE); i += R(LANES)) {
        R(vec) sum, part;
        memcpy(&sum, lines + i, sizeof sum);
        memcpy(&part, t + i, sizeof part);
        sum = R(multiply_add_vec)(R(splat_vec)(weight), part, sum);
        memcpy(lines + i, &sum, sizeof sum);
    }
}
