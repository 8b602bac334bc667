/* tier.h - whether this processor runs the tier that a test is compiled for. */
#ifndef ROI_TEST_TIER_H
#define ROI_TEST_TIER_H

#include <stdbool.h>
#include <string.h>

#include <roi.h>

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)

static bool has_tier(void)
{
    for (int tier = ROI_CPU_BASELINE; tier <= (int)roi_best_cpu_tier(); tier++)
        if (strcmp(roi_cpu_tier_name((roi_cpu_tier)tier), TEXT(ROI_TIER)) == 0)
            return true;
    return false;
}

#endif
