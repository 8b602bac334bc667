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
 * value_of_sum tells them apart.
 */
#ifndef ROI_SUMS_H
#define ROI_SUMS_H

#include "kernels/vector.h"

#define FOLD_OF(NAME, TYPE)                                                                                            \
    INLINE void NAME(TYPE *total, TYPE *lost, TYPE block)                                                              \
    {                                                                                                                  \
        const TYPE sum = *total + block, part = sum - *total;                                                          \
        *lost += (*total - (sum - part)) + (block - part);                                                             \
        *total = sum;                                                                                                  \
    }
FOLD_OF(fold_vec, vec)
FOLD_OF(fold_vec8, vec8)
FOLD_OF(fold_quad, quad)
FOLD_OF(fold_real, REAL)

/* A single sum. */
struct sum {
    REAL block, total, lost;
};

INLINE void end_block(struct sum *sum)
{
    fold_real(&sum->total, &sum->lost, sum->block);
    sum->block = 0;
}

/* Its value, when the last block has ended. */
INLINE REAL value_of_sum(const struct sum *sum) { return isfinite(sum->total) ? sum->total + sum->lost : sum->total; }

#endif
