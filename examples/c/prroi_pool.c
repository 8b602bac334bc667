/*
 * prroi_pool.c - the mean of the bilinear surface over a box, and its gradient for the corners of the box
 *
 *     12
 *     0.5 2.5 0.5 2.5
 */
#include <roi.h>
#include <stdio.h>

int main(void)
{
    double map[25], crop[1], crop_grad[1] = {1}, box_grad[4];
    for (int i = 0; i < 25; i++)
        map[i] = i;
    const double box[4] = {1, 1, 3, 3};
    const roi_array input = {map, ROI_FLOAT64, {1, 1, 5, 5}, {25, 25, 5, 1}};
    const roi_array output = {crop, ROI_FLOAT64, {1, 1, 1, 1}, {1, 1, 1, 1}};
    const roi_array grad = {crop_grad, ROI_FLOAT64, {1, 1, 1, 1}, {1, 1, 1, 1}};
    const roi_boxes boxes = {box, ROI_FLOAT64, 1, 4, {4, 1}, NULL};
    const roi_prroi_params params = roi_prroi_defaults();
    if (roi_prroi_pool(&params, &input, &boxes, &output, NULL) != ROI_SUCCESS)
        return 1;
    printf("%g\n", crop[0]);

    /* The gradient for the map is not computed, because its place is NULL. */
    if (roi_prroi_pool_backward(&params, &grad, &input, &boxes, NULL, box_grad, NULL) != ROI_SUCCESS)
        return 1;
    printf("%g %g %g %g\n", box_grad[0], box_grad[1], box_grad[2], box_grad[3]);
    return 0;
}
