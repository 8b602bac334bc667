/* entry_points.c - the table of kernels: which object of which tier and element type has what. */
#include "kernels/entry_points.h"

/* Tiers and element types in the order of their numbers. */
#if defined(ROI_HAVE_X86_TIERS)
#define EACH_TIER(DO, STRUCT, NAME) DO(STRUCT, NAME, baseline) DO(STRUCT, NAME, avx2) DO(STRUCT, NAME, avx512)
#else
#define EACH_TIER(DO, STRUCT, NAME) DO(STRUCT, NAME, baseline)
#endif
#define DECLARE_REAL(STRUCT, NAME, TIER) extern const struct STRUCT NAME##_f32_##TIER, NAME##_f64_##TIER;
#define DECLARE_HALF(STRUCT, NAME, TIER) extern const struct STRUCT NAME##_f16_##TIER, NAME##_bf16_##TIER;
#define LIST_REAL(STRUCT, NAME, TIER) &NAME##_f32_##TIER, &NAME##_f64_##TIER, NULL, NULL,
#define LIST_ALL(STRUCT, NAME, TIER) &NAME##_f32_##TIER, &NAME##_f64_##TIER, &NAME##_f16_##TIER, &NAME##_bf16_##TIER,

/* Defines the function NAME, which takes its answer from the table. */
#define DEFINE(STRUCT, NAME, LIST)                                                                                     \
    EACH_TIER(DECLARE_REAL, STRUCT, NAME)                                                                              \
    const struct STRUCT *NAME(roi_dtype dtype)                                                                         \
    {                                                                                                                  \
        static const struct STRUCT *const table[] = {EACH_TIER(LIST, STRUCT, NAME)};                                   \
        return table[(ROI_BFLOAT16 + 1) * roi_get_cpu_tier() + dtype];                                                 \
    }
#define OF_REAL_TYPES(STRUCT, NAME) DEFINE(STRUCT, NAME, LIST_REAL)
#define OF_ALL_TYPES(STRUCT, NAME)                                                                                     \
    EACH_TIER(DECLARE_HALF, STRUCT, NAME)                                                                              \
    DEFINE(STRUCT, NAME, LIST_ALL)

OF_ALL_TYPES(roi_tile_kernels, roi_align_kernels)
OF_ALL_TYPES(roi_tile_kernels, roi_align_max_kernels)
OF_ALL_TYPES(roi_tile_kernels, roi_pool_kernels)
OF_ALL_TYPES(roi_tile_kernels, roi_ps_kernels)
OF_ALL_TYPES(roi_tile_kernels, roi_rotated_kernels)
OF_ALL_TYPES(roi_grid_kernels, roi_grid_kernels)
OF_ALL_TYPES(roi_convert_kernels, roi_convert_kernels)
OF_ALL_TYPES(roi_patch_kernels, roi_patch_kernels)
OF_REAL_TYPES(roi_iou_kernels, roi_iou_kernels)
OF_REAL_TYPES(roi_neighbours_kernels, roi_neighbours_kernels)
