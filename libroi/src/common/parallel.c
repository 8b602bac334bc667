/* parallel.c - a loop over items, spread over threads: see parallel.h. */
#include "common/parallel.h"

#include <stdlib.h>
#include <string.h>

#include "common/system.h"
#include "common/threads.h"

/* With fewer multiply-adds per thread, waking it takes longer than it saves (docs/performance.md). */
static const double grain = 1 << 19;

/* ---- How many -------------------------------------------------------------------------------------------------- */

static int32_t setting = 0; /* 0: the number of processors */

static int32_t clamp(int64_t threads) { return (int32_t)max_i64(1, min_i64(threads, ROI_MOST_THREADS)); }

void roi_set_num_threads(int32_t threads) { __atomic_store_n(&setting, clamp(threads), __ATOMIC_RELAXED); }

int32_t roi_get_num_threads(void)
{
    if (!ROI_CAN_START_THREADS)
        return 1;
    const int32_t set = __atomic_load_n(&setting, __ATOMIC_RELAXED);
    return set ? set : clamp(roi_available_processors());
}

/* The program's own threads, as set by this thread, or NULL. */
static const roi_threads *own_threads(void) { return roi_thread_value(); }

const roi_threads *roi_use_threads(const roi_threads *threads)
{
    const roi_threads *before = own_threads();
    roi_set_thread_value(threads && threads->size == sizeof *threads ? threads : NULL);
    return before;
}

int roi_threads_for(double work)
{
    const roi_threads *own = own_threads();
    const double worth = work / grain;
    if (worth < 2 || (!own && __atomic_load_n(&setting, __ATOMIC_RELAXED) == 0 && roi_threads_rest()))
        return 1;
    const int32_t most = own ? clamp(own->run ? own->count : 1) : roi_get_num_threads();
    return worth < most ? (int)worth : most;
}

/* OMP_NUM_THREADS sets the threads of many programs of this kind: a number, or a list of which the first one is used. */
__attribute__((constructor)) static void read_environment(void)
{
    const char *value = roi_environment_value("OMP_NUM_THREADS");
    if (!value || value[strspn(value, " \t")] == '\0')
        return;
    char *end;
    const long long threads = strtoll(value, &end, 10);
    end += strspn(end, " \t");
    if ((*end != '\0' && *end != ',') || threads < 1) {
        roi_note_environment("OMP_NUM_THREADS", value, "expected a whole number of threads, 1 to 1024; it is ignored");
        return;
    }
    if (threads > ROI_MOST_THREADS)
        roi_note_environment("OMP_NUM_THREADS", value,
                             "expected a whole number of threads, 1 to 1024; it counts as 1024");
    setting = clamp(threads);
}

/* ---- A loop ---------------------------------------------------------------------------------------------------- */

struct loop {
    int64_t items;
    const volatile int32_t *cancel;
    roi_task *body;
    void *context;
    int64_t next_item; /* taken by adding to it */
};

static bool cancelled(const struct loop *loop) { return loop->cancel && *loop->cancel; }

/* Returns early when *stop is set (NULL: never); other threads do the rest. */
static void run_items(void *of_loop, int thread, const bool *stop)
{
    struct loop *loop = of_loop;
    int64_t item;
    while (!(stop && __atomic_load_n(stop, __ATOMIC_RELAXED)) &&
           (item = __atomic_fetch_add(&loop->next_item, 1, __ATOMIC_RELAXED)) < loop->items && !cancelled(loop))
        loop->body(loop->context, item, thread);
}

static void join(void *loop, int32_t thread) { run_items(loop, thread, NULL); }

roi_status roi_parallel_for(int64_t items, int threads, const volatile int32_t *cancel, roi_task *body, void *context)
{
    struct loop loop = {.items = items, .cancel = cancel, .body = body, .context = context};
    const roi_threads *own = own_threads();
    const int count = (int)min_i64(threads, items);
    if (count < 2)
        run_items(&loop, 0, NULL);
    else if (own)
        own->run(own->context, count, join, &loop);
    else
        roi_run_on_threads(count, run_items, &loop);
    return cancelled(&loop) ? ROI_CANCELLED : ROI_SUCCESS;
}
