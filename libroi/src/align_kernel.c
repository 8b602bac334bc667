/* align_kernel.c - RoIAlign's mean, compiled once per CPU tier: align_kernel.h has the theory. */
#include "align_kernel.h"

#include "array.h"
#include "vector.h"

#if defined(__AVX512F__)
#include "vector512.h"
#endif

/* The columns of a map that are worked on for a box: those it reads, widened to whole vectors where the map allows. */
struct window {
    int64_t first, width;
    int64_t padded; /* from row to row of scratch memory */
};

static struct window window_of(const struct roi_taps *x, int64_t map_width, int64_t lanes)
{
    const int64_t wide = round_up(x->end - x->first, lanes);
    if (wide <= map_width)
        return (struct window){min_i64(x->first, map_width - wide), wide, round_up(wide, 8)};
    return (struct window){x->first, x->end - x->first, round_up(x->end - x->first, 8)};
}

/* Wider windows than this are left to the processor's own foresight. */
enum { PREFETCH_LINES = 4 };

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define R(name) PASTE(name, REAL)
#define S(name) PASTE(name, SUFFIX)

#define REAL float
#include "band_template.h"

#define STORE float
#define SUFFIX f32
#include "align_template.h"
#undef STORE
#undef SUFFIX

#define STORE roi_f16
#define SUFFIX f16
#include "align_template.h"
#undef STORE
#undef SUFFIX

#define STORE roi_bf16
#define SUFFIX bf16
#include "align_template.h"
#undef STORE
#undef SUFFIX
#undef REAL

#define REAL double
#include "band_template.h"

#define STORE double
#define SUFFIX f64
#include "align_template.h"

static void pool_tile(const struct roi_tile *tile, void *scratch)
{
    switch (tile->crops->dtype) {
    case ROI_FLOAT32: pool_tile_f32(tile, scratch); break;
    case ROI_FLOAT64: pool_tile_f64(tile, scratch); break;
    case ROI_FLOAT16: pool_tile_f16(tile, scratch); break;
    case ROI_BFLOAT16: pool_tile_bf16(tile, scratch); break;
    }
}

static void scatter_tile(const struct roi_tile *tile, void *scratch)
{
    switch (tile->crops->dtype) {
    case ROI_FLOAT32: scatter_tile_f32(tile, scratch); break;
    case ROI_FLOAT64: scatter_tile_f64(tile, scratch); break;
    case ROI_FLOAT16: scatter_tile_f16(tile, scratch); break;
    case ROI_BFLOAT16: scatter_tile_bf16(tile, scratch); break;
    }
}

const struct roi_tile_kernels PASTE(roi_align_kernels, ROI_TIER) = {pool_tile, scatter_tile};
