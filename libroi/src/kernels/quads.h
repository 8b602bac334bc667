/*
 * quads.h - transposition of blocks of 4 x 4 numbers
 *
 * A vector of `quads` has two quads, or one if the tier's vectors have less than 8 lanes. (Four quads would need sixteen
 * pointers, more than there are registers.) Four such vectors are transposed quad by quad, since shuffles within 4 lanes are
 * fast on every processor: four pixels of several channels become several channels of four pixels, and back.
 */
#ifndef ROI_QUADS_H
#define ROI_QUADS_H

#include "kernels/vector.h"

enum { QUADS = LANES < 8 ? 1 : 2 };

typedef REAL quads __attribute__((vector_size(QUADS * QUAD_BYTES)));

/* Quads beside each other, as one vector, and apart again. */
#if defined(__AVX512F__) && defined(ROI_IS_DOUBLE)
INLINE quads join_quads(const quad q[2]) { return _mm512_insertf64x4(_mm512_castpd256_pd512(q[0]), q[1], 1); }
INLINE void split_quads(quads v, quad q[2])
{
    q[0] = _mm512_castpd512_pd256(v);
    q[1] = _mm512_extractf64x4_pd(v, 1);
}
#elif defined(__AVX2__) && !defined(ROI_IS_DOUBLE)
INLINE quads join_quads(const quad q[2]) { return _mm256_insertf128_ps(_mm256_castps128_ps256(q[0]), q[1], 1); }
INLINE void split_quads(quads v, quad q[2])
{
    q[0] = _mm256_castps256_ps128(v);
    q[1] = _mm256_extractf128_ps(v, 1);
}
#else
INLINE quads join_quads(const quad q[1]) { return q[0]; }
INLINE void split_quads(quads v, quad q[1]) { q[0] = v; }
#endif

/* The quads that begin with lane c of vectors after each other. */
INLINE quads quads_of(const vec *v, int c)
{
#if defined(__AVX512F__) && !defined(ROI_IS_DOUBLE)
    return (quads)(c == 0 ? _mm512_castpd512_pd256((__m512d)v[0]) : _mm512_extractf64x4_pd((__m512d)v[0], 1));
#elif !defined(ROI_IS_DOUBLE)
    return v[c / LANES];
#else
    quads from;
    memcpy(&from, (const char *)v + c * (int)sizeof(REAL), sizeof from);
    return from;
#endif
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
#define LANE_OF_QUAD(count, at, i) ((i) < 4 ? 4 * (at) + (i) : 4 * (count) + 4 * (at) + (i)-4)
#define LANES_OF_QUAD(count, at, i, j, k, l)                                                                           \
    LANE_OF_QUAD(count, at, i), LANE_OF_QUAD(count, at, j), LANE_OF_QUAD(count, at, k), LANE_OF_QUAD(count, at, l)
#if (defined(__AVX2__) && !defined(ROI_IS_DOUBLE)) || defined(__AVX512F__)
#define LANES_OF_QUADS(...) LANES_OF_QUAD(2, 0, __VA_ARGS__), LANES_OF_QUAD(2, 1, __VA_ARGS__)
#else
#define LANES_OF_QUADS(...) LANES_OF_QUAD(1, 0, __VA_ARGS__)
#endif

/* Clang has this shuffle, and GCC since version 12. */
#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, LANES_OF_QUADS(__VA_ARGS__))
#else
typedef lane_int quads_int __attribute__((vector_size(QUADS * QUAD_BYTES)));
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (quads_int){LANES_OF_QUADS(__VA_ARGS__)})
#endif

/* In each quad, rows become columns. */
#if VECTOR_BYTES >= 32 || !defined(ROI_IS_DOUBLE)
INLINE void transpose(quads v[4])
{
    const quads a = SHUFFLE(v[0], v[1], 0, 4, 1, 5), b = SHUFFLE(v[2], v[3], 0, 4, 1, 5);
    const quads c = SHUFFLE(v[0], v[1], 2, 6, 3, 7), d = SHUFFLE(v[2], v[3], 2, 6, 3, 7);
    v[0] = SHUFFLE(a, b, 0, 1, 4, 5);
    v[1] = SHUFFLE(a, b, 2, 3, 6, 7);
    v[2] = SHUFFLE(c, d, 0, 1, 4, 5);
    v[3] = SHUFFLE(c, d, 2, 3, 6, 7);
}
#else
/* A quad is two vectors here, which compilers would take apart: so two by two. */
INLINE void transpose(quads v[4])
{
    vec from[4][2], to[4][2];
    memcpy(from, v, sizeof from);
    for (int i = 0; i < 4; i += 2)
        for (int j = 0; j < 2; j++) {
            to[2 * j][i / 2] = (vec){from[i][j][0], from[i + 1][j][0]};
            to[2 * j + 1][i / 2] = (vec){from[i][j][1], from[i + 1][j][1]};
        }
    memcpy(v, to, sizeof to);
}
#endif

/* Stores four numbers each of 4 * QUADS channels, the first channel at `to`, each other a step after the one before. NaN may
   be rounded wrongly: callers pool such boxes again, or write such rows number by number. */
#if ROI_TYPE_IS == ROI_TYPE_IS_bf16
/* Rounded as store() rounds, each number is the upper half of a lane. Two of a channel share a lane then, so that half of
   the transposition is left. */
typedef uint32_t quads_bits __attribute__((vector_size(QUADS * QUAD_BYTES)));
typedef uint64_t quad_halves __attribute__((vector_size(QUAD_BYTES)));

INLINE quads round_two(quads first, quads second)
{
    const quads_bits a = (quads_bits)first + ((quads_bits)first >> 16 & 1) + 0x7fff;
    const quads_bits b = (quads_bits)second + ((quads_bits)second >> 16 & 1) + 0x7fff;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return (quads)((a & 0xffff0000) | b >> 16);
#else
    return (quads)((b & 0xffff0000) | a >> 16);
#endif
}

INLINE void put_quads(const quads v[4], STORE *to, const struct steps *steps)
{
    const quads a = round_two(v[0], v[1]), b = round_two(v[2], v[3]);
    quad two[2][QUADS]; /* channels, 4 * j + 2 * i and the next */
    split_quads(SHUFFLE(a, b, 0, 4, 1, 5), two[0]);
    split_quads(SHUFFLE(a, b, 2, 6, 3, 7), two[1]);
    for (int c = 0; c < 4 * QUADS; c++) {
        const uint64_t four = ((quad_halves)two[c % 4 / 2][c / 4])[c % 2];
        memcpy((char *)to + some_steps(steps, c), &four, sizeof four);
    }
}
#else
INLINE void put_quads(quads v[4], STORE *to, const struct steps *steps)
{
    transpose(v);
    for (int i = 0; i < 4; i++) {
        quad channel[QUADS];
        split_quads(v[i], channel);
        for (int j = 0; j < QUADS; j++)
            store_quad((STORE *)(void *)((char *)to + some_steps(steps, 4 * j + i)), channel[j]);
    }
}
#endif

#endif
