/*
 * position_sensitive.c - crops of 2 x 2 bins, each from its own channel, and the sums of the gradient by channel
 *
 *     ps_roi_align 0 1 2 3
 *     ps_roi_pool 0 1 2 3
 *     ps_roi_align_backward 1 1 1 1
 *     ps_roi_pool_backward 1 1 1 1
 */
#include <roi.h>
#include <stdio.h>

static void print(const char *title, const float *numbers)
{
    printf("%s %g %g %g %g\n", title, (double)numbers[0], (double)numbers[1], (double)numbers[2], (double)numbers[3]);
}

static void print_sums(const char *title, const float *map)
{
    float sums[4] = {0};
    for (int i = 0; i < 4 * 36; i++)
        sums[i / 36] += map[i];
    print(title, sums);
}

int main(void)
{
    float map[4 * 36], crop[4], crop_grad[4] = {1, 1, 1, 1}, map_grad[4 * 36];
    for (int i = 0; i < 4 * 36; i++)
        map[i] = (float)(i / 36); /* each channel is its number */
    const float box[4] = {1, 1, 5, 5};
    const roi_array input = {map, ROI_FLOAT32, {1, 4, 6, 6}, {144, 36, 6, 1}};
    const roi_array output = {crop, ROI_FLOAT32, {1, 1, 2, 2}, {4, 4, 2, 1}};
    const roi_array grad = {crop_grad, ROI_FLOAT32, {1, 1, 2, 2}, {4, 4, 2, 1}};
    const roi_array input_grad = {map_grad, ROI_FLOAT32, {1, 4, 6, 6}, {144, 36, 6, 1}};
    const roi_boxes boxes = {box, ROI_FLOAT32, 1, 4, {4, 1}, NULL};
    const roi_ps_roi_align_params align = roi_ps_roi_align_defaults();
    const roi_ps_roi_pool_params pool = roi_ps_roi_pool_defaults();
    if (roi_ps_roi_align(&align, &input, &boxes, &output, NULL) != ROI_SUCCESS)
        return 1;
    print("ps_roi_align", crop);
    if (roi_ps_roi_pool(&pool, &input, &boxes, &output, NULL) != ROI_SUCCESS)
        return 1;
    print("ps_roi_pool", crop);
    if (roi_ps_roi_align_backward(&align, &grad, &boxes, &input_grad, NULL) != ROI_SUCCESS)
        return 1;
    print_sums("ps_roi_align_backward", map_grad);
    if (roi_ps_roi_pool_backward(&pool, &grad, &boxes, &input_grad, NULL) != ROI_SUCCESS)
        return 1;
    print_sums("ps_roi_pool_backward", map_grad);
    return 0;
}
