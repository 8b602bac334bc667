/*
 * iou.c - the overlap of one box with two others: IoU, the intersection over its own area, and IoU of rotated boxes
 *
 *     IoU 0.2 1
 *     IoF 0.25 1
 *     rotated 0.25 1
 */
#include <roi.h>
#include <stdio.h>

int main(void)
{
    const double first[4] = {0, 0, 10, 10}, others[8] = {5, 5, 15, 10, 0, 0, 10, 10};
    const roi_boxes boxes1 = {first, ROI_FLOAT64, 1, 4, {4, 1}, NULL};
    const roi_boxes boxes2 = {others, ROI_FLOAT64, 2, 4, {4, 1}, NULL};
    double overlap[2];
    const roi_array result = {overlap, ROI_FLOAT64, {1, 1, 1, 2}, {2, 2, 2, 1}};
    roi_iou_params params = roi_iou_defaults();
    if (roi_box_iou(&params, &boxes1, &boxes2, &result, NULL) != ROI_SUCCESS)
        return 1;
    printf("IoU %g %g\n", overlap[0], overlap[1]);
    params.kind = ROI_IOF;
    if (roi_box_iou(&params, &boxes1, &boxes2, &result, NULL) != ROI_SUCCESS)
        return 1;
    printf("IoF %g %g\n", overlap[0], overlap[1]);

    /* Centre, sides and angle; the last box is the first one, described in another way. */
    const double upright[5] = {5, 5, 10, 4, 0}, rotated[10] = {5, 5, 10, 4, 90, 5, 5, 4, 10, 90};
    const roi_boxes rotated1 = {upright, ROI_FLOAT64, 1, 5, {5, 1}, NULL};
    const roi_boxes rotated2 = {rotated, ROI_FLOAT64, 2, 5, {5, 1}, NULL};
    params.kind = ROI_IOU;
    if (roi_box_iou_rotated(&params, &rotated1, &rotated2, &result, NULL) != ROI_SUCCESS)
        return 1;
    printf("rotated %g %g\n", overlap[0], overlap[1]);
    return 0;
}
