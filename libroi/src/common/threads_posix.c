/* threads_posix.c - threads of POSIX, kept from call to call. */
#include "common/threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

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

bool roi_threads_rest(void)
{
    if (__atomic_load_n(&rest_calls, __ATOMIC_RELAXED) > 0)
        return __atomic_fetch_sub(&rest_calls, 1, __ATOMIC_RELAXED) > 0;
    const int64_t end = __atomic_load_n(&rest_end, __ATOMIC_RELAXED);
    return end != 0 && read_clock(CLOCK_MONOTONIC) < end;
}

/* ---- The pool -------------------------------------------------------------------------------------------------- */

/* Threads that work together; all but the first three under the lock of the pool. */
struct team {
    int count; /* of threads that are wanted */
    roi_thread_body *body;
    void *context;
    struct team *next; /* among those that want more threads */
    int joined;        /* threads that have come so far; the one that calls is number 0 */
    int busy;          /* of these, how many others have not left */
    int64_t end;       /* when the last one had no more to do, by CLOCK_MONOTONIC */
    int64_t lost;      /* the longest that one was without a processor, if that was more than half of its time */
    pthread_cond_t left;
};

enum { STACK_BYTES = 1 << 20 }; /* of a thread: no kernel needs much */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct team *teams; /* that want more threads */
    pthread_t *threads;
    int count, capacity, idle;
    bool stopping;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER};

static void withdraw(const struct team *team)
{
    for (struct team **at = &pool.teams; *at; at = &(*at)->next)
        if (*at == team) {
            *at = team->next;
            return;
        }
}

/* Wall-clock time and processor time of a thread, in nanoseconds. */
struct clocks {
    int64_t wall, used;
};

static struct clocks read_clocks(void)
{
    return (struct clocks){read_clock(CLOCK_MONOTONIC), read_clock(CLOCK_THREAD_CPUTIME_ID)};
}

/* A thread has been in the team since `begin`, and waited for others for a part of this time. With the lock. */
static void note_lost(struct team *team, const struct clocks *begin, int64_t waited)
{
    const struct clocks end = read_clocks();
    const int64_t used = end.used - begin->used, lost = end.wall - begin->wall - used - waited;
    team->end = max_i64(team->end, end.wall);
    if (lost > used)
        team->lost = max_i64(team->lost, lost);
}

/* What a thread of the pool does: sleep, join a team, leave it. */
static void *serve(void *unused)
{
    pthread_mutex_lock(&pool.lock);
    while (!pool.stopping) {
        struct team *team = pool.teams;
        if (!team) {
            pool.idle++;
            pthread_cond_wait(&pool.work, &pool.lock);
            pool.idle--;
            continue;
        }
        const int thread = team->joined++;
        team->busy++;
        if (team->joined == team->count)
            withdraw(team);
        pthread_mutex_unlock(&pool.lock);
        const struct clocks begin = read_clocks();
        team->body(team->context, thread, &pool.stopping);
        pthread_mutex_lock(&pool.lock);
        note_lost(team, &begin, 0);
        withdraw(team); /* which has nothing left to do, or no need of threads that stop */
        if (--team->busy == 0)
            pthread_cond_signal(&team->left);
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

/* Starts threads up to the wanted number, or fewer if the system refuses. They block all signals, which the program's own
   threads handle. */
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

/* fork() does not copy threads: a child begins with an empty pool and a free lock. */
static void before_fork(void) { pthread_mutex_lock(&pool.lock); }
static void in_parent(void) { pthread_mutex_unlock(&pool.lock); }
static void in_child(void)
{
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.work, NULL);
    pool.teams = NULL;
    pool.count = pool.idle = 0;
}

static void watch_forks(void) { pthread_atfork(before_fork, in_parent, in_child); }

/* Runs at exit and before the library is unloaded, after which no thread may execute its code. */
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

static void ask_for_help(struct team *team)
{
    const int others = team->count - 1;
    if (pool.stopping)
        return;
    grow(others);
    team->next = pool.teams;
    pool.teams = team;
    for (int i = 0; i < others && i < pool.idle; i++)
        pthread_cond_signal(&pool.work);
}

void roi_run_on_threads(int count, roi_thread_body *body, void *context)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct team team = {.count = count, .body = body, .context = context, .joined = 1};
    const struct clocks begin = read_clocks();
    pthread_once(&once, watch_forks);
    pthread_cond_init(&team.left, NULL);
    pthread_mutex_lock(&pool.lock);
    ask_for_help(&team);
    pthread_mutex_unlock(&pool.lock);
    body(context, 0, NULL);
    const int64_t done = read_clock(CLOCK_MONOTONIC);
    pthread_mutex_lock(&pool.lock);
    withdraw(&team);
    while (team.busy > 0)
        pthread_cond_wait(&team.left, &pool.lock);
    note_lost(&team, &begin, max_i64(team.end - done, 0));
    pthread_mutex_unlock(&pool.lock);
    pthread_cond_destroy(&team.left);
    begin_rest(team.lost);
}
