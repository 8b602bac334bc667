/*
 * multiply_add.h - sum + a * b, the one step that sums of pixels are made of
 *
 * Each tier either fuses it, if the processor can, or rounds twice, for vectors of every width and for single numbers alike.
 * Compilers are forbidden to fuse anything by themselves (-ffp-contract=off): they would
 * do it in one copy of a loop and not in the next, as they happen to turn them into vectors, and an image would have other
 * bits alone than among others. Included by vector.h.
 */
#ifndef ROI_MULTIPLY_ADD_H
#define ROI_MULTIPLY_ADD_H

#if (defined(__FMA__) || defined(__aarch64__)) && defined(ROI_IS_DOUBLE)
INLINE REAL multiply_add(REAL a, REAL b, REAL sum) { return __builtin_fma(a, b, sum); }
#elif defined(__FMA__) || defined(__aarch64__)
INLINE REAL multiply_add(REAL a, REAL b, REAL sum) { return __builtin_fmaf(a, b, sum); }
#else
INLINE REAL multiply_add(REAL a, REAL b, REAL sum) { return a * b + sum; }
#endif

#if defined(__FMA__)
INLINE vec multiply_add_vec(vec a, vec b, vec sum) { return VEC(fmadd)(a, b, sum); }
INLINE quad multiply_add_quad(quad a, quad b, quad sum) { return QUAD(fmadd)(a, b, sum); }
INLINE vec8 multiply_add_vec8(vec8 a, vec8 b, vec8 sum) { return VEC8(fmadd)(a, b, sum); }
#elif defined(__aarch64__) && defined(ROI_IS_DOUBLE)
INLINE vec multiply_add_vec(vec a, vec b, vec sum)
{
    return (vec)vfmaq_f64((float64x2_t)sum, (float64x2_t)a, (float64x2_t)b);
}
INLINE vec8 multiply_add_vec8(vec8 a, vec8 b, vec8 sum) { return multiply_add_vec(a, b, sum); }
INLINE quad multiply_add_quad(quad a, quad b, quad sum)
{
    vec as[2], bs[2], sums[2];
    memcpy(as, &a, sizeof a);
    memcpy(bs, &b, sizeof b);
    memcpy(sums, &sum, sizeof sum);
    for (int i = 0; i < 2; i++)
        sums[i] = multiply_add_vec(as[i], bs[i], sums[i]);
    memcpy(&sum, sums, sizeof sum);
    return sum;
}
#elif defined(__aarch64__)
INLINE vec multiply_add_vec(vec a, vec b, vec sum)
{
    return (vec)vfmaq_f32((float32x4_t)sum, (float32x4_t)a, (float32x4_t)b);
}
INLINE vec8 multiply_add_vec8(vec8 a, vec8 b, vec8 sum) { return multiply_add_vec(a, b, sum); }
INLINE quad multiply_add_quad(quad a, quad b, quad sum) { return multiply_add_vec(a, b, sum); }
#else
INLINE vec multiply_add_vec(vec a, vec b, vec sum) { return a * b + sum; }
INLINE quad multiply_add_quad(quad a, quad b, quad sum) { return a * b + sum; }
INLINE vec8 multiply_add_vec8(vec8 a, vec8 b, vec8 sum) { return a * b + sum; }
#endif

/* splat_vec(x) has x in all lanes: x - 0 is x, also where x is -0. */
INLINE vec splat_vec(REAL x) { return x - (vec){0}; }
INLINE quad splat_quad(REAL x) { return x - (quad){0}; }
INLINE vec8 splat_vec8(REAL x) { return x - (vec8){0}; }

#endif
