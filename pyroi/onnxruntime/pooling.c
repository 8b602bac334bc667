/* pooling.c - operators that pool boxes from a map: crops [K, C, height, width] of X [N, C, H, W]. */
#include <math.h>
#include <stdlib.h>

#include "kinds.h"

/* ---- Attributes ------------------------------------------------------------------------------------------------ */

static OrtStatus *check_scale_and_size(const struct kernel *kernel)
{
    if (!(kernel->scale > 0 && isfinite(kernel->scale)))
        return ort_fail(kernel, "spatial_scale: expected a finite number above 0, got %g", kernel->scale);
    if (kernel->height < 0 || kernel->width < 0)
        return ort_fail(kernel, "output size: expected 0 or more, got %lld x %lld", (long long)kernel->height,
                        (long long)kernel->width);
    return NULL;
}

/* The attributes of nearly all operators. */
static OrtStatus *read_size(struct kernel *kernel, const OrtKernelInfo *info)
{
    kernel->height = kernel->width = 1;
    kernel->scale = 1;
    OrtStatus *status = ort_integer(kernel, info, "output_height", &kernel->height);
    if (!status)
        status = ort_integer(kernel, info, "output_width", &kernel->width);
    if (!status)
        status = ort_number(kernel, info, "spatial_scale", &kernel->scale);
    if (!status)
        status = ort_integer(kernel, info, "sampling_ratio", &kernel->sampling_ratio);
    return status ? status : check_scale_and_size(kernel);
}

/* Mode "max" of ONNX is the largest weighted corner, that of mmcv the largest sample. */
static OrtStatus *read_mode(struct kernel *kernel, const OrtKernelInfo *info, roi_mode max)
{
    static const char *const modes[] = {"avg", "max", NULL};
    int mode = 0;
    OrtStatus *status = ort_word(kernel, info, "mode", modes, &mode);
    kernel->mode = mode ? max : ROI_AVG;
    return status;
}

/* The position of a pixel's centre. Operator set 16 added the attribute, and changed the definition without it. */
static OrtStatus *read_roi_align(struct kernel *kernel, const OrtKernelInfo *info, int place)
{
    static const char *const places[] = {"output_half_pixel", "half_pixel", NULL};
    OrtStatus *status = read_size(kernel, info);
    if (!status)
        status = read_mode(kernel, info, ROI_MAX_CORNER);
    if (!status)
        status = ort_word(kernel, info, "coordinate_transformation_mode", places, &place);
    kernel->aligned = place != 0;
    return status;
}

static OrtStatus *prepare_roi_align(struct kernel *kernel, const OrtKernelInfo *info)
{
    return read_roi_align(kernel, info, 1);
}

static OrtStatus *prepare_old_roi_align(struct kernel *kernel, const OrtKernelInfo *info)
{
    return read_roi_align(kernel, info, 0);
}

static OrtStatus *prepare_max_roi_pool(struct kernel *kernel, const OrtKernelInfo *info)
{
    int64_t shape[2];
    size_t size = 2;
    kernel->scale = 1;
    OrtStatus *status = kernel->api->KernelInfoGetAttributeArray_int64(info, "pooled_shape", shape, &size);
    if (status || size != 2) {
        if (status)
            kernel->api->ReleaseStatus(status);
        return ort_fail(kernel, "pooled_shape: expected two integers, height and width");
    }
    kernel->height = shape[0];
    kernel->width = shape[1];
    status = ort_number(kernel, info, "spatial_scale", &kernel->scale);
    return status ? status : check_scale_and_size(kernel);
}

static OrtStatus *prepare_mmcv_roi_align(struct kernel *kernel, const OrtKernelInfo *info)
{
    kernel->aligned = true;
    OrtStatus *status = read_size(kernel, info);
    if (!status)
        status = read_mode(kernel, info, ROI_MAX);
    return status ? status : ort_flag(kernel, info, "aligned", &kernel->aligned);
}

static OrtStatus *prepare_rotated(struct kernel *kernel, const OrtKernelInfo *info)
{
    kernel->aligned = true;
    kernel->degrees = 1;
    OrtStatus *status = read_size(kernel, info);
    if (!status)
        status = ort_flag(kernel, info, "aligned", &kernel->aligned);
    if (!status)
        status = ort_flag(kernel, info, "clockwise", &kernel->clockwise);
    if (!status && kernel->sampling_ratio > ROI_MOST_ROTATED_SAMPLES)
        return ort_fail(kernel, "sampling_ratio: expected at most %d, got %lld", ROI_MOST_ROTATED_SAMPLES,
                        (long long)kernel->sampling_ratio);
    return status;
}

static OrtStatus *prepare_mmcv_rotated(struct kernel *kernel, const OrtKernelInfo *info)
{
    OrtStatus *status = prepare_rotated(kernel, info);
    kernel->degrees = DEGREES_OF_RADIAN;
    return status;
}

/* ---- Calls ----------------------------------------------------------------------------------------------------- */

/* The arguments of a node's call. */
struct call {
    const struct kernel *kernel;
    OrtKernelContext *context;
    struct tensor map;
    roi_boxes boxes;
    void *widened;     /* a copy of the boxes, to be freed; NULL: they are not copied */
    const char *batch; /* the name of the input with the images' indices */
    int64_t channels;  /* of a crop */
};

/* libroi accepts boxes of at least 32 bits, with angles in degrees. Boxes with other angles are converted in double. */
static OrtStatus *widen(struct call *call, const struct tensor *rois, bool angles)
{
    double *wide = malloc((size_t)rois->count * sizeof *wide + 1);
    if (!wide)
        return ort_no_memory(call->kernel);
    const int64_t columns = rois->shape[1];
    for (int64_t i = 0; i < rois->count; i++) {
        const double number = ort_element(rois, i);
        wide[i] = angles && i % columns == columns - 1 ? number * call->kernel->degrees : number;
    }
    call->widened = wide;
    call->boxes.data = wide;
    call->boxes.dtype = ROI_FLOAT64;
    return NULL;
}

/* Boxes [K, columns]; the last of six columns is an angle. */
static OrtStatus *read_boxes(struct call *call)
{
    static const char *const forms[] = {
        [4] = "[K, 4]", [5] = "[K, 5], the batch index first", [6] = "[K, 6], the batch index first"};
    const int64_t columns = call->kernel->op->kind->columns;
    const char *dimensions = forms[columns];
    struct tensor rois;
    OrtStatus *status = ort_input(call->kernel, call->context, 1, "rois", 2, dimensions, &rois);
    if (status)
        return status;
    if (rois.shape[1] != columns)
        return ort_fail(call->kernel, "rois: expected %s, got [%lld, %lld]", dimensions, (long long)rois.shape[0],
                        (long long)rois.shape[1]);
    call->boxes = (roi_boxes){rois.data, ort_dtype(rois.type), rois.shape[0], columns, {columns, 1}, NULL};
    const bool angles = columns == 6, narrow = rois.type == ORT_FLOAT16 || rois.type == ORT_BFLOAT16;
    return angles || narrow ? widen(call, &rois, angles) : NULL;
}

/* The images of the boxes, if they are a separate input. */
static OrtStatus *read_batch(struct call *call)
{
    struct tensor batch;
    OrtStatus *status = ort_input(call->kernel, call->context, 2, "batch_indices", 1, "[K]", &batch);
    if (status)
        return status;
    if (batch.count != call->boxes.count)
        return ort_fail(call->kernel, "batch_indices: expected one for each of the %lld rois, got %lld",
                        (long long)call->boxes.count, (long long)batch.count);
    call->boxes.batch_index = batch.data;
    call->batch = "batch_indices";
    return NULL;
}

static OrtStatus *write_crops(struct call *call)
{
    const struct kernel *kernel = call->kernel;
    const int64_t shape[4] = {call->boxes.count, call->channels, kernel->height, kernel->width};
    void *crops;
    OrtStatus *status = ort_output(kernel, call->context, 0, shape, 4, &crops);
    if (status)
        return status;
    const roi_array input = ort_array(call->map.data, call->map.type, call->map.shape);
    const roi_array output = ort_array(crops, call->map.type, shape);
    struct ort_threads session;
    roi_error error;
    ort_find_threads(&session, kernel, call->context);
    const roi_threads *before = roi_use_threads(&session.threads);
    const roi_status done = kernel->op->kind->pool(kernel, &input, &call->boxes, &output, &error);
    roi_use_threads(before);
    return ort_tell(kernel, done, &error, error.row, "rois", call->batch, "");
}

/* In position-sensitive operators, each bin has its own channels. */
static OrtStatus *divide_channels(struct call *call)
{
    const struct kernel *kernel = call->kernel;
    const int64_t channels = call->map.shape[1];
    if (kernel->height == 0 || kernel->width == 0) {
        call->channels = 0;
        return NULL;
    }
    if (kernel->height > channels || kernel->width > channels / kernel->height ||
        channels % (kernel->height * kernel->width))
        return ort_fail(kernel, "X: expected a multiple of %lld x %lld channels, got %lld", (long long)kernel->height,
                        (long long)kernel->width, (long long)channels);
    call->channels = channels / (kernel->height * kernel->width);
    return NULL;
}

static OrtStatus *compute(const struct kernel *kernel, OrtKernelContext *context)
{
    struct call call = {.kernel = kernel, .context = context, .batch = "rois"};
    OrtStatus *status = ort_input(kernel, context, 0, "X", 4, "[N, C, H, W]", &call.map);
    if (!status)
        status = read_boxes(&call);
    if (!status && kernel->op->kind->columns == 4)
        status = read_batch(&call);
    call.channels = call.map.shape[1];
    if (!status && kernel->op->kind->by_bin)
        status = divide_channels(&call);
    if (!status)
        status = write_crops(&call);
    free(call.widened);
    return status;
}

/* ---- Operators ------------------------------------------------------------------------------------------------- */

static roi_status align(const struct kernel *kernel, const roi_array *input, const roi_boxes *boxes,
                        const roi_array *output_ret, roi_error *error_ret)
{
    roi_align_params params = roi_align_defaults();
    params.spatial_scale = kernel->scale;
    params.sampling_ratio = kernel->sampling_ratio;
    params.aligned = kernel->aligned;
    params.mode = kernel->mode;
    return roi_align(&params, input, boxes, output_ret, error_ret);
}

static roi_status pool_maxima(const struct kernel *kernel, const roi_array *input, const roi_boxes *boxes,
                              const roi_array *output_ret, roi_error *error_ret)
{
    roi_pool_params params = roi_pool_defaults();
    params.spatial_scale = kernel->scale;
    return roi_pool(&params, input, boxes, output_ret, NULL, error_ret);
}

static roi_status align_rotated(const struct kernel *kernel, const roi_array *input, const roi_boxes *boxes,
                                const roi_array *output_ret, roi_error *error_ret)
{
    roi_align_rotated_params params = roi_align_rotated_defaults();
    params.spatial_scale = kernel->scale;
    params.sampling_ratio = kernel->sampling_ratio;
    params.aligned = kernel->aligned;
    params.clockwise = kernel->clockwise;
    return roi_align_rotated(&params, input, boxes, output_ret, error_ret);
}

static roi_status integrate(const struct kernel *kernel, const roi_array *input, const roi_boxes *boxes,
                            const roi_array *output_ret, roi_error *error_ret)
{
    roi_prroi_params params = roi_prroi_defaults();
    params.spatial_scale = kernel->scale;
    return roi_prroi_pool(&params, input, boxes, output_ret, error_ret);
}

static roi_status align_by_bin(const struct kernel *kernel, const roi_array *input, const roi_boxes *boxes,
                               const roi_array *output_ret, roi_error *error_ret)
{
    roi_ps_roi_align_params params = roi_ps_roi_align_defaults();
    params.spatial_scale = kernel->scale;
    params.sampling_ratio = kernel->sampling_ratio;
    return roi_ps_roi_align(&params, input, boxes, output_ret, error_ret);
}

static roi_status pool_by_bin(const struct kernel *kernel, const roi_array *input, const roi_boxes *boxes,
                              const roi_array *output_ret, roi_error *error_ret)
{
    roi_ps_roi_pool_params params = roi_ps_roi_pool_defaults();
    params.spatial_scale = kernel->scale;
    return roi_ps_roi_pool(&params, input, boxes, output_ret, error_ret);
}

#define POOLING(NAME, INPUTS, PREPARE, COLUMNS, BY_BIN, POOL)                                                          \
    {                                                                                                                  \
        .name = NAME, .inputs = INPUTS, .outputs = "T", .prepare = PREPARE, .compute = compute, .columns = COLUMNS,    \
        .by_bin = BY_BIN, .pool = POOL                                                                                 \
    }

const struct kind ort_roi_align = POOLING("RoiAlign", "TTI", prepare_roi_align, 4, false, align);
const struct kind ort_old_roi_align = POOLING("RoiAlign", "TTI", prepare_old_roi_align, 4, false, align);
const struct kind ort_max_roi_pool = POOLING("MaxRoiPool", "TT", prepare_max_roi_pool, 5, false, pool_maxima);
const struct kind ort_mmcv_roi_align = POOLING("MMCVRoiAlign", "TT", prepare_mmcv_roi_align, 5, false, align);
const struct kind ort_mmcv_rotated = POOLING("MMCVRoIAlignRotated", "TT", prepare_mmcv_rotated, 6, false,
                                             align_rotated);
const struct kind ort_rotated = POOLING("RoiAlignRotated", "TT", prepare_rotated, 6, false, align_rotated);
const struct kind ort_prroi_pool = POOLING("PrRoiPool", "TT", read_size, 5, false, integrate);
const struct kind ort_ps_roi_align = POOLING("PsRoiAlign", "TT", read_size, 5, true, align_by_bin);
const struct kind ort_ps_roi_pool = POOLING("PsRoiPool", "TT", read_size, 5, true, pool_by_bin);
