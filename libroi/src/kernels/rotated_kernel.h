/*
 * rotated_kernel.h - the inner part of rotated RoIAlign, which exists once per element type and CPU tier
 *
 * A bin is a sum over quads (rotated_samples.h): of each, four pixels times four weights, lane by lane; the four lanes
 * are added up at the end, always in the same order. Four channels are worked on at a time, so that places and weights
 * are loaded once for them; where the channels of a pixel lie together, a vector of them.
 *
 * Quads have weights of 0 in them. As in align_kernel.h a number that comes out NaN is computed again, from just those
 * pixels that have a weight.
 */
#ifndef ROI_ROTATED_KERNEL_H
#define ROI_ROTATED_KERNEL_H

#include "drive/rotated_samples.h"
#include "drive/tiles.h"

#endif
