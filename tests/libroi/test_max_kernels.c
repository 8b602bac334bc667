/*
 * test_max_kernels.c - the inner loops of RoIPool, each against a plain loop that says what it does
 *
 * This program is compiled once per CPU tier and type computed in, and knows the kernels' sources, unlike the other tests:
 * their functions are called as they are, on random numbers with ties in them.
 */
#include "check.h"
#include "tier.h"

#include "kernels/pool_kernel.c"

enum { ROWS = 9, PIXELS = 7, SIZE = ROWS * PIXELS * 64 };

static uint32_t state = 1;

static int random_below(int n)
{
    state = state * 1664525u + 1013904223u;
    return (int)((state >> 8) % (unsigned)n);
}

/* Few different numbers, so that maxima have equals. */
static void fill(REAL *numbers)
{
    for (int i = 0; i < SIZE; i++)
        numbers[i] = (REAL)(random_below(16) - 8);
}

/* The largest of each lane over the rows at `offsets`, its row, and of equals the first; what max_block is to find. */
static void test_block(const REAL *map, int taps, int count)
{
    int64_t offsets[ROWS];
    REAL most[MANY_LINES * LINE];
    lane_int where[MANY_LINES * LINE];
    const struct source source = {.map = map};
    const struct bin_rows rows = {offsets, 1000, 100};
    for (int k = 0; k < taps; k++)
        offsets[k] = k * PIXELS * 64;
    max_block(&source, FROM_MAP, 0, &rows, taps, count, true, true, 5, most, where, LINE);
    for (int i = 0; i < count * LINE; i++) {
        int best = 0;
        for (int k = 1; k < taps; k++)
            best = map[offsets[k] + i] > map[offsets[best] + i] ? k : best;
        check_context("%d lines, %d rows, lane %d", count, taps, i);
        CHECK(most[i] == map[offsets[best] + i] && where[i] == 1005 + 100 * best);
    }
}

static bool meets_nan(const REAL *map, int count)
{
    const int64_t offsets[2] = {0, PIXELS * 64};
    REAL most[MANY_LINES * LINE];
    lane_int where[MANY_LINES * LINE];
    const struct source source = {.map = map};
    const struct bin_rows rows = {offsets, 0, 1};
    return any_nan(max_block(&source, FROM_MAP, 0, &rows, 2, count, false, true, 0, most, where, LINE));
}

static void test_nan(REAL *map, int count)
{
    REAL *row = map + PIXELS * 64;
    CHECK(!meets_nan(map, count));
    for (int i = 0; i < count * LINE; i++) {
        const REAL kept = row[i];
        row[i] = (REAL)NAN;
        check_context("%d lines, NaN in lane %d", count, i);
        CHECK(meets_nan(map, count));
        row[i] = kept;
    }
}

static bool gathers_finite(const STORE *map, int count, bool planes)
{
    REAL lines[PIXELS * LINE];
    const struct row row = {(STORE *)map, planes ? 1 : count, planes ? PIXELS : 1};
    const quads zero = gather_lines(&row, PIXELS, count, true, lines);
    bool finite = true;
    for (int i = 0; i < 4 * QUADS; i++)
        finite = finite && zero[i] == 0;
    return finite;
}

/* Lines that are gathered from any layout tell of any number that is not finite. */
static void test_gather(int count, bool planes)
{
    STORE map[PIXELS * LINE] = {0};
    check_context("%d channels", count);
    CHECK(gathers_finite(map, count, planes));
    for (int i = 0; i < PIXELS * count; i++) {
        map[i] = (STORE)(i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : -INFINITY);
        check_context("%d channels, number %d", count, i);
        CHECK(!gathers_finite(map, count, planes));
        map[i] = 0;
    }
}

/* A bin of a line: the largest of `taps` columns, of equals the one whose place is lowest. */
static void test_bin(const REAL *t, int taps)
{
    lane_int where[PIXELS * LINE];
    int64_t offsets[PIXELS];
    vec most[LINE_VECTORS];
    ivec place[LINE_VECTORS];
    for (int i = 0; i < PIXELS * LINE; i++)
        where[i] = random_below(1 << 20) * PIXELS + i / LINE;
    for (int k = 0; k < taps; k++)
        offsets[k] = k * LINE;
    max_bin(t, where, offsets, taps, false, true, most, place);
    for (int i = 0; i < LINE; i++) {
        int best = i;
        for (int at = i; at < taps * LINE; at += LINE)
            if (t[at] > t[best] || (t[at] == t[best] && where[at] < where[best]))
                best = at;
        check_context("a bin, %d columns, lane %d", taps, i);
        CHECK(most[i / LANES][i % LANES] == t[best]);
        CHECK(place[i / LANES][i % LANES] == where[best]);
    }
}

int main(void)
{
    static REAL numbers[SIZE];
    if (!has_tier())
        return 77; /* skipped: this processor does not have the tier */
    for (int round = 0; round < 50; round++) {
        fill(numbers);
        for (int taps = 1; taps <= ROWS; taps++) {
            test_block(numbers, taps, 1);
            test_block(numbers, taps, MAX_LINES);
            test_block(numbers, taps, MANY_LINES);
        }
        for (int taps = 1; taps <= PIXELS; taps++)
            test_bin(numbers, taps);
    }
    test_nan(numbers, 1);
    test_nan(numbers, MANY_LINES);
    for (int planes = 0; planes < 2; planes++) {
        test_gather(LINE, planes != 0);
        test_gather(LINE - 3, planes != 0);
        test_gather(2, planes != 0);
    }
    return check_result();
}
