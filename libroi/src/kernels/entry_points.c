/* entry_points.c - the table of kernels: which object of which tier and element type has what. */
#include "kernels/entry_points.h"

/* The tables that NAME_f32_baseline and its siblings are, declared and listed by tier and element type. */
#define DECLARE(STRUCT, NAME, TIER) extern const struct STRUCT NAME##_f32_##TIER, NAME##_f64_##TIER
#define DECLARE_SHORT(STRUCT, NAME, TIER) extern const struct STRUCT NAME##_f16_##TIER, NAME##_bf16_##TIER
#define LIST(NAME, TIER) [ROI_FLOAT32] = &NAME##_f32_##TIER, [ROI_FLOAT64] = &NAME##_f64_##TIER
#define LIST_SHORT(NAME, TIER) [ROI_FLOAT16] = &NAME##_f16_##TIER, [ROI_BFLOAT16] = &NAME##_bf16_##TIER

#if defined(ROI_HAVE_X86_TIERS)
#define EACH_TIER(DECLARATION, STRUCT, NAME)                                                                           \
    DECLARATION(STRUCT, NAME, baseline);                                                                               \
    DECLARATION(STRUCT, NAME, avx2);                                                                                   \
    DECLARATION(STRUCT, NAME, avx512)
#define TABLE(ROW, NAME)                                                                                               \
    {                                                                                                                  \
        [ROI_CPU_BASELINE] = ROW(NAME, baseline), [ROI_CPU_AVX2] = ROW(NAME, avx2),                                    \
        [ROI_CPU_AVX512] = ROW(NAME, avx512)                                                                           \
    }
#else
#define EACH_TIER(DECLARATION, STRUCT, NAME) DECLARATION(STRUCT, NAME, baseline)
#define TABLE(ROW, NAME)                                                                                               \
    {                                                                                                                  \
        [ROI_CPU_BASELINE] = ROW(NAME, baseline)                                                                       \
    }
#endif
#define REAL_TYPES(NAME, TIER)                                                                                         \
    {                                                                                                                  \
        LIST(NAME, TIER)                                                                                               \
    }
#define ALL_TYPES(NAME, TIER)                                                                                          \
    {                                                                                                                  \
        LIST(NAME, TIER), LIST_SHORT(NAME, TIER)                                                                       \
    }

/* Defines the function NAME, which takes its answer from the table. */
#define OF_REAL_TYPES(STRUCT, NAME)                                                                                    \
    EACH_TIER(DECLARE, STRUCT, NAME);                                                                                  \
    const struct STRUCT *NAME(roi_dtype dtype)                                                                         \
    {                                                                                                                  \
        static const struct STRUCT *const table[][ROI_FLOAT64 + 1] = TABLE(REAL_TYPES, NAME);                          \
        return table[roi_get_cpu_tier()][dtype];                                                                       \
    }
#define OF_ALL_TYPES(STRUCT, NAME)                                                                                     \
    EACH_TIER(DECLARE, STRUCT, NAME);                                                                                  \
    EACH_TIER(DECLARE_SHORT, STRUCT, NAME);                                                                            \
    const struct STRUCT *NAME(roi_dtype dtype)                                                                         \
    {                                                                                                                  \
        static const struct STRUCT *const table[][ROI_BFLOAT16 + 1] = TABLE(ALL_TYPES, NAME);                          \
        return table[roi_get_cpu_tier()][dtype];                                                                       \
    }

OF_ALL_TYPES(roi_tile_kernels, roi_align_kernels)
OF_ALL_TYPES(roi_tile_kernels, roi_align_max_kernels)
OF_ALL_TYPES(roi_tile_kernels, roi_pool_kernels)
OF_ALL_TYPES(roi_tile_kernels, roi_ps_kernels)
OF_ALL_TYPES(roi_tile_kernels, roi_rotated_kernels)
OF_ALL_TYPES(roi_grid_kernels, roi_grid_kernels)
OF_REAL_TYPES(roi_patch_kernels, roi_patch_kernels)
OF_REAL_TYPES(roi_iou_kernels, roi_iou_kernels)
OF_REAL_TYPES(roi_neighbours_kernels, roi_neighbours_kernels)
