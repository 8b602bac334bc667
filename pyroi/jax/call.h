/*
 * call.h - a call of XLA, as the operators see it
 *
 * Under vmap, operands have leading dimensions before those of the operator. All operands of a call have the same
 * number of them; an operand that is the same for all examples has size 1 there. An operator computes one example at a
 * time, without the leading dimensions.
 */
#ifndef PYROI_XLA_CALL_H
#define PYROI_XLA_CALL_H

#include <roi.h>
#include <stdbool.h>

#include "handlers.h"
#include "xla_ffi.h"

enum { XLA_MOST_OPERANDS = 64 };

/* An argument or a result, of one example. */
typedef struct {
    const xla_ffi_buffer *buffer;
    int64_t rank;        /* without leading dimensions */
    const int64_t *dims; /* of `rank` sizes */
    char *data;
} xla_view;

typedef struct xla_call {
    const xla_ffi_frame *frame;
    xla_view arguments[XLA_MOST_OPERANDS];
    xla_view results[XLA_MOST_OPERANDS];
    xla_fault fault;    /* the facts of the call for its message, in addition to libroi's error */
    const char *broken; /* the part of the call that differs from those that this program makes, or NULL */
} xla_call;

/* Computes one example. If a part of the call is broken, `broken` names it, whatever the function returns. */
typedef roi_status xla_operator(xla_call *call, roi_error *error_ret);

/* Runs an operator for each example of a frame. The ranks are those of its arguments, then of its results. */
xla_ffi_error *xla_run(xla_ffi_frame *frame, const char *name, xla_operator *compute, int arguments, int results,
                       const int *ranks);

/* Attributes by their names. If there is none of that type, the result is 0 or NULL, and `broken` is set. */
double xla_number(xla_call *call, const char *name);
int64_t xla_integer(xla_call *call, const char *name);
bool xla_flag(xla_call *call, const char *name);
const double *xla_numbers(xla_call *call, const char *name, int64_t count);

/* Operands in the form of libroi's arguments. */
roi_array xla_map(xla_call *call, const xla_view *view);   /* [N, C, H, W], or [N, M] as [1, 1, N, M] */
roi_boxes xla_boxes(xla_call *call, const xla_view *view); /* [K, columns] */
roi_vector xla_vector(xla_call *call, const xla_view *view);

/* The elements of an operand. If they have another type, the result is NULL, and `broken` is set. */
void *xla_data(xla_call *call, const xla_view *view, xla_ffi_data_type dtype);

#endif
