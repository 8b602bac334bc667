/*
 * levels.c - the level of a feature pyramid that each box is pooled from, and crops from these levels
 *
 *     level 1: 8
 *     level 0: 4
 */
#include <roi.h>
#include <stdio.h>

static float fine[64 * 64], coarse[32 * 32];

int main(void)
{
    const roi_array features[2] = {{fine, ROI_FLOAT32, {1, 1, 64, 64}, {4096, 4096, 64, 1}},
                                   {coarse, ROI_FLOAT32, {1, 1, 32, 32}, {1024, 1024, 32, 1}}};
    const double spatial_scales[2] = {1.0 / 4, 1.0 / 8};
    for (int i = 0; i < 64 * 64; i++)
        fine[i] = 4;
    for (int i = 0; i < 32 * 32; i++)
        coarse[i] = 8;

    const float rows[8] = {0, 0, 120, 120, 0, 0, 30, 30};
    const roi_boxes boxes = {rows, ROI_FLOAT32, 2, 4, {4, 1}, NULL};
    roi_levels_params levels = roi_levels_defaults();
    levels.num_levels = 2;
    int64_t level[2];
    if (roi_assign_levels(&levels, &boxes, level, NULL) != ROI_SUCCESS)
        return 1;

    float crops[2];
    const roi_array output = {crops, ROI_FLOAT32, {2, 1, 1, 1}, {1, 1, 1, 1}};
    const roi_align_params params = roi_align_defaults();
    if (roi_align_multiscale(&params, &levels, features, spatial_scales, &boxes, &output, NULL) != ROI_SUCCESS)
        return 1;
    for (int k = 0; k < 2; k++)
        printf("level %d: %g\n", (int)level[k], (double)crops[k]);
    return 0;
}
