/*
 * align_kernel.h - the inner part of RoIAlign's mean, which exists once per element type and CPU tier
 *
 * The naive way visits, for every channel, bin and sample, four pixels. But the mean of a box is Ay F Ax' (axis.h),
 * with Ay and Ax the same for all channels. So for each channel of a box
 *
 *     rows       t[p, x] = sum over k of wy[p, k] * F[low_y[p] + k, x]         a few rows of the map, added up
 *     columns    crop[p, q] = sum over k of wx[q, k] * t[p, low_x[q] + k]      a few columns of that
 *
 * and its gradient is the same backwards: t = G wx', then the rows of t are added to those of the map.
 *
 * Both are done for as many channels as fill a cache line at once, with vectors along the channels (ring.h; forward
 * channels_template.h, backward patch_template.h). Boxes too large for that, or large for few channels, have rows long enough
 * to fill vectors: for them vectors run along the rows, channel by channel, or of all channels at once where these are few
 * and lie together; the second step is a product with a banded matrix (align_kernel.c, band_template.h).
 *
 * Every sum begins with 0 and goes on with one product after the other, from low pixels to high, each added as multiply_add.h
 * says; sums of many products block by block (sums.h), from one multiple of ROI_SUM_BLOCK on the map to the next. So all ways
 * that lead to a crop give the same bits.
 *
 * Weights of 0 take part, where bins have fewer taps than others or vectors are wider than a bin. With NaN or infinity in
 * the map that would spread NaN; so a crop that comes out with NaN in it is computed again, exactly, tap by tap.
 */
#ifndef ROI_ALIGN_KERNEL_H
#define ROI_ALIGN_KERNEL_H

#include "drive/tiles.h"

#endif
