/*
 * normalize.c - an image of two channels normalized in place, with one mean and one standard deviation per channel
 *
 *     -1 1 -2 2
 */
#include <roi.h>
#include <stdio.h>

int main(void)
{
    float pixels[4] = {10, 20, 0, 40}, means[2] = {15, 20}, deviations[2] = {5, 10};
    const roi_array image = {pixels, ROI_FLOAT32, {1, 2, 1, 2}, {4, 2, 2, 1}};
    /* A stride of 0 repeats the number of a channel for each of its pixels. */
    const roi_array mean = {means, ROI_FLOAT32, {1, 2, 1, 2}, {0, 1, 0, 0}};
    const roi_array std = {deviations, ROI_FLOAT32, {1, 2, 1, 2}, {0, 1, 0, 0}};
    const roi_normalize_params params = roi_normalize_defaults();
    if (roi_normalize(&params, &image, &mean, &std, &image, NULL) != ROI_SUCCESS)
        return 1;
    printf("%g %g %g %g\n", (double)pixels[0], (double)pixels[1], (double)pixels[2], (double)pixels[3]);
    return 0;
}
