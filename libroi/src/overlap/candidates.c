/* candidates.c - boxes with scores: checked, read, and sorted by descending score. */
#include "overlap/candidates.h"

#include <math.h>
#include <stdlib.h>

#include "boxes/boxes.h"
#include "overlap/order.h"
#include "common/storage.h"
#include "common/memory.h"

double roi_score(const roi_vector *scores, int64_t row)
{
    return load_element(scores->data, scores->dtype, row * scores->stride);
}

static roi_status check_scores(const roi_vector *scores, const roi_boxes *boxes)
{
    if (!scores)
        return ROI_ERROR_NULL;
    if (scores->count != boxes->count)
        return ROI_ERROR_SHAPE;
    if (scores->dtype != ROI_FLOAT32 && scores->dtype != ROI_FLOAT64)
        return ROI_ERROR_DTYPE;
    return scores->data || scores->count == 0 ? ROI_SUCCESS : ROI_ERROR_NULL;
}

static roi_status check(const struct roi_request *request)
{
    ROI_TRY(roi_check_rows(request->boxes, request->rotated ? ROI_ROTATED : ROI_UPRIGHT));
    ROI_TRY(check_scores(request->scores, request->boxes));
    return isnan(request->score_threshold) ? ROI_ERROR_SCORE_THRESHOLD : ROI_SUCCESS;
}

static roi_status read_boxes(const struct roi_request *request, struct roi_candidates *candidates, roi_error *error_ret)
{
    const int64_t count = request->boxes->count;
    struct roi_range range = {0, INFINITY};
    if (request->rotated) {
        ROI_TRY(roi_read_rotated(request->boxes, candidates->rotated, &range, error_ret));
        roi_tame_rotated(candidates->rotated, count, &range);
        for (int64_t row = 0; row < count; row++)
            candidates->extents[row] = roi_enclose(&candidates->rotated[row]);
        return ROI_SUCCESS;
    }
    ROI_TRY(roi_read_extents(request->boxes, candidates->extents, &range, error_ret));
    roi_tame_extents(candidates->extents, count, &range);
    candidates->single = request->boxes->dtype == ROI_FLOAT32 && roi_suits_float(&range);
    return ROI_SUCCESS;
}

/* Keys of scores above the threshold, in which larger scores have smaller keys. */
static roi_status read_scores(const struct roi_request *request, struct roi_entry *entries_ret, int64_t *count_ret,
                              roi_error *error_ret)
{
    const roi_vector *scores = request->scores;
    for (int64_t row = 0; row < scores->count; row++) {
        const double score = roi_score(scores, row);
        if (request->finite_scores ? !isfinite(score) : isnan(score))
            return roi_fail(error_ret, ROI_ERROR_SCORE, row, -1, score);
        if (!(score > request->score_threshold) && request->score_threshold != -INFINITY)
            continue;
        const uint64_t key = scores->dtype == ROI_FLOAT32 ? roi_key_of_float((float)score) : roi_key_of_double(score);
        entries_ret[(*count_ret)++] = (struct roi_entry){~key, row};
    }
    return ROI_SUCCESS;
}

static roi_status sort(const struct roi_request *request, struct roi_candidates *candidates, roi_error *error_ret)
{
    struct roi_entry *entries = roi_allocate(request->boxes->count, 2 * sizeof *entries);
    if (!entries)
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    const roi_status status = read_scores(request, entries, &candidates->count, error_ret);
    if (status == ROI_SUCCESS) {
        const struct roi_entry *sorted = roi_sort(entries, entries + request->boxes->count, candidates->count);
        for (int64_t rank = 0; rank < candidates->count; rank++)
            candidates->row[rank] = sorted[rank].row;
    }
    free(entries);
    return status;
}

roi_status roi_read_candidates(const struct roi_request *request, struct roi_candidates *candidates_ret,
                               roi_error *error_ret)
{
    *candidates_ret = (struct roi_candidates){0};
    ROI_TRY(roi_report(error_ret, check(request)));
    const int64_t count = request->boxes->count;
    candidates_ret->row = roi_allocate(count, sizeof *candidates_ret->row);
    candidates_ret->extents = roi_allocate(count, sizeof *candidates_ret->extents);
    candidates_ret->rotated = request->rotated ? roi_allocate(count, sizeof *candidates_ret->rotated) : NULL;
    if (!candidates_ret->row || !candidates_ret->extents || (request->rotated && !candidates_ret->rotated))
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    ROI_TRY(read_boxes(request, candidates_ret, error_ret));
    return sort(request, candidates_ret, error_ret);
}

void roi_free_candidates(struct roi_candidates *candidates)
{
    free(candidates->row);
    free(candidates->extents);
    free(candidates->rotated);
}
