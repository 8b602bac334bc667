/*
 * resize.c - a row of 2 pixels resized to 4 by bilinear interpolation, and the gradient of the sum of the result
 *
 *     0 1 3 4
 *     2 2
 */
#include <roi.h>
#include <stdio.h>

int main(void)
{
    float small[2] = {0, 4}, large[4], grad[4] = {1, 1, 1, 1}, small_grad[2];
    const roi_array input = {small, ROI_FLOAT32, {1, 1, 1, 2}, {2, 2, 2, 1}};
    const roi_array output = {large, ROI_FLOAT32, {1, 1, 1, 4}, {4, 4, 4, 1}};
    roi_resize_params params = roi_resize_defaults();
    params.mode = ROI_BILINEAR;
    if (roi_resize(&params, &input, &output, NULL) != ROI_SUCCESS)
        return 1;
    printf("%g %g %g %g\n", (double)large[0], (double)large[1], (double)large[2], (double)large[3]);

    const roi_array output_grad = {grad, ROI_FLOAT32, {1, 1, 1, 4}, {4, 4, 4, 1}};
    const roi_array input_grad = {small_grad, ROI_FLOAT32, {1, 1, 1, 2}, {2, 2, 2, 1}};
    if (roi_resize_backward(&params, &output_grad, &input_grad, NULL) != ROI_SUCCESS)
        return 1;
    printf("%g %g\n", (double)small_grad[0], (double)small_grad[1]);
    return 0;
}
