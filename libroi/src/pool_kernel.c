/* pool_kernel.c - RoIPool, compiled once per CPU tier: pool_kernel.h has the theory. */
#include "pool_kernel.h"

#include "kernel.h"

#define REAL_TEMPLATE "pool_real_template.h"
#define TEMPLATE "pool_template.h"
#include "each_type.h"

KERNEL_OF_ALL_TYPES(pool_tile)
KERNEL_OF_ALL_TYPES(scatter_tile)

const struct roi_tile_kernels PASTE(roi_pool_kernels, ROI_TIER) = {pool_tile, scatter_tile};
