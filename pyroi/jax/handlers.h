/* handlers.h - the part of the handlers that Python sees: cffi's declarations are made from this file. */
#ifndef PYROI_XLA_HANDLERS_H
#define PYROI_XLA_HANDLERS_H

#include <stdint.h>

#define CFFI_CALLBACK /* marks the functions that cffi defines */

/* An error that libroi has found in a call, with the facts for Python's message. */
typedef struct xla_fault {
    const char *operator_name;
    int32_t status; /* roi_status */
    int64_t row, column;
    double value;
    int64_t example;    /* the index among the examples of vmap in one call, through all its dimensions; -1: no vmap */
    int64_t images;     /* of the map */
    int64_t columns;    /* of the boxes */
    int64_t first_rows; /* of the first of two arrays of boxes, or 0 */
} xla_fault;

/* Writes the message for an error, with its final NUL, to a text of this size. */
CFFI_CALLBACK void xla_describe_fault(const xla_fault *fault, char *text, int64_t size);

/* Handlers of XLA's foreign function interface: each takes a call frame and returns NULL or an error. Differences from
   the results of pyroi's functions are described in pooling.c and suppression.c. */
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
