/* nms.c - non-maximum suppression: class by class, each a crowd of its own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "overlap/crowd.h"
#include "overlap/order.h"
#include "common/parallel.h"
#include "common/memory.h"

enum {
    CANCEL_PERIOD = 64, /* boxes kept between two looks at the flag */
    WORTH_SWEEPING = 8  /* while one of so many others is suppressed each time */
};

struct nms {
    const roi_nms_params *params;
    struct roi_candidates candidates;
    int64_t most;  /* that are kept at most */
    uint8_t *kept; /* by rank */
    int64_t groups, largest_group;
    int64_t *ranks; /* group after group; NULL: there is one, of all */
    int64_t *begin; /* of each group in `ranks`, and the end of the last */
    bool in_float;  /* whether IoU is evaluated so */
    int threads;
    struct roi_crowd *crowds; /* one for each thread */
};

/* ---- Groups ---------------------------------------------------------------------------------------------------- */

/* Ranks by class, and by score within each: the sort is stable. */
static roi_status sort_by_class(struct nms *nms, const int64_t *classes, roi_error *error_ret)
{
    const int64_t count = nms->candidates.count;
    struct roi_entry *entries = roi_allocate(count, 2 * sizeof *entries);
    if (!entries)
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    for (int64_t rank = 0; rank < count; rank++)
        entries[rank] = (struct roi_entry){(uint64_t)classes[nms->candidates.row[rank]], rank};
    const struct roi_entry *sorted = roi_sort(entries, entries + count, count);
    for (int64_t i = 0; i < count; i++) {
        nms->ranks[i] = sorted[i].row;
        if (i == 0 || sorted[i].key != sorted[i - 1].key)
            nms->begin[nms->groups++] = i;
    }
    nms->begin[nms->groups] = count;
    free(entries);
    return ROI_SUCCESS;
}

static roi_status make_groups(struct nms *nms, const int64_t *classes, roi_error *error_ret)
{
    const int64_t count = nms->candidates.count;
    nms->kept = roi_allocate_zeros(count, sizeof *nms->kept);
    nms->begin = roi_allocate(count + 2, sizeof *nms->begin);
    nms->ranks = classes ? roi_allocate(count, sizeof *nms->ranks) : NULL;
    if (!nms->kept || !nms->begin || (classes && !nms->ranks))
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    nms->begin[0] = 0;
    nms->begin[1] = nms->candidates.count;
    nms->groups = classes ? 0 : 1;
    if (classes)
        ROI_TRY(sort_by_class(nms, classes, error_ret));
    for (int64_t group = 0; group < nms->groups; group++)
        nms->largest_group = max_i64(nms->largest_group, nms->begin[group + 1] - nms->begin[group]);
    return ROI_SUCCESS;
}

static roi_status make_crowds(struct nms *nms, roi_error *error_ret)
{
    const double work = (double)nms->candidates.count * 2000; /* a box costs about as much as so many multiply-adds */
    nms->threads = (int)min_i64(roi_threads_for(work), max_i64(nms->groups, 1));
    nms->crowds = roi_allocate_zeros(nms->threads, sizeof *nms->crowds);
    bool enough = nms->crowds != NULL;
    for (int t = 0; enough && t < nms->threads; t++) {
        enough = roi_crowd_allocate(&nms->crowds[t], &nms->candidates, nms->largest_group);
        nms->crowds[t].in_float = nms->in_float;
    }
    return enough ? ROI_SUCCESS : roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
}

/* ---- Suppression ----------------------------------------------------------------------------------------------- */

/* The boxes of a group while it is worked on. */
struct group {
    struct roi_crowd *crowd;
    int64_t left; /* that are neither kept nor suppressed */
};

static void suppress(void *context, int64_t other, double iou)
{
    struct group *group = context;
    group->crowd->gone[other] = 1;
    group->left--;
    roi_crowd_remove(group->crowd, other);
}

/* Suppresses the boxes that overlap a kept one. As long as these are many each time, all others are compared, which takes less
   time than building the neighbours. */
static void suppress_others(struct group *group, int64_t member)
{
    const int64_t before = --group->left;
    group->crowd->gone[member] = 1;
    if (!roi_crowd_can_exceed(group->crowd))
        return;
    if (group->crowd->in_order) {
        roi_crowd_take(group->crowd, member, suppress, group);
        return;
    }
    roi_crowd_sweep(group->crowd, member, suppress, group);
    if (before - group->left < before / WORTH_SWEEPING)
        roi_crowd_put_in_order(group->crowd);
}

static void run_group(void *context, int64_t group, int thread)
{
    struct nms *nms = context;
    struct roi_crowd *crowd = &nms->crowds[thread];
    const volatile int32_t *cancel = nms->params->cancel;
    const int64_t begin = nms->begin[group], count = nms->begin[group + 1] - begin;
    const int64_t *ranks = nms->ranks ? nms->ranks + begin : NULL;
    struct group boxes = {crowd, count};
    int64_t kept = 0;
    roi_crowd_gather(crowd, &nms->candidates, ranks, count, nms->params->iou_threshold);
    for (int64_t i = 0; i < count && kept < nms->most; i++) {
        if (crowd->gone[i])
            continue;
        nms->kept[ranks ? ranks[i] : i] = 1;
        if (++kept % CANCEL_PERIOD == 0 && cancel && *cancel)
            return;
        suppress_others(&boxes, i);
    }
}

/* ---- The calls ------------------------------------------------------------------------------------------------- */

static void collect(const struct nms *nms, int64_t *kept_ret, int64_t *count_ret)
{
    int64_t count = 0;
    for (int64_t rank = 0; rank < nms->candidates.count && count < nms->most; rank++)
        if (nms->kept[rank])
            kept_ret[count++] = nms->candidates.row[rank];
    *count_ret = count;
}

static roi_status run(struct nms *nms, const struct roi_request *request, const int64_t *classes, roi_error *error_ret)
{
    ROI_TRY(roi_read_candidates(request, &nms->candidates, error_ret));
    ROI_TRY(make_groups(nms, classes, error_ret));
    ROI_TRY(make_crowds(nms, error_ret));
    return roi_report(error_ret, roi_parallel_for(nms->groups, nms->threads, nms->params->cancel, run_group, nms));
}

static void release(struct nms *nms)
{
    for (int t = 0; nms->crowds && t < nms->threads; t++)
        roi_crowd_free(&nms->crowds[t]);
    free(nms->crowds);
    free(nms->kept);
    free(nms->ranks);
    free(nms->begin);
    roi_free_candidates(&nms->candidates);
}

static roi_status keep(const roi_nms_params *params, bool rotated, const roi_boxes *boxes, const roi_vector *scores,
                       const int64_t *classes, int64_t *kept_ret, int64_t *count_ret, roi_error *error_ret)
{
    ROI_TRY(roi_report(error_ret, roi_check_params(params, sizeof *params)));
    if (!(params->iou_threshold >= 0 && params->iou_threshold <= 1))
        return roi_fail(error_ret, ROI_ERROR_IOU_THRESHOLD, -1, -1, 0);
    if (!count_ret || (!kept_ret && boxes && boxes->count > 0 && params->max_output != 0))
        return roi_fail(error_ret, ROI_ERROR_NULL, -1, -1, 0);
    struct nms nms = {.params = params, .most = params->max_output < 0 ? INT64_MAX : params->max_output};
    const struct roi_request request = {boxes, scores, rotated, false, params->score_threshold};
    nms.in_float = params->in_float && !rotated && boxes && boxes->dtype == ROI_FLOAT32;
    const roi_status status = run(&nms, &request, classes, error_ret);
    if (status == ROI_SUCCESS)
        collect(&nms, kept_ret, count_ret);
    release(&nms);
    return status;
}

roi_status roi_nms(const roi_nms_params *params, const roi_boxes *boxes, const roi_vector *scores,
                   const int64_t *classes, int64_t *kept_ret, int64_t *count_ret, roi_error *error_ret)
{
    return keep(params, false, boxes, scores, classes, kept_ret, count_ret, error_ret);
}

roi_status roi_nms_rotated(const roi_nms_params *params, const roi_boxes *boxes, const roi_vector *scores,
                           const int64_t *classes, int64_t *kept_ret, int64_t *count_ret, roi_error *error_ret)
{
    return keep(params, true, boxes, scores, classes, kept_ret, count_ret, error_ret);
}
