/* vector512.h - what only AVX-512 has: permutations of registers by index, and stores of some lanes. */
#ifndef ROI_VECTOR512_H
#define ROI_VECTOR512_H

#include "common/vector.h"

enum {
    NARROW_VECTORS = 4 /* of bins in a row: beyond, the tables of a box outgrow what they save */
};

/* Lane i is pixel index[i] of a row in `chunks` registers, 1 to 4. */
INLINE vec_float pick_float(const vec_float *row, const int chunks, index_float index)
{
    const __m512i at = (__m512i)index;
    if (chunks == 1)
        return (vec_float)_mm512_permutexvar_ps(at, (__m512)row[0]);
    const __m512 low = _mm512_permutex2var_ps((__m512)row[0], at, (__m512)row[1]);
    if (chunks == 2)
        return (vec_float)low;
    const __m512 high = _mm512_permutex2var_ps((__m512)row[2], at, (__m512)row[chunks - 1]);
    return (vec_float)_mm512_mask_blend_ps(_mm512_test_epi32_mask(at, _mm512_set1_epi32(32)), low, high);
}

INLINE vec_double pick_double(const vec_double *row, const int chunks, index_double index)
{
    const __m512i at = (__m512i)index;
    if (chunks == 1)
        return (vec_double)_mm512_permutexvar_pd(at, (__m512d)row[0]);
    const __m512d low = _mm512_permutex2var_pd((__m512d)row[0], at, (__m512d)row[1]);
    if (chunks == 2)
        return (vec_double)low;
    const __m512d high = _mm512_permutex2var_pd((__m512d)row[2], at, (__m512d)row[chunks - 1]);
    return (vec_double)_mm512_mask_blend_pd(_mm512_test_epi64_mask(at, _mm512_set1_epi64(16)), low, high);
}

/* The same for whole numbers, whose bits a permutation leaves as they are. */
INLINE index_float pick_index_float(const index_float *row, const int chunks, index_float index)
{
    return (index_float)pick_float((const vec_float *)row, chunks, index);
}

INLINE index_double pick_index_double(const index_double *row, const int chunks, index_double index)
{
    return (index_double)pick_double((const vec_double *)row, chunks, index);
}

INLINE index_float smaller_float(index_float a, index_float b) { return (index_float)_mm512_min_epi32((__m512i)a, (__m512i)b); }
INLINE index_double smaller_double(index_double a, index_double b)
{
    return (index_double)_mm512_min_epi64((__m512i)a, (__m512i)b);
}

/* The larger number in each lane, and its place; of equals, the one whose place comes first. */
INLINE void take_larger_float(vec_float *most, index_float *place, vec_float value, index_float at)
{
    const __mmask16 above = _mm512_cmp_ps_mask((__m512)value, (__m512)*most, _CMP_GT_OQ);
    const __mmask16 equal = _mm512_cmp_ps_mask((__m512)value, (__m512)*most, _CMP_EQ_OQ);
    const __mmask16 before = _mm512_mask_cmplt_epi32_mask(equal, (__m512i)at, (__m512i)*place);
    *place = (index_float)_mm512_mask_mov_epi32((__m512i)*place, above | before, (__m512i)at);
    *most = max_float(value, *most);
}

INLINE void take_larger_double(vec_double *most, index_double *place, vec_double value, index_double at)
{
    const __mmask8 above = _mm512_cmp_pd_mask((__m512d)value, (__m512d)*most, _CMP_GT_OQ);
    const __mmask8 equal = _mm512_cmp_pd_mask((__m512d)value, (__m512d)*most, _CMP_EQ_OQ);
    const __mmask8 before = _mm512_mask_cmplt_epi64_mask(equal, (__m512i)at, (__m512i)*place);
    *place = (index_double)_mm512_mask_mov_epi64((__m512i)*place, above | before, (__m512i)at);
    *most = max_double(value, *most);
}

/* Stores the whole numbers of the lanes in `mask`. */
INLINE void store_index_float(int64_t *p, index_float v, unsigned mask)
{
    const __m512i low = _mm512_cvtepi32_epi64(_mm512_castsi512_si256((__m512i)v));
    const __m512i high = _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64((__m512i)v, 1));
    _mm512_mask_storeu_epi64(p, (__mmask8)mask, low);
    _mm512_mask_storeu_epi64(p + 8, (__mmask8)(mask >> 8), high);
}

INLINE void store_index_double(int64_t *p, index_double v, unsigned mask)
{
    _mm512_mask_storeu_epi64(p, (__mmask8)mask, (__m512i)v);
}

/* Stores the lanes in `mask`, converted to the type stored. */
INLINE void store_vec_f32(float *p, vec_float v, unsigned mask)
{
    _mm512_mask_storeu_ps(p, (__mmask16)mask, (__m512)v);
}

INLINE void store_vec_f64(double *p, vec_double v, unsigned mask)
{
    _mm512_mask_storeu_pd(p, (__mmask8)mask, (__m512d)v);
}

INLINE void store_vec_f16(roi_f16 *p, vec_float v, unsigned mask)
{
    _mm256_mask_storeu_epi16(p, (__mmask16)mask, _mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

INLINE void store_vec_bf16(roi_bf16 *p, vec_float v, unsigned mask)
{
    for (int i = 0; i < LANES_float; i++)
        if (mask >> i & 1)
            store_bf16(p + i, v[i]);
}

#endif
