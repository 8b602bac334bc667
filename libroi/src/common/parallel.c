/* parallel.c - threads by OpenMP, or one thread where the compiler has none. */
#include "common/parallel.h"

#include <unistd.h>

#if defined(_OPENMP)
#include <omp.h>
#endif

/* Below this many multiply-adds a thread, waking it costs more than it brings (see docs/performance.md). */
static const double grain = 1 << 19;

/* Both are plain words that are read and written whole. */
static int32_t setting = 0;      /* 0: what OpenMP says */
static pid_t parallel_pid = 0;   /* the process that has used several threads; 0: none yet */

static int32_t load_i32(const int32_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }

void roi_set_num_threads(int32_t threads)
{
    __atomic_store_n(&setting, threads < 1 ? 1 : threads, __ATOMIC_RELAXED);
}

int32_t roi_get_num_threads(void)
{
#if defined(_OPENMP)
    const int32_t set = load_i32(&setting);
    return set ? set : omp_get_max_threads();
#else
    return 1;
#endif
}

/* GNU's OpenMP waits for ever in a child for threads that fork() has not copied. */
static bool forked_after_use(void)
{
    const pid_t used_by = __atomic_load_n(&parallel_pid, __ATOMIC_RELAXED);
    return used_by != 0 && used_by != getpid();
}

int roi_threads_for(double work)
{
    const double worth = work / grain;
    const int32_t most = roi_get_num_threads();
    if (worth < 2 || most < 2 || forked_after_use())
        return 1;
    return worth < most ? (int)worth : most;
}

struct loop {
    int64_t items;
    const volatile int32_t *cancel;
    void (*body)(void *, int64_t, int);
    void *context;
};

static bool cancelled(const struct loop *loop) { return loop->cancel && *loop->cancel; }

static void run_serial(const struct loop *loop)
{
    for (int64_t item = 0; item < loop->items && !cancelled(loop); item++)
        loop->body(loop->context, item, 0);
}

#if defined(_OPENMP)
static void run_parallel(const struct loop *loop, int threads)
{
    __atomic_store_n(&parallel_pid, getpid(), __ATOMIC_RELAXED);
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (int64_t item = 0; item < loop->items; item++)
        if (!cancelled(loop))
            loop->body(loop->context, item, omp_get_thread_num());
}
#endif

roi_status roi_parallel_for(int64_t items, int threads, const volatile int32_t *cancel, roi_task *body, void *context)
{
    const struct loop loop = {items, cancel, body, context};
#if defined(_OPENMP)
    if (threads > 1 && items > 1)
        run_parallel(&loop, threads);
    else
#endif
        run_serial(&loop);
    (void)threads;
    return cancelled(&loop) ? ROI_CANCELLED : ROI_SUCCESS;
}
