/* align_max_kernel.c - RoIAlign's maxima, compiled once per CPU tier: align_max_kernel.h has the theory. */
#include "pool/align_max_kernel.h"

#include "pool/lines_kernel.h"

#define REAL_TEMPLATE "pool/align_max_real_template.h"
#define TEMPLATE "pool/align_max_template.h"
#include "common/each_type.h"

KERNEL_OF_ALL_TYPES(pool_tile)

const struct roi_tile_kernels PASTE(roi_align_max_kernels, ROI_TIER) = {pool_tile, NULL};
