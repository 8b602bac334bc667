/* align_kernel.c - RoIAlign's mean, compiled once per CPU tier: align_kernel.h has the theory. */
#include "pool/align_kernel.h"

#include "pool/lines_kernel.h"

enum {
    MOST_FEW_TAPS = 6,   /* whose weights and places stay in registers, ... */
    MOST_TAPS_OF_TWO = 4, /* ... those of two rows of bins, too */
    BLOCK_VECTORS = 8,   /* of lines that are added up at a time, for tall bins */
    ROWS_VECTORS = 8,    /* of a row that are added up at a time, for large boxes */
    PLANES_TOGETHER = 4  /* of the map, for large boxes */
};

#define REAL_TEMPLATE "pool/align_real_template.h"
#define TEMPLATE "pool/align_template.h"
#include "common/each_type.h"

KERNEL_OF_ALL_TYPES(pool_tile)
KERNEL_OF_ALL_TYPES(scatter_tile)

const struct roi_tile_kernels PASTE(roi_align_kernels, ROI_TIER) = {pool_tile, scatter_tile};
