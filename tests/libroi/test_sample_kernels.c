/*
 * test_sample_kernels.c - the inner loop of RoIAlign's maxima against a plain loop that says what it does, to the last bit
 *
 * Compiled once per CPU tier, as test_max_kernels.c is.
 */
#include "check.h"
#include "tier.h"

#include "kernels/align_max_kernel.c"

enum { SAMPLES = 6 };

static uint32_t state = 1;

static double random_number(void)
{
    state = state * 1664525u + 1013904223u;
    return (double)state / 4294967296.0 * 2 - 1;
}

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
            double sum = weight[0] * corner[0][i], top = sum;
            for (int k = 1; k < 4; k++) {
                const double part = weight[k] * corner[k][i];
                sum = sum + part;
                top = part > top ? part : top;
            }
            most[i] = (corners ? top : sum) > most[i] ? (corners ? top : sum) : most[i];
        }
    }
    for (int i = 0; i < LINE; i++) {
        check_context("lane %d, corners %d", i, corners);
        CHECK(largest.most[i / DVEC_LANES][i % DVEC_LANES] == most[i]);
    }
    CHECK(!any_nan_dvec(largest.sum));
}

int main(void)
{
    if (!has_tier())
        return 77; /* skipped: this processor does not have the tier */
    for (int round = 0; round < 200; round++)
        for (int corners = 0; corners < 2; corners++)
            test_samples(corners != 0);
    return check_result();
}
