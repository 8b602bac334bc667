/*
 * roi_align.c - crops of 2 x 2 bins by RoIAlign, and the gradient of their sum for the map
 *
 *     6 7 11 12
 *     0 0 0 0 0 0 1 1 0 0 0 1 1 0 0 0 0 0 0 0 0 0 0 0 0
 */
#include <roi.h>
#include <stdio.h>

static void print(const float *numbers, int count)
{
    for (int i = 0; i < count; i++)
        printf("%g%c", (double)numbers[i], i + 1 < count ? ' ' : '\n');
}

int main(void)
{
    float map[25], crop[4], crop_grad[4] = {1, 1, 1, 1}, map_grad[25];
    for (int i = 0; i < 25; i++)
        map[i] = (float)i;
    const float box[4] = {1, 1, 3, 3};
    const roi_array input = {map, ROI_FLOAT32, {1, 1, 5, 5}, {25, 25, 5, 1}};
    const roi_array output = {crop, ROI_FLOAT32, {1, 1, 2, 2}, {4, 4, 2, 1}};
    const roi_boxes boxes = {box, ROI_FLOAT32, 1, 4, {4, 1}, NULL};
    roi_align_params params = roi_align_defaults();
    params.sampling_ratio = 1;
    if (roi_align(&params, &input, &boxes, &output, NULL) != ROI_SUCCESS)
        return 1;
    print(crop, 4);

    const roi_array grad = {crop_grad, ROI_FLOAT32, {1, 1, 2, 2}, {4, 4, 2, 1}};
    const roi_array input_grad = {map_grad, ROI_FLOAT32, {1, 1, 5, 5}, {25, 25, 5, 1}};
    if (roi_align_backward(&params, &grad, &boxes, &input_grad, NULL) != ROI_SUCCESS)
        return 1;
    print(map_grad, 25);
    return 0;
}
