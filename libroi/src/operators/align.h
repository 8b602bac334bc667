/* align.h - what RoIAlign does box by box: tiles.h has the rest. */
#ifndef ROI_ALIGN_H
#define ROI_ALIGN_H

#include "drive/tiles.h"

/* The mean of bins, whatever kind of axis says what a bin is. */
extern const struct roi_pooling roi_mean_pooling;

/* The largest sample of a bin, or the largest weighted corner of any. */
extern const struct roi_pooling roi_largest_pooling;

#endif
