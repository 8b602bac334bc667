/* neighbours_kernel.c - comparing one box with many, compiled once per CPU tier. */
#include "neighbours_kernel.h"

#include "vector.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define R(name) PASTE(name, REAL)

#define REAL float
#include "scan_template.h"
#undef REAL

#define REAL double
#include "scan_template.h"

const struct roi_neighbours_kernels PASTE(roi_neighbours_kernels, ROI_TIER) = {scan_float, scan_double};
