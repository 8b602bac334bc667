/*
 * kernel.h - what the operators for ONNX Runtime have in common: attributes, tensors, boxes, threads, errors
 *
 * A function that returns an OrtStatus * returns NULL where all is well, and else what ONNX Runtime raises: it names the
 * operator, the input or attribute, the rule and what came. Nothing is read or written before its shape has been checked.
 */
#ifndef ROI_ORT_KERNEL_H
#define ROI_ORT_KERNEL_H

#include <roi.h>
#include <stdbool.h>

#include "ort.h"

/* What an angle of 1 in radians is. */
#define DEGREES_OF_RADIAN 57.29577951308232

struct kernel;

/* A function of libroi that pools boxes. */
typedef roi_status pooling(const struct kernel *kernel, const roi_array *input, const roi_boxes *boxes,
                           const roi_array *output_ret, roi_error *error_ret);

/* An operator, whatever the types of its tensors. */
struct kind {
    const char *name;
    const char
        *inputs; /* a letter each: T of the operator's type, F float32, I int64; a small letter may be left out */
    const char *outputs;
    OrtStatus *(*prepare)(struct kernel *kernel, const OrtKernelInfo *info); /* reads the attributes */
    OrtStatus *(*compute)(const struct kernel *kernel, OrtKernelContext *context);
    /* Of operators that pool: */
    int64_t columns; /* of the boxes; 4: their images are an input of their own; 6: the last one is an angle */
    bool by_bin;     /* each bin has channels of its own */
    pooling *pool;
};

/* An operator for one type, as ONNX Runtime sees it. */
struct op {
    OrtCustomOp base;
    const struct kind *kind;
    ort_type type;
    int since; /* the version of the operator set that it belongs to */
};

/* A node of a graph. */
struct kernel {
    const OrtApi *api;
    const struct op *op;
    int64_t height, width; /* of a crop */
    double scale;
    int64_t sampling_ratio;
    bool aligned, clockwise;
    roi_mode mode;
    double degrees; /* what an angle of 1 is */
    bool center_point_box;
    double iou_threshold, score_threshold, sigma;
    roi_soft_method method;
};

/* ---- Errors ---------------------------------------------------------------------------------------------------- */

/* With the operator's name before them. */
__attribute__((format(printf, 2, 3))) OrtStatus *ort_fail(const struct kernel *kernel, const char *format, ...);
OrtStatus *ort_no_memory(const struct kernel *kernel);

/* What a status of libroi stands for; NULL for success. `boxes`, `batch` and `scores` are names of inputs, perhaps with
   the image and class they belong to; `row` is the one to tell. */
OrtStatus *ort_tell(const struct kernel *kernel, roi_status status, const roi_error *error, int64_t row,
                    const char *boxes, const char *batch, const char *scores);

/* ---- Attributes ------------------------------------------------------------------------------------------------ */

/* One that is not there keeps the value that it has; one of another type is an error. */
OrtStatus *ort_integer(const struct kernel *kernel, const OrtKernelInfo *info, const char *name, int64_t *value);
OrtStatus *ort_number(const struct kernel *kernel, const OrtKernelInfo *info, const char *name, double *value);
OrtStatus *ort_flag(const struct kernel *kernel, const OrtKernelInfo *info, const char *name, bool *value);

/* One of several words, which end with NULL; *value is the index of the one that stands there. */
OrtStatus *ort_word(const struct kernel *kernel, const OrtKernelInfo *info, const char *name, const char *const *words,
                    int *value);

/* ---- Tensors --------------------------------------------------------------------------------------------------- */

enum { MOST_RANK = 4 };

struct tensor {
    void *data;
    ort_type type;
    int64_t rank, count;
    int64_t shape[MOST_RANK];
};

/* An input of a rank, for which `dimensions` are words; rank -1: one number, of any rank. An optional input that is left
   out has data NULL and count -1. */
OrtStatus *ort_input(const struct kernel *kernel, const OrtKernelContext *context, size_t index, const char *name,
                     int64_t rank, const char *dimensions, struct tensor *tensor_ret);

OrtStatus *ort_output(const struct kernel *kernel, OrtKernelContext *context, size_t index, const int64_t *shape,
                      size_t rank, void **data_ret);

/* As libroi takes it. */
roi_dtype ort_dtype(ort_type type);
roi_array ort_array(void *data, ort_type type, const int64_t shape[4]);

/* Element `at` of a floating tensor. */
double ort_element(const struct tensor *tensor, int64_t at);

/* ---- Threads --------------------------------------------------------------------------------------------------- */

/* Those of the session that runs a kernel, for roi_use_threads. */
struct ort_threads {
    const OrtApi *api;
    const OrtKernelContext *context;
    roi_threads threads;
};

/* For `roi_use_threads(&session->threads)`, or to run something by them. */
void ort_find_threads(struct ort_threads *session_ret, const struct kernel *kernel, const OrtKernelContext *context);

#endif
