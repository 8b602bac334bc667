/* threads.h - threads that work together for a while, and sleep in between: threads_posix.c or threads_windows.c. */
#ifndef ROI_THREADS_H
#define ROI_THREADS_H

#include "common/internal.h"

/* What each of them does; `thread` is its number. When `*stop` becomes true, where it is not NULL, the pool of
   threads is ending, and the thread returns early. */
typedef void roi_thread_body(void *context, int thread, const bool *stop);

#if defined(ROI_HAVE_THREADS)
enum { ROI_CAN_START_THREADS = 1 };

/* Calls body(context, 0, NULL) in this thread, and body(context, i, stop) for i from 1 to at most count - 1 in others, as far
   as these wake up before the first call has returned. Returns when all have returned. */
void roi_run_on_threads(int count, roi_thread_body *body, void *context);

/* Whether calls should use one thread for a while, since other processes have kept the processors of our threads. */
bool roi_threads_rest(void);
#else
enum { ROI_CAN_START_THREADS = 0 };
static inline void roi_run_on_threads(int count, roi_thread_body *body, void *context) { body(context, 0, NULL); }
static inline bool roi_threads_rest(void) { return false; }
#endif

#endif
