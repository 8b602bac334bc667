/*
 * integral_axis.h - the kinds of axis that integrate: precise RoI pooling
 *
 * The surface that is pooled passes through pixel k at coordinate k, is linear in between, and falls to 0 at distance 1
 * outside the map. Along one axis it is a sum of hats, max(0, 1 - |t - k|) for pixel k; so the mean of the surface over
 * a bin is a weighted sum of pixels, and the weight of each is the mean of its hat over the bin. Nothing is sampled.
 *
 * The mean M over [b0, b1] changes with its borders as the value there differs from it:
 *
 *     dM / db1 = (value at b1 - M) / (b1 - b0)          dM / db0 = (M - value at b0) / (b1 - b0)
 *
 * So the gradient for boxes needs the values at the edges of bins besides the means. Edge, bin, edge, bin, ..., edge is
 * an axis too: its even bins are single points.
 */
#ifndef ROI_INTEGRAL_AXIS_H
#define ROI_INTEGRAL_AXIS_H

#include "axes/axis.h"

extern const struct roi_axis_kind roi_integral_axis; /* means */
extern const struct roi_axis_kind roi_edges_axis;    /* n + 1 edges and the n means between them, 2 * n + 1 bins */

#endif
