/* pool_real_template.h - maxima and their places, for one type that is compared (REAL; R() makes names). */
#include "pool/scratch_template.h"

typedef R(lane) R(quad_index) __attribute__((vector_size(4 * sizeof(REAL))));

/* The larger number in each lane, and its place; of equals, the one whose place comes first. */
INLINE void R(take_larger)(R(vec) *most, R(index) *place, R(vec) value, R(index) at)
{
    const R(index) better = (value > *most) | ((value == *most) & (at < *place));
    *place = R(choose)(better, at, *place);
    *most = (R(vec))R(choose)(better, (R(index))value, (R(index))*most);
}

/* One bin of a line: the largest of its columns, of which the first is at offset[0]; where they lie together, column k is
   k lines further on. */
INLINE void R(max_bin)(const REAL *t, const R(lane) *where, const int64_t *offset, const int64_t taps, const bool together,
                       const bool places, R(vec) most[LINE_VECTORS], R(index) place[LINE_VECTORS])
{
    for (int v = 0; v < LINE_VECTORS; v++) {
        R(vec) larger = {0}, value;
        R(index) there = {0}, at = {0};
        for (int64_t k = 0; k < taps; k++) {
            const int64_t from = (together ? offset[0] + k * R(LINE) : offset[k]) + v * R(LANES);
            memcpy(&value, t + from, sizeof value);
            if (places)
                memcpy(&at, where + from, sizeof at);
            if (k > 0 && places)
                R(take_larger)(&larger, &there, value, at);
            else if (k > 0)
                larger = R(max)(value, larger);
            else
                larger = value;
            there = k > 0 ? there : at;
        }
        most[v] = larger;
        place[v] = there;
    }
}

/* Places of four bins go where `to` wants those of their channels: put_four for whole numbers, whose bits are moved alike. */
INLINE void R(put_four_places)(R(index) bin[4][LINE_VECTORS], int64_t *to, const struct steps *steps)
{
    R(vec) bits[4][LINE_VECTORS];
    for (int v = 0; v < 4 * LINE_VECTORS; v++)
        bits[v / LINE_VECTORS][v % LINE_VECTORS] = (R(vec))bin[v / LINE_VECTORS][v % LINE_VECTORS];
    for (int c = 0; c < R(LINE); c += 4 * R(QUADS)) {
        R(quads) v[4];
        for (int i = 0; i < 4; i++)
            v[i] = R(quads_of)(bits[i], c);
        R(transpose)(v);
        for (int i = 0; i < 4; i++) {
            R(quad) channel[R(QUADS)];
            R(split)(v[i], channel);
            for (int j = 0; j < R(QUADS); j++) {
                int64_t *out = (int64_t *)(void *)((char *)to + c * steps->one + some_steps(steps, 4 * j + i));
                const R(quad_index) places = (R(quad_index))channel[j];
                for (int l = 0; l < 4; l++)
                    out[l] = places[l];
            }
        }
    }
}
