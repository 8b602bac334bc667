/*
 * ps_kernel.h - the inner part of position-sensitive pooling, which exists once per element type and CPU tier
 *
 * Each bin of a crop is read from a channel of its own. So there is no row of the map that bins share, but a bin is still
 * a product of two weighted sums, and its weights are the same for all channels of the crop:
 *
 *     crop[c, p, q] = sum over l of wx[q, l] * (sum over k of wy[p, k] * F[(c * PH + p) * PW + q, low_y + k, low_x + l])
 *
 * four columns at a time: plans come with their taps along x rounded up to fours (plan.h, `fours`). Two operators go this
 * way. PSRoIAlign has the weights of RoIAlign. PSRoIPool counts pixels: its weights are 1, and the result is divided by
 * their number, so that sums of whole numbers come out exact.
 *
 * As in align_kernel.c a number that comes out NaN is computed again, from just those pixels that have a weight.
 */
#ifndef ROI_PS_KERNEL_H
#define ROI_PS_KERNEL_H

#include "drive/tiles.h"

enum { ROI_PS_CROPS = 12 /* channels of a box that are found together, at most */ };

#endif
