/*
 * axis.h - one box along one axis: the pixels and weights of its bins
 *
 * Most operators on boxes are products of two one-dimensional ones, so that all that is to be known of a box is said
 * axis by axis: a bin is a weighted sum of a few pixels that lie together. Which pixels, with which weights, is a kind of
 * axis (struct roi_axis_kind); what is done with them is the same for all kinds (plan.h, align_kernel.c). This file has
 * the kind of RoIAlign. Bilinear interpolation is a product of two linear ones, its samples form a grid, and whether a
 * sample lies outside the map is decided on each axis alone. So there is, for each axis:
 *
 *   taps   for the mean: bin p of the axis is a weighted sum of the pixels lo[p] .. lo[p] + taps - 1. The mean over
 *          the two-dimensional bin is then a product of two small matrices with the map between them, Ay F Ax', and
 *          nothing is left of the single samples.
 *   stops  for a maximum: the samples that can hold it.
 *
 * Both are found without visiting every sample. Neighbouring samples between the same two pixels form a run: the sum of
 * their weights is an arithmetic series, and since interpolation is linear in between, a maximum over a run is at its
 * first or last sample. Runs outside the map are skipped whole. The cost is bounded by the pixels under the box.
 */
#ifndef ROI_AXIS_H
#define ROI_AXIS_H

#include "common/internal.h"

enum { ROI_FEW_SAMPLES = 8 };

/* Where samples lie: sample i of bin p is at start + p * bin + (i + 0.5) * bin / grid. The numbers were computed in the
   type that the map is computed in; `single`: in single precision, in which samples are placed then, too. Kinds
   without samples use the members in their own way. */
struct roi_axis {
    const struct roi_axis_kind *kind;
    double start, bin;
    double grid;        /* samples per bin: a whole number, and far above 2^63 for a box of that size */
    int64_t bins, size; /* bins, and pixels, along this axis */
    double beyond;      /* the smallest position that is outside at the far end: `size` itself is inside */
    bool single;
    double lowest, highest;         /* the distances of a bin's outermost samples from its beginning */
    double within[ROI_FEW_SAMPLES]; /* (i + 0.5) * bin / grid, where a bin has so few: divisions are slow */
};

/* How corners become an axis: its kind, members of roi_align_params, and the type computed in. */
struct roi_axis_rule {
    const struct roi_axis_kind *kind;
    double spatial_scale;
    int64_t sampling_ratio;
    bool aligned, single;
    bool clockwise;     /* the direction of a rotated box's angle */
    bool flat_is_empty; /* a box without extent has no samples, whatever the ratio */
};

/* The pixels that one bin reads, [low, high]; none: low = 0, high = -1. Where there are samples, [begin, end) are those
   that lie on the map, in ascending order of position; none: begin == end. */
struct roi_reach {
    double begin, end;
    int64_t low, high;
};

static const struct roi_reach roi_no_pixels = {0, 0, 0, -1};

/* Weights in the type computed in: float or double. */
struct roi_weights {
    void *data;
    bool single;
};

static inline void roi_put_weight(struct roi_weights weights, int64_t at, double weight)
{
    if (weights.single)
        ((float *)weights.data)[at] = (float)weight;
    else
        ((double *)weights.data)[at] = weight;
}

struct roi_axis_kind {
    /* Completes the axis, of which kind, bins and size are set, for a box from corner1 to corner2. False where it leaves the
       range of double (where it only leaves that of float, it is computed in double). */
    bool (*place)(const struct roi_axis_rule *rule, double corner1, double corner2, struct roi_axis *axis);

    /* What a bin reads. From bin to bin `low` and `high` never turn back. */
    struct roi_reach (*reach)(const struct roi_axis *axis, int64_t bin);

    /* Weights of the pixels [low, high] of a bin, which is not empty. They are computed in double and written by
       roi_put_weight, each once. */
    void (*weights)(const struct roi_axis *axis, int64_t bin, const struct roi_reach *reach, struct roi_weights to);

    int variant; /* of kinds that have the same functions */
};

/* ---- RoIAlign -------------------------------------------------------------------------------------------------- */

/* A weight is the sum over the samples of a bin, divided by the grid. */
extern const struct roi_axis_kind roi_sampled_axis;

struct roi_reach roi_sampled_reach(const struct roi_axis *axis, int64_t bin);

/* A place where a maximum can be: between pixels low and high, at `fraction` from low. */
struct roi_stop {
    int64_t low, high;
    double fraction;
};

/* The weights of a sample's four pixels: (low, low), (low, high), (high, low), (high, high) of y and x. */
static inline void roi_corner_weights(const struct roi_stop *y, const struct roi_stop *x, double weight_ret[4])
{
    const double low_y = 1 - y->fraction, low_x = 1 - x->fraction;
    weight_ret[0] = low_y * low_x;
    weight_ret[1] = low_y * x->fraction;
    weight_ret[2] = y->fraction * low_x;
    weight_ret[3] = y->fraction * x->fraction;
}

/* The pixels around a position on `size` pixels, a position beyond the first and last one moved to it. */
struct roi_stop roi_stop_at(double position, int64_t size);

/* At most this many stops in a bin: two for each gap between pixels, one for each border. */
static inline int64_t roi_most_stops(const struct roi_reach *reach) { return 2 * (reach->high - reach->low + 2); }

/* Writes the stops of a bin and returns their number. One that lies on a pixel has it as low and as high. */
int64_t roi_axis_stops(const struct roi_axis *axis, int64_t bin, const struct roi_reach *reach,
                       struct roi_stop *stops_ret);

#endif
