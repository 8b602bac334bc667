/*
 * status.c - the text of a status, and the place of the number that caused it
 *
 *     a coordinate is NaN or infinite: row 1, column 2: nan
 */
#include <roi.h>
#include <stdio.h>

int main(void)
{
    float map[25] = {0}, crops[2];
    const float rows[8] = {1, 1, 3, 3, 1, 1, NAN, 3}; /* x1, y1, x2, y2 of two boxes */
    const roi_array input = {map, ROI_FLOAT32, {1, 1, 5, 5}, {25, 25, 5, 1}};
    const roi_array output = {crops, ROI_FLOAT32, {2, 1, 1, 1}, {1, 1, 1, 1}};
    const roi_boxes boxes = {rows, ROI_FLOAT32, 2, 4, {4, 1}, NULL};
    const roi_align_params params = roi_align_defaults();
    roi_error error;
    if (roi_align(&params, &input, &boxes, &output, &error) != ROI_SUCCESS)
        printf("%s: row %d, column %d: %g\n", roi_status_text(error.status), (int)error.row, (int)error.column,
               error.value);
    return 0;
}
