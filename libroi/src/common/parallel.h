/*
 * parallel.h - the distribution of work over threads
 *
 * Threads never spin, since machines are shared: they are kept from call to call and sleep in between. The calling thread
 * works on the items itself, and threads that wake up take items, too. A call waits only for threads that have
 * joined, so that it does not depend on busy processors. Threads are started when they are first needed; if the system refuses,
 * there are fewer.
 */
#ifndef ROI_PARALLEL_H
#define ROI_PARALLEL_H

#include "common/internal.h"

/* The number of threads to use for so many multiply-adds; 1 for small work. */
int roi_threads_for(double work);

/* Processes an item; `thread` is the number of the thread, which selects its own memory. */
typedef void roi_task(void *context, int64_t item, int thread);

/* Calls body(context, item, thread) once for each item in [0, items), in any order, on up to `threads` threads;
   `thread` is below `threads`. No two items may write the same memory: that is what makes results independent of the
   number of threads.
   Returns ROI_CANCELLED, with items left out, once *cancel is found set (NULL: never), else ROI_SUCCESS. */
roi_status roi_parallel_for(int64_t items, int threads, const volatile int32_t *cancel, roi_task *body, void *context);

#endif
