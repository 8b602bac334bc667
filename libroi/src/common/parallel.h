/*
 * parallel.h - the one place where work is spread over threads
 *
 * Machines are shared, so nothing here waits by spinning. Threads are kept from call to call and sleep in between. The one
 * that calls does the work itself, item by item, and threads that wake up in time take items off it: where processors are busy
 * with something else nobody is waited for but threads that have begun an item. Threads are started when they are first
 * wanted; where the system gives none there are fewer.
 */
#ifndef ROI_PARALLEL_H
#define ROI_PARALLEL_H

#include "common/internal.h"

/* How many threads are worth starting for so many multiply-adds: 1 for small work. */
int roi_threads_for(double work);

/* What is done with an item; `thread` tells threads apart, so that each can have memory of its own. */
typedef void roi_task(void *context, int64_t item, int thread);

/* Calls body(context, item, thread) once for each item in [0, items), in any order, on up to `threads` threads;
   `thread` is below `threads`. No two items may write the same memory: that is what makes results independent of the
   number of threads.
   Returns ROI_CANCELLED, with items left out, once *cancel is found set (NULL: never), else ROI_SUCCESS. */
roi_status roi_parallel_for(int64_t items, int threads, const volatile int32_t *cancel, roi_task *body, void *context);

#endif
