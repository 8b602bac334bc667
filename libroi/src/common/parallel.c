/* parallel.c - threads that sleep until there is work: parallel.h has the theory. */
#include "common/parallel.h"

#include <stdlib.h>
#include <string.h>

#if defined(ROI_HAVE_THREADS)
#include <pthread.h>
#include <signal.h>
#include <time.h>
#endif

#include "common/environment.h"
#include "common/processors.h"

/* Below this many multiply-adds a thread, waking it costs more than it brings (see docs/performance.md). */
static const double grain = 1 << 19;

/* ---- How many -------------------------------------------------------------------------------------------------- */

static int32_t setting = 0; /* 0: as many as there are processors. A plain word that is read and written whole. */

static int32_t clamp(int64_t threads) { return (int32_t)max_i64(1, min_i64(threads, ROI_MOST_THREADS)); }

void roi_set_num_threads(int32_t threads) { __atomic_store_n(&setting, clamp(threads), __ATOMIC_RELAXED); }

int32_t roi_get_num_threads(void)
{
#if defined(ROI_HAVE_THREADS)
    const int32_t set = __atomic_load_n(&setting, __ATOMIC_RELAXED);
    return set ? set : clamp(roi_available_processors());
#else
    return 1;
#endif
}

/* The program's own, of this thread; NULL: none. */
static __thread const roi_threads *own;

const roi_threads *roi_use_threads(const roi_threads *threads)
{
    const roi_threads *before = own;
    own = threads && threads->size == sizeof *threads ? threads : NULL;
    return before;
}

/* ---- Busy machines --------------------------------------------------------------------------------------------- */

/* Other processes may get the processor of a thread that has begun an item, or that is about to, and keep it for many
   milliseconds, for which the whole call waits. If a thread was without a processor for more than half of a loop, the next
   calls use one thread, as long as the program has not set how many it wants: REST_CALLS of them, and for REST_TIMES as long
   as the processor was missing. So few calls are late, however busy the machine is. */
enum {
    REST_CALLS = 20,
    REST_TIMES = 10,
    LEAST_LOST = 200000,   /* nanoseconds that count, ... */
    MOST_LOST = 100000000, /* ... and after a process was stopped for longer, it does not rest longer */
};

#if defined(ROI_HAVE_THREADS)
static int32_t rest_calls = 0;
static int64_t rest_end = 0; /* by CLOCK_MONOTONIC, in nanoseconds; 0: never */

static int64_t read_clock(clockid_t clock)
{
    struct timespec time;
    return clock_gettime(clock, &time) == 0 ? time.tv_sec * INT64_C(1000000000) + time.tv_nsec : 0;
}

static void begin_rest(int64_t lost)
{
    if (lost < LEAST_LOST)
        return;
    __atomic_store_n(&rest_calls, REST_CALLS, __ATOMIC_RELAXED);
    __atomic_store_n(&rest_end, read_clock(CLOCK_MONOTONIC) + REST_TIMES * min_i64(lost, MOST_LOST), __ATOMIC_RELAXED);
}

static bool rests(void)
{
    if (__atomic_load_n(&rest_calls, __ATOMIC_RELAXED) > 0)
        return __atomic_fetch_sub(&rest_calls, 1, __ATOMIC_RELAXED) > 0;
    const int64_t end = __atomic_load_n(&rest_end, __ATOMIC_RELAXED);
    return end != 0 && read_clock(CLOCK_MONOTONIC) < end;
}
#else
static bool rests(void) { return false; }
#endif

int roi_threads_for(double work)
{
    const double worth = work / grain;
    if (worth < 2 || (!own && __atomic_load_n(&setting, __ATOMIC_RELAXED) == 0 && rests()))
        return 1;
    const int32_t most = own ? clamp(own->run ? own->count : 1) : roi_get_num_threads();
    return worth < most ? (int)worth : most;
}

/* OMP_NUM_THREADS sets the threads of many programs of this kind: a number, or a list of which the first one is used. */
__attribute__((constructor)) static void read_environment(void)
{
    const char *value = getenv("OMP_NUM_THREADS");
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
    int threads;
    const volatile int32_t *cancel;
    roi_task *body;
    void *context;
    int64_t next_item; /* taken by adding to it */
#if defined(ROI_HAVE_THREADS)
    /* Under the lock of the pool: */
    int joined;   /* threads that have come so far; the one that calls is number 0 */
    int busy;     /* of these, how many others have not left */
    int64_t end;  /* when the last one had no more to do, by CLOCK_MONOTONIC */
    int64_t lost; /* the longest that one was without a processor, if that was more than half of its time */
    pthread_cond_t left;
    struct loop *next; /* among those that want more threads */
#endif
};

static bool cancelled(const struct loop *loop) { return loop->cancel && *loop->cancel; }

/* `*stop`, where there is one, ends it early, for others to do the rest. */
static void run_items(struct loop *loop, int thread, const bool *stop)
{
    int64_t item;
    while (!(stop && __atomic_load_n(stop, __ATOMIC_RELAXED)) &&
           (item = __atomic_fetch_add(&loop->next_item, 1, __ATOMIC_RELAXED)) < loop->items && !cancelled(loop))
        loop->body(loop->context, item, thread);
}

static void join(void *loop, int32_t thread) { run_items(loop, thread, NULL); }

#if defined(ROI_HAVE_THREADS)

/* ---- The pool -------------------------------------------------------------------------------------------------- */

enum { STACK_BYTES = 1 << 20 }; /* of a thread: no kernel needs much */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct loop *loops; /* that want more threads */
    pthread_t *threads;
    int count, capacity, idle;
    bool stopping;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER};

static void withdraw(const struct loop *loop)
{
    for (struct loop **at = &pool.loops; *at; at = &(*at)->next)
        if (*at == loop) {
            *at = loop->next;
            return;
        }
}

/* What the clocks of a thread say, in nanoseconds. */
struct clocks {
    int64_t wall, used;
};

static struct clocks read_clocks(void)
{
    return (struct clocks){read_clock(CLOCK_MONOTONIC), read_clock(CLOCK_THREAD_CPUTIME_ID)};
}

/* A thread has been at the loop since `begin`, and waited for others for a part of this time. With the lock. */
static void note_lost(struct loop *loop, const struct clocks *begin, int64_t waited)
{
    const struct clocks end = read_clocks();
    const int64_t used = end.used - begin->used, lost = end.wall - begin->wall - used - waited;
    loop->end = max_i64(loop->end, end.wall);
    if (lost > used)
        loop->lost = max_i64(loop->lost, lost);
}

/* What a thread of the pool does: sleep, join a loop, leave it. */
static void *serve(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&pool.lock);
    while (!pool.stopping) {
        struct loop *loop = pool.loops;
        if (!loop) {
            pool.idle++;
            pthread_cond_wait(&pool.work, &pool.lock);
            pool.idle--;
            continue;
        }
        const int thread = loop->joined++;
        loop->busy++;
        if (loop->joined == loop->threads)
            withdraw(loop);
        pthread_mutex_unlock(&pool.lock);
        const struct clocks begin = read_clocks();
        run_items(loop, thread, &pool.stopping);
        pthread_mutex_lock(&pool.lock);
        note_lost(loop, &begin, 0);
        withdraw(loop); /* which has no items left, or no need of threads that stop */
        if (--loop->busy == 0)
            pthread_cond_signal(&loop->left);
    }
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}

static bool start_thread(void)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    const bool started = pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0 &&
                         pthread_create(&pool.threads[pool.count], &attributes, serve, NULL) == 0;
    pthread_attr_destroy(&attributes);
    pool.count += started;
    return started;
}

/* As many threads as are wanted, if the system gives them. Signals are for the threads of the program. */
static void grow(int wanted)
{
    if (wanted <= pool.count)
        return;
    if (wanted > pool.capacity) {
        pthread_t *threads = realloc(pool.threads, (size_t)wanted * sizeof *threads);
        if (!threads)
            return;
        pool.threads = threads;
        pool.capacity = wanted;
    }
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool.count < wanted && start_thread())
        continue;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- Forks and the end ----------------------------------------------------------------------------------------- */

/* fork() copies none of the threads: a child begins without, and with a lock that is free. */
static void before_fork(void) { pthread_mutex_lock(&pool.lock); }
static void in_parent(void) { pthread_mutex_unlock(&pool.lock); }
static void in_child(void)
{
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.work, NULL);
    pool.loops = NULL;
    pool.count = pool.idle = 0;
}

static void watch_forks(void) { pthread_atfork(before_fork, in_parent, in_child); }

/* At the end of the program, or before the library is unloaded: its code must not be run any more. */
__attribute__((destructor)) static void stop(void)
{
    pthread_mutex_lock(&pool.lock);
    __atomic_store_n(&pool.stopping, true, __ATOMIC_RELAXED);
    pthread_cond_broadcast(&pool.work);
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < pool.count; i++)
        pthread_join(pool.threads[i], NULL);
    free(pool.threads);
    pool.threads = NULL;
    pool.count = pool.capacity = 0;
}

/* ---- Running --------------------------------------------------------------------------------------------------- */

static void ask_for_help(struct loop *loop)
{
    const int others = (int)min_i64(loop->threads - 1, loop->items - 1);
    if (pool.stopping)
        return;
    grow(others);
    loop->next = pool.loops;
    pool.loops = loop;
    for (int i = 0; i < others && i < pool.idle; i++)
        pthread_cond_signal(&pool.work);
}

static void run_parallel(struct loop *loop)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const struct clocks begin = read_clocks();
    pthread_once(&once, watch_forks);
    loop->joined = 1;
    pthread_cond_init(&loop->left, NULL);
    pthread_mutex_lock(&pool.lock);
    ask_for_help(loop);
    pthread_mutex_unlock(&pool.lock);
    run_items(loop, 0, NULL);
    const int64_t done = read_clock(CLOCK_MONOTONIC);
    pthread_mutex_lock(&pool.lock);
    withdraw(loop);
    while (loop->busy > 0)
        pthread_cond_wait(&loop->left, &pool.lock);
    note_lost(loop, &begin, max_i64(loop->end - done, 0));
    pthread_mutex_unlock(&pool.lock);
    pthread_cond_destroy(&loop->left);
    begin_rest(loop->lost);
}
#else
static void run_parallel(struct loop *loop) { run_items(loop, 0, NULL); }
#endif

roi_status roi_parallel_for(int64_t items, int threads, const volatile int32_t *cancel, roi_task *body, void *context)
{
    struct loop loop = {.items = items, .threads = threads, .cancel = cancel, .body = body, .context = context};
    if (threads < 2 || items < 2)
        run_items(&loop, 0, NULL);
    else if (own)
        own->run(own->context, (int32_t)min_i64(threads, items), join, &loop);
    else
        run_parallel(&loop);
    return cancelled(&loop) ? ROI_CANCELLED : ROI_SUCCESS;
}
