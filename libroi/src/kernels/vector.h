/* vector.h - vectors of the width this tier is compiled for, by the compiler's own vector types (GCC, Clang). */
#ifndef ROI_VECTOR_H
#define ROI_VECTOR_H

#include <stdbool.h>
#include <string.h>

#include "kernels/element.h"

/* The width of vectors, and what names of instructions of x86 begin with that work on them. */
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#define X86_VECTOR _mm512
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#define X86_VECTOR _mm256
#else
#define VECTOR_BYTES 16
#define X86_VECTOR _mm
#endif

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define INLINE static inline __attribute__((always_inline))

/* For inner loops that need all registers, which compilers do not give them within a larger function. */
#define NOINLINE static __attribute__((noinline))

/* Vectors of integers with as many lanes. The result of a comparison is such a vector, with all bits set where it holds. */
#if defined(ROI_IS_DOUBLE)
typedef int64_t lane_int;
#else
typedef int32_t lane_int;
#endif
typedef REAL vec __attribute__((vector_size(VECTOR_BYTES)));
typedef lane_int ivec __attribute__((vector_size(VECTOR_BYTES)));
enum { LANES = VECTOR_BYTES / (int)sizeof(REAL) };

/* Four numbers, for kernels that read few contiguous pixels; the four are always added in the same order. */
enum { QUAD_BYTES = 4 * (int)sizeof(REAL) };
typedef REAL quad __attribute__((vector_size(QUAD_BYTES)));

/* Eight numbers, or as many of them as this tier has in a vector: wider vectors are no vectors to the compiler. */
enum { VEC8_BYTES = 8 * (int)sizeof(REAL) < VECTOR_BYTES ? 8 * (int)sizeof(REAL) : VECTOR_BYTES };
enum { VEC8_LANES = VEC8_BYTES / (int)sizeof(REAL) };
typedef REAL vec8 __attribute__((vector_size(VEC8_BYTES)));

/* An instruction of x86 on vec, quad or vec8: VEC(max) is _mm256_max_ps on AVX2, of float. */
#if defined(ROI_IS_DOUBLE)
#define VEC(name) ROI_PASTE(ROI_PASTE(X86_VECTOR, name), pd)
#define QUAD(name) _mm256_##name##_pd
#else
#define VEC(name) ROI_PASTE(ROI_PASTE(X86_VECTOR, name), ps)
#define QUAD(name) _mm_##name##_ps
#endif
#if VECTOR_BYTES == 64 && !defined(ROI_IS_DOUBLE)
#define VEC8(name) _mm256_##name##_ps
#else
#define VEC8(name) VEC(name)
#endif

#include "kernels/multiply_add.h"

/* Of two whole numbers in each lane, a where all bits of `where` are set, b where none is. */
INLINE ivec choose_lanes(ivec where, ivec a, ivec b) { return (where & a) | (~where & b); }

#if ROI_TYPE_IS == ROI_TYPE_IS_f16
/* load_f16 and store_f16 in each lane, for processors without instructions for them. The upper half of a lane's bits is 0.
   They are used for vectors of 16 bytes: AVX2 and AVX-512 have F16C beside them, and elements are converted one by one if the
   compiler is not told so. */
INLINE vec widen_f16(ivec bits)
{
    const ivec magnitude = bits & 0x7fff, exponent = bits & 0x7c00;
    const ivec subnormal = (ivec)(__builtin_convertvector(magnitude, vec) * 0x1p-24f);
    const ivec normal = (magnitude << 13) + (112 << 23) + ((exponent == 0x7c00) & (112 << 23));
    return (vec)((bits & 0x8000) << 16 | choose_lanes(exponent == 0, subnormal, normal));
}

INLINE ivec round_f16(vec v)
{
    const ivec bits = (ivec)v, magnitude = bits & INT32_MAX, half = (ivec)splat_vec(0.5f);
    const ivec normal = (magnitude - (112 << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
    const ivec subnormal = (ivec)((vec)magnitude + 0.5f) - half;
    const ivec finite = choose_lanes((vec)magnitude < 0x1p-14f, subnormal, normal);
    const ivec number = choose_lanes((vec)magnitude < 65520.0f, finite, (ivec){0} + 0x7c00);
    return (bits >> 16 & 0x8000) | choose_lanes(v == v, number, (ivec){0} + 0x7e00);
}
#endif

/* Contiguous elements as a vector of the type computed in. The bits of a bfloat16 are the upper half of those of a
   float32. */
INLINE vec load_vec(const STORE *p)
{
#if ROI_TYPE_IS == ROI_TYPE_IS_f32 || ROI_TYPE_IS == ROI_TYPE_IS_f64
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
#elif ROI_TYPE_IS == ROI_TYPE_IS_f16 && defined(__AVX512F__)
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
#elif ROI_TYPE_IS == ROI_TYPE_IS_f16 && defined(__F16C__) && defined(__AVX2__)
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
#elif ROI_TYPE_IS == ROI_TYPE_IS_bf16 && defined(__AVX512F__)
    return (vec)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16);
#elif ROI_TYPE_IS == ROI_TYPE_IS_bf16 && defined(__AVX2__)
    return (vec)_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16);
#elif ROI_TYPE_IS == ROI_TYPE_IS_bf16 && defined(__SSE2__)
    return (vec)_mm_unpacklo_epi16(_mm_setzero_si128(), _mm_loadl_epi64((const __m128i *)p));
#elif ROI_TYPE_IS == ROI_TYPE_IS_f16 && defined(__aarch64__)
    return (vec)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16((const uint16_t *)p)));
#elif ROI_TYPE_IS == ROI_TYPE_IS_bf16 && defined(__aarch64__)
    return (vec)vshll_n_u16(vld1_u16((const uint16_t *)p), 16);
#elif ROI_TYPE_IS == ROI_TYPE_IS_f16 && defined(__SSE2__) && VECTOR_BYTES == 16
    return widen_f16((ivec)_mm_unpacklo_epi16(_mm_loadl_epi64((const __m128i *)p), _mm_setzero_si128()));
#elif ROI_TYPE_IS == ROI_TYPE_IS_f16 && VECTOR_BYTES == 16
    return widen_f16((ivec){p[0].bits, p[1].bits, p[2].bits, p[3].bits});
#else
    vec v;
    for (int i = 0; i < LANES; i++)
        v[i] = load(p + i);
    return v;
#endif
}

/* Two vectors of contiguous elements, `of_two` 0 and 1, where loading both takes fewer instructions than each alone: the middle
   two of their four quads have then changed places, and order_two puts what was computed from them lane by lane in order. */
#if ROI_TYPE_IS == ROI_TYPE_IS_bf16 && defined(__AVX2__) && VECTOR_BYTES == 32
enum { LOADS_TWO = 1 };
INLINE vec load_of_two(const STORE *p, const int of_two)
{
    const __m256i zero = _mm256_setzero_si256(), both = _mm256_loadu_si256((const __m256i *)p);
    return (vec)(of_two ? _mm256_unpackhi_epi16(zero, both) : _mm256_unpacklo_epi16(zero, both));
}

INLINE void order_two(vec v[2])
{
    const vec first = _mm256_permute2f128_ps(v[0], v[1], 0x20);
    v[1] = _mm256_permute2f128_ps(v[0], v[1], 0x31);
    v[0] = first;
}
#else
enum { LOADS_TWO = 0 };
INLINE vec load_of_two(const STORE *p, const int of_two) { return load_vec(p + of_two * LANES); }
INLINE void order_two(vec v[2]) { (void)v; }
#endif

INLINE quad load_quad(const STORE *p)
{
#if ROI_TYPE_IS == ROI_TYPE_IS_f32 || ROI_TYPE_IS == ROI_TYPE_IS_f64
    quad v;
    memcpy(&v, p, sizeof v);
    return v;
#elif ROI_TYPE_IS == ROI_TYPE_IS_f16 && defined(__F16C__)
    return _mm_cvtph_ps(_mm_loadl_epi64((const __m128i *)p));
#elif ROI_TYPE_IS == ROI_TYPE_IS_bf16 && defined(__SSE2__)
    return (quad)_mm_unpacklo_epi16(_mm_setzero_si128(), _mm_loadl_epi64((const __m128i *)p));
#elif (ROI_TYPE_IS == ROI_TYPE_IS_f16 || defined(__aarch64__)) && VECTOR_BYTES == 16
    return load_vec(p);
#else
    return (quad){load(p), load(p + 1), load(p + 2), load(p + 3)};
#endif
}

/* As store() rounds. Upper halves are shifted down with their sign, since only packing signed numbers is in SSE2. */
INLINE void store_quad(STORE *p, quad v)
{
#if ROI_TYPE_IS == ROI_TYPE_IS_f32 || ROI_TYPE_IS == ROI_TYPE_IS_f64
    memcpy(p, &v, sizeof v);
#elif ROI_TYPE_IS == ROI_TYPE_IS_f16 && defined(__F16C__)
    _mm_storel_epi64((__m128i *)p, _mm_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#elif ROI_TYPE_IS == ROI_TYPE_IS_bf16 && defined(__SSE2__)
    const __m128i bits = (__m128i)v, nan = (__m128i)_mm_cmpunord_ps(v, v);
    const __m128i odd = _mm_and_si128(_mm_srli_epi32(bits, 16), _mm_set1_epi32(1));
    const __m128i up = _mm_add_epi32(_mm_add_epi32(bits, _mm_set1_epi32(0x7fff)), odd);
    const __m128i quiet = _mm_or_si128(bits, _mm_set1_epi32(0x400000));
    const __m128i halves = _mm_srai_epi32(_mm_or_si128(_mm_and_si128(nan, quiet), _mm_andnot_si128(nan, up)), 16);
    _mm_storel_epi64((__m128i *)p, _mm_packs_epi32(halves, halves));
#elif ROI_TYPE_IS == ROI_TYPE_IS_f16 && defined(__aarch64__)
    vst1_u16((uint16_t *)p, vreinterpret_u16_f16(vcvt_f16_f32((float32x4_t)v)));
#elif ROI_TYPE_IS == ROI_TYPE_IS_bf16 && defined(__aarch64__)
    const uint32x4_t bits = (uint32x4_t)v, nan = (uint32x4_t)(v != v), up = bits + 0x7fff + (bits >> 16 & 1);
    vst1_u16((uint16_t *)p, vshrn_n_u32(vbslq_u32(nan, bits | 0x400000, up), 16));
#elif ROI_TYPE_IS == ROI_TYPE_IS_f16 && defined(__SSE2__) && VECTOR_BYTES == 16
    const __m128i signed_halves = _mm_srai_epi32(_mm_slli_epi32((__m128i)round_f16(v), 16), 16);
    _mm_storel_epi64((__m128i *)p, _mm_packs_epi32(signed_halves, signed_halves));
#elif ROI_TYPE_IS == ROI_TYPE_IS_f16 && VECTOR_BYTES == 16
    const ivec halves = round_f16(v);
    for (int i = 0; i < 4; i++)
        p[i].bits = (uint16_t)halves[i];
#else
    for (int i = 0; i < 4; i++)
        store(p + i, v[i]);
#endif
}

INLINE quad load_real_quad(const REAL *p)
{
    quad v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void store_real_quad(REAL *p, quad v) { memcpy(p, &v, sizeof v); }

INLINE REAL sum_quad(quad v) { return (v[0] + v[2]) + (v[1] + v[3]); }

/* In lanes where a is above b, `then`, in others `otherwise`. */
INLINE ivec choose_above(vec a, vec b, ivec then, ivec otherwise)
{
#if defined(__AVX512F__) && defined(ROI_IS_DOUBLE)
    return (ivec)_mm512_mask_blend_epi64(_mm512_cmp_pd_mask(a, b, _CMP_GT_OQ), (__m512i)otherwise, (__m512i)then);
#elif defined(__AVX512F__)
    return (ivec)_mm512_mask_blend_epi32(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ), (__m512i)otherwise, (__m512i)then);
#elif defined(__AVX2__)
    return (ivec)VEC(blendv)((vec)otherwise, (vec)then, (vec)(a > b));
#else
    return choose_lanes(a > b, then, otherwise);
#endif
}

/* In lanes where a equals b, the smaller of two whole numbers, neither of which is negative; in others `lowest`. */
INLINE ivec lower_if_equal(vec a, vec b, ivec at, ivec lowest)
{
#if defined(__AVX512F__) && defined(ROI_IS_DOUBLE)
    const __m512i to = (__m512i)lowest;
    return (ivec)_mm512_mask_min_epi64(to, _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ), to, (__m512i)at);
#elif defined(__AVX512F__)
    const __m512i to = (__m512i)lowest;
    return (ivec)_mm512_mask_min_epi32(to, _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ), to, (__m512i)at);
#elif defined(__AVX2__) && !defined(ROI_IS_DOUBLE)
    return (ivec)_mm256_min_epu32((__m256i)lowest, (__m256i)(at | (a != b)));
#else
    return choose_lanes((a == b) & (at < lowest), at, lowest);
#endif
}

/* In each lane, the smaller of two numbers, neither of which is NaN, and the larger, or b if either is NaN. */
#if defined(__SSE2__)
INLINE vec min_vec(vec a, vec b) { return VEC(min)(a, b); }
INLINE vec max_vec(vec a, vec b) { return VEC(max)(a, b); }
#elif defined(__aarch64__) || defined(__VSX__)
INLINE vec min_vec(vec a, vec b) { return (vec)choose_lanes(a < b, (ivec)a, (ivec)b); }
INLINE vec max_vec(vec a, vec b) { return (vec)choose_lanes(a > b, (ivec)a, (ivec)b); }
#else
INLINE vec min_vec(vec a, vec b)
{
    for (int i = 0; i < LANES; i++)
        a[i] = b[i] < a[i] ? b[i] : a[i];
    return a;
}
INLINE vec max_vec(vec a, vec b)
{
    for (int i = 0; i < LANES; i++)
        b[i] = a[i] > b[i] ? a[i] : b[i];
    return b;
}
#endif

/* In which lanes a is above b, lane 0 being the lowest bit; whether a lane is NaN. */
#if defined(__AVX512F__) && defined(ROI_IS_DOUBLE)
INLINE unsigned above_vec(vec a, vec b) { return _mm512_cmp_pd_mask(a, b, _CMP_GT_OQ); }
INLINE bool any_nan(vec v) { return _mm512_cmp_pd_mask(v, v, _CMP_UNORD_Q) != 0; }
#elif defined(__AVX512F__)
INLINE unsigned above_vec(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
INLINE bool any_nan(vec v) { return _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q) != 0; }
#elif defined(__SSE2__)
INLINE unsigned above_vec(vec a, vec b) { return (unsigned)VEC(movemask)((vec)(a > b)); }
INLINE bool any_nan(vec v) { return VEC(movemask)((vec)(v != v)) != 0; }
#elif defined(__aarch64__) && defined(ROI_IS_DOUBLE)
INLINE unsigned above_vec(vec a, vec b) { return (unsigned)vaddvq_u64((uint64x2_t)(a > b) & (uint64x2_t){1, 2}); }
INLINE bool any_nan(vec v) { return vmaxvq_u32((uint32x4_t)(v != v)) != 0; }
#elif defined(__aarch64__)
INLINE unsigned above_vec(vec a, vec b) { return vaddvq_u32((uint32x4_t)(a > b) & (uint32x4_t){1, 2, 4, 8}); }
INLINE bool any_nan(vec v) { return vmaxvq_u32((uint32x4_t)(v != v)) != 0; }
#else
INLINE unsigned above_vec(vec a, vec b)
{
    unsigned bits = 0;
    for (int i = 0; i < LANES; i++)
        bits |= (unsigned)(a[i] > b[i]) << i;
    return bits;
}
INLINE bool any_nan(vec v)
{
    bool found = false;
    for (int i = 0; i < LANES; i++)
        found |= v[i] != v[i];
    return found;
}
#endif

#if defined(__AVX512F__)
/* The lanes of a from `first` on, then those of b. */
INLINE vec join_vec(vec a, vec b, int64_t first)
{
#if defined(ROI_IS_DOUBLE)
    const __m512i from = _mm512_add_epi64(_mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7), _mm512_set1_epi64(first));
    return _mm512_permutex2var_pd(a, from, b);
#else
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_permutex2var_ps(a, _mm512_add_epi32(lane, _mm512_set1_epi32((int)first)), b);
#endif
}
#endif

/* Whether all of `count` numbers are finite: any other times 0 is NaN. */
INLINE bool all_finite(const REAL *p, int64_t count)
{
    vec v, zero = {0};
    REAL rest = 0;
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        memcpy(&v, p + i, sizeof v);
        zero += v * 0;
    }
    for (; i < count; i++)
        rest += p[i] * 0;
    for (int lane = 0; lane < LANES; lane++)
        rest += zero[lane];
    return rest == 0;
}

#endif
