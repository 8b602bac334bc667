/* test_rest.c - calls use one thread for a while after a thread had to wait for a processor.
 *
 * The pool is compiled into this program with clocks and a number of processors that the test sets, so that the test says
 * how long a thread had no processor. OMP_NUM_THREADS must not be set. Expected values follow from docs/numerics.md, "Threads".
 */
#include <time.h>

static int test_clock(clockid_t clock, struct timespec *time);
#define clock_gettime test_clock
#include "common/threads_posix.c"
#undef clock_gettime

#include "check.h"
#include "common/parallel.h"
#include "common/system.h"

enum { PROCESSORS = 4, MICROSECOND = 1000, MILLISECOND = 1000000, REST = 20 };

static const double LARGE = 1e9; /* multiply-adds, worth any number of threads */

int roi_available_processors(void) { return PROCESSORS; }

/* The clocks, in nanoseconds: of the wall, and of the processor time of each thread. */
static int64_t wall = MILLISECOND;
static __thread int64_t used;

static int test_clock(clockid_t clock, struct timespec *time)
{
    const int64_t now = clock == CLOCK_THREAD_CPUTIME_ID ? used : __atomic_load_n(&wall, __ATOMIC_RELAXED);
    *time = (struct timespec){(time_t)(now / 1000000000), (long)(now % 1000000000)};
    return 0;
}

/* What an item of a loop takes. */
struct cost {
    int64_t wall, used;
};

static void pass_time(void *context, int64_t item, int32_t thread)
{
    const struct cost *cost = context;
    (void)item, (void)thread;
    used += cost->used;
    __atomic_fetch_add(&wall, cost->wall, __ATOMIC_RELAXED);
}

static void run_loop(int64_t wall_of_item, int64_t used_of_item)
{
    struct cost cost = {wall_of_item, used_of_item};
    CHECK(roi_parallel_for(4, 2, NULL, pass_time, &cost) == ROI_SUCCESS);
}

/* How many calls of now on use one thread, until one does not. */
static int count_rest(void)
{
    for (int calls = 0; calls < 1000; calls++)
        if (roi_threads_for(LARGE) != 1)
            return calls;
    return 1000;
}

static void test_no_rest(void)
{
    check_context("an idle machine");
    CHECK(roi_threads_for(LARGE) == PROCESSORS);
    run_loop(0, 10 * MILLISECOND);
    CHECK(count_rest() == 0);
    check_context("less than 0.2 ms without a processor");
    run_loop(40 * MICROSECOND, 0);
    CHECK(count_rest() == 0);
}

static void test_calls(void)
{
    check_context("a rest that is over by the clock");
    run_loop(5 * MILLISECOND, 0);
    wall += INT64_C(1000) * MILLISECOND;
    CHECK(count_rest() == REST);
    CHECK(count_rest() == 0);
}

static void test_time(void)
{
    check_context("a rest that is over by the number of calls");
    const int64_t before = wall;
    run_loop(5 * MILLISECOND, 0);
    const int64_t lost = wall - before; /* at most: a thread that came late has lost less */
    CHECK(count_rest() == 1000);
    wall += 10 * lost;
    CHECK(count_rest() == 0);
}

static void test_longest(void)
{
    check_context("a process that was stopped for an hour");
    run_loop(INT64_C(900000) * MILLISECOND, 0);
    wall += INT64_C(1000) * MILLISECOND;
    CHECK(count_rest() == REST);
}

static void test_set_number(void)
{
    check_context("a number of threads that the program has set");
    run_loop(5 * MILLISECOND, 0);
    roi_set_num_threads(3);
    CHECK(roi_threads_for(LARGE) == 3);
    roi_set_num_threads(1024);
    CHECK(roi_threads_for(LARGE) == 1024);
}

int main(void)
{
    test_no_rest();
    test_calls();
    test_time();
    test_longest();
    test_set_number(); /* for good */
    return check_result();
}
