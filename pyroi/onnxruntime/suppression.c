/*
 * suppression.c - operators that keep some of many boxes
 *
 * The operators in the form of ONNX take boxes [images, boxes, numbers] and scores [images, classes, boxes], and return
 * [kept, 3]: image, class and box. Each pair of an image and a class is a separate task: the boxes whose scores are
 * above the threshold are gathered and passed to libroi. They are usually few, so that reading the scores is most of
 * the work.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kinds.h"

enum { WORTH_THREADS = 1 << 15, PLACE = 64 }; /* numbers of scores; of characters */

/* ---- Attributes ------------------------------------------------------------------------------------------------ */

static OrtStatus *check_iou_threshold(const struct kernel *kernel, double threshold)
{
    return threshold >= 0 && threshold <= 1
               ? NULL
               : ort_fail(kernel, "iou_threshold: expected a number from 0 to 1, got %g", threshold);
}

static OrtStatus *read_thresholds(struct kernel *kernel, const OrtKernelInfo *info)
{
    OrtStatus *status = ort_number(kernel, info, "iou_threshold", &kernel->iou_threshold);
    if (!status)
        status = check_iou_threshold(kernel, kernel->iou_threshold);
    if (!status)
        status = ort_number(kernel, info, "score_threshold", &kernel->score_threshold);
    if (!status && isnan(kernel->score_threshold))
        status = ort_fail(kernel, "score_threshold: expected a number, got NaN");
    return status;
}

static OrtStatus *prepare_non_max_suppression(struct kernel *kernel, const OrtKernelInfo *info)
{
    return ort_flag(kernel, info, "center_point_box", &kernel->center_point_box);
}

static OrtStatus *prepare_rotated(struct kernel *kernel, const OrtKernelInfo *info)
{
    kernel->iou_threshold = 0.5;
    kernel->score_threshold = -INFINITY;
    kernel->degrees = 1;
    return read_thresholds(kernel, info);
}

/* Angles of mmdeploy are clockwise, and in radians. */
static OrtStatus *prepare_mmdeploy_rotated(struct kernel *kernel, const OrtKernelInfo *info)
{
    OrtStatus *status = prepare_rotated(kernel, info);
    kernel->degrees = -DEGREES_OF_RADIAN;
    return status;
}

static OrtStatus *prepare_soft_nms(struct kernel *kernel, const OrtKernelInfo *info)
{
    static const char *const methods[] = {"gaussian", "linear", NULL};
    const roi_soft_nms_params defaults = roi_soft_nms_defaults();
    int method = 0;
    kernel->iou_threshold = defaults.iou_threshold;
    kernel->score_threshold = defaults.score_threshold;
    kernel->sigma = defaults.sigma;
    OrtStatus *status = read_thresholds(kernel, info);
    if (!status)
        status = ort_number(kernel, info, "sigma", &kernel->sigma);
    if (!status && !(kernel->sigma > 0 && isfinite(kernel->sigma)))
        status = ort_fail(kernel, "sigma: expected a finite number above 0, got %g", kernel->sigma);
    if (!status)
        status = ort_word(kernel, info, "method", methods, &method);
    kernel->method = method ? ROI_SOFT_LINEAR : ROI_SOFT_GAUSSIAN;
    return status;
}

/* ---- Tasks ----------------------------------------------------------------------------------------------------- */

/* The boxes that one task has kept. */
struct kept {
    int64_t *boxes; /* to be freed */
    int64_t count;
};

/* All tasks of a node. */
struct job {
    const struct kernel *kernel;
    bool rotated;
    const float *boxes, *scores;
    int64_t images, classes, count;
    roi_nms_params params;
    double score_threshold; /* -infinity: all scores are above */
    struct kept *kept;      /* by task */
    int64_t next;           /* the next task; threads take it by an atomic addition */
    OrtStatus *failure;     /* the first; NULL: none */
};

/* The data of one task. */
struct candidates {
    int64_t count;
    int64_t *rows;
    float *scores;
    float *corners;  /* upright: x1, y1, x2, y2 */
    double *rotated; /* rotated: in the form of libroi */
};

static void release(struct candidates *candidates)
{
    free(candidates->rows);
    free(candidates->scores);
    free(candidates->corners);
    free(candidates->rotated);
}

static bool allocate(struct candidates *candidates, int64_t count, bool rotated)
{
    const size_t room = (size_t)count;
    candidates->count = count;
    candidates->rows = malloc(room * sizeof *candidates->rows + 1);
    candidates->scores = malloc(room * sizeof *candidates->scores + 1);
    candidates->corners = rotated ? NULL : malloc(room * 4 * sizeof *candidates->corners + 1);
    candidates->rotated = rotated ? malloc(room * 5 * sizeof *candidates->rotated + 1) : NULL;
    return candidates->rows && candidates->scores && (candidates->corners || candidates->rotated);
}

/* In float, as ONNX Runtime computes them. */
static void put_corners(const float *box, bool center_point_box, float corners_ret[4])
{
    if (center_point_box) {
        const float half_width = box[2] / 2, half_height = box[3] / 2;
        corners_ret[0] = box[0] - half_width;
        corners_ret[1] = box[1] - half_height;
        corners_ret[2] = box[0] + half_width;
        corners_ret[3] = box[1] + half_height;
        return;
    }
    const bool y_in_order = box[0] <= box[2], x_in_order = box[1] <= box[3]; /* either diagonal is given, y first */
    corners_ret[0] = box[x_in_order ? 1 : 3];
    corners_ret[1] = box[y_in_order ? 0 : 2];
    corners_ret[2] = box[x_in_order ? 3 : 1];
    corners_ret[3] = box[y_in_order ? 2 : 0];
}

static int64_t count_above(const struct job *job, const float *scores)
{
    const float threshold = (float)job->score_threshold;
    int64_t above = 0;
    if (threshold == -INFINITY)
        return job->count;
    for (int64_t row = 0; row < job->count; row++)
        above += !(scores[row] <= threshold); /* NaN is among them, and is an error */
    return above;
}

static void gather(const struct job *job, int64_t image, const float *scores, struct candidates *candidates)
{
    const float threshold = (float)job->score_threshold;
    const int64_t columns = job->rotated ? 5 : 4;
    int64_t at = 0;
    for (int64_t row = 0; row < job->count && at < candidates->count; row++) {
        if (scores[row] <= threshold && threshold != -INFINITY)
            continue;
        const float *box = job->boxes + (image * job->count + row) * columns;
        candidates->rows[at] = row;
        candidates->scores[at] = scores[row];
        if (job->rotated) {
            for (int i = 0; i < 4; i++)
                candidates->rotated[5 * at + i] = (double)box[i];
            candidates->rotated[5 * at + 4] = (double)box[4] * job->kernel->degrees;
        } else
            put_corners(box, job->kernel->center_point_box, &candidates->corners[4 * at]);
        at++;
    }
}

static roi_status suppress(const struct job *job, const struct candidates *candidates, struct kept *kept_ret,
                           roi_error *error_ret)
{
    const int64_t count = candidates->count, most = job->params.max_output;
    const roi_vector scores = {candidates->scores, ROI_FLOAT32, count, 1};
    kept_ret->boxes = malloc((size_t)(most >= 0 && most < count ? most : count) * sizeof *kept_ret->boxes + 1);
    if (!kept_ret->boxes)
        return ROI_ERROR_MEMORY;
    if (job->rotated) {
        const roi_boxes boxes = {candidates->rotated, ROI_FLOAT64, count, 5, {5, 1}, NULL};
        return roi_nms_rotated(&job->params, &boxes, &scores, NULL, kept_ret->boxes, &kept_ret->count, error_ret);
    }
    const roi_boxes boxes = {candidates->corners, ROI_FLOAT32, count, 4, {4, 1}, NULL};
    return roi_nms(&job->params, &boxes, &scores, NULL, kept_ret->boxes, &kept_ret->count, error_ret);
}

static void run_task(struct job *job, int64_t task)
{
    const int64_t image = task / job->classes, class = task % job->classes;
    const float *scores = job->scores + task * job->count;
    struct candidates candidates;
    struct kept *kept = &job->kept[task];
    roi_error error = {ROI_ERROR_MEMORY, -1, -1, 0};
    roi_status status = ROI_ERROR_MEMORY;
    const int64_t above = count_above(job, scores);
    if (above == 0)
        return;
    if (allocate(&candidates, above, job->rotated)) {
        gather(job, image, scores, &candidates);
        status = suppress(job, &candidates, kept, &error);
    }
    for (int64_t i = 0; status == ROI_SUCCESS && i < kept->count; i++)
        kept->boxes[i] = candidates.rows[kept->boxes[i]];
    if (status != ROI_SUCCESS) {
        char boxes[PLACE], of_class[PLACE];
        const int64_t row = error.row >= 0 && error.row < above ? candidates.rows[error.row] : error.row;
        snprintf(boxes, sizeof boxes, "boxes, image %lld", (long long)image);
        snprintf(of_class, sizeof of_class, "scores, image %lld, class %lld", (long long)image, (long long)class);
        OrtStatus *failure = ort_tell(job->kernel, status, &error, row, boxes, boxes, of_class), *none = NULL;
        if (!__atomic_compare_exchange_n(&job->failure, &none, failure, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            job->kernel->api->ReleaseStatus(failure);
    }
    release(&candidates);
}

/* The work of each thread. Its calls of libroi use only this thread. */
static void run_tasks(void *given, int32_t thread)
{
    static const roi_threads alone = {sizeof alone, 1, NULL, NULL};
    struct job *job = given;
    const int64_t tasks = job->images * job->classes;
    int64_t task;
    (void)thread;
    const roi_threads *before = roi_use_threads(&alone);
    while ((task = __atomic_fetch_add(&job->next, 1, __ATOMIC_RELAXED)) < tasks &&
           !__atomic_load_n(&job->failure, __ATOMIC_ACQUIRE))
        run_task(job, task);
    roi_use_threads(before);
}

/* ---- Results --------------------------------------------------------------------------------------------------- */

static OrtStatus *write_kept(const struct job *job, OrtKernelContext *context)
{
    const int64_t tasks = job->images * job->classes;
    int64_t shape[2] = {0, 3}, *row;
    for (int64_t task = 0; task < tasks; task++)
        shape[0] += job->kept[task].count;
    OrtStatus *status = ort_output(job->kernel, context, 0, shape, 2, (void **)&row);
    for (int64_t task = 0; !status && task < tasks; task++)
        for (int64_t i = 0; i < job->kept[task].count; i++, row += 3) {
            row[0] = task / job->classes;
            row[1] = task % job->classes;
            row[2] = job->kept[task].boxes[i];
        }
    return status;
}

static OrtStatus *run(struct job *job, OrtKernelContext *context)
{
    const int64_t tasks = job->images * job->classes;
    job->kept = calloc((size_t)tasks + 1, sizeof *job->kept);
    if (!job->kept)
        return ort_no_memory(job->kernel);
    if (tasks > 1 && tasks * job->count >= WORTH_THREADS && roi_get_num_threads() > 1) {
        struct ort_threads session;
        ort_find_threads(&session, job->kernel, context);
        const int64_t most = session.threads.count;
        session.threads.run(&session, (int32_t)(tasks < most ? tasks : most), run_tasks, job);
    } else
        run_tasks(job, 0);
    OrtStatus *status = job->failure ? job->failure : write_kept(job, context);
    for (int64_t task = 0; task < tasks; task++)
        free(job->kept[task].boxes);
    free(job->kept);
    return status;
}

/* ---- Inputs ---------------------------------------------------------------------------------------------------- */

static OrtStatus *read_boxes(struct job *job, OrtKernelContext *context)
{
    const struct kernel *kernel = job->kernel;
    const char *dimensions = job->rotated ? "[images, boxes, 5]" : "[images, boxes, 4]";
    struct tensor boxes, scores;
    OrtStatus *status = ort_input(kernel, context, 0, "boxes", 3, dimensions, &boxes);
    if (!status)
        status = ort_input(kernel, context, 1, "scores", 3, "[images, classes, boxes]", &scores);
    if (status)
        return status;
    if (boxes.shape[2] != (job->rotated ? 5 : 4))
        return ort_fail(kernel, "boxes: expected %s, got %lld in the last place", dimensions,
                        (long long)boxes.shape[2]);
    if (scores.shape[0] != boxes.shape[0] || scores.shape[2] != boxes.shape[1])
        return ort_fail(kernel,
                        "scores: expected [%lld, classes, %lld] for boxes [%lld, %lld, %lld], got "
                        "[%lld, %lld, %lld]",
                        (long long)boxes.shape[0], (long long)boxes.shape[1], (long long)boxes.shape[0],
                        (long long)boxes.shape[1], (long long)boxes.shape[2], (long long)scores.shape[0],
                        (long long)scores.shape[1], (long long)scores.shape[2]);
    job->boxes = boxes.data;
    job->scores = scores.data;
    job->images = boxes.shape[0];
    job->count = boxes.shape[1];
    job->classes = job->count ? scores.shape[1] : 0; /* without boxes there may still be many classes */
    return NULL;
}

/* An input that is a single number; if it is missing, the value is unchanged. */
static OrtStatus *read_number(const struct kernel *kernel, const OrtKernelContext *context, size_t index,
                              const char *name, double *value)
{
    struct tensor given;
    OrtStatus *status = ort_input(kernel, context, index, name, -1, "", &given);
    if (!status && given.data)
        *value = given.type == ORT_INT64 ? (double)*(const int64_t *)given.data : ort_element(&given, 0);
    return status;
}

/* In ONNX, no box is kept without a limit, and without a threshold all overlapping boxes are suppressed. */
static OrtStatus *read_settings(struct job *job, const OrtKernelContext *context)
{
    double most = 0, iou_threshold = 0;
    OrtStatus *status = read_number(job->kernel, context, 2, "max_output_boxes_per_class", &most);
    if (!status)
        status = read_number(job->kernel, context, 3, "iou_threshold", &iou_threshold);
    if (!status)
        status = check_iou_threshold(job->kernel, iou_threshold);
    if (!status)
        status = read_number(job->kernel, context, 4, "score_threshold", &job->score_threshold);
    if (!status && isnan(job->score_threshold))
        status = ort_fail(job->kernel, "score_threshold: expected a number, got NaN");
    job->params.max_output = most <= 0 ? 0 : most < 0x1p62 ? (int64_t)most : INT64_MAX;
    job->params.iou_threshold = iou_threshold;
    return status;
}

static struct job begin(const struct kernel *kernel, bool rotated)
{
    struct job job = {.kernel = kernel, .rotated = rotated, .score_threshold = -INFINITY};
    job.params = roi_nms_defaults();
    job.params.in_float = !rotated; /* as ONNX Runtime decides */
    return job;
}

/* ---- Operators ------------------------------------------------------------------------------------------------- */

static OrtStatus *compute_non_max_suppression(const struct kernel *kernel, OrtKernelContext *context)
{
    struct job job = begin(kernel, false);
    OrtStatus *status = read_boxes(&job, context);
    if (!status)
        status = read_settings(&job, context);
    if (!status && job.params.max_output == 0)
        job.classes = 0; /* nothing to do */
    return status ? status : run(&job, context);
}

static OrtStatus *compute_rotated(const struct kernel *kernel, OrtKernelContext *context)
{
    struct job job = begin(kernel, true);
    job.params.iou_threshold = kernel->iou_threshold;
    job.score_threshold = kernel->score_threshold;
    OrtStatus *status = read_boxes(&job, context);
    return status ? status : run(&job, context);
}

/* Indices and new scores of boxes [N, 4] with scores [N]. */
static OrtStatus *write_soft(const struct kernel *kernel, OrtKernelContext *context, const int64_t *kept,
                             const double *new_scores, int64_t count)
{
    int64_t *rows;
    float *scores;
    OrtStatus *status = ort_output(kernel, context, 0, &count, 1, (void **)&rows);
    if (!status)
        status = ort_output(kernel, context, 1, &count, 1, (void **)&scores);
    for (int64_t i = 0; !status && i < count; i++) {
        rows[i] = kept[i];
        scores[i] = (float)new_scores[i];
    }
    return status;
}

static OrtStatus *compute_soft_nms(const struct kernel *kernel, OrtKernelContext *context)
{
    struct tensor given, scores;
    OrtStatus *status = ort_input(kernel, context, 0, "boxes", 2, "[N, 4]", &given);
    if (!status)
        status = ort_input(kernel, context, 1, "scores", 1, "[N]", &scores);
    if (status)
        return status;
    if (given.shape[1] != 4 || scores.count != given.shape[0])
        return ort_fail(kernel, "boxes and scores: expected [N, 4] and [N], got [%lld, %lld] and [%lld]",
                        (long long)given.shape[0], (long long)given.shape[1], (long long)scores.count);
    roi_soft_nms_params params = roi_soft_nms_defaults();
    params.method = kernel->method;
    params.sigma = kernel->sigma;
    params.iou_threshold = kernel->iou_threshold;
    params.score_threshold = kernel->score_threshold;
    const int64_t count = scores.count;
    const roi_boxes boxes = {given.data, ROI_FLOAT32, count, 4, {4, 1}, NULL};
    const roi_vector vector = {scores.data, ROI_FLOAT32, count, 1};
    int64_t *kept = malloc((size_t)count * sizeof *kept + 1), kept_count = 0;
    double *new_scores = malloc((size_t)count * sizeof *new_scores + 1);
    roi_error error;
    if (!kept || !new_scores)
        status = ort_no_memory(kernel);
    else {
        const roi_status done = roi_soft_nms(&params, &boxes, &vector, kept, new_scores, &kept_count, &error);
        status = ort_tell(kernel, done, &error, error.row, "boxes", "boxes", "scores");
    }
    if (!status)
        status = write_soft(kernel, context, kept, new_scores, kept_count);
    free(kept);
    free(new_scores);
    return status;
}

#define SUPPRESSION(NAME, INPUTS, OUTPUTS, PREPARE, COMPUTE)                                                           \
    {                                                                                                                  \
        .name = NAME, .inputs = INPUTS, .outputs = OUTPUTS, .prepare = PREPARE, .compute = COMPUTE                     \
    }

const struct kind ort_non_max_suppression = SUPPRESSION("NonMaxSuppression", "FFiff", "I", prepare_non_max_suppression,
                                                        compute_non_max_suppression);
const struct kind ort_mmdeploy_rotated = SUPPRESSION("NMSRotated", "FF", "I", prepare_mmdeploy_rotated,
                                                     compute_rotated);
const struct kind ort_nms_rotated = SUPPRESSION("NmsRotated", "FF", "I", prepare_rotated, compute_rotated);
const struct kind ort_soft_nms = SUPPRESSION("SoftNms", "FF", "IF", prepare_soft_nms, compute_soft_nms);
