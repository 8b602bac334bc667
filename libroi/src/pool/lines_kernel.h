/* lines_kernel.h - what kernels that pool from lines (ring.h) have in common. */
#ifndef ROI_LINES_KERNEL_H
#define ROI_LINES_KERNEL_H

#include "common/kernel.h"

enum {
    PIECE = 16,       /* pixels of a row that enter the ring together, of all channels */
    ROWS_AHEAD = 2,   /* the row that is prefetched meanwhile, where channels are apart, ... */
    PIXELS_AHEAD = 64 /* ... and the pixels of the same row where they are together */
};

#endif
