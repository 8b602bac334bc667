/*
 * grid_sample.c - a map mirrored left to right: a grid from an affine matrix, and the samples at its points
 *
 *     3 2 1
 */
#include <roi.h>
#include <stdio.h>

int main(void)
{
    float map[3] = {1, 2, 3}, mirrored[3], points[3 * 2], matrix[6] = {-1, 0, 0, 0, 1, 0};
    const roi_array theta = {matrix, ROI_FLOAT32, {1, 2, 3, 1}, {6, 3, 1, 1}};
    const roi_array grid = {points, ROI_FLOAT32, {1, 1, 3, 2}, {6, 6, 2, 1}};
    const roi_affine_params affine = roi_affine_defaults();
    if (roi_affine_grid(&affine, &theta, &grid, NULL) != ROI_SUCCESS)
        return 1;

    const roi_array input = {map, ROI_FLOAT32, {1, 1, 1, 3}, {3, 3, 3, 1}};
    const roi_array output = {mirrored, ROI_FLOAT32, {1, 1, 1, 3}, {3, 3, 3, 1}};
    const roi_grid_params params = roi_grid_defaults();
    if (roi_grid_sample(&params, &input, &grid, &output, NULL) != ROI_SUCCESS)
        return 1;
    printf("%g %g %g\n", (double)mirrored[0], (double)mirrored[1], (double)mirrored[2]);
    return 0;
}
