/* ps_kernel.c - position-sensitive pooling, compiled once per CPU tier: ps_kernel.h has the theory. */
#include "pool/ps_kernel.h"

#include "common/kernel.h"

enum { CROPS_TOGETHER = 4 /* channels, where those of a map lie together */ };

#define TEMPLATE "pool/ps_template.h"
#include "common/each_type.h"

KERNEL_OF_ALL_TYPES(pool_samples)
KERNEL_OF_ALL_TYPES(pool_pixels)
KERNEL_OF_ALL_TYPES(scatter_samples)
KERNEL_OF_ALL_TYPES(scatter_pixels)

const struct roi_tile_kernels PASTE(roi_ps_align_kernels, ROI_TIER) = {pool_samples, scatter_samples};
const struct roi_tile_kernels PASTE(roi_ps_pool_kernels, ROI_TIER) = {pool_pixels, scatter_pixels};
