/* neighbours_kernel.c - comparing one box with many, compiled once per CPU tier. */
#include "boxes/neighbours_kernel.h"

#include "common/names.h"
#include "common/vector.h"

#define REAL float
#include "boxes/scan_template.h"
#undef REAL

#define REAL double
#include "boxes/scan_template.h"

const struct roi_neighbours_kernels PASTE(roi_neighbours_kernels, ROI_TIER) = {scan_float, scan_double};
