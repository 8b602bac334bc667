/*
 * pixel_axis.h - kinds of axis whose bins are whole pixels
 *
 * The corners of a box are rounded to pixels (half away from zero). Bin p then is the pixels from floor(p * bin) to
 * ceil((p + 1) * bin), shifted by the first corner, as far as they lie on the map; neighbouring bins share pixels. Each
 * pixel has weight 1, so that the weights of a bin add up to the number of its pixels.
 */
#ifndef ROI_PIXEL_AXIS_H
#define ROI_PIXEL_AXIS_H

#include "axes/axis.h"

/* The second corner belongs to the box (RoIPool), or does not (PSRoIPool). A box is at least one pixel wide. */
extern const struct roi_axis_kind roi_closed_pixel_axis, roi_open_pixel_axis;

#endif
