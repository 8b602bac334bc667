/*
 * test_sample_kernels.c - the inner loop of RoIAlign's maxima against a plain loop that says what it does, to the last bit
 *
 * Compiled once per CPU tier, as test_max_kernels.c is.
 */
#include "check.h"
#include "tier.h"

#include "kernels/align_max_kernel.c"

enum { SAMPLES = 6, ROWS = 5, COLUMNS = 9, STOPS = 2 * COLUMNS, BINS = 3, MOST_FIRST = 20 };

static uint32_t state = 1;

static double random_number(void)
{
    state = state * 1664525u + 1013904223u;
    return (double)state / 4294967296.0 * 2 - 1;
}

/* In [0, count). */
static int64_t random_index(int64_t count) { return (int64_t)((random_number() + 1) / 2 * (double)count); }

static double between_two(double fraction, double low, double high) { return (1 - fraction) * low + fraction * high; }

/* Some samples of a line: the largest of them, and the largest corner. */
static void test_samples(const bool corners)
{
    REAL line[4 * SAMPLES][LINE];
    double most[LINE];
    struct largest largest = {.sum = {0}};
    for (int v = 0; v < DVECS_OF_LINE; v++)
        largest.most[v] = splat_dvec(-(double)INFINITY);
    for (int i = 0; i < LINE; i++)
        most[i] = -(double)INFINITY;
    for (int s = 0; s < SAMPLES; s++) {
        const struct roi_stop y = {0, 1, random_number() / 2 + 0.5}, x = {0, 1, random_number() / 2 + 0.5};
        const struct shares rows = shares_of(&y), columns = shares_of(&x);
        const double weight[4] = {(1 - y.fraction) * (1 - x.fraction), (1 - y.fraction) * x.fraction,
                                  y.fraction * (1 - x.fraction), y.fraction * x.fraction};
        const REAL *corner[4];
        for (int k = 0; k < 4; k++) {
            corner[k] = line[4 * s + k];
            for (int i = 0; i < LINE; i++)
                line[4 * s + k][i] = (REAL)random_number();
        }
        take_sample(corner, &rows, &columns, corners, true, DVECS_OF_LINE, &largest);
        for (int i = 0; i < LINE; i++) {
            double top = weight[0] * corner[0][i];
            for (int k = 1; k < 4; k++)
                top = fmax(top, weight[k] * corner[k][i]);
            const double sample = between_two(y.fraction, between_two(x.fraction, corner[0][i], corner[1][i]),
                                              between_two(x.fraction, corner[2][i], corner[3][i]));
            most[i] = fmax(most[i], corners ? top : sample);
        }
    }
    for (int i = 0; i < LINE; i++) {
        check_context("lane %d, corners %d", i, corners);
        CHECK(largest.most[i / DVEC_LANES][i % DVEC_LANES] == most[i]);
    }
    CHECK(!any_nan_dvec(largest.sum));
}

/* ---- Rows that are interpolated first ---------------------------------------------------------------------------- */

/* Stops of an axis of so many pixels, ascending as those of a box do: none, one or two in a gap, and some on a pixel.
   Returns their number. */
static int64_t random_stops(int64_t pixels, struct roi_stop *stops)
{
    int64_t count = 0;
    for (int64_t low = 0; low + 1 < pixels; low++)
        for (int64_t i = random_index(3); i > 0; i--) {
            const bool on_pixel = random_index(4) == 0;
            stops[count++] = (struct roi_stop){low, on_pixel ? low : low + 1, on_pixel ? 0 : (random_number() + 1) / 2};
        }
    return count;
}

static double pixel_at(const REAL *ring, int64_t first, int64_t y, int64_t x, int lane)
{
    return ring[((first + y) % ROWS * COLUMNS + x) * LINE + lane];
}

static void test_dense_samples(void)
{
    static REAL memory[(MOST_FIRST + ROWS * COLUMNS) * LINE];
    REAL *const ring = memory + MOST_FIRST * LINE;
    static double rows[2][STOPS * LINE], most[BINS * LINE];
    const int64_t first = random_index(ROWS), first_y = random_index(100), first_x = random_index(MOST_FIRST);
    const struct lines lines = {ring, first, ROWS, COLUMNS * LINE, first_y, first_x, 0, NULL, LINE};
    struct row_cache cache = {{-1, -1}, {rows[0], rows[1]}, most};
    struct roi_stop y[2 * ROWS], x[STOPS], moved[STOPS];
    const int64_t count_y = random_stops(ROWS, y), count_x = random_stops(COLUMNS, x);
    const struct roi_bin_stops bins[BINS] = {
        {0, count_x / 2, false}, {count_x / 2, count_x / 2, false}, {count_x / 2, count_x, false}};
    for (int64_t i = 0; i < ROWS * COLUMNS * LINE; i++)
        ring[i] = (REAL)random_number();
    for (int64_t i = 0; i < BINS * LINE; i++)
        most[i] = -(double)INFINITY;
    for (int64_t j = 0; j < count_x; j++)
        moved[j] = (struct roi_stop){x[j].low + first_x, x[j].high + first_x, x[j].fraction};
    dvec sum = {0};
    for (int64_t i = 0; i < count_y; i++) {
        const int64_t low_y = y[i].low + first_y, high_y = y[i].high + first_y;
        const double *low = cached_row(&lines, low_y, high_y, moved, count_x, &cache);
        const double *high = cached_row(&lines, high_y, low_y, moved, count_x, &cache);
        sum += take_stop(&y[i], low, high, bins, BINS, true, most);
    }
    CHECK(!any_nan_dvec(sum));
    for (int q = 0; q < BINS; q++)
        for (int lane = 0; lane < LINE; lane++) {
            double expected = -(double)INFINITY;
            for (int64_t i = 0; i < count_y; i++)
                for (int64_t j = bins[q].begin; j < bins[q].end; j++) {
                    const double upper = between_two(x[j].fraction, pixel_at(ring, first, y[i].low, x[j].low, lane),
                                                     pixel_at(ring, first, y[i].low, x[j].high, lane));
                    const double lower = between_two(x[j].fraction, pixel_at(ring, first, y[i].high, x[j].low, lane),
                                                     pixel_at(ring, first, y[i].high, x[j].high, lane));
                    expected = fmax(expected, between_two(y[i].fraction, upper, lower));
                }
            check_context("bin %d, lane %d", q, lane);
            CHECK(most[q * LINE + lane] == expected);
        }
}

int main(void)
{
    if (!has_tier())
        return 77; /* skipped: this processor does not have the tier */
    for (int round = 0; round < 200; round++) {
        for (int corners = 0; corners < 2; corners++)
            test_samples(corners != 0);
        test_dense_samples();
    }
    return check_result();
}
