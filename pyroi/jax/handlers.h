/* handlers.h - what Python sees of the handlers: cffi's declarations are made from this file. */
#ifndef PYROI_XLA_HANDLERS_H
#define PYROI_XLA_HANDLERS_H

#include <stdint.h>

#define CFFI_CALLBACK /* cffi defines what is marked so */

/* A fault that libroi found in a call, in what words Python is to put it. */
typedef struct xla_fault {
    const char *operator_name;
    int32_t status; /* roi_status */
    int64_t row, column;
    double value;
    int64_t
        example;    /* of those that vmap has put into one call, counted through all its dimensions; -1: there is one */
    int64_t images; /* of the map */
    int64_t columns;    /* of the boxes */
    int64_t first_rows; /* of the first of two arrays of boxes, or 0 */
} xla_fault;

/* Writes the message for a fault, with its final 0, into a text of this size. */
CFFI_CALLBACK void xla_describe_fault(const xla_fault *fault, char *text, int64_t size);

/* Handlers of XLA's foreign function interface: each takes a call frame and gives NULL or an error. A result that has
   one more meaning than its pyroi function's is told of in pooling.c or suppression.c. */
void *xla_roi_align(void *frame);
void *xla_roi_align_backward(void *frame);
void *xla_roi_align_rotated(void *frame);
void *xla_roi_align_rotated_backward(void *frame);
void *xla_multiscale_roi_align(void *frame);
void *xla_multiscale_roi_align_backward(void *frame);
void *xla_roi_pool(void *frame);
void *xla_roi_pool_backward(void *frame);
void *xla_prroi_pool(void *frame);
void *xla_prroi_pool_backward(void *frame);
void *xla_box_iou(void *frame);
void *xla_box_iou_rotated(void *frame);
void *xla_nms(void *frame);
void *xla_nms_rotated(void *frame);

#endif
