/* cpu.c - which tier of kernels this processor runs: found once, when the library is loaded. */
#include <stdlib.h>
#include <string.h>

#include "common/internal.h"

static const char *const names[] = {"baseline", "avx2", "avx512"};
static roi_cpu_tier best = ROI_CPU_BASELINE, chosen = ROI_CPU_BASELINE;

static roi_cpu_tier detect(void)
{
#if defined(ROI_HAVE_X86_TIERS)
    __builtin_cpu_init();
    if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")))
        return ROI_CPU_BASELINE;
    if (!(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")))
        return ROI_CPU_AVX2;
    return ROI_CPU_AVX512;
#else
    return ROI_CPU_BASELINE;
#endif
}

/* Before main(), so that no call ever races with the choice. A tier above the best is not a crash but the best. */
__attribute__((constructor)) static void choose(void)
{
    const char *wanted = getenv("ROI_CPU_TIER");
    best = chosen = detect();
    for (int tier = ROI_CPU_BASELINE; wanted && tier < (int)best; tier++)
        if (strcmp(wanted, names[tier]) == 0)
            chosen = (roi_cpu_tier)tier;
}

roi_cpu_tier roi_get_cpu_tier(void) { return chosen; }

roi_cpu_tier roi_best_cpu_tier(void) { return best; }

const char *roi_cpu_tier_name(roi_cpu_tier tier)
{
    return (size_t)tier < sizeof names / sizeof *names ? names[tier] : "unknown";
}
