/*
 * quads.h - blocks of numbers, turned on their side
 *
 * A vector of `quads` is two quads side by side, or one where vectors of the tier are narrower than that. (Four would
 * need sixteen pointers, more than there are registers.) Four such vectors are transposed quad by quad, which on every
 * processor are the cheap moves between lanes: so four numbers in each of several places become several numbers in each
 * of four places, and back.
 */
#ifndef ROI_QUADS_H
#define ROI_QUADS_H

#include "common/vector.h"

enum {
    QUADS_float = LANES_float < 8 ? 1 : 2,
    QUADS_double = LANES_double < 8 ? 1 : 2
};

typedef float quads_float __attribute__((vector_size(16 * QUADS_float)));
typedef double quads_double __attribute__((vector_size(32 * QUADS_double)));
typedef int32_t index_quads_float __attribute__((vector_size(16 * QUADS_float)));
typedef uint32_t bits_quads_float __attribute__((vector_size(16 * QUADS_float)));
typedef int64_t index_quads_double __attribute__((vector_size(32 * QUADS_double)));

/* Quads beside each other, as one vector, and apart again. */
#if defined(__AVX2__)
INLINE quads_float join_float(const quad_float q[2])
{
    return (quads_float)_mm256_insertf128_ps(_mm256_castps128_ps256((__m128)q[0]), (__m128)q[1], 1);
}
INLINE void split_float(quads_float v, quad_float q[2])
{
    q[0] = (quad_float)_mm256_castps256_ps128((__m256)v);
    q[1] = (quad_float)_mm256_extractf128_ps((__m256)v, 1);
}
#else
INLINE quads_float join_float(const quad_float q[1]) { return q[0]; }
INLINE void split_float(quads_float v, quad_float q[1]) { q[0] = v; }
#endif
#if defined(__AVX512F__)
INLINE quads_double join_double(const quad_double q[2])
{
    return (quads_double)_mm512_insertf64x4(_mm512_castpd256_pd512((__m256d)q[0]), (__m256d)q[1], 1);
}
INLINE void split_double(quads_double v, quad_double q[2])
{
    q[0] = (quad_double)_mm512_castpd512_pd256((__m512d)v);
    q[1] = (quad_double)_mm512_extractf64x4_pd((__m512d)v, 1);
}
#else
INLINE quads_double join_double(const quad_double q[1]) { return q[0]; }
INLINE void split_double(quads_double v, quad_double q[1]) { q[0] = v; }
#endif

/* The quads that begin with lane c of vectors after each other. */
INLINE quads_float quads_of_float(const vec_float *v, int c)
{
#if defined(__AVX512F__)
    return (quads_float)(c == 0 ? _mm512_castpd512_pd256((__m512d)v[0]) : _mm512_extractf64x4_pd((__m512d)v[0], 1));
#else
    return (quads_float)v[c / LANES_float];
#endif
}

INLINE quads_double quads_of_double(const vec_double *v, int c)
{
    quads_double quads;
    memcpy(&quads, (const char *)v + c * (int)sizeof(double), sizeof quads);
    return quads;
}

/* Up to seven steps of `one` bytes, as the sums that addresses are made of: seven numbers would leave no registers. */
struct steps {
    int64_t one, three, five, seven;
};

INLINE struct steps steps_of(int64_t one) { return (struct steps){one, 3 * one, 5 * one, 7 * one}; }

INLINE int64_t some_steps(const struct steps *steps, const int count)
{
    switch (count) {
    case 3: return steps->three;
    case 5: return steps->five;
    case 6: return 2 * steps->three;
    case 7: return steps->seven;
    default: return count * steps->one;
    }
}

/* Lanes i, j, k, l of each quad of a and b, those of b counted from 4 on. */
#define LANE_OF_QUAD(quads, at, i) ((i) < 4 ? 4 * (at) + (i) : 4 * (quads) + 4 * (at) + (i) - 4)
#define LANES_OF_QUAD(quads, at, i, j, k, l)                                                                           \
    LANE_OF_QUAD(quads, at, i), LANE_OF_QUAD(quads, at, j), LANE_OF_QUAD(quads, at, k), LANE_OF_QUAD(quads, at, l)
#define LANES_OF_1(...) LANES_OF_QUAD(1, 0, __VA_ARGS__)
#define LANES_OF_2(...) LANES_OF_QUAD(2, 0, __VA_ARGS__), LANES_OF_QUAD(2, 1, __VA_ARGS__)
#if defined(__AVX2__)
#define LANES_OF_float LANES_OF_2
#else
#define LANES_OF_float LANES_OF_1
#endif
#if defined(__AVX512F__)
#define LANES_OF_double LANES_OF_2
#else
#define LANES_OF_double LANES_OF_1
#endif

#if defined(ROI_HAS_SHUFFLEVECTOR)
#define SHUFFLE(REAL, a, b, ...) __builtin_shufflevector(a, b, LANES_OF_##REAL(__VA_ARGS__))
#else
#define SHUFFLE(REAL, a, b, ...) __builtin_shuffle(a, b, (index_quads_##REAL){LANES_OF_##REAL(__VA_ARGS__)})
#endif

/* Four lanes of one quad, in another order. */
#if defined(ROI_HAS_SHUFFLEVECTOR)
#define SHUFFLE_QUAD(INDEX, quad, ...) __builtin_shufflevector(quad, quad, __VA_ARGS__)
#else
#define SHUFFLE_QUAD(INDEX, quad, ...) __builtin_shuffle(quad, (INDEX){__VA_ARGS__})
#endif

/* In each quad, rows become columns. */
#define TRANSPOSE_OF(REAL)                                                                                             \
    INLINE void transpose_##REAL(quads_##REAL v[4])                                                                    \
    {                                                                                                                  \
        const quads_##REAL a = SHUFFLE(REAL, v[0], v[1], 0, 4, 1, 5), b = SHUFFLE(REAL, v[2], v[3], 0, 4, 1, 5);       \
        const quads_##REAL c = SHUFFLE(REAL, v[0], v[1], 2, 6, 3, 7), d = SHUFFLE(REAL, v[2], v[3], 2, 6, 3, 7);       \
        v[0] = SHUFFLE(REAL, a, b, 0, 1, 4, 5);                                                                        \
        v[1] = SHUFFLE(REAL, a, b, 2, 3, 6, 7);                                                                        \
        v[2] = SHUFFLE(REAL, c, d, 0, 1, 4, 5);                                                                        \
        v[3] = SHUFFLE(REAL, c, d, 2, 3, 6, 7);                                                                        \
    }
TRANSPOSE_OF(float)
#if VECTOR_BYTES >= 32
TRANSPOSE_OF(double)
#else
/* A quad is two vectors here, which compilers would take apart: so two by two. */
INLINE void transpose_double(quads_double v[4])
{
    vec_double from[4][2], to[4][2];
    memcpy(from, v, sizeof from);
    for (int i = 0; i < 4; i += 2)
        for (int j = 0; j < 2; j++) {
            to[2 * j][i / 2] = (vec_double){from[i][j][0], from[i + 1][j][0]};
            to[2 * j + 1][i / 2] = (vec_double){from[i][j][1], from[i + 1][j][1]};
        }
    memcpy(v, to, sizeof to);
}
#endif

/* Storing in two steps, of numbers that are not NaN: those of bfloat16 are rounded many at a time, so that their upper halves
   are what is stored, as store_bf16 has it. */
INLINE quads_float round_quads_f32(quads_float v) { return v; }
INLINE quads_double round_quads_f64(quads_double v) { return v; }
INLINE quads_float round_quads_f16(quads_float v) { return v; }
INLINE quads_float round_quads_bf16(quads_float v)
{
    const bits_quads_float bits = (bits_quads_float)v;
    return (quads_float)(bits + (bits >> 16 & 1) + 0x7fff);
}

INLINE void store_rounded_f32(float *p, quad_float v) { store_quad_f32(p, v); }
INLINE void store_rounded_f64(double *p, quad_double v) { store_quad_f64(p, v); }
INLINE void store_rounded_f16(roi_f16 *p, quad_float v) { store_quad_f16(p, v); }
INLINE void store_rounded_bf16(roi_bf16 *p, quad_float v)
{
#if defined(__SSSE3__)
    const __m128i upper = _mm_setr_epi8(2, 3, 6, 7, 10, 11, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1);
    _mm_storel_epi64((__m128i *)p, _mm_shuffle_epi8((__m128i)v, upper));
#elif defined(__SSE2__)
    const __m128i halves = _mm_srai_epi32((__m128i)v, 16);
    _mm_storel_epi64((__m128i *)p, _mm_packs_epi32(halves, halves));
#else
    for (int i = 0; i < 4; i++)
        p[i].bits = (uint16_t)(bits_of_float(v[i]) >> 16);
#endif
}

#endif
