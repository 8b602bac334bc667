/*
 * adaptive_max_pool.c - the maxima of 2 bins, their positions, and the gradient of their sum
 *
 *     7 at 1, 5 at 3
 *     0 1 0 1
 */
#include <roi.h>
#include <stdio.h>

int main(void)
{
    float map[4] = {1, 7, 2, 5}, maxima[2], grad[2] = {1, 1}, map_grad[4];
    int64_t places[2];
    const roi_array input = {map, ROI_FLOAT32, {1, 1, 1, 4}, {4, 4, 4, 1}};
    const roi_array output = {maxima, ROI_FLOAT32, {1, 1, 1, 2}, {2, 2, 2, 1}};
    const roi_indices argmax = {places, {1, 1, 1, 2}, {2, 2, 2, 1}};
    const roi_adaptive_params params = roi_adaptive_defaults();
    if (roi_adaptive_max_pool(&params, &input, &output, &argmax, NULL) != ROI_SUCCESS)
        return 1;
    printf("%g at %d, %g at %d\n", (double)maxima[0], (int)places[0], (double)maxima[1], (int)places[1]);

    const roi_array output_grad = {grad, ROI_FLOAT32, {1, 1, 1, 2}, {2, 2, 2, 1}};
    const roi_array input_grad = {map_grad, ROI_FLOAT32, {1, 1, 1, 4}, {4, 4, 4, 1}};
    if (roi_adaptive_max_pool_backward(&params, &output_grad, &argmax, &input_grad, NULL) != ROI_SUCCESS)
        return 1;
    printf("%g %g %g %g\n", (double)map_grad[0], (double)map_grad[1], (double)map_grad[2], (double)map_grad[3]);
    return 0;
}
