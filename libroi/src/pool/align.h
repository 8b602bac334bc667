/* align.h - the ways of computing RoIAlign: its mean goes by tiles.h, a maximum by a way of its own. */
#ifndef ROI_ALIGN_H
#define ROI_ALIGN_H

#include "pool/tiles.h"

roi_way roi_align_max;

/* The mean of bins, whatever kind of axis says what a bin is. */
extern const struct roi_pooling roi_mean_pooling;

#endif
