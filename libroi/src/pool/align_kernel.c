/* align_kernel.c - RoIAlign's mean, compiled once per CPU tier: align_kernel.h has the theory. */
#include "pool/align_kernel.h"

#include "common/kernel.h"

enum {
    CHANNEL_VECTORS = ROI_CHANNELS_AT_ONCE / 16, /* where channels lie together */
    ROWS_VECTORS = 4                             /* of rows that are many */
};

#define REAL_TEMPLATE "pool/band_template.h"
#define TEMPLATE "pool/align_template.h"
#include "common/each_type.h"

KERNEL_OF_ALL_TYPES(pool_tile)
KERNEL_OF_ALL_TYPES(scatter_tile)

#if defined(__AVX512F__)
enum { USES_LANES = 1 };
#else
enum { USES_LANES = 0 };
#endif

const struct roi_tile_kernels PASTE(roi_align_kernels, ROI_TIER) = {pool_tile, scatter_tile, USES_LANES};
