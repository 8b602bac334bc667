/*
 * register.c - the operators as ONNX Runtime sees them, and the function that registers them
 *
 * An operator in the domain "" replaces ONNX Runtime's own operator of the same name. It must exist for every type that
 * models may use: if a name is registered only with other types, ONNX Runtime does not fall back to its own operator.
 * RoiAlign has another definition before operator set 16, and an operator does not receive the version that a model
 * imports. It is therefore registered for models from version 16 on, unless the options' entry OPSET_KEY names an older
 * one.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kinds.h"

#define OPSET_KEY "pyroi.onnx_opset"

enum { NEWEST_MEANING = 16, OLDEST = 10 };

/* ---- The description of an operator ---------------------------------------------------------------------------- */

static const struct op *of(const OrtCustomOp *base) { return (const struct op *)base; }
static const char *name(const OrtCustomOp *base) { return of(base)->kind->name; }
static const char *provider(const OrtCustomOp *base)
{
    (void)base;
    return "CPUExecutionProvider";
}
static size_t input_count(const OrtCustomOp *base) { return strlen(of(base)->kind->inputs); }
static size_t output_count(const OrtCustomOp *base) { return strlen(of(base)->kind->outputs); }

static ort_type type_of(const struct op *op, char letter)
{
    return letter == 'T' ? op->type : letter == 'I' || letter == 'i' ? ORT_INT64 : ORT_FLOAT;
}

static ort_type input_type(const OrtCustomOp *base, size_t index)
{
    return type_of(of(base), of(base)->kind->inputs[index]);
}

static ort_type output_type(const OrtCustomOp *base, size_t index)
{
    return type_of(of(base), of(base)->kind->outputs[index]);
}

static int need_of_input(const OrtCustomOp *base, size_t index)
{
    return of(base)->kind->inputs[index] >= 'a' ? ORT_OPTIONAL : ORT_REQUIRED;
}

static int need_of_output(const OrtCustomOp *base, size_t index)
{
    (void)base, (void)index;
    return ORT_REQUIRED;
}

static int memory_type(const OrtCustomOp *base, size_t index)
{
    (void)base, (void)index;
    return 0; /* the provider's own */
}

static int one(const OrtCustomOp *base)
{
    (void)base;
    return 1;
}
static int since(const OrtCustomOp *base) { return of(base)->since; }
static int until(const OrtCustomOp *base)
{
    (void)base;
    return INT32_MAX;
}

static OrtStatus *create(const OrtCustomOp *base, const OrtApi *api, const OrtKernelInfo *info, void **kernel_ret)
{
    struct kernel *kernel = calloc(1, sizeof *kernel);
    if (!kernel)
        return api->CreateStatus(ORT_FAIL, "out of memory for an operator");
    kernel->api = api;
    kernel->op = of(base);
    OrtStatus *status = kernel->op->kind->prepare(kernel, info);
    if (status) {
        free(kernel);
        kernel = NULL;
    }
    *kernel_ret = kernel;
    return status;
}

static OrtStatus *compute(void *kernel, OrtKernelContext *context)
{
    const struct kernel *of_node = kernel;
    return of_node->op->kind->compute(of_node, context);
}

static void destroy(void *kernel) { free(kernel); }

/* ---- Operators ------------------------------------------------------------------------------------------------- */

#define OP(KIND, TYPE, SINCE)                                                                                          \
    {                                                                                                                  \
        {.version = ORT_TABLE,                                                                                         \
         .GetName = name,                                                                                              \
         .GetExecutionProviderType = provider,                                                                         \
         .GetInputType = input_type,                                                                                   \
         .GetInputTypeCount = input_count,                                                                             \
         .GetOutputType = output_type,                                                                                 \
         .GetOutputTypeCount = output_count,                                                                           \
         .KernelDestroy = destroy,                                                                                     \
         .GetInputCharacteristic = need_of_input,                                                                      \
         .GetOutputCharacteristic = need_of_output,                                                                    \
         .GetInputMemoryType = memory_type,                                                                            \
         .GetVariadicInputMinArity = one,                                                                              \
         .GetVariadicInputHomogeneity = one,                                                                           \
         .GetVariadicOutputMinArity = one,                                                                             \
         .GetVariadicOutputHomogeneity = one,                                                                          \
         .CreateKernelV2 = create,                                                                                     \
         .KernelComputeV2 = compute,                                                                                   \
         .GetStartVersion = since,                                                                                     \
         .GetEndVersion = until},                                                                                      \
            &(KIND), TYPE, SINCE                                                                                       \
    }
#define ALL_TYPES(KIND, SINCE)                                                                                         \
    OP(KIND, ORT_FLOAT, SINCE), OP(KIND, ORT_DOUBLE, SINCE), OP(KIND, ORT_FLOAT16, SINCE), OP(KIND, ORT_BFLOAT16, SINCE)

static const struct op of_onnx[] = {ALL_TYPES(ort_roi_align, NEWEST_MEANING), ALL_TYPES(ort_max_roi_pool, 1),
                                    OP(ort_non_max_suppression, ORT_FLOAT, 1)};
static const struct op of_old_onnx[] = {ALL_TYPES(ort_old_roi_align, OLDEST), ALL_TYPES(ort_max_roi_pool, 1),
                                        OP(ort_non_max_suppression, ORT_FLOAT, 1)};
static const struct op of_mmcv[] = {ALL_TYPES(ort_mmcv_roi_align, 1), ALL_TYPES(ort_mmcv_rotated, 1)};
static const struct op of_mmdeploy[] = {ALL_TYPES(ort_mmcv_rotated, 1), OP(ort_mmdeploy_rotated, ORT_FLOAT, 1)};
/* In our own domain, operators of ONNX have their newest definition; versions are those of the domain. */
static const struct op ours[] = {
    ALL_TYPES(ort_roi_align, 1),   ALL_TYPES(ort_max_roi_pool, 1),    OP(ort_non_max_suppression, ORT_FLOAT, 1),
    ALL_TYPES(ort_rotated, 1),     ALL_TYPES(ort_prroi_pool, 1),      ALL_TYPES(ort_ps_roi_align, 1),
    ALL_TYPES(ort_ps_roi_pool, 1), OP(ort_nms_rotated, ORT_FLOAT, 1), OP(ort_soft_nms, ORT_FLOAT, 1)};

#define COUNT(OPS) (sizeof(OPS) / sizeof *(OPS))

enum { ONNX, OLD_ONNX, MMCV, MMDEPLOY, OURS, DOMAINS };

static const struct domain {
    const char *name;
    const struct op *ops;
    size_t count;
} domains[DOMAINS] = {
    [ONNX] = {"", of_onnx, COUNT(of_onnx)},     [OLD_ONNX] = {"", of_old_onnx, COUNT(of_old_onnx)},
    [MMCV] = {"mmcv", of_mmcv, COUNT(of_mmcv)}, [MMDEPLOY] = {"mmdeploy", of_mmdeploy, COUNT(of_mmdeploy)},
    [OURS] = {"roi", ours, COUNT(ours)},
};

/* ---- Registering ----------------------------------------------------------------------------------------------- */

/* Created once and used for all options, because ONNX Runtime keeps pointers to them as long as sessions exist. */
static OrtCustomOpDomain *made[DOMAINS];

/* Where several threads make a domain at once, that of the first is kept. */
static OrtStatus *make(const OrtApi *api, int index, OrtCustomOpDomain **domain_ret)
{
    const struct domain *domain = &domains[index];
    OrtCustomOpDomain *new = NULL, *first = NULL;
    OrtStatus *status = api->CreateCustomOpDomain(domain->name, &new);
    for (size_t i = 0; !status && i < domain->count; i++)
        status = api->CustomOpDomain_Add(new, &domain->ops[i].base);
    const bool is_first = !status && __atomic_compare_exchange_n(&made[index], &first, new, false, __ATOMIC_ACQ_REL,
                                                                 __ATOMIC_ACQUIRE);
    if (new && !is_first)
        api->ReleaseCustomOpDomain(new);
    *domain_ret = is_first ? new : first;
    return status;
}

static OrtStatus *add(const OrtApi *api, OrtSessionOptions *options, int index)
{
    OrtCustomOpDomain *domain = __atomic_load_n(&made[index], __ATOMIC_ACQUIRE);
    OrtStatus *status = domain ? NULL : make(api, index, &domain);
    return status ? status : api->AddCustomOpDomain(options, domain);
}

/* The version of ONNX's operators that models import, if the options state it. */
static OrtStatus *read_opset(const OrtApi *api, const OrtSessionOptions *options, int *opset)
{
    char text[16] = "";
    size_t size = sizeof text;
    int there = 0;
    OrtStatus *status = api->HasSessionConfigEntry(options, OPSET_KEY, &there);
    if (!status && there)
        status = api->GetSessionConfigEntry(options, OPSET_KEY, text, &size);
    if (status || !there)
        return status;
    char *end;
    const long version = strtol(text, &end, 10);
    if (end == text || *end != '\0' || version < 1)
        return api->CreateStatus(ORT_INVALID_ARGUMENT, OPSET_KEY ": expected a version of ONNX's operators");
    *opset = version < NEWEST_MEANING ? (int)version : NEWEST_MEANING;
    return NULL;
}

/* The table of functions. For an unknown ONNX Runtime the result is NULL, with a status if one can be created. */
static const OrtApi *find_table(const OrtApiBase *base, OrtStatus **status_ret)
{
    const char *version = base->GetVersionString();
    const OrtApi *table = strncmp(version, "1.", 2) == 0 ? base->GetApi(ORT_TABLE) : NULL, *oldest;
    char message[160];
    if (table)
        return table;
    snprintf(message, sizeof message, "pyroi's operators need ONNX Runtime 1.%d or a later 1.x, found %.20s", ORT_TABLE,
             version);
    oldest = base->GetApi(1);
    *status_ret = oldest ? oldest->CreateStatus(ORT_FAIL, message) : NULL;
    return NULL;
}

/* The entry point of a library of operators, which ONNX Runtime finds by this name. */
ROI_API OrtStatus *RegisterCustomOps(OrtSessionOptions *options, const OrtApiBase *base);

OrtStatus *RegisterCustomOps(OrtSessionOptions *options, const OrtApiBase *base)
{
    OrtStatus *status = NULL;
    const OrtApi *api = find_table(base, &status);
    int opset = NEWEST_MEANING;
    if (!api)
        return status;
    status = read_opset(api, options, &opset);
    if (!status)
        status = add(api, options, opset < NEWEST_MEANING ? OLD_ONNX : ONNX);
    for (int index = MMCV; !status && index < DOMAINS; index++)
        status = add(api, options, index);
    return status;
}
