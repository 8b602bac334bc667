/* vector.h - vectors of the width this tier is compiled for, by the compiler's own vector types (GCC, Clang). */
#ifndef ROI_VECTOR_H
#define ROI_VECTOR_H

#include <stdbool.h>
#include <string.h>

#include "common/storage.h"

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* The one shuffle that Clang has, and GCC since version 12. */
#if defined(__clang__) || __GNUC__ >= 12
#define ROI_HAS_SHUFFLEVECTOR
#endif

#define INLINE static inline __attribute__((always_inline))

/* For inner loops that need all registers, which compilers deny them inside of something larger. */
#define ALONE static __attribute__((noinline))

typedef float vec_float __attribute__((vector_size(VECTOR_BYTES)));
typedef double vec_double __attribute__((vector_size(VECTOR_BYTES)));

/* Whole numbers, as many and as wide. A comparison of two vectors is one of these: all bits set where it holds. */
typedef int32_t index_float __attribute__((vector_size(VECTOR_BYTES)));
typedef int64_t index_double __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t lane_float;
typedef int64_t lane_double;

/* Of two whole numbers in each lane, a where all bits of `where` are set, b where none is. */
INLINE index_float choose_float(index_float where, index_float a, index_float b) { return (where & a) | (~where & b); }
INLINE index_double choose_double(index_double where, index_double a, index_double b) { return (where & a) | (~where & b); }

enum { LANES_float = VECTOR_BYTES / 4, LANES_double = VECTOR_BYTES / 8 };

/* Four numbers, for what reads few that lie together; sums of the four are always taken in the same order. */
typedef float quad_float __attribute__((vector_size(16)));
typedef double quad_double __attribute__((vector_size(32)));

/* Eight numbers, or as many of them as this tier has in a vector: wider vectors are no vectors to the compiler. */
#if VECTOR_BYTES >= 32
#define PART_BYTES_float 32
#else
#define PART_BYTES_float VECTOR_BYTES
#endif
#define PART_BYTES_double VECTOR_BYTES
typedef float part_float __attribute__((vector_size(PART_BYTES_float)));
typedef double part_double __attribute__((vector_size(PART_BYTES_double)));

#include "common/multiply_add.h"


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

/* The bits of a bfloat16 are the upper half of those of a float32. */
INLINE vec_float load_vec_bf16(const roi_bf16 *p)
{
#if defined(__AVX512F__)
    return (vec_float)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16);
#elif defined(__AVX2__)
    return (vec_float)_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16);
#elif defined(__SSE2__)
    return (vec_float)_mm_unpacklo_epi16(_mm_setzero_si128(), _mm_loadl_epi64((const __m128i *)p));
#else
    vec_float v;
    for (int i = 0; i < LANES_float; i++)
        v[i] = load_bf16(p + i);
    return v;
#endif
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

/* As many numbers as double has lanes, as double, and back. (GCC takes __builtin_convertvector apart.) */
INLINE vec_double widen_float(const float *p)
{
#if defined(__AVX512F__)
    return (vec_double)_mm512_cvtps_pd(_mm256_loadu_ps(p));
#elif defined(__AVX2__)
    return (vec_double)_mm256_cvtps_pd(_mm_loadu_ps(p));
#elif defined(__SSE2__)
    return (vec_double)_mm_cvtps_pd(_mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)(const void *)p)));
#else
    vec_double v;
    for (int i = 0; i < LANES_double; i++)
        v[i] = p[i];
    return v;
#endif
}

INLINE void narrow_float(float *p, vec_double v)
{
#if defined(__AVX512F__)
    _mm256_storeu_ps(p, _mm512_cvtpd_ps((__m512d)v));
#elif defined(__AVX2__)
    _mm_storeu_ps(p, _mm256_cvtpd_ps((__m256d)v));
#elif defined(__SSE2__)
    _mm_storel_epi64((__m128i *)(void *)p, _mm_castps_si128(_mm_cvtpd_ps((__m128d)v)));
#else
    for (int i = 0; i < LANES_double; i++)
        p[i] = (float)v[i];
#endif
}

INLINE vec_double widen_double(const double *p) { return load_vec_f64(p); }
INLINE void narrow_double(double *p, vec_double v) { memcpy(p, &v, sizeof v); }

/* Whether all of `count` numbers are finite: any other times 0 is NaN. */
#define ALL_FINITE_OF(REAL)                                                                                            \
    INLINE bool all_finite_##REAL(const REAL *p, int64_t count)                                                        \
    {                                                                                                                  \
        vec_##REAL v, zero = {0};                                                                                      \
        REAL rest = 0;                                                                                                 \
        int64_t i = 0;                                                                                                 \
        for (; i + LANES_##REAL <= count; i += LANES_##REAL) {                                                         \
            memcpy(&v, p + i, sizeof v);                                                                               \
            zero += v * 0;                                                                                             \
        }                                                                                                              \
        for (; i < count; i++)                                                                                         \
            rest += p[i] * 0;                                                                                          \
        for (int lane = 0; lane < LANES_##REAL; lane++)                                                                \
            rest += zero[lane];                                                                                        \
        return rest == 0;                                                                                              \
    }
ALL_FINITE_OF(float)
ALL_FINITE_OF(double)

/* The lanes of a from `first` on, then those of b. */
#if defined(__AVX512F__)
INLINE vec_float join_vec_float(vec_float a, vec_float b, int64_t first)
{
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i from = _mm512_add_epi32(lane, _mm512_set1_epi32((int)first));
    return (vec_float)_mm512_permutex2var_ps((__m512)a, from, (__m512)b);
}
INLINE vec_double join_vec_double(vec_double a, vec_double b, int64_t first)
{
    const __m512i from = _mm512_add_epi64(_mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7), _mm512_set1_epi64(first));
    return (vec_double)_mm512_permutex2var_pd((__m512d)a, from, (__m512d)b);
}
#endif

/* Writes a whole cache line, at a multiple of 64, past the cache. */
INLINE void stream_line(char *to, const char *from)
{
#if defined(__AVX512F__)
    _mm512_stream_si512((__m512i *)(void *)to, _mm512_loadu_si512(from));
#elif defined(__SSE2__)
    for (int i = 0; i < 64; i += 16)
        _mm_stream_si128((__m128i *)(void *)(to + i), _mm_loadu_si128((const __m128i *)(const void *)(from + i)));
#else
    memcpy(to, from, 64);
#endif
}

/* To be said of memory some time before it is streamed to: asks for a line of each page, so that the processor knows by then
   where the page is, for which stores would wait. (Inline, like what calls it: GCC takes asking for no effect, and leaves
   calls of a function out that does nothing else.) */
INLINE void stream_ahead(const char *to, int64_t count)
{
    for (int64_t at = 0; at < count; at += ROI_PAGE_BYTES)
        __builtin_prefetch(to + at, 0, 2);
    if (count > 0)
        __builtin_prefetch(to + count - 1, 0, 2);
}

/* Copies to where nothing will be read soon: whole lines past the cache, so that they are not read from memory before they
   are written. What other threads see of it is settled by stream_end. */
static inline void stream_bytes(char *to, const char *from, int64_t count)
{
    const int64_t head = (int64_t)(-(uintptr_t)to % 64), before = head < count ? head : count;
    memcpy(to, from, (size_t)before);
    int64_t at = before;
    for (; at + 64 <= count; at += 64)
        stream_line(to + at, from + at);
    memcpy(to + at, from + at, (size_t)(count - at));
}

static inline void stream_end(void)
{
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

INLINE quad_float load_quad_f32(const float *p)
{
    quad_float v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE quad_double load_quad_f64(const double *p)
{
    quad_double v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE quad_float load_quad_bf16(const roi_bf16 *p)
{
#if defined(__SSE2__)
    return (quad_float)_mm_unpacklo_epi16(_mm_setzero_si128(), _mm_loadl_epi64((const __m128i *)p));
#else
    return (quad_float){load_bf16(p), load_bf16(p + 1), load_bf16(p + 2), load_bf16(p + 3)};
#endif
}

INLINE quad_float load_quad_f16(const roi_f16 *p)
{
#if defined(__F16C__)
    return (quad_float)_mm_cvtph_ps(_mm_loadl_epi64((const __m128i *)p));
#else
    return (quad_float){load_f16(p), load_f16(p + 1), load_f16(p + 2), load_f16(p + 3)};
#endif
}

INLINE quad_float load_quad_float(const float *p) { return load_quad_f32(p); }
INLINE quad_double load_quad_double(const double *p) { return load_quad_f64(p); }
INLINE void store_quad_float(float *p, quad_float v) { memcpy(p, &v, sizeof v); }
INLINE void store_quad_double(double *p, quad_double v) { memcpy(p, &v, sizeof v); }
INLINE void store_quad_f32(float *p, quad_float v) { memcpy(p, &v, sizeof v); }
INLINE void store_quad_f64(double *p, quad_double v) { memcpy(p, &v, sizeof v); }
/* As store_bf16 rounds. Upper halves are shifted down with their sign, since only packing signed numbers is in SSE2. */
INLINE void store_quad_bf16(roi_bf16 *p, quad_float v)
{
#if defined(__SSE2__)
    const __m128i bits = (__m128i)v, nan = (__m128i)_mm_cmpunord_ps((__m128)v, (__m128)v);
    const __m128i odd = _mm_and_si128(_mm_srli_epi32(bits, 16), _mm_set1_epi32(1));
    const __m128i up = _mm_add_epi32(_mm_add_epi32(bits, _mm_set1_epi32(0x7fff)), odd);
    const __m128i quiet = _mm_or_si128(bits, _mm_set1_epi32(0x400000));
    const __m128i halves = _mm_srai_epi32(_mm_or_si128(_mm_and_si128(nan, quiet), _mm_andnot_si128(nan, up)), 16);
    _mm_storel_epi64((__m128i *)p, _mm_packs_epi32(halves, halves));
#else
    for (int i = 0; i < 4; i++)
        store_bf16(p + i, v[i]);
#endif
}
INLINE void store_quad_f16(roi_f16 *p, quad_float v)
{
#if defined(__F16C__)
    _mm_storel_epi64((__m128i *)p, _mm_cvtps_ph((__m128)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#else
    for (int i = 0; i < 4; i++)
        store_f16(p + i, v[i]);
#endif
}

INLINE float sum_quad_float(quad_float v) { return (v[0] + v[2]) + (v[1] + v[3]); }
INLINE double sum_quad_double(quad_double v) { return (v[0] + v[2]) + (v[1] + v[3]); }

/* Of two numbers in each lane, the smaller, and the larger (b where one of them is NaN); which lanes of a are above those
   of b, lane 0 the lowest bit; whether a lane is NaN. */
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
INLINE vec_float max_float(vec_float a, vec_float b) { return (vec_float)_mm512_max_ps((__m512)a, (__m512)b); }
INLINE vec_double max_double(vec_double a, vec_double b) { return (vec_double)_mm512_max_pd((__m512d)a, (__m512d)b); }
INLINE bool any_nan_float(vec_float v) { return _mm512_cmp_ps_mask((__m512)v, (__m512)v, _CMP_UNORD_Q) != 0; }
INLINE bool any_nan_double(vec_double v) { return _mm512_cmp_pd_mask((__m512d)v, (__m512d)v, _CMP_UNORD_Q) != 0; }
#elif defined(__AVX2__)
INLINE vec_float min_float(vec_float a, vec_float b) { return (vec_float)_mm256_min_ps((__m256)a, (__m256)b); }
INLINE vec_double min_double(vec_double a, vec_double b) { return (vec_double)_mm256_min_pd((__m256d)a, (__m256d)b); }
INLINE unsigned above_float(vec_float a, vec_float b) { return (unsigned)_mm256_movemask_ps((__m256)(a > b)); }
INLINE unsigned above_double(vec_double a, vec_double b) { return (unsigned)_mm256_movemask_pd((__m256d)(a > b)); }
INLINE vec_float max_float(vec_float a, vec_float b) { return (vec_float)_mm256_max_ps((__m256)a, (__m256)b); }
INLINE vec_double max_double(vec_double a, vec_double b) { return (vec_double)_mm256_max_pd((__m256d)a, (__m256d)b); }
INLINE bool any_nan_float(vec_float v) { return _mm256_movemask_ps((__m256)(v != v)) != 0; }
INLINE bool any_nan_double(vec_double v) { return _mm256_movemask_pd((__m256d)(v != v)) != 0; }
#elif defined(__SSE2__)
INLINE vec_float min_float(vec_float a, vec_float b) { return (vec_float)_mm_min_ps((__m128)a, (__m128)b); }
INLINE vec_double min_double(vec_double a, vec_double b) { return (vec_double)_mm_min_pd((__m128d)a, (__m128d)b); }
INLINE unsigned above_float(vec_float a, vec_float b) { return (unsigned)_mm_movemask_ps((__m128)(a > b)); }
INLINE unsigned above_double(vec_double a, vec_double b) { return (unsigned)_mm_movemask_pd((__m128d)(a > b)); }
INLINE vec_float max_float(vec_float a, vec_float b) { return (vec_float)_mm_max_ps((__m128)a, (__m128)b); }
INLINE vec_double max_double(vec_double a, vec_double b) { return (vec_double)_mm_max_pd((__m128d)a, (__m128d)b); }
INLINE bool any_nan_float(vec_float v) { return _mm_movemask_ps((__m128)(v != v)) != 0; }
INLINE bool any_nan_double(vec_double v) { return _mm_movemask_pd((__m128d)(v != v)) != 0; }
#else
#define COMPARISONS_OF(REAL)                                                                                           \
    INLINE vec_##REAL min_##REAL(vec_##REAL a, vec_##REAL b)                                                           \
    {                                                                                                                  \
        for (int i = 0; i < LANES_##REAL; i++)                                                                         \
            a[i] = b[i] < a[i] ? b[i] : a[i];                                                                          \
        return a;                                                                                                      \
    }                                                                                                                  \
    INLINE vec_##REAL max_##REAL(vec_##REAL a, vec_##REAL b)                                                           \
    {                                                                                                                  \
        for (int i = 0; i < LANES_##REAL; i++)                                                                         \
            b[i] = a[i] > b[i] ? a[i] : b[i];                                                                          \
        return b;                                                                                                      \
    }                                                                                                                  \
    INLINE unsigned above_##REAL(vec_##REAL a, vec_##REAL b)                                                           \
    {                                                                                                                  \
        unsigned bits = 0;                                                                                             \
        for (int i = 0; i < LANES_##REAL; i++)                                                                         \
            bits |= (unsigned)(a[i] > b[i]) << i;                                                                      \
        return bits;                                                                                                   \
    }                                                                                                                  \
    INLINE bool any_nan_##REAL(vec_##REAL v)                                                                           \
    {                                                                                                                  \
        bool found = false;                                                                                            \
        for (int i = 0; i < LANES_##REAL; i++)                                                                         \
            found |= v[i] != v[i];                                                                                     \
        return found;                                                                                                  \
    }
COMPARISONS_OF(float)
COMPARISONS_OF(double)
#endif

#endif
