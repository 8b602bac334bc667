/*
 * resample_axis.h - the kinds of axis that resize a whole image
 *
 * Resizing is pooling one box, the image, into as many bins as the result has pixels. What differs between its modes is
 * which pixels a bin reads, with which weights; and the step, the number of pixels from bin to bin: that of pixels over
 * that of bins, or, where the centres of the outermost pixels are to stay in place (rule->aligned), that of the gaps
 * between pixels over that of the gaps between bins. Where a scale factor says otherwise, the step is 1 / factor: it comes
 * in place of the box's first corner, which else is 0. The second corner is not looked at.
 *
 *     mode       bin p reads
 *     nearest    one pixel, at floor(p * step)
 *     exact      one pixel, at floor((p + 0.5) * step), which is the nearest one indeed
 *     bilinear   two pixels, around (p + 0.5) * step - 0.5
 *     bicubic    four pixels around there
 *     triangle   bilinear against aliasing: the pixels under a triangle that is as wide as the step, about (p + 0.5) * step
 *     keys       bicubic against aliasing: the same with a cubic
 *     area       all pixels that the bin touches, with equal weight
 *
 * Positions are computed in the type of the map, or in float always where there is but one pixel to find: so they are
 * PyTorch's to the last bit, which decides which pixel is nearest. The other kinds are continuous, and follow it so that
 * the two agree on large images too, where float positions are coarse.
 */
#ifndef ROI_RESAMPLE_AXIS_H
#define ROI_RESAMPLE_AXIS_H

#include "axes/axis.h"

extern const struct roi_axis_kind roi_nearest_axis, roi_exact_axis, roi_bilinear_axis, roi_bicubic_axis,
    roi_triangle_axis, roi_keys_axis, roi_area_axis;

#endif
