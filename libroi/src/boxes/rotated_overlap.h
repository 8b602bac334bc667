/*
 * rotated_overlap.h - how much two rotated boxes overlap
 *
 * The usual way clips one polygon by the other and sorts the points: lists, branches, and thresholds by which two equal
 * boxes come out as 0.99 or 0. Instead: in the frame of the smaller box, which then is upright, the area common to both
 * is an integral over its width, of how much of its height lies in the other box:
 *
 *     sum over the other's four edges, + or - by their direction, of the integral of y(x), clamped to the height
 *
 * Clamping what is linear gives three pieces at most, whose integrals are known. That is a short formula without a
 * branch, exact where the boxes are parallel, and its error is a few roundings of the smaller area. Only whether the
 * boxes meet at all is asked separately, on the four axes that can separate rectangles.
 */
#ifndef ROI_ROTATED_OVERLAP_H
#define ROI_ROTATED_OVERLAP_H

#include "boxes/rotated.h"

static inline double clamp(double value, double most) { return min_f64(max_f64(value, 0), most); }
static inline double magnitude(double a) { return a < 0 ? -a : a; }

struct roi_point {
    double x, y;
};

/* The mean of clamp(y, height) for y from a to b. */
static inline double mean_height(double a, double b, double height)
{
    const double low = min_f64(a, b), high = max_f64(a, b), length = high - low;
    const double clamped_low = clamp(low, height), clamped_high = clamp(high, height);
    const double inside = (clamped_high - clamped_low) * ((clamped_low + clamped_high) / 2);
    const double above = (max_f64(high, height) - max_f64(low, height)) * height;
    return length > 0 ? (inside + above) / (length > 0 ? length : 1) : clamped_low;
}

/* The integral along an edge from p to q. */
static inline double under_edge(struct roi_point p, struct roi_point q, double width, double height)
{
    const double dx = q.x - p.x, slope = dx != 0 ? (q.y - p.y) / (dx != 0 ? dx : 1) : 0;
    const double from = clamp(p.x, width), to = clamp(q.x, width);
    return (to - from) * mean_height(p.y + (from - p.x) * slope, p.y + (to - p.x) * slope, height);
}

/* Both boxes in the frame of one, which is upright, from (0, 0) to (w, h). */
struct roi_view {
    double w, h, other_w, other_h, cos, sin; /* of the other's angle, less the frame's */
    struct roi_point centre;                 /* of the other */
    struct roi_point distance;               /* of the centres, along the axes of the other */
};

/* An order of boxes, the smaller area first: so that IoU(a, b) is computed as IoU(b, a) is. */
static inline bool precedes(struct roi_rotated a, struct roi_rotated b)
{
    bool before = (a.cx < b.cx) | ((a.cx == b.cx) & (a.cy < b.cy));
    before = (a.angle < b.angle) | ((a.angle == b.angle) & before);
    before = (a.w < b.w) | ((a.w == b.w) & before);
    return (a.area < b.area) | ((a.area == b.area) & before);
}

static inline struct roi_view view_of(struct roi_rotated a, struct roi_rotated b)
{
    const bool swap = precedes(b, a), parallel = a.angle == b.angle;
    const double sign = swap ? -1 : 1, dx = (b.cx - a.cx) * sign, dy = (b.cy - a.cy) * sign;
    const double sine = b.sin * a.cos - b.cos * a.sin;
    const double frame_cos = swap ? b.cos : a.cos, frame_sin = swap ? b.sin : a.sin;
    const double other_cos = swap ? a.cos : b.cos, other_sin = swap ? a.sin : b.sin;
    struct roi_view view = {.w = swap ? b.w : a.w,
                            .h = swap ? b.h : a.h,
                            .other_w = swap ? a.w : b.w,
                            .other_h = swap ? a.h : b.h,
                            .cos = parallel ? 1 : a.cos * b.cos + a.sin * b.sin,
                            .sin = parallel ? 0 : sine * sign,
                            .distance = {dx * other_cos - dy * other_sin, dx * other_sin + dy * other_cos}};
    view.centre.x = dx * frame_cos - dy * frame_sin + view.w / 2;
    view.centre.y = dx * frame_sin + dy * frame_cos + view.h / 2;
    return view;
}

/* Whether a line parallel to a side of either box separates them. */
static inline bool apart(const struct roi_view *view)
{
    const double c = magnitude(view->cos), s = magnitude(view->sin);
    const bool x = magnitude(view->centre.x - view->w / 2) * 2 < view->w + view->other_w * c + view->other_h * s;
    const bool y = magnitude(view->centre.y - view->h / 2) * 2 < view->h + view->other_w * s + view->other_h * c;
    const bool other_x = magnitude(view->distance.x) * 2 < view->other_w + view->w * c + view->h * s;
    const bool other_y = magnitude(view->distance.y) * 2 < view->other_h + view->w * s + view->h * c;
    return !(x & y & other_x & other_y);
}

static inline double common_area(const struct roi_view *view)
{
    /* Half of the other box's sides, as vectors. */
    const struct roi_point u = {view->other_w / 2 * view->cos, -(view->other_w / 2 * view->sin)};
    const struct roi_point v = {view->other_h / 2 * view->sin, view->other_h / 2 * view->cos};
    const struct roi_point top_left = {view->centre.x - u.x - v.x, view->centre.y - u.y - v.y};
    const struct roi_point top_right = {view->centre.x + u.x - v.x, view->centre.y + u.y - v.y};
    const struct roi_point bottom_right = {view->centre.x + u.x + v.x, view->centre.y + u.y + v.y};
    const struct roi_point bottom_left = {view->centre.x - u.x + v.x, view->centre.y - u.y + v.y};
    const double sum =
        (under_edge(bottom_left, bottom_right, view->w, view->h) + under_edge(top_right, top_left, view->w, view->h)) +
        (under_edge(top_left, bottom_left, view->w, view->h) + under_edge(bottom_right, top_right, view->w, view->h));
    return apart(view) ? 0 : clamp(sum, view->w * view->h);
}

static inline double rotated_iou(struct roi_rotated a, struct roi_rotated b)
{
    const struct roi_view view = view_of(a, b);
    const double intersection = common_area(&view), area = a.area + b.area - intersection;
    return intersection / (area > 0 ? area : 1);
}

#endif
