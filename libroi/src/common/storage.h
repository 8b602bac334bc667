/* storage.h - conversion between the element types in memory and the types computed in.
   16-bit types are converted with plain integer arithmetic, which compilers turn into vector code on every processor.
   load_f16 uses the instruction for it where the tier has one; vector.h has those that convert whole vectors. */
#ifndef ROI_STORAGE_H
#define ROI_STORAGE_H

#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__F16C__)
#include <immintrin.h>
#endif

#include "roi.h"

typedef struct {
    uint16_t bits;
} roi_f16;
typedef struct {
    uint16_t bits;
} roi_bf16;

static inline float float_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float load_f32(const float *p) { return *p; }
static inline double load_f64(const double *p) { return *p; }
static inline float load_bf16(const roi_bf16 *p) { return float_from_bits((uint32_t)p->bits << 16); }

/* Where there is no instruction for it, subnormal halves are built from an integer, not by scaling a subnormal float, which
   some programs have switched off. */
static inline float load_f16(const roi_f16 *p)
{
#if defined(__F16C__)
    return _cvtsh_ss(p->bits);
#else
    const uint32_t sign = (uint32_t)(p->bits & 0x8000) << 16, exponent = p->bits & 0x7c00, magnitude = p->bits & 0x7fff;
    const uint32_t subnormal = bits_of_float((float)(int32_t)magnitude * 0x1p-24f);
    const uint32_t normal = (magnitude << 13) + ((exponent == 0x7c00 ? 224u : 112u) << 23);
    return float_from_bits(sign | (exponent ? normal : subnormal));
#endif
}

static inline void store_f32(float *p, float value) { *p = value; }
static inline void store_f64(double *p, double value) { *p = value; }

/* To the nearest, ties to even, in both: the carry out of the mantissa goes into the exponent, up to infinity. */
static inline void store_bf16(roi_bf16 *p, float value)
{
    const uint32_t bits = bits_of_float(value);
    if (isnan(value))
        p->bits = (uint16_t)(bits >> 16 | 0x40);
    else
        p->bits = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline void store_f16(roi_f16 *p, float value)
{
    const uint32_t bits = bits_of_float(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    uint32_t half;
    if (isnan(value))
        half = 0x7e00;
    else if (magnitude >= bits_of_float(65520.0f)) /* rounds to 65536, which float16 does not have */
        half = 0x7c00;
    else if (magnitude < bits_of_float(0x1p-14f)) /* 0.5 has the same ulp as a subnormal half */
        half = bits_of_float(float_from_bits(magnitude) + 0.5f) - bits_of_float(0.5f);
    else
        half = (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
    p->bits = (uint16_t)(sign | half);
}

/* One element of an array whose type is known at run time only, for code that is not compiled once per type. */
static inline double load_element(const void *data, roi_dtype dtype, int64_t at)
{
    switch (dtype) {
    case ROI_FLOAT32: return load_f32((const float *)data + at);
    case ROI_FLOAT64: return load_f64((const double *)data + at);
    case ROI_FLOAT16: return load_f16((const roi_f16 *)data + at);
    case ROI_BFLOAT16: return load_bf16((const roi_bf16 *)data + at);
    }
    return 0;
}

static inline void store_element(void *data, roi_dtype dtype, int64_t at, double value)
{
    switch (dtype) {
    case ROI_FLOAT32: store_f32((float *)data + at, (float)value); break;
    case ROI_FLOAT64: store_f64((double *)data + at, value); break;
    case ROI_FLOAT16: store_f16((roi_f16 *)data + at, (float)value); break;
    case ROI_BFLOAT16: store_bf16((roi_bf16 *)data + at, (float)value); break;
    }
}

#endif
