/*
 * test_max_kernels.c - the inner loops of RoIPool, each against a plain loop that says what it does
 *
 * This program is compiled once per CPU tier and knows the kernels' sources, unlike the other tests: their functions are
 * called as they are, on random numbers with ties in them.
 */
#include "check.h"

#include "pool/pool_kernel.c"

enum { ROWS = 9, PIXELS = 7, SIZE = ROWS * PIXELS * 64 };

static uint32_t state = 1;

static int random_below(int n)
{
    state = state * 1664525u + 1013904223u;
    return (int)((state >> 8) % (unsigned)n);
}

/* Few different numbers, so that maxima have equals. */
static void fill(float *floats, double *doubles)
{
    for (int i = 0; i < SIZE; i++)
        doubles[i] = floats[i] = (float)(random_below(16) - 8);
}

/* The largest of each lane over the rows at `offsets`, its row, and of equals the first; what max_block is to find. */
#define TEST_OF(SUFFIX, REAL, NAME, COUNT)                                                                             \
    static void test_block_##SUFFIX##_##NAME(const REAL *map, int taps)                                                \
    {                                                                                                                  \
        int64_t offsets[ROWS];                                                                                         \
        REAL most[COUNT * LINE_##REAL];                                                                                \
        lane_##REAL where[COUNT * LINE_##REAL];                                                                        \
        const struct source_##SUFFIX source = {.map = map};                                                            \
        const struct bin_rows_##SUFFIX rows = {offsets, 1000, 100};                                                    \
        for (int k = 0; k < taps; k++)                                                                                 \
            offsets[k] = k * PIXELS * 64;                                                                              \
        max_block_##SUFFIX(&source, false, 0, &rows, taps, COUNT, true, 5, most, where, LINE_##REAL);                  \
        for (int i = 0; i < COUNT * LINE_##REAL; i++) {                                                                \
            int best = 0;                                                                                              \
            for (int k = 1; k < taps; k++)                                                                             \
                best = map[offsets[k] + i] > map[offsets[best] + i] ? k : best;                                        \
            check_context("%s, %d rows, lane %d", #SUFFIX, taps, i);                                                   \
            CHECK(most[i] == map[offsets[best] + i] && where[i] == 1005 + 100 * best);                                 \
        }                                                                                                              \
    }                                                                                                                  \
                                                                                                                       \
    static void test_nan_##SUFFIX##_##NAME(REAL *map)                                                                  \
    {                                                                                                                  \
        const int64_t offsets[2] = {0, PIXELS * 64};                                                                   \
        REAL most[COUNT * LINE_##REAL];                                                                                \
        lane_##REAL where[COUNT * LINE_##REAL];                                                                        \
        const struct source_##SUFFIX source = {.map = map};                                                            \
        const struct bin_rows_##SUFFIX rows = {offsets, 0, 1};                                                         \
        for (int i = 0; i < COUNT * LINE_##REAL; i++) {                                                                \
            const REAL kept = map[offsets[1] + i];                                                                     \
            map[offsets[1] + i] = (REAL)NAN;                                                                           \
            check_context("%s, NaN in lane %d", #SUFFIX, i);                                                           \
            CHECK(any_nan_##REAL(                                                                                      \
                max_block_##SUFFIX(&source, false, 0, &rows, 2, COUNT, false, 0, most, where, LINE_##REAL)));          \
            map[offsets[1] + i] = kept;                                                                                \
        }                                                                                                              \
        CHECK(!any_nan_##REAL(max_block_##SUFFIX(&source, false, 0, &rows, 2, COUNT, false, 0, most, where, LINE_##REAL))); \
    }
TEST_OF(f32, float, one, 1)
TEST_OF(f32, float, some, MAX_LINES_f32)
TEST_OF(f64, double, one, 1)
TEST_OF(f64, double, some, MAX_LINES_f64)

/* A bin of a line: the largest of `taps` columns, of equals the one whose place is lowest. */
#define TEST_BIN_OF(REAL)                                                                                              \
    static void test_bin_##REAL(const REAL *t, int taps)                                                               \
    {                                                                                                                  \
        lane_##REAL where[PIXELS * LINE_##REAL];                                                                       \
        int64_t offsets[PIXELS];                                                                                       \
        vec_##REAL most[LINE_VECTORS];                                                                                 \
        index_##REAL place[LINE_VECTORS];                                                                              \
        for (int i = 0; i < PIXELS * LINE_##REAL; i++)                                                                 \
            where[i] = random_below(1 << 20) * PIXELS + i / LINE_##REAL;                                               \
        for (int k = 0; k < taps; k++)                                                                                 \
            offsets[k] = k * LINE_##REAL;                                                                              \
        max_bin_##REAL(t, where, offsets, taps, false, true, most, place);                                             \
        for (int i = 0; i < LINE_##REAL; i++) {                                                                        \
            int best = i;                                                                                              \
            for (int at = i; at < taps * LINE_##REAL; at += LINE_##REAL)                                               \
                if (t[at] > t[best] || (t[at] == t[best] && where[at] < where[best]))                                  \
                    best = at;                                                                                         \
            check_context("a bin of %s, %d columns, lane %d", #REAL, taps, i);                                         \
            CHECK(most[i / LANES_##REAL][i % LANES_##REAL] == t[best]);                                                \
            CHECK(place[i / LANES_##REAL][i % LANES_##REAL] == where[best]);                                           \
        }                                                                                                              \
    }
TEST_BIN_OF(float)
TEST_BIN_OF(double)

int main(void)
{
    static float floats[SIZE];
    static double doubles[SIZE];
    if (strcmp(roi_cpu_tier_name(roi_best_cpu_tier()), TIER_NAME) != 0 && strcmp(TIER_NAME, "baseline") != 0 &&
        !(roi_best_cpu_tier() == ROI_CPU_AVX512 && strcmp(TIER_NAME, "avx2") == 0))
        return 77; /* skipped: this processor does not have the tier */
    for (int round = 0; round < 50; round++) {
        fill(floats, doubles);
        for (int taps = 1; taps <= ROWS; taps++) {
            test_block_f32_one(floats, taps);
            test_block_f32_some(floats, taps);
            test_block_f64_one(doubles, taps);
            test_block_f64_some(doubles, taps);
        }
        for (int taps = 1; taps <= PIXELS; taps++) {
            test_bin_float(floats, taps);
            test_bin_double(doubles, taps);
        }
    }
    test_nan_f32_one(floats);
    test_nan_f32_some(floats);
    test_nan_f64_one(doubles);
    test_nan_f64_some(doubles);
    return check_result();
}
