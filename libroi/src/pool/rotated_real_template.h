/* rotated_real_template.h - sums of quads for one type computed in (REAL; R() makes names). */
#include "pool/scratch_template.h"

/* The sums of four quads, each as sum_quad takes it: lanes 0 and 2, lanes 1 and 3, then both. */
INLINE R(quad) R(sum_four_quads)(const R(quad) v[CHANNELS_AT_ONCE])
{
    R(quad) sums;
    for (int c = 0; c < CHANNELS_AT_ONCE; c++)
        sums[c] = R(sum_quad)(v[c]);
    return sums;
}

INLINE bool R(has_nan_quad)(R(quad) v) { return isnan(v[0]) || isnan(v[1]) || isnan(v[2]) || isnan(v[3]); }
