/* cpu.c - which tier of kernels this processor runs: found once, when the library is loaded. */
#include <string.h>

#include "common/internal.h"
#include "common/system.h"

#if defined(ROI_HAVE_X86_TIERS)
#include <cpuid.h>
#endif

static const char *const names[] = {"baseline", "avx2", "avx512"};
static roi_cpu_tier best = ROI_CPU_BASELINE, chosen = ROI_CPU_BASELINE;

#if defined(ROI_HAVE_X86_TIERS)
/* __builtin_cpu_supports does not know F16C in all compilers. Its registers are those of AVX2, for which the support of the
   system has been checked by then. */
static bool has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
#endif

static roi_cpu_tier detect(void)
{
#if defined(ROI_HAVE_X86_TIERS)
    __builtin_cpu_init();
    if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c()))
        return ROI_CPU_BASELINE;
    if (!(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")))
        return ROI_CPU_AVX2;
    return ROI_CPU_AVX512;
#else
    return ROI_CPU_BASELINE;
#endif
}

/* Runs before main(), so that no call races with the choice. A tier above the best one selects the best. */
__attribute__((constructor)) static void choose(void)
{
    const char *wanted = roi_environment_value("ROI_CPU_TIER");
    bool known = !wanted || wanted[0] == '\0';
    best = chosen = detect();
    for (int tier = ROI_CPU_BASELINE; !known && tier <= ROI_CPU_AVX512; tier++) {
        known = strcmp(wanted, names[tier]) == 0;
        if (known && tier < (int)best)
            chosen = (roi_cpu_tier)tier;
    }
    if (!known)
        roi_note_environment("ROI_CPU_TIER", wanted, "expected baseline, avx2 or avx512; it is ignored");
}

roi_cpu_tier roi_get_cpu_tier(void) { return chosen; }

roi_cpu_tier roi_best_cpu_tier(void) { return best; }

const char *roi_cpu_tier_name(roi_cpu_tier tier)
{
    return (size_t)tier < sizeof names / sizeof *names ? names[tier] : "unknown";
}
