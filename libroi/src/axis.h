/*
 * axis.h - the sampling of one box along one axis
 *
 * Bilinear interpolation is a product of two linear ones, the samples of a box form a grid, and whether a sample lies
 * outside the map is decided on each axis alone. So all that an operator needs to know of a box is said axis by axis:
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

#include "internal.h"

/* Where samples lie: sample i of bin p is at start + p * bin + (i + 0.5) * bin / grid. The numbers were computed in the
   type that the map is computed in; `narrow` tells that this was float, and that samples are placed in float too. */
struct roi_axis {
    double start, bin;
    double grid; /* samples per bin: a whole number, and far above 2^63 for a box of that size */
    int64_t size;  /* pixels along this axis */
    double beyond; /* the smallest position that is outside at the far end: `size` itself is inside */
    bool narrow;
};

/* How corners become an axis: members of roi_align_params, and the type computed in. */
struct roi_axis_rule {
    double spatial_scale;
    int64_t sampling_ratio;
    bool aligned, narrow;
};

/* The axis of a box from corner1 to corner2, `bins` bins, on `size` pixels. False where it leaves the range of double
   (where it only leaves that of float, it is computed in double). */
bool roi_axis_place(const struct roi_axis_rule *rule, double corner1, double corner2, int64_t bins, int64_t size,
                    struct roi_axis *axis_ret);

/* The samples of one bin that lie on the map, [begin, end) in ascending order of position, and the pixels they read,
   [low, high]. No sample on the map: begin == end, low = 0, high = -1. */
struct roi_reach {
    double begin, end;
    int64_t low, high;
};
struct roi_reach roi_axis_reach(const struct roi_axis *axis, int64_t bin);

/* Weights of the pixels [low, high] of a bin, each the sum over its samples divided by the grid. They are summed in
   double and written as float where `narrow`, else as double. */
void roi_axis_weights(const struct roi_axis *axis, int64_t bin, const struct roi_reach *reach, bool narrow,
                      void *weights_ret);

/* A place where a maximum can be: between pixels low and high, at `fraction` from low. */
struct roi_stop {
    int64_t low, high;
    double fraction;
};

/* At most this many stops in a bin: two for each gap between pixels, one for each border. */
static inline int64_t roi_most_stops(const struct roi_reach *reach) { return 2 * (reach->high - reach->low + 2); }

/* Writes the stops of a bin and returns their number. */
int64_t roi_axis_stops(const struct roi_axis *axis, int64_t bin, const struct roi_reach *reach,
                       struct roi_stop *stops_ret);

#endif
