/*
 * soft_nms.c - soft suppression
 *
 * The naive way looks for the largest score among all boxes that are left, once for each box kept. But scores only
 * fall. So a heap may hold scores that were right once: where the score on top is out of date, it is corrected and
 * sinks; where it is not, no other can be larger.
 */
#include <math.h>
#include <stdlib.h>

#include "overlap/crowd.h"
#include "common/memory.h"

enum { CANCEL_PERIOD = 64 }; /* boxes kept between two looks at the flag */

/* A member of the crowd, and the score it had when it was put here. */
struct entry {
    double score;
    int64_t member;
};

struct soft {
    const roi_soft_nms_params *params;
    struct roi_candidates candidates;
    struct roi_crowd crowd;
    double *score; /* of each member, as it is now */
    struct entry *heap;
    int64_t size;
};

/* ---- The heap -------------------------------------------------------------------------------------------------- */

/* Of equal scores, the box given first comes first. */
static bool before(const struct soft *soft, const struct entry *a, const struct entry *b)
{
    const int64_t *row = soft->candidates.row;
    return a->score > b->score || (a->score == b->score && row[a->member] < row[b->member]);
}

static void sink(struct soft *soft, int64_t at)
{
    const struct entry entry = soft->heap[at];
    for (int64_t child; (child = 2 * at + 1) < soft->size; at = child) {
        if (child + 1 < soft->size && before(soft, &soft->heap[child + 1], &soft->heap[child]))
            child++;
        if (!before(soft, &soft->heap[child], &entry))
            break;
        soft->heap[at] = soft->heap[child];
    }
    soft->heap[at] = entry;
}

static void drop_top(struct soft *soft)
{
    soft->heap[0] = soft->heap[--soft->size];
    if (soft->size > 0)
        sink(soft, 0);
}

/* ---- Suppression ----------------------------------------------------------------------------------------------- */

static void lower(void *context, int64_t other, double iou)
{
    struct soft *soft = context;
    const bool linear = soft->params->method == ROI_SOFT_LINEAR;
    soft->score[other] *= linear ? 1 - iou : exp(-iou * iou / soft->params->sigma);
    if (!(soft->score[other] > soft->params->score_threshold)) {
        soft->crowd.gone[other] = 1;
        roi_crowd_remove(&soft->crowd, other);
    }
}

/* The member to be kept next, or -1. */
static int64_t next(struct soft *soft)
{
    while (soft->size > 0) {
        struct entry *top = &soft->heap[0];
        const int64_t member = top->member;
        if (soft->crowd.gone[member]) {
            drop_top(soft);
        } else if (top->score > soft->score[member]) {
            top->score = soft->score[member];
            sink(soft, 0);
        } else {
            drop_top(soft);
            return member;
        }
    }
    return -1;
}

static roi_status suppress(struct soft *soft, int64_t *kept_ret, double *scores_ret, int64_t *count_ret,
                           roi_error *error_ret)
{
    const volatile int32_t *cancel = soft->params->cancel;
    int64_t count = 0;
    for (int64_t member; (member = next(soft)) >= 0; count++) {
        if (count % CANCEL_PERIOD == 0 && cancel && *cancel)
            return roi_fail(error_ret, ROI_CANCELLED, -1, -1, 0);
        kept_ret[count] = soft->candidates.row[member];
        scores_ret[count] = soft->score[member];
        roi_crowd_take(&soft->crowd, member, lower, soft);
    }
    *count_ret = count;
    return ROI_SUCCESS;
}

/* ---- The call -------------------------------------------------------------------------------------------------- */

/* Members are sorted by descending score, which is a heap. */
static roi_status prepare(struct soft *soft, const roi_vector *scores, roi_error *error_ret)
{
    const int64_t count = soft->candidates.count;
    const bool linear = soft->params->method == ROI_SOFT_LINEAR;
    soft->score = roi_allocate(count, sizeof *soft->score);
    soft->heap = roi_allocate(count, sizeof *soft->heap);
    if (!roi_crowd_allocate(&soft->crowd, &soft->candidates, count) || !soft->score || !soft->heap)
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    roi_crowd_gather(&soft->crowd, &soft->candidates, NULL, count, linear ? soft->params->iou_threshold : 0);
    roi_crowd_put_in_order(&soft->crowd);
    for (int64_t member = 0; member < count; member++) {
        soft->score[member] = roi_score(scores, soft->candidates.row[member]);
        soft->heap[member] = (struct entry){soft->score[member], member};
    }
    soft->size = count;
    return ROI_SUCCESS;
}

static roi_status check_params(const roi_soft_nms_params *params)
{
    ROI_TRY(roi_check_params(params, sizeof *params));
    if (params->method != ROI_SOFT_GAUSSIAN && params->method != ROI_SOFT_LINEAR)
        return ROI_ERROR_METHOD;
    if (!(params->sigma > 0 && isfinite(params->sigma)))
        return ROI_ERROR_SIGMA;
    return params->iou_threshold >= 0 && params->iou_threshold <= 1 ? ROI_SUCCESS : ROI_ERROR_IOU_THRESHOLD;
}

roi_status roi_soft_nms(const roi_soft_nms_params *params, const roi_boxes *boxes, const roi_vector *scores,
                        int64_t *kept_ret, double *scores_ret, int64_t *count_ret, roi_error *error_ret)
{
    ROI_TRY(roi_report(error_ret, check_params(params)));
    if (!count_ret || ((!kept_ret || !scores_ret) && boxes && boxes->count > 0))
        return roi_fail(error_ret, ROI_ERROR_NULL, -1, -1, 0);
    struct soft soft = {.params = params};
    const struct roi_request request = {boxes, scores, false, true, params->score_threshold};
    roi_status status = roi_read_candidates(&request, &soft.candidates, error_ret);
    if (status == ROI_SUCCESS)
        status = prepare(&soft, scores, error_ret);
    if (status == ROI_SUCCESS)
        status = suppress(&soft, kept_ret, scores_ret, count_ret, error_ret);
    roi_crowd_free(&soft.crowd);
    free(soft.score);
    free(soft.heap);
    roi_free_candidates(&soft.candidates);
    return status;
}
