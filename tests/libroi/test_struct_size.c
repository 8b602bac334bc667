/* test_struct_size.c - the first member of a parameter struct is its size, and sizes that are unknown are errors. */
#include "arrays.h"
#include "check.h"

static const float BOX[] = {0, 0, 5, 5};

static roi_status align_with_size(size_t size, roi_error *error)
{
    struct tensor input = make_tensor(ROI_FLOAT32, 1, 1, 5, 5), output = make_tensor(ROI_FLOAT32, 1, 1, 1, 1);
    roi_align_params params = roi_align_defaults();
    const roi_boxes boxes = plain_boxes(BOX, 1, 4);
    fill_counting(&input.array);
    fill_counting(&output.array);
    params.size = size;
    const roi_status forward = roi_align(&params, &input.array, &boxes, &output.array, error);
    CHECK((get(&output.array, 0, 0, 0, 0) == 0) == (forward != ROI_SUCCESS)); /* else 12, the mean of the map */
    const roi_status backward = roi_align_backward(&params, &output.array, &boxes, &input.array, error);
    CHECK(forward == backward);
    free_tensor(&input);
    free_tensor(&output);
    return forward;
}

static roi_status levels_with_size(size_t size, roi_error *error)
{
    roi_levels_params params = roi_levels_defaults();
    const roi_boxes boxes = plain_boxes(BOX, 1, 4);
    int64_t level = 77;
    params.num_levels = 4;
    params.size = size;
    const roi_status status = roi_assign_levels(&params, &boxes, &level, error);
    CHECK(level == (status == ROI_SUCCESS ? 0 : 77));
    return status;
}

static roi_status multiscale_with_sizes(size_t align_size, size_t levels_size)
{
    struct tensor input = make_tensor(ROI_FLOAT32, 1, 1, 5, 5), output = make_tensor(ROI_FLOAT32, 1, 1, 1, 1);
    const double scale = 1;
    roi_align_params params = roi_align_defaults();
    roi_levels_params levels = roi_levels_defaults();
    const roi_boxes boxes = plain_boxes(BOX, 1, 4);
    fill_counting(&input.array);
    params.size = align_size;
    levels.size = levels_size;
    levels.num_levels = 1;
    const roi_status status = roi_align_multiscale(&params, &levels, &input.array, &scale, &boxes, &output.array, NULL);
    free_tensor(&input);
    free_tensor(&output);
    return status;
}

int main(void)
{
    static const size_t wrong[] = {0,
                                   1,
                                   4,
                                   sizeof(size_t),
                                   sizeof(roi_align_params) - 1,
                                   sizeof(roi_align_params) + 1,
                                   sizeof(roi_align_params) + 8,
                                   (size_t)-1};
    roi_error error;
    CHECK(align_with_size(sizeof(roi_align_params), NULL) == ROI_SUCCESS);
    CHECK(levels_with_size(sizeof(roi_levels_params), NULL) == ROI_SUCCESS);
    CHECK(multiscale_with_sizes(sizeof(roi_align_params), sizeof(roi_levels_params)) == ROI_SUCCESS);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        check_context("size %zu", wrong[i]);
        CHECK(align_with_size(wrong[i], &error) == ROI_ERROR_STRUCT_SIZE);
        CHECK(error.status == ROI_ERROR_STRUCT_SIZE && error.row == -1);
        if (wrong[i] == sizeof(roi_levels_params))
            continue;
        CHECK(levels_with_size(wrong[i], &error) == ROI_ERROR_STRUCT_SIZE);
        CHECK(multiscale_with_sizes(wrong[i], sizeof(roi_levels_params)) == ROI_ERROR_STRUCT_SIZE);
        CHECK(multiscale_with_sizes(sizeof(roi_align_params), wrong[i]) == ROI_ERROR_STRUCT_SIZE);
    }
    return check_result();
}
