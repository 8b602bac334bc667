/* internal.h - definitions that all files of the library share. */
#ifndef ROI_INTERNAL_H
#define ROI_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "roi.h"

enum { ROI_PAGE_BYTES = 4096 }; /* the smallest page of memory */

enum { AXIS_N, AXIS_C, AXIS_H, AXIS_W }; /* the dimensions of a map, and of a stack of crops */

static inline int64_t min_i64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t max_i64(int64_t a, int64_t b) { return a > b ? a : b; }
/* One instruction each, unlike calls of fmin and fmax. Neither number may be NaN. */
static inline double min_f64(double a, double b) { return a < b ? a : b; }
static inline double max_f64(double a, double b) { return a > b ? a : b; }
static inline int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

/* Bytes of the type computed in. */
static inline size_t roi_real_size(bool single) { return single ? sizeof(float) : sizeof(double); }

/* The number of groups of `group` into which n elements are divided. */
static inline int64_t groups_of(int64_t n, int64_t group) { return (n + group - 1) / group; }

/* Notes, while the library is loaded, that the environment variable NAME=value is not what was expected, and what is done
   instead: for roi_environment_problem to tell. */
void roi_note_environment(const char *name, const char *value, const char *rule);

/* Every parameter struct begins with its size; each has had one size so far. */
static inline roi_status roi_check_params(const void *params, size_t size)
{
    if (!params)
        return ROI_ERROR_NULL;
    return *(const size_t *)params == size ? ROI_SUCCESS : ROI_ERROR_STRUCT_SIZE;
}

/* Fills *error_ret, if there is one, and returns the status: the one way in which a function fails. */
roi_status roi_fail(roi_error *error_ret, roi_status status, int64_t row, int64_t column, double value);

/* The same of a status that is about the whole call; after success, *error_ret, which roi.h leaves
   unspecified, stays as it is. */
static inline roi_status roi_report(roi_error *error_ret, roi_status status)
{
    return status == ROI_SUCCESS ? status : roi_fail(error_ret, status, -1, -1, 0);
}

/* Ends the function that this stands in with the status of `call`, unless that is success. */
#define ROI_TRY(call)                                                                                                  \
    do {                                                                                                               \
        const roi_status tried_ = (call);                                                                              \
        if (tried_ != ROI_SUCCESS)                                                                                     \
            return tried_;                                                                                             \
    } while (0)

#endif
