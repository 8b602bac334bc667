/* pool_kernel.c - RoIPool, compiled once per CPU tier: pool_kernel.h has the theory. */
#include "pool/pool_kernel.h"

#include "pool/lines_kernel.h"

enum { MAX_VECTORS = 4 /* of lines whose maxima are found at a time */ };

#define REAL_TEMPLATE "pool/pool_real_template.h"
#define TEMPLATE "pool/pool_template.h"
#include "common/each_type.h"

KERNEL_OF_ALL_TYPES(pool_tile)
KERNEL_OF_ALL_TYPES(scatter_tile)

const struct roi_tile_kernels PASTE(roi_pool_kernels, ROI_TIER) = {pool_tile, scatter_tile};
