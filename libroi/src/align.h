/* align.h - the ways of computing RoIAlign. */
#ifndef ROI_ALIGN_H
#define ROI_ALIGN_H

#include "call.h"

roi_way roi_align_mean, roi_align_mean_backward, roi_align_max;

#endif
