/* pool.h - maxima of bins of whole pixels, whatever kind of axis says what a bin is. */
#ifndef ROI_POOL_H
#define ROI_POOL_H

#include "drive/tiles.h"

extern const struct roi_pooling roi_max_pooling;
extern const struct roi_pooling roi_max_pooling_backward; /* call->argmax says all that is to be known of a box */

/* They check call->argmax, which has the shape of the crops; forward it may be NULL. */
roi_direction roi_max_forward, roi_max_backward;

#endif
