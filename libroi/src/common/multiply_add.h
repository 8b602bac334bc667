/*
 * multiply_add.h - sum + a * b, the one step that sums of pixels are made of
 *
 * It is rounded once where the processor can (ROI_FUSED), else twice; which of both is settled here for each tier, for
 * vectors of every width and for single numbers alike. Compilers are forbidden to fuse anything by themselves
 * (-ffp-contract=off): they would do it in one copy of a loop and not in the next, as they happen to turn them into vectors,
 * and an image would have other bits alone than among others. Included by vector.h.
 */
#ifndef ROI_MULTIPLY_ADD_H
#define ROI_MULTIPLY_ADD_H

#include <float.h>

#if defined(__FMA__) || defined(__aarch64__)
#define ROI_FUSED
#endif

#if defined(ROI_FUSED)
INLINE float multiply_add_float(float a, float b, float sum) { return __builtin_fmaf(a, b, sum); }
INLINE double multiply_add_double(double a, double b, double sum) { return __builtin_fma(a, b, sum); }
#else
INLINE float multiply_add_float(float a, float b, float sum) { return a * b + sum; }
INLINE double multiply_add_double(double a, double b, double sum) { return a * b + sum; }
#endif

/* fuse_16_float and its siblings, for vectors of so many bytes. */
#define FUSE_BY_INSTRUCTION(BYTES, REAL, REGISTER, INSTRUCTION)                                                        \
    typedef REAL fused_##BYTES##_##REAL __attribute__((vector_size(BYTES)));                                           \
    INLINE fused_##BYTES##_##REAL fuse_##BYTES##_##REAL(fused_##BYTES##_##REAL a, fused_##BYTES##_##REAL b,            \
                                                        fused_##BYTES##_##REAL sum)                                    \
    {                                                                                                                  \
        return (fused_##BYTES##_##REAL)INSTRUCTION((REGISTER)a, (REGISTER)b, (REGISTER)sum);                           \
    }
#define FUSE_BY_HALVES(BYTES, REAL, HALF)                                                                              \
    typedef REAL fused_##BYTES##_##REAL __attribute__((vector_size(BYTES)));                                           \
    INLINE fused_##BYTES##_##REAL fuse_##BYTES##_##REAL(fused_##BYTES##_##REAL a, fused_##BYTES##_##REAL b,            \
                                                        fused_##BYTES##_##REAL sum)                                    \
    {                                                                                                                  \
        fused_##HALF##_##REAL as[2], bs[2], sums[2];                                                                   \
        memcpy(as, &a, sizeof a);                                                                                      \
        memcpy(bs, &b, sizeof b);                                                                                      \
        memcpy(sums, &sum, sizeof sum);                                                                                \
        for (int i = 0; i < 2; i++)                                                                                    \
            sums[i] = fuse_##HALF##_##REAL(as[i], bs[i], sums[i]);                                                     \
        memcpy(&sum, sums, sizeof sum);                                                                                \
        return sum;                                                                                                    \
    }
#define FUSE_BY_TWO_STEPS(BYTES, REAL)                                                                                 \
    typedef REAL fused_##BYTES##_##REAL __attribute__((vector_size(BYTES)));                                           \
    INLINE fused_##BYTES##_##REAL fuse_##BYTES##_##REAL(fused_##BYTES##_##REAL a, fused_##BYTES##_##REAL b,            \
                                                        fused_##BYTES##_##REAL sum)                                    \
    {                                                                                                                  \
        return a * b + sum;                                                                                            \
    }

#if defined(__FMA__)
FUSE_BY_INSTRUCTION(16, float, __m128, _mm_fmadd_ps)
FUSE_BY_INSTRUCTION(16, double, __m128d, _mm_fmadd_pd)
FUSE_BY_INSTRUCTION(32, float, __m256, _mm256_fmadd_ps)
FUSE_BY_INSTRUCTION(32, double, __m256d, _mm256_fmadd_pd)
#if defined(__AVX512F__)
FUSE_BY_INSTRUCTION(64, float, __m512, _mm512_fmadd_ps)
FUSE_BY_INSTRUCTION(64, double, __m512d, _mm512_fmadd_pd)
#endif
#elif defined(__aarch64__)
#define FUSE_FLOAT(a, b, sum) vfmaq_f32(sum, a, b)
#define FUSE_DOUBLE(a, b, sum) vfmaq_f64(sum, a, b)
FUSE_BY_INSTRUCTION(16, float, float32x4_t, FUSE_FLOAT)
FUSE_BY_INSTRUCTION(16, double, float64x2_t, FUSE_DOUBLE)
FUSE_BY_HALVES(32, double, 16)
#else
FUSE_BY_TWO_STEPS(16, float)
FUSE_BY_TWO_STEPS(16, double)
FUSE_BY_TWO_STEPS(32, double)
#endif

/* The same for the vectors that kernels know (vector.h). splat_vec_float(x) has x in all lanes: x - 0 is x, also where x is
   -0. */
#define FUSE_(BYTES, REAL) fuse_##BYTES##_##REAL
#define FUSE(BYTES, REAL) FUSE_(BYTES, REAL)
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD == 0
#define SPLAT_OF(KIND, REAL)                                                                                           \
    INLINE KIND##_##REAL splat_##KIND##_##REAL(REAL x) { return x - (KIND##_##REAL){0}; }
#else /* where expressions are evaluated wider, a number and a vector of its type do not go together */
#define SPLAT_OF(KIND, REAL)                                                                                           \
    INLINE KIND##_##REAL splat_##KIND##_##REAL(REAL x)                                                                 \
    {                                                                                                                  \
        KIND##_##REAL v = {0};                                                                                         \
        for (size_t i = 0; i < sizeof v / sizeof x; i++)                                                               \
            v[i] = x;                                                                                                  \
        return v;                                                                                                      \
    }
#endif
#define MULTIPLY_ADD_OF(KIND, REAL, BYTES)                                                                             \
    SPLAT_OF(KIND, REAL)                                                                                               \
    INLINE KIND##_##REAL multiply_add_##KIND##_##REAL(KIND##_##REAL a, KIND##_##REAL b, KIND##_##REAL sum)             \
    {                                                                                                                  \
        return (KIND##_##REAL)FUSE(BYTES, REAL)(a, b, sum);                                                            \
    }
MULTIPLY_ADD_OF(vec, float, VECTOR_BYTES)
MULTIPLY_ADD_OF(vec, double, VECTOR_BYTES)
MULTIPLY_ADD_OF(quad, float, 16)
MULTIPLY_ADD_OF(quad, double, 32)
MULTIPLY_ADD_OF(part, float, PART_BYTES_float)
MULTIPLY_ADD_OF(part, double, PART_BYTES_double)

#endif
