/*
 * sums.h - sums of many numbers, block by block
 *
 * A sum of n numbers that goes on with one after the other is off by up to n/2 ulp, which a mean of large areas shows. So
 * where there are many, ROI_SUM_BLOCK of them at a time are added up from 0, and the sums of these blocks are added to a
 * total; what rounding takes from the total is kept beside it (Knuth's sum of two numbers tells it exactly), and comes back
 * at the end. So no sum, however long, is off by much more than one block is.
 *
 * Blocks begin where positions are multiples of ROI_SUM_BLOCK, not where a loop begins: so bits do not depend on the loop.
 * Where the total is infinite, what is kept is NaN. Kernels compute results that are NaN again, number by number, and there
 * total_of_real tells them apart.
 */
#ifndef ROI_SUMS_H
#define ROI_SUMS_H

#include "common/vector.h"

#define FOLD_OF(KIND, TYPE)                                                                                            \
    INLINE void fold_##KIND(TYPE *total, TYPE *lost, TYPE block)                                                       \
    {                                                                                                                  \
        const TYPE sum = *total + block, part = sum - *total;                                                          \
        *lost += (*total - (sum - part)) + (block - part);                                                             \
        *total = sum;                                                                                                  \
    }
FOLD_OF(vec_float, vec_float)
FOLD_OF(vec_double, vec_double)
FOLD_OF(part_float, part_float)
FOLD_OF(part_double, part_double)
FOLD_OF(quad_float, quad_float)
FOLD_OF(quad_double, quad_double)
FOLD_OF(real_float, float)
FOLD_OF(real_double, double)

INLINE float total_of_real_float(float total, float lost) { return isfinite(total) ? total + lost : total; }
INLINE double total_of_real_double(double total, double lost) { return isfinite(total) ? total + lost : total; }

/* A single sum. */
struct sum_float {
    float block, total, lost;
};
struct sum_double {
    double block, total, lost;
};
INLINE void end_block_float(struct sum_float *sum)
{
    fold_real_float(&sum->total, &sum->lost, sum->block);
    sum->block = 0;
}
INLINE void end_block_double(struct sum_double *sum)
{
    fold_real_double(&sum->total, &sum->lost, sum->block);
    sum->block = 0;
}

/* Its value, when the last block has ended. */
INLINE float value_of_sum_float(const struct sum_float *sum) { return total_of_real_float(sum->total, sum->lost); }
INLINE double value_of_sum_double(const struct sum_double *sum) { return total_of_real_double(sum->total, sum->lost); }

#endif
