/*
 * roi_align_rotated.c - an upright crop of a box that is rotated by 90 degrees, and the sum of the gradient
 *
 *     14 9 15 10
 *     4
 */
#include <roi.h>
#include <stdio.h>

int main(void)
{
    float map[25], crop[4], crop_grad[4] = {1, 1, 1, 1}, map_grad[25], sum = 0;
    for (int i = 0; i < 25; i++)
        map[i] = (float)i;
    const float box[5] = {2.5f, 2.5f, 2, 2, 90}; /* centre, sides, angle in degrees */
    const roi_array input = {map, ROI_FLOAT32, {1, 1, 5, 5}, {25, 25, 5, 1}};
    const roi_array output = {crop, ROI_FLOAT32, {1, 1, 2, 2}, {4, 4, 2, 1}};
    const roi_boxes boxes = {box, ROI_FLOAT32, 1, 5, {5, 1}, NULL};
    roi_align_rotated_params params = roi_align_rotated_defaults();
    params.sampling_ratio = 2;
    if (roi_align_rotated(&params, &input, &boxes, &output, NULL) != ROI_SUCCESS)
        return 1;
    printf("%g %g %g %g\n", (double)crop[0], (double)crop[1], (double)crop[2], (double)crop[3]);

    const roi_array grad = {crop_grad, ROI_FLOAT32, {1, 1, 2, 2}, {4, 4, 2, 1}};
    const roi_array input_grad = {map_grad, ROI_FLOAT32, {1, 1, 5, 5}, {25, 25, 5, 1}};
    if (roi_align_rotated_backward(&params, &grad, &boxes, &input_grad, NULL) != ROI_SUCCESS)
        return 1;
    for (int i = 0; i < 25; i++)
        sum += map_grad[i];
    printf("%g\n", (double)sum);
    return 0;
}
