/* kernel.h - the common part of files that are compiled once per element type and CPU tier. */
#ifndef ROI_KERNEL_H
#define ROI_KERNEL_H

#include "common/array.h"
#include "drive/tiles.h"
#include "kernels/quads.h"
#include "kernels/stream.h"
#include "kernels/sums.h"
#include "kernels/view.h"

/* Channels of a line (ring.h), and the vectors that it takes. */
enum { LINE = ROI_LINE_BYTES / (int)sizeof(REAL), LINE_VECTORS = ROI_LINE_BYTES / VECTOR_BYTES };

/* Cases of a switch by a small count, from 1 to 6 or 7: in each, `name` is a constant, so that loops of functions that are
   inlined are unrolled, and what they sum stays in registers. */
#define CASE_OF(name, n, ...)                                                                                          \
    case n: {                                                                                                          \
        enum { name = n };                                                                                             \
        __VA_ARGS__;                                                                                                   \
    }
#define CASES_TO_6(name, ...)                                                                                          \
    CASE_OF(name, 1, __VA_ARGS__)                                                                                      \
    CASE_OF(name, 2, __VA_ARGS__)                                                                                      \
    CASE_OF(name, 3, __VA_ARGS__)                                                                                      \
    CASE_OF(name, 4, __VA_ARGS__)                                                                                      \
    CASE_OF(name, 5, __VA_ARGS__)                                                                                      \
    CASE_OF(name, 6, __VA_ARGS__)
#define CASES_TO_7(name, ...)                                                                                          \
    CASES_TO_6(name, __VA_ARGS__)                                                                                      \
    CASE_OF(name, 7, __VA_ARGS__)

#endif
