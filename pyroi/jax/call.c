/* call.c - call frames: their members are found, checked, and divided into examples. */
#define _DEFAULT_SOURCE /* for madvise() */
#include "call.h"

#include <string.h>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

/* ---- Errors ---------------------------------------------------------------------------------------------------- */

static xla_ffi_error *fail(const xla_ffi_frame *frame, xla_ffi_error_code code, const char *message)
{
    xla_ffi_error_create_args args = {sizeof args, NULL, message, code};
    return frame->api->error_create(&args);
}

static xla_ffi_error_code code_of(roi_status status)
{
    switch (status) {
    case ROI_ERROR_MEMORY: return XLA_FFI_RESOURCE_EXHAUSTED;
    case ROI_CANCELLED: return XLA_FFI_CANCELLED;
    default: return XLA_FFI_INVALID_ARGUMENT;
    }
}

static xla_ffi_error *fail_at(xla_call *call, roi_status status, const roi_error *error)
{
    char message[1024] = "libroi found an error, and Python failed to describe it"; /* stays if Python raises */
    if (call->broken)
        return fail(call->frame, XLA_FFI_INTERNAL, call->broken);
    call->fault.status = status;
    call->fault.row = error->row;
    call->fault.column = error->column;
    call->fault.value = error->value;
    xla_describe_fault(&call->fault, message, sizeof message);
    return fail(call->frame, code_of(status), message);
}

/* ---- The frame ------------------------------------------------------------------------------------------------- */

/* Answers a request for the version that this program was written for. */
static bool answer_metadata(xla_ffi_frame *frame)
{
    if (!frame->extensions || frame->extensions->type != XLA_FFI_METADATA_EXTENSION)
        return false;
    xla_ffi_metadata *metadata = ((xla_ffi_metadata_extension *)frame->extensions)->metadata;
    metadata->version.major_version = XLA_FFI_MAJOR;
    metadata->version.minor_version = XLA_FFI_MINOR;
    return true;
}

/* Whether a frame has all members that this program reads. In later versions, structs have only further members. */
static bool is_known(const xla_ffi_frame *frame)
{
    return frame->struct_size >= sizeof *frame && frame->arguments.struct_size >= sizeof frame->arguments &&
           frame->results.struct_size >= sizeof frame->results &&
           frame->attributes.struct_size >= sizeof frame->attributes;
}

static size_t size_of(xla_ffi_data_type dtype)
{
    switch (dtype) {
    case XLA_FFI_F64:
    case XLA_FFI_S64: return 8;
    case XLA_FFI_F32:
    case XLA_FFI_S32: return 4;
    case XLA_FFI_F16:
    case XLA_FFI_BF16: return 2;
    default: return 0;
    }
}

/* Views of all operands of one kind. */
static void look(xla_call *call, const xla_ffi_buffers *operands, int count, const int *ranks, xla_view *views)
{
    if (operands->size != count) {
        call->broken = "another number of operands than this handler has";
        return;
    }
    for (int i = 0; i < count; i++) {
        const xla_ffi_buffer *buffer = operands->buffers[i];
        int64_t leading = buffer->rank - ranks[i];
        if (operands->types[i] != XLA_FFI_BUFFER || buffer->struct_size < sizeof *buffer || leading < 0 ||
            !size_of(buffer->dtype))
            call->broken = "an operand is no array of a known type and of the rank that this handler takes";
        views[i] = (xla_view){buffer, ranks[i], buffer->dims + leading, buffer->data};
    }
}

static int64_t elements_of(const xla_view *view)
{
    int64_t count = 1;
    for (int64_t d = 0; d < view->rank; d++)
        count *= view->dims[d];
    return count;
}

/* Whether an operand has the leading dimensions of the first result. An argument may have the size 1 instead. */
static bool has_examples_of(const xla_view *view, const xla_view *result, bool is_argument)
{
    const xla_ffi_buffer *buffer = view->buffer;
    int64_t leading = result->buffer->rank - result->rank;
    if (buffer->rank - view->rank != leading)
        return false;
    for (int64_t d = 0; d < leading; d++)
        if (buffer->dims[d] != result->buffer->dims[d] && !(is_argument && buffer->dims[d] == 1))
            return false;
    return true;
}

static void check_examples(xla_call *call, int arguments, int results)
{
    bool fit = true;
    for (int i = 0; i < arguments; i++)
        fit = fit && has_examples_of(&call->arguments[i], &call->results[0], true);
    for (int i = 0; i < results; i++)
        fit = fit && has_examples_of(&call->results[i], &call->results[0], false);
    if (!fit)
        call->broken = "the leading dimensions of an operand are not those of the first result";
}

/* Moves a view to the example of this number, counted through the leading dimensions of the results. */
static void move(xla_view *view, const xla_view *result, int64_t example)
{
    const xla_ffi_buffer *buffer = view->buffer;
    int64_t stride = elements_of(view) * (int64_t)size_of(buffer->dtype), offset = 0;
    for (int64_t d = buffer->rank - view->rank - 1; d >= 0; d--) {
        int64_t size = result->buffer->dims[d];
        offset += buffer->dims[d] > 1 ? example % size * stride : 0;
        stride *= buffer->dims[d];
        example /= size;
    }
    view->data = (char *)buffer->data + offset;
}

/* Requests large pages for a large result, as NumPy does for its arrays. XLA allocates new memory for each run, and
   page faults can take longer than the computation of the result. A refusal has no consequences. */
static void ask_for_large_pages(const xla_ffi_buffer *buffer)
{
#ifdef MADV_HUGEPAGE
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), least = (uintptr_t)1 << 22;
    uintptr_t size = size_of(buffer->dtype);
    for (int64_t d = 0; d < buffer->rank; d++)
        size *= (uintptr_t)buffer->dims[d];
    uintptr_t first = ((uintptr_t)buffer->data + page - 1) / page * page;
    if (size >= least)
        madvise((void *)first, size - (first - (uintptr_t)buffer->data), MADV_HUGEPAGE);
#else
    (void)buffer;
#endif
}

static int64_t count_examples(const xla_view *result)
{
    int64_t count = 1;
    for (int64_t d = 0; d < result->buffer->rank - result->rank; d++)
        count *= result->buffer->dims[d];
    return count;
}

xla_ffi_error *xla_run(xla_ffi_frame *frame, const char *name, xla_operator *compute, int arguments, int results,
                       const int *ranks)
{
    if (answer_metadata(frame))
        return NULL;
    if (!is_known(frame))
        return fail(frame, XLA_FFI_UNIMPLEMENTED, "pyroi.jax does not know this version of XLA's call frames");
    xla_call call = {.frame = frame, .fault = {.operator_name = name, .example = -1}};
    look(&call, &frame->arguments, arguments, ranks, call.arguments);
    look(&call, &frame->results, results, ranks + arguments, call.results);
    if (!call.broken)
        check_examples(&call, arguments, results);
    if (call.broken)
        return fail(frame, XLA_FFI_INTERNAL, call.broken);
    bool alone = call.results[0].buffer->rank == call.results[0].rank;
    int64_t examples = count_examples(&call.results[0]);
    for (int i = 0; i < results; i++)
        ask_for_large_pages(call.results[i].buffer);
    for (int64_t example = 0; example < examples; example++) {
        for (int i = 0; i < arguments; i++)
            move(&call.arguments[i], &call.results[0], example);
        for (int i = 0; i < results; i++)
            move(&call.results[i], &call.results[0], example);
        call.fault.example = alone ? -1 : example;
        roi_error error = {ROI_SUCCESS, -1, -1, 0};
        roi_status status = compute(&call, &error);
        if (status != ROI_SUCCESS || call.broken)
            return fail_at(&call, status, &error);
    }
    return NULL;
}

/* ---- Attributes ------------------------------------------------------------------------------------------------ */

static const void *find(xla_call *call, const char *name, int type)
{
    const xla_ffi_attributes *attributes = &call->frame->attributes;
    size_t length = strlen(name);
    for (int64_t i = 0; i < attributes->size; i++) {
        const xla_ffi_name *other = attributes->names[i];
        if (other->length == length && !memcmp(other->text, name, length) && attributes->types[i] == type)
            return attributes->values[i];
    }
    call->broken = "an attribute of the call is missing";
    return NULL;
}

/* The value of a scalar of this type. */
static const void *scalar(xla_call *call, const char *name, xla_ffi_data_type dtype)
{
    const xla_ffi_scalar *found = find(call, name, XLA_FFI_SCALAR);
    if (found && found->dtype == dtype)
        return found->value;
    call->broken = "an attribute of the call is missing, or of another type";
    return NULL;
}

double xla_number(xla_call *call, const char *name)
{
    const double *value = scalar(call, name, XLA_FFI_F64);
    return value ? *value : 0;
}

int64_t xla_integer(xla_call *call, const char *name)
{
    const int64_t *value = scalar(call, name, XLA_FFI_S64);
    return value ? *value : 0;
}

bool xla_flag(xla_call *call, const char *name)
{
    const bool *value = scalar(call, name, XLA_FFI_PRED);
    return value && *value;
}

const double *xla_numbers(xla_call *call, const char *name, int64_t count)
{
    const xla_ffi_array *found = find(call, name, XLA_FFI_ARRAY);
    if (found && found->dtype == XLA_FFI_F64 && found->size == (size_t)count)
        return found->data;
    call->broken = "an attribute of the call is missing, or of another type or size";
    return NULL;
}

/* ---- Operands for libroi --------------------------------------------------------------------------------------- */

static roi_dtype dtype_of(xla_call *call, const xla_view *view)
{
    switch (view->buffer->dtype) {
    case XLA_FFI_F64: return ROI_FLOAT64;
    case XLA_FFI_F32: return ROI_FLOAT32;
    case XLA_FFI_F16: return ROI_FLOAT16;
    case XLA_FFI_BF16: return ROI_BFLOAT16;
    default: call->broken = "an operand has elements of another type than this handler takes"; return ROI_FLOAT32;
    }
}

void *xla_data(xla_call *call, const xla_view *view, xla_ffi_data_type dtype)
{
    if (view->buffer->dtype == dtype)
        return view->data;
    call->broken = "an operand has elements of another type than this handler takes";
    return NULL;
}

roi_array xla_map(xla_call *call, const xla_view *view)
{
    roi_array array = {view->data, dtype_of(call, view), {1, 1, 1, 1}, {0, 0, 0, 0}};
    memcpy(array.shape + 4 - view->rank, view->dims, (size_t)view->rank * sizeof *view->dims);
    int64_t stride = 1;
    for (int d = 3; d >= 0; d--) {
        array.strides[d] = stride;
        stride *= array.shape[d];
    }
    return array;
}

roi_boxes xla_boxes(xla_call *call, const xla_view *view)
{
    call->fault.columns = view->dims[1];
    return (roi_boxes){view->data, dtype_of(call, view), view->dims[0], view->dims[1], {view->dims[1], 1}, NULL};
}

roi_vector xla_vector(xla_call *call, const xla_view *view)
{
    return (roi_vector){view->data, dtype_of(call, view), view->dims[0], 1};
}
