/* vector.h - vectors of the width this tier is compiled for, by the compiler's own vector types (GCC, Clang). */
#ifndef ROI_VECTOR_H
#define ROI_VECTOR_H

#include <string.h>

#include "storage.h"

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

typedef float vec_float __attribute__((vector_size(VECTOR_BYTES)));
typedef double vec_double __attribute__((vector_size(VECTOR_BYTES)));

enum { LANES_float = VECTOR_BYTES / 4, LANES_double = VECTOR_BYTES / 8 };

/* sum + a * b for single numbers, fused where vectors are: a compiler fuses `sum += a * b` in most loops, but not in one
   that it turns into vectors of its own, and results would depend on which. */
#if defined(__FP_FAST_FMAF) && defined(__FP_FAST_FMA)
INLINE float multiply_add_float(float a, float b, float sum) { return __builtin_fmaf(a, b, sum); }
INLINE double multiply_add_double(double a, double b, double sum) { return __builtin_fma(a, b, sum); }
#else
INLINE float multiply_add_float(float a, float b, float sum) { return a * b + sum; }
INLINE double multiply_add_double(double a, double b, double sum) { return a * b + sum; }
#endif

/* Elements that lie together, as a vector of the type computed in. */
INLINE vec_float load_vec_f32(const float *p)
{
    vec_float v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE vec_double load_vec_f64(const double *p)
{
    vec_double v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE vec_float load_vec_bf16(const roi_bf16 *p)
{
    vec_float v;
    for (int i = 0; i < LANES_float; i++)
        v[i] = load_bf16(p + i);
    return v;
}

INLINE vec_float load_vec_f16(const roi_f16 *p)
{
#if defined(__AVX512F__)
    return (vec_float)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
#elif defined(__F16C__)
    return (vec_float)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
#else
    vec_float v;
    for (int i = 0; i < LANES_float; i++)
        v[i] = load_f16(p + i);
    return v;
#endif
}

/* The smaller of two numbers in each lane, and which lanes of a are above those of b, lane 0 the lowest bit. */
#if defined(__AVX512F__)
INLINE vec_float min_float(vec_float a, vec_float b) { return (vec_float)_mm512_min_ps((__m512)a, (__m512)b); }
INLINE vec_double min_double(vec_double a, vec_double b) { return (vec_double)_mm512_min_pd((__m512d)a, (__m512d)b); }
INLINE unsigned above_float(vec_float a, vec_float b)
{
    return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GT_OQ);
}
INLINE unsigned above_double(vec_double a, vec_double b)
{
    return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_GT_OQ);
}
#elif defined(__AVX2__)
INLINE vec_float min_float(vec_float a, vec_float b) { return (vec_float)_mm256_min_ps((__m256)a, (__m256)b); }
INLINE vec_double min_double(vec_double a, vec_double b) { return (vec_double)_mm256_min_pd((__m256d)a, (__m256d)b); }
INLINE unsigned above_float(vec_float a, vec_float b) { return (unsigned)_mm256_movemask_ps((__m256)(a > b)); }
INLINE unsigned above_double(vec_double a, vec_double b) { return (unsigned)_mm256_movemask_pd((__m256d)(a > b)); }
#elif defined(__SSE2__)
INLINE vec_float min_float(vec_float a, vec_float b) { return (vec_float)_mm_min_ps((__m128)a, (__m128)b); }
INLINE vec_double min_double(vec_double a, vec_double b) { return (vec_double)_mm_min_pd((__m128d)a, (__m128d)b); }
INLINE unsigned above_float(vec_float a, vec_float b) { return (unsigned)_mm_movemask_ps((__m128)(a > b)); }
INLINE unsigned above_double(vec_double a, vec_double b) { return (unsigned)_mm_movemask_pd((__m128d)(a > b)); }
#else
#define MIN_AND_ABOVE(REAL)                                                                                            \
    INLINE vec_##REAL min_##REAL(vec_##REAL a, vec_##REAL b)                                                           \
    {                                                                                                                  \
        for (int i = 0; i < LANES_##REAL; i++)                                                                         \
            a[i] = b[i] < a[i] ? b[i] : a[i];                                                                          \
        return a;                                                                                                      \
    }                                                                                                                  \
    INLINE unsigned above_##REAL(vec_##REAL a, vec_##REAL b)                                                           \
    {                                                                                                                  \
        unsigned bits = 0;                                                                                             \
        for (int i = 0; i < LANES_##REAL; i++)                                                                         \
            bits |= (unsigned)(a[i] > b[i]) << i;                                                                      \
        return bits;                                                                                                   \
    }
MIN_AND_ABOVE(float)
MIN_AND_ABOVE(double)
#endif

#endif
