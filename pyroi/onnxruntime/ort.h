/*
 * ort.h - the part of ONNX Runtime's C interface that the operators here need
 *
 * ONNX Runtime passes a table of functions to a library of custom operators. Neither PyPI nor Debian has the header
 * that declares it. The table only grows, so that each function has a fixed index. The indices below are those of ONNX
 * Runtime's documentation of version ORT_TABLE of the interface, which added the newest of these functions; a run-time
 * without this version is refused (register.c). The names are those of ONNX Runtime, so that they can be looked up.
 */
#ifndef ROI_ORT_H
#define ROI_ORT_H

#include <stddef.h>
#include <stdint.h>

enum {
    ORT_TABLE = 17
}; /* the version of the table and of OrtCustomOp, the same as the minor version of ONNX Runtime */

typedef struct OrtStatus OrtStatus; /* NULL: success */
typedef struct OrtValue OrtValue;
typedef struct OrtKernelInfo OrtKernelInfo;
typedef struct OrtKernelContext OrtKernelContext;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtCustomOpDomain OrtCustomOpDomain;
typedef struct OrtTensorTypeAndShapeInfo OrtTensorTypeAndShapeInfo;
typedef struct OrtShapeInferContext OrtShapeInferContext;
typedef struct OrtCustomOp OrtCustomOp;

/* OrtErrorCode */
enum { ORT_FAIL = 1, ORT_INVALID_ARGUMENT = 2 };

/* ONNXTensorElementDataType, which are the numbers of onnx.TensorProto.DataType */
typedef enum ort_type { ORT_FLOAT = 1, ORT_INT64 = 7, ORT_FLOAT16 = 10, ORT_DOUBLE = 11, ORT_BFLOAT16 = 16 } ort_type;

/* OrtCustomOpInputOutputCharacteristic */
enum { ORT_REQUIRED = 0, ORT_OPTIONAL = 1 };

/* The table. Members that are not used are counted, not named. */
typedef struct OrtApi {
    OrtStatus *(*CreateStatus)(int code, const char *message); /* 0 */
    void *unused_1[25];
    OrtStatus *(*CreateCustomOpDomain)(const char *domain, OrtCustomOpDomain **out); /* 26 */
    OrtStatus *(*CustomOpDomain_Add)(OrtCustomOpDomain *domain, const OrtCustomOp *op);
    OrtStatus *(*AddCustomOpDomain)(OrtSessionOptions *options, OrtCustomOpDomain *domain);
    void *unused_29[22];
    OrtStatus *(*GetTensorMutableData)(OrtValue *value, void **out); /* 51 */
    void *unused_52[8];
    OrtStatus *(*GetTensorElementType)(const OrtTensorTypeAndShapeInfo *info, ort_type *out); /* 60 */
    OrtStatus *(*GetDimensionsCount)(const OrtTensorTypeAndShapeInfo *info, size_t *out);
    OrtStatus *(*GetDimensions)(const OrtTensorTypeAndShapeInfo *info, int64_t *values, size_t count);
    void *unused_63[2];
    OrtStatus *(*GetTensorTypeAndShape)(const OrtValue *value, OrtTensorTypeAndShapeInfo **out); /* 65 */
    void *unused_66[19];
    OrtStatus *(*KernelInfoGetAttribute_float)(const OrtKernelInfo *info, const char *name, float *out); /* 85 */
    OrtStatus *(*KernelInfoGetAttribute_int64)(const OrtKernelInfo *info, const char *name, int64_t *out);
    OrtStatus *(*KernelInfoGetAttribute_string)(const OrtKernelInfo *info, const char *name, char *out, size_t *size);
    OrtStatus *(*KernelContext_GetInputCount)(const OrtKernelContext *context, size_t *out);
    void *unused_89;
    OrtStatus *(*KernelContext_GetInput)(const OrtKernelContext *context, size_t index, const OrtValue **out); /* 90 */
    OrtStatus *(*KernelContext_GetOutput)(OrtKernelContext *context, size_t index, const int64_t *shape, size_t rank,
                                          OrtValue **out);
    void *unused_92;
    void (*ReleaseStatus)(OrtStatus *status); /* 93 */
    void *unused_94[5];
    void (*ReleaseTensorTypeAndShapeInfo)(OrtTensorTypeAndShapeInfo *info); /* 99 */
    void *unused_100;
    void (*ReleaseCustomOpDomain)(OrtCustomOpDomain *domain); /* 101 */
    void *unused_102[60];
    OrtStatus *(*KernelInfoGetAttributeArray_float)(const OrtKernelInfo *info, const char *name, float *out,
                                                    size_t *size); /* 162 */
    OrtStatus *(*KernelInfoGetAttributeArray_int64)(const OrtKernelInfo *info, const char *name, int64_t *out,
                                                    size_t *size);
    void *unused_164[73];
    OrtStatus *(*HasSessionConfigEntry)(const OrtSessionOptions *options, const char *key, int *out); /* 237 */
    OrtStatus *(*GetSessionConfigEntry)(const OrtSessionOptions *options, const char *key, char *out, size_t *size);
    void *unused_239[35];
    OrtStatus *(*KernelContext_ParallelFor)(const OrtKernelContext *context, void (*body)(void *work, size_t index),
                                            size_t total, size_t batches, void *work); /* 274 */
} OrtApi;

typedef struct OrtApiBase {
    const OrtApi *(*GetApi)(uint32_t version); /* NULL: the run-time does not have it */
    const char *(*GetVersionString)(void);     /* "1.32.0" */
} OrtApiBase;

/* The description of an operator. `version` determines which members ONNX Runtime reads. */
struct OrtCustomOp {
    uint32_t version;
    void *(*CreateKernel)(const OrtCustomOp *op, const OrtApi *api, const OrtKernelInfo *info);
    const char *(*GetName)(const OrtCustomOp *op);
    const char *(*GetExecutionProviderType)(const OrtCustomOp *op);
    ort_type (*GetInputType)(const OrtCustomOp *op, size_t index);
    size_t (*GetInputTypeCount)(const OrtCustomOp *op);
    ort_type (*GetOutputType)(const OrtCustomOp *op, size_t index);
    size_t (*GetOutputTypeCount)(const OrtCustomOp *op);
    void (*KernelCompute)(void *kernel, OrtKernelContext *context);
    void (*KernelDestroy)(void *kernel);
    int (*GetInputCharacteristic)(const OrtCustomOp *op, size_t index);
    int (*GetOutputCharacteristic)(const OrtCustomOp *op, size_t index);
    int (*GetInputMemoryType)(const OrtCustomOp *op, size_t index);
    int (*GetVariadicInputMinArity)(const OrtCustomOp *op);
    int (*GetVariadicInputHomogeneity)(const OrtCustomOp *op);
    int (*GetVariadicOutputMinArity)(const OrtCustomOp *op);
    int (*GetVariadicOutputHomogeneity)(const OrtCustomOp *op);
    OrtStatus *(*CreateKernelV2)(const OrtCustomOp *op, const OrtApi *api, const OrtKernelInfo *info, void **out);
    OrtStatus *(*KernelComputeV2)(void *kernel, OrtKernelContext *context);
    OrtStatus *(*InferOutputShapeFn)(const OrtCustomOp *op, OrtShapeInferContext *context);
    int (*GetStartVersion)(const OrtCustomOp *op);
    int (*GetEndVersion)(const OrtCustomOp *op);
    void *later[4]; /* the members that version 18 reads */
};

#endif
