/*
 * masks.c - the bounding box of a mask
 *
 *     2 1 4 2
 */
#include <roi.h>
#include <stdio.h>

int main(void)
{
    const uint8_t mask[4][5] = {{0, 0, 0, 0, 0}, {0, 0, 1, 1, 0}, {0, 0, 0, 1, 1}, {0, 0, 0, 0, 0}};
    const int64_t shape[3] = {1, 4, 5}, strides[3] = {20, 5, 1};
    float box[4];
    if (roi_masks_to_boxes(&mask[0][0], shape, strides, box, NULL) != ROI_SUCCESS)
        return 1;
    printf("%g %g %g %g\n", (double)box[0], (double)box[1], (double)box[2], (double)box[3]);
    return 0;
}
