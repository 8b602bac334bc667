/*
 * rotated_samples.h - what each bin of a rotated box reads
 *
 * The samples of a rotated box are no product of two axes. But a bin is still a weighted sum of pixels, the same for all
 * channels: so the samples of each bin are walked once, and what they weigh on the pixels is gathered in quads, four
 * pixels that lie together in a row. Neighbouring samples share their pixels, so that a bin has fewer quads than corners
 * of samples; only where samples lie far apart, each has quads of its own.
 *
 * Samples outside the map are not visited: those on the map are an interval in each row of samples, and the rows of
 * samples that meet the map are one too.
 */
#ifndef ROI_ROTATED_SAMPLES_H
#define ROI_ROTATED_SAMPLES_H

#include "drive/plan.h"

enum { ROI_QUAD = 4 };

/* Pixels (y, x) to (y, x + 3); on a map narrower than that x is 0, and the weights beyond the map are 0. */
struct roi_quad_place {
    int64_t y, x;
};

/* What a plan's tables are here. Bin b, row after row, has the quads from ends[b - 1] (the first from 0) to ends[b]. */
struct roi_quads {
    int64_t *ends;
    struct roi_quad_place *places;
    void *weights; /* four for each quad; float or double, as the map is computed in */
};

struct roi_quads roi_quads_of(const struct roi_plan *plan, int64_t bins);

/* As in struct roi_pooling. */
bool roi_rotated_measure(const struct roi_plan_rule *rule, struct roi_plan *plan);
void roi_rotated_fill(const struct roi_plan_rule *rule, struct roi_plan *plan);

#endif
