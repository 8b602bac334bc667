/* status.c - status codes in words, and how a function reports one. */
#include "common/internal.h"

static const struct {
    roi_status status;
    const char *text;
} texts[] = {
    {ROI_SUCCESS, "success"},
    {ROI_CANCELLED, "cancelled"},
    {ROI_ERROR_MEMORY, "out of memory"},
    {ROI_ERROR_NULL, "a required pointer is NULL"},
    {ROI_ERROR_STRUCT_SIZE, "the size of a parameter struct is unknown to this library"},
    {ROI_ERROR_DTYPE, "the element type of an array is unknown, or not the required one"},
    {ROI_ERROR_SHAPE, "an array has a negative size, or the shapes of arrays do not match"},
    {ROI_ERROR_OVERFLOW, "the size of an array in bytes does not fit in 63 bits"},
    {ROI_ERROR_COLUMNS, "boxes have a number of columns that this function does not accept"},
    {ROI_ERROR_NO_BATCH_INDEX, "boxes have no batch index, and the map does not have exactly one image"},
    {ROI_ERROR_BATCH_INDEX, "a batch index is not an integer in [0, N)"},
    {ROI_ERROR_COORDINATE, "a coordinate is NaN or infinite"},
    {ROI_ERROR_SIDE, "a width or height is negative"},
    {ROI_ERROR_BOX_OVERFLOW, "a box times spatial_scale is beyond the range of double"},
    {ROI_ERROR_BOX_REACH, "a rotated box reaches farther than 2^40 pixels of the map"},
    {ROI_ERROR_ARGMAX, "an argmax is neither -1 nor an index in the H x W plane of the map"},
    {ROI_ERROR_SCORE, "a score is NaN, or infinite in soft suppression"},
    {ROI_ERROR_MEAN, "a mean is not finite"},
    {ROI_ERROR_STD, "a standard deviation is not finite and above 0"},
    {ROI_ERROR_OUTPUT_SIZE, "the output size is negative"},
    {ROI_ERROR_SPATIAL_SCALE, "spatial_scale is not finite and above 0"},
    {ROI_ERROR_MODE, "the operator does not have this mode"},
    {ROI_ERROR_SAMPLING_RATIO, "sampling_ratio is above the limit for rotated boxes"},
    {ROI_ERROR_LEVELS, "the number of levels is below 1"},
    {ROI_ERROR_CANONICAL, "the canonical scale is not finite and above 0"},
    {ROI_ERROR_IOU_THRESHOLD, "the IoU threshold is not in [0, 1]"},
    {ROI_ERROR_SCORE_THRESHOLD, "the score threshold is NaN"},
    {ROI_ERROR_SIGMA, "sigma is not finite and above 0"},
    {ROI_ERROR_METHOD, "kind or method is not one that the function has"},
    {ROI_ERROR_ALIGN_CORNERS, "align_corners is set with a mode that does not support it"},
    {ROI_ERROR_ANTIALIAS, "antialias is set with a mode that does not support it"},
    {ROI_ERROR_SCALE_FACTOR, "a scale factor or its inverse is negative, infinite or NaN"},
    {ROI_ERROR_PADDING, "padding is unknown"},
};

const char *roi_status_text(roi_status status)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].status == status)
            return texts[i].text;
    return "unknown status";
}

roi_status roi_fail(roi_error *error_ret, roi_status status, int64_t row, int64_t column, double value)
{
    if (error_ret)
        *error_ret = (roi_error){status, row, column, value};
    return status;
}

#define TEXT_OF_(number) #number
#define TEXT_OF(number) TEXT_OF_(number)

const char *roi_version(void)
{
    return TEXT_OF(ROI_VERSION_MAJOR) "." TEXT_OF(ROI_VERSION_MINOR) "." TEXT_OF(ROI_VERSION_PATCH);
}
