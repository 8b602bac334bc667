/* poolings.h - what operators do box by box, for those that share it: tiles.h has the rest. */
#ifndef ROI_POOLINGS_H
#define ROI_POOLINGS_H

#include "drive/tiles.h"

/* The mean of bins, whatever kind of axis says what a bin is. */
extern const struct roi_pooling roi_mean_pooling;

/* RoIAlign's maxima: the largest sample of a bin, or the largest weighted corner of any. */
extern const struct roi_pooling roi_largest_pooling;

/* The largest pixel of a bin, whatever kind of axis says what a bin is; backward, call->argmax says all that is to be known
   of a box. */
extern const struct roi_pooling roi_max_pooling, roi_max_pooling_backward;

/* They check call->argmax, which has the shape of the crops; forward it may be NULL. */
roi_direction roi_max_forward, roi_max_backward;

#endif
