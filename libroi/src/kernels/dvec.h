/* dvec.h - vectors of double, whatever the type computed in: for samples, which are computed in double. */
#ifndef ROI_DVEC_H
#define ROI_DVEC_H

#include "kernels/vector.h"

typedef double dvec __attribute__((vector_size(VECTOR_BYTES)));
enum { DVEC_LANES = VECTOR_BYTES / (int)sizeof(double) };

/* As splat_vec in multiply_add.h. */
INLINE dvec splat_dvec(double x) { return x - (dvec){0}; }

/* DVEC_LANES numbers of double. */
INLINE dvec load_dvec(const double *p)
{
    dvec v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void store_dvec(double *p, dvec v) { memcpy(p, &v, sizeof v); }

/* DVEC_LANES numbers of the type computed in, widened to double, and back. (GCC takes __builtin_convertvector apart.) */
#if defined(ROI_IS_DOUBLE)
INLINE dvec widen_dvec(const double *p) { return load_vec(p); }
INLINE void narrow_dvec(double *p, dvec v) { memcpy(p, &v, sizeof v); }
#elif defined(__AVX512F__)
INLINE dvec widen_dvec(const float *p) { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
INLINE void narrow_dvec(float *p, dvec v) { _mm256_storeu_ps(p, _mm512_cvtpd_ps(v)); }
#elif defined(__AVX2__)
INLINE dvec widen_dvec(const float *p) { return _mm256_cvtps_pd(_mm_loadu_ps(p)); }
INLINE void narrow_dvec(float *p, dvec v) { _mm_storeu_ps(p, _mm256_cvtpd_ps(v)); }
#elif defined(__SSE2__)
INLINE dvec widen_dvec(const float *p)
{
    return _mm_cvtps_pd(_mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}
INLINE void narrow_dvec(float *p, dvec v) { _mm_storel_epi64((__m128i *)(void *)p, _mm_castps_si128(_mm_cvtpd_ps(v))); }
#elif defined(__aarch64__)
INLINE dvec widen_dvec(const float *p) { return (dvec)vcvt_f64_f32(vld1_f32(p)); }
INLINE void narrow_dvec(float *p, dvec v) { vst1_f32(p, vcvt_f32_f64((float64x2_t)v)); }
#else
INLINE dvec widen_dvec(const float *p)
{
    dvec v = {0};
    for (int i = 0; i < DVEC_LANES; i++)
        v[i] = p[i];
    return v;
}
INLINE void narrow_dvec(float *p, dvec v)
{
    for (int i = 0; i < DVEC_LANES; i++)
        p[i] = (float)v[i];
}
#endif

/* The larger of two numbers in each lane, b where one of them is NaN; whether a lane is NaN. */
INLINE dvec max_dvec(dvec a, dvec b)
{
#if defined(__SSE2__)
    return ROI_PASTE(X86_VECTOR, max_pd)(a, b);
#elif defined(__aarch64__)
    return (dvec)vbslq_f64((uint64x2_t)(a > b), (float64x2_t)a, (float64x2_t)b);
#else
    for (int i = 0; i < DVEC_LANES; i++)
        b[i] = a[i] > b[i] ? a[i] : b[i];
    return b;
#endif
}

INLINE bool any_nan_dvec(dvec v)
{
    bool found = false;
    for (int i = 0; i < DVEC_LANES; i++)
        found |= v[i] != v[i];
    return found;
}

#endif
