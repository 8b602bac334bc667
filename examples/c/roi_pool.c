/*
 * roi_pool.c - the largest pixel of a box and its position, and the gradient for the map
 *
 *     12 at 12
 *     1 at 12
 */
#include <roi.h>
#include <stdio.h>

int main(void)
{
    float map[25], crop[1], crop_grad[1] = {1}, map_grad[25];
    int64_t place[1];
    for (int i = 0; i < 25; i++)
        map[i] = (float)i;
    const float box[4] = {1, 1, 2, 2};
    const roi_array input = {map, ROI_FLOAT32, {1, 1, 5, 5}, {25, 25, 5, 1}};
    const roi_array output = {crop, ROI_FLOAT32, {1, 1, 1, 1}, {1, 1, 1, 1}};
    const roi_indices argmax = {place, {1, 1, 1, 1}, {1, 1, 1, 1}};
    const roi_boxes boxes = {box, ROI_FLOAT32, 1, 4, {4, 1}, NULL};
    const roi_pool_params params = roi_pool_defaults();
    if (roi_pool(&params, &input, &boxes, &output, &argmax, NULL) != ROI_SUCCESS)
        return 1;
    printf("%g at %d\n", (double)crop[0], (int)place[0]);

    const roi_array grad = {crop_grad, ROI_FLOAT32, {1, 1, 1, 1}, {1, 1, 1, 1}};
    const roi_array input_grad = {map_grad, ROI_FLOAT32, {1, 1, 5, 5}, {25, 25, 5, 1}};
    if (roi_pool_backward(&params, &grad, &argmax, &boxes, &input_grad, NULL) != ROI_SUCCESS)
        return 1;
    for (int i = 0; i < 25; i++)
        if (map_grad[i] != 0)
            printf("%g at %d\n", (double)map_grad[i], i);
    return 0;
}
