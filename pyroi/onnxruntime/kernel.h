/*
 * kernel.h - the common part of the operators for ONNX Runtime: attributes, tensors, boxes, threads, errors
 *
 * A function that returns an OrtStatus * returns NULL on success, and otherwise the error that ONNX Runtime raises: its
 * message names the operator, the input or attribute, the rule and the value. Every shape is checked before the
 * elements are read or written.
 */
#ifndef ROI_ORT_KERNEL_H
#define ROI_ORT_KERNEL_H

#include <roi.h>
#include <stdbool.h>

#include "ort.h"

/* One radian in degrees. */
#define DEGREES_OF_RADIAN 57.29577951308232

struct kernel;

/* A function of libroi that pools boxes. */
typedef roi_status pooling(const struct kernel *kernel, const roi_array *input, const roi_boxes *boxes,
                           const roi_array *output_ret, roi_error *error_ret);

/* An operator, for all types of its tensors. */
struct kind {
    const char *name;
    const char *inputs; /* a letter each: T of the operator's type, F float32, I int64; a small letter: optional */
    const char *outputs;
    OrtStatus *(*prepare)(struct kernel *kernel, const OrtKernelInfo *info); /* reads the attributes */
    OrtStatus *(*compute)(const struct kernel *kernel, OrtKernelContext *context);
    /* Of operators that pool: */
    int64_t columns; /* of the boxes; 4: a separate input has the images; 6: the last one is an angle */
    bool by_bin;     /* whether each bin has its own channels */
    pooling *pool;
};

/* An operator for one type, as ONNX Runtime sees it. */
struct op {
    OrtCustomOp base;
    const struct kind *kind;
    ort_type type;
    int since; /* the first version of the operator set with it */
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
    double degrees; /* of an angle of 1 */
    bool center_point_box;
    double iou_threshold, score_threshold, sigma;
    roi_soft_method method;
};

/* ---- Errors ---------------------------------------------------------------------------------------------------- */

/* These put the operator's name in front of the message. */
__attribute__((format(printf, 2, 3))) OrtStatus *ort_fail(const struct kernel *kernel, const char *format, ...);
OrtStatus *ort_no_memory(const struct kernel *kernel);

/* The error for a status of libroi; NULL for success. `boxes`, `batch` and `scores` are names of inputs, which may
   include the image and the class; `row` is the row to report. */
OrtStatus *ort_tell(const struct kernel *kernel, roi_status status, const roi_error *error, int64_t row,
                    const char *boxes, const char *batch, const char *scores);

/* ---- Attributes ------------------------------------------------------------------------------------------------ */

/* A missing attribute leaves the value unchanged; an attribute of another type is an error. */
OrtStatus *ort_integer(const struct kernel *kernel, const OrtKernelInfo *info, const char *name, int64_t *value);
OrtStatus *ort_number(const struct kernel *kernel, const OrtKernelInfo *info, const char *name, double *value);
OrtStatus *ort_flag(const struct kernel *kernel, const OrtKernelInfo *info, const char *name, bool *value);

/* An attribute that is one of several words, a list that ends with NULL; *value becomes its index. */
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

/* An input of a given rank, which `dimensions` describes in messages; rank -1: a single number of any rank. An optional
   input that is missing has data NULL and count -1. */
OrtStatus *ort_input(const struct kernel *kernel, const OrtKernelContext *context, size_t index, const char *name,
                     int64_t rank, const char *dimensions, struct tensor *tensor_ret);

OrtStatus *ort_output(const struct kernel *kernel, OrtKernelContext *context, size_t index, const int64_t *shape,
                      size_t rank, void **data_ret);

/* The tensor as an array of libroi. */
roi_dtype ort_dtype(ort_type type);
roi_array ort_array(void *data, ort_type type, const int64_t shape[4]);

/* Element `at` of a floating tensor. */
double ort_element(const struct tensor *tensor, int64_t at);

/* ---- Threads --------------------------------------------------------------------------------------------------- */

/* The threads of the session that runs a kernel, for roi_use_threads. */
struct ort_threads {
    const OrtApi *api;
    const OrtKernelContext *context;
    roi_threads threads;
};

/* For `roi_use_threads(&session->threads)`, or to run other work on these threads. */
void ort_find_threads(struct ort_threads *session_ret, const struct kernel *kernel, const OrtKernelContext *context);

#endif
