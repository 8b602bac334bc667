/* grid_kernel.c - sampling at a grid, compiled once per CPU tier: grid_kernel.h has the theory. */
#include "image/grid_kernel.h"

#include "common/kernel.h"

enum { POINTS = ROI_GRID_POINTS, MOST_TAPS = 4 /* along an axis */ };

static inline float floor_float(float x) { return floorf(x); }
static inline double floor_double(double x) { return floor(x); }
static inline float fused_float(float a, float b, float c) { return fmaf(a, b, c); }
static inline double fused_double(double a, double b, double c) { return fma(a, b, c); }
static inline float nearest_float(float x) { return rintf(x); }
static inline double nearest_double(double x) { return rint(x); }

#define REAL_TEMPLATE "image/grid_points_template.h"
#define TEMPLATE "image/grid_template.h"
#include "common/each_type.h"

static void sample(const struct roi_grid_block *block, void *scratch)
{
    switch (block->input->dtype) {
    case ROI_FLOAT32: sample_f32(block, scratch); break;
    case ROI_FLOAT64: sample_f64(block, scratch); break;
    case ROI_FLOAT16: sample_f16(block, scratch); break;
    case ROI_BFLOAT16: sample_bf16(block, scratch); break;
    }
}

const struct roi_grid_kernels PASTE(roi_grid_kernels, ROI_TIER) = {sample, sizeof(struct points_double)};
