/*
 * nms.c - the best of boxes that overlap: by hard suppression, for rotated boxes, and with lowered scores
 *
 *     hard: 0 2
 *     rotated: 0 1
 *     soft: 0 (0.9) 2 (0.7) 1 (0.16)
 */
#include <roi.h>
#include <stdio.h>

static void print(const char *title, const int64_t *kept, int64_t count)
{
    printf("%s:", title);
    for (int64_t i = 0; i < count; i++)
        printf(" %d", (int)kept[i]);
    putchar('\n');
}

int main(void)
{
    const double rows[12] = {0, 0, 10, 10, 0, 0, 10, 8, 20, 20, 30, 30}, score[3] = {0.9, 0.8, 0.7};
    const roi_boxes boxes = {rows, ROI_FLOAT64, 3, 4, {4, 1}, NULL};
    const roi_vector scores = {score, ROI_FLOAT64, 3, 1};
    int64_t kept[3], count;
    const roi_nms_params params = roi_nms_defaults();
    if (roi_nms(&params, &boxes, &scores, NULL, kept, &count, NULL) != ROI_SUCCESS)
        return 1;
    print("hard", kept, count);

    const double rotated_rows[15] = {50, 50, 80, 10, 45, 50, 50, 80, 10, -45, 51, 50, 80, 10, 44};
    const roi_boxes rotated = {rotated_rows, ROI_FLOAT64, 3, 5, {5, 1}, NULL};
    if (roi_nms_rotated(&params, &rotated, &scores, NULL, kept, &count, NULL) != ROI_SUCCESS)
        return 1;
    print("rotated", kept, count);

    double lowered[3];
    roi_soft_nms_params soft = roi_soft_nms_defaults();
    soft.method = ROI_SOFT_LINEAR;
    if (roi_soft_nms(&soft, &boxes, &scores, kept, lowered, &count, NULL) != ROI_SUCCESS)
        return 1;
    printf("soft:");
    for (int64_t i = 0; i < count; i++)
        printf(" %d (%.2g)", (int)kept[i], lowered[i]);
    putchar('\n');
    return 0;
}
