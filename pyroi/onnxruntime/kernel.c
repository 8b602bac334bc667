/* kernel.c - the common part of the operators for ONNX Runtime: kernel.h. */
#include "kernel.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE = 512, WORD = 64 };

/* ---- Errors ---------------------------------------------------------------------------------------------------- */

OrtStatus *ort_fail(const struct kernel *kernel, const char *format, ...)
{
    char message[MESSAGE];
    const int start = snprintf(message, sizeof message, "%s: ", kernel->op->kind->name);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message + start, sizeof message - (size_t)start, format, arguments);
    va_end(arguments);
    return kernel->api->CreateStatus(ORT_INVALID_ARGUMENT, message);
}

OrtStatus *ort_no_memory(const struct kernel *kernel)
{
    char message[MESSAGE];
    snprintf(message, sizeof message, "%s: out of memory for intermediate results", kernel->op->kind->name);
    return kernel->api->CreateStatus(ORT_FAIL, message);
}

OrtStatus *ort_tell(const struct kernel *kernel, roi_status status, const roi_error *error, int64_t row,
                    const char *boxes, const char *batch, const char *scores)
{
    const char *text = roi_status_text(status);
    switch (status) {
    case ROI_SUCCESS: return NULL;
    case ROI_ERROR_MEMORY: return ort_no_memory(kernel);
    case ROI_ERROR_BATCH_INDEX:
        return ort_fail(kernel, "%s, row %lld: %s, got %.15g", batch, (long long)row, text, error->value);
    case ROI_ERROR_COORDINATE:
    case ROI_ERROR_SIDE:
        return ort_fail(kernel, "%s, row %lld: %s, got %.9g", boxes, (long long)row, text, error->value);
    case ROI_ERROR_BOX_OVERFLOW:
    case ROI_ERROR_BOX_REACH: return ort_fail(kernel, "%s, row %lld: %s", boxes, (long long)row, text);
    case ROI_ERROR_SCORE:
        return ort_fail(kernel, "%s, row %lld: %s, got %.9g", scores, (long long)row, text, error->value);
    default: return ort_fail(kernel, "%s", text);
    }
}

/* ---- Attributes ------------------------------------------------------------------------------------------------ */

/* Whether a status is a success. The status is released. */
static bool succeeds(const struct kernel *kernel, OrtStatus *status)
{
    if (status)
        kernel->api->ReleaseStatus(status);
    return !status;
}

/* For an attribute that could not be read as its type: it is missing, or has another type. */
static OrtStatus *other_than(const struct kernel *kernel, const OrtKernelInfo *info, const char *name, const char *rule)
{
    float number;
    int64_t integer;
    size_t size = 0;
    if (succeeds(kernel, kernel->api->KernelInfoGetAttribute_float(info, name, &number)))
        return ort_fail(kernel, "%s: expected %s, got the float %g", name, rule, (double)number);
    if (succeeds(kernel, kernel->api->KernelInfoGetAttribute_int64(info, name, &integer)))
        return ort_fail(kernel, "%s: expected %s, got the integer %lld", name, rule, (long long)integer);
    if (succeeds(kernel, kernel->api->KernelInfoGetAttribute_string(info, name, NULL, &size)))
        return ort_fail(kernel, "%s: expected %s, got text", name, rule);
    if (succeeds(kernel, kernel->api->KernelInfoGetAttributeArray_int64(info, name, NULL, &size)) ||
        succeeds(kernel, kernel->api->KernelInfoGetAttributeArray_float(info, name, NULL, &size)))
        return ort_fail(kernel, "%s: expected %s, got a list", name, rule);
    return NULL;
}

OrtStatus *ort_integer(const struct kernel *kernel, const OrtKernelInfo *info, const char *name, int64_t *value)
{
    int64_t found;
    if (!succeeds(kernel, kernel->api->KernelInfoGetAttribute_int64(info, name, &found)))
        return other_than(kernel, info, name, "an integer");
    *value = found;
    return NULL;
}

OrtStatus *ort_number(const struct kernel *kernel, const OrtKernelInfo *info, const char *name, double *value)
{
    float found;
    if (!succeeds(kernel, kernel->api->KernelInfoGetAttribute_float(info, name, &found)))
        return other_than(kernel, info, name, "a float");
    *value = (double)found;
    return NULL;
}

OrtStatus *ort_flag(const struct kernel *kernel, const OrtKernelInfo *info, const char *name, bool *value)
{
    int64_t found = *value;
    OrtStatus *status = ort_integer(kernel, info, name, &found);
    if (status)
        return status;
    if (found != 0 && found != 1)
        return ort_fail(kernel, "%s: expected 0 or 1, got %lld", name, (long long)found);
    *value = found != 0;
    return NULL;
}

OrtStatus *ort_word(const struct kernel *kernel, const OrtKernelInfo *info, const char *name, const char *const *words,
                    int *value)
{
    char found[WORD] = "";
    size_t size = 0;
    if (!succeeds(kernel, kernel->api->KernelInfoGetAttribute_string(info, name, NULL, &size)))
        return other_than(kernel, info, name, "a word");
    if (size <= sizeof found) {
        size = sizeof found;
        OrtStatus *status = kernel->api->KernelInfoGetAttribute_string(info, name, found, &size);
        if (status)
            return status;
        for (int i = 0; words[i]; i++)
            if (strcmp(found, words[i]) == 0) {
                *value = i;
                return NULL;
            }
    }
    return ort_fail(kernel, "%s: expected %s or %s, got \"%s\"", name, words[0], words[1],
                    size <= sizeof found ? found : "...");
}

/* ---- Tensors --------------------------------------------------------------------------------------------------- */

/* Modulo 2^64: libroi checks that a tensor's sizes do not overflow, and an empty one has no elements to reach. */
static int64_t product(int64_t a, int64_t b) { return (int64_t)((uint64_t)a * (uint64_t)b); }

/* Shape and type of a given input. Of a rank above MOST_RANK, the shape is not read. */
static OrtStatus *look_at(const struct kernel *kernel, const OrtValue *value, struct tensor *tensor)
{
    OrtTensorTypeAndShapeInfo *info;
    size_t rank = 0;
    OrtStatus *status = kernel->api->GetTensorTypeAndShape(value, &info);
    if (status)
        return status;
    status = kernel->api->GetTensorElementType(info, &tensor->type);
    if (!status)
        status = kernel->api->GetDimensionsCount(info, &rank);
    if (!status && rank <= MOST_RANK)
        status = kernel->api->GetDimensions(info, tensor->shape, rank);
    kernel->api->ReleaseTensorTypeAndShapeInfo(info);
    tensor->rank = (int64_t)rank;
    tensor->count = 1; /* of an empty tensor, the product of some sizes may overflow before it becomes 0 */
    for (size_t i = 0; i < rank && i < MOST_RANK; i++)
        tensor->count = product(tensor->count, tensor->shape[i]);
    return status;
}

OrtStatus *ort_input(const struct kernel *kernel, const OrtKernelContext *context, size_t index, const char *name,
                     int64_t rank, const char *dimensions, struct tensor *tensor_ret)
{
    const OrtValue *value = NULL;
    size_t given = 0;
    *tensor_ret = (struct tensor){.count = -1};
    OrtStatus *status = kernel->api->KernelContext_GetInputCount(context, &given);
    if (!status && index < given)
        status = kernel->api->KernelContext_GetInput(context, index, &value);
    if (status)
        return status;
    if (!value)
        return kernel->op->kind->inputs[index] >= 'a' ? NULL : ort_fail(kernel, "%s: it is missing", name);
    status = look_at(kernel, value, tensor_ret);
    if (status)
        return status;
    if (rank >= 0 && tensor_ret->rank != rank)
        return ort_fail(kernel, "%s: expected %s, got a tensor of rank %lld", name, dimensions,
                        (long long)tensor_ret->rank);
    if (tensor_ret->rank > MOST_RANK)
        return ort_fail(kernel, "%s: expected one number, got a tensor of rank %lld", name,
                        (long long)tensor_ret->rank);
    if (rank < 0 && tensor_ret->count != 1)
        return ort_fail(kernel, "%s: expected one number, got %lld", name, (long long)tensor_ret->count);
    return kernel->api->GetTensorMutableData((OrtValue *)value, &tensor_ret->data);
}

OrtStatus *ort_output(const struct kernel *kernel, OrtKernelContext *context, size_t index, const int64_t *shape,
                      size_t rank, void **data_ret)
{
    OrtValue *value = NULL;
    OrtStatus *status = kernel->api->KernelContext_GetOutput(context, index, shape, rank, &value);
    return status ? status : kernel->api->GetTensorMutableData(value, data_ret);
}

roi_dtype ort_dtype(ort_type type)
{
    switch (type) {
    case ORT_DOUBLE: return ROI_FLOAT64;
    case ORT_FLOAT16: return ROI_FLOAT16;
    case ORT_BFLOAT16: return ROI_BFLOAT16;
    default: return ROI_FLOAT32;
    }
}

roi_array ort_array(void *data, ort_type type, const int64_t shape[4])
{
    roi_array array = {data, ort_dtype(type), {shape[0], shape[1], shape[2], shape[3]}, {0}};
    array.strides[3] = 1;
    for (int i = 3; i-- > 0;)
        array.strides[i] = product(array.strides[i + 1], shape[i + 1]);
    return array;
}

/* ---- Elements -------------------------------------------------------------------------------------------------- */

static double half(uint16_t bits)
{
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double size;
    if (exponent == 31)
        size = fraction ? (double)NAN : (double)INFINITY;
    else
        size = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return bits >> 15 ? -size : size;
}

static double upper_half_of_float(uint16_t bits)
{
    const uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return (double)value;
}

double ort_element(const struct tensor *tensor, int64_t at)
{
    switch (tensor->type) {
    case ORT_DOUBLE: return ((const double *)tensor->data)[at];
    case ORT_FLOAT16: return half(((const uint16_t *)tensor->data)[at]);
    case ORT_BFLOAT16: return upper_half_of_float(((const uint16_t *)tensor->data)[at]);
    default: return (double)((const float *)tensor->data)[at];
    }
}

/* ---- Threads --------------------------------------------------------------------------------------------------- */

struct errand {
    roi_body *body;
    void *work;
    bool *done; /* by index */
};

static void run_errand(void *given, size_t index)
{
    const struct errand *errand = given;
    errand->done[index] = true;
    errand->body(errand->work, (int32_t)index);
}

/* Runs on the threads of the session. If ONNX Runtime fails, the calls that it has not begun are made here. */
static void run(void *given, int32_t count, roi_body *body, void *work)
{
    const struct ort_threads *session = given;
    bool done[ROI_MOST_THREADS] = {false};
    struct errand errand = {body, work, done};
    OrtStatus *status = session->api->KernelContext_ParallelFor(session->context, run_errand, (size_t)count, 0,
                                                                &errand);
    if (status)
        session->api->ReleaseStatus(status);
    for (int32_t i = 0; i < count; i++)
        if (!done[i])
            body(work, i);
}

void ort_find_threads(struct ort_threads *session_ret, const struct kernel *kernel, const OrtKernelContext *context)
{
    const roi_threads threads = {sizeof threads, roi_get_num_threads(), run, session_ret};
    *session_ret = (struct ort_threads){kernel->api, context, threads};
}
