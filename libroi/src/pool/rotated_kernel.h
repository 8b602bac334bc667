/*
 * rotated_kernel.h - the inner part of rotated RoIAlign, which exists once per CPU tier
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

#include "pool/rotated_samples.h"
#include "pool/tiles.h"

extern const struct roi_tile_kernels roi_rotated_kernels_baseline, roi_rotated_kernels_avx2, roi_rotated_kernels_avx512;

#endif
