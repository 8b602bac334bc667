/* rotated_kernel.c - rotated RoIAlign, compiled once per CPU tier: rotated_kernel.h has the theory. */
#include "pool/rotated_kernel.h"

#include "pool/lines_kernel.h"

enum { CHANNELS_AT_ONCE = 4 };

#define REAL_TEMPLATE "pool/rotated_real_template.h"
#define TEMPLATE "pool/rotated_template.h"
#include "common/each_type.h"

KERNEL_OF_ALL_TYPES(pool_tile)
KERNEL_OF_ALL_TYPES(scatter_tile)

const struct roi_tile_kernels PASTE(roi_rotated_kernels, ROI_TIER) = {pool_tile, scatter_tile};
