/* align_max_real_template.h - the largest samples of a line of channels, for one type of lines (REAL; R() makes names). */
#include "pool/scratch_template.h"

/* Vectors of double of a line. */
enum { R(WIDE_VECTORS) = R(LINE) / LANES_double };

/* What a line's bin has come to: the largest sample so far, and a sum of all lanes of all samples, NaN where one is. */
struct R(largest) {
    vec_double most[R(WIDE_VECTORS)], sum;
};

/* One more sample of `vectors` vectors of a line: its four corners, and their weights. */
INLINE void R(take_sample)(const REAL *const corner[4], const double weight[4], const bool corners, const int vectors,
                           struct R(largest) *largest)
{
    for (int v = 0; v < vectors; v++) {
        vec_double part[4];
        for (int i = 0; i < 4; i++)
            part[i] = weight[i] * R(widen)(corner[i] + v * LANES_double);
        const vec_double sample = ((part[0] + part[1]) + part[2]) + part[3];
        vec_double most = sample;
        if (corners)
            most = max_double(part[3], max_double(part[2], max_double(part[1], part[0])));
        largest->most[v] = max_double(most, largest->most[v]);
        largest->sum += sample;
    }
}
