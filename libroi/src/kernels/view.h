/* view.h - one channel of a map or of crops, and the columns of it that a box reads. */
#ifndef ROI_VIEW_H
#define ROI_VIEW_H

#include "drive/tiles.h"
#include "kernels/vector.h"

/* One channel of a map, or of a crop. */
struct view {
    STORE *data;
    int64_t stride_y, stride_x;
};

static inline struct view view_of(const roi_array *array, int64_t n, int64_t c)
{
    return (struct view){roi_plane(array, sizeof(STORE), n, c), array->strides[AXIS_H], array->strides[AXIS_W]};
}

static inline void write_crop(const REAL *crop, const struct view *out, int64_t bins_y, int64_t bins_x)
{
    for (int64_t p = 0; p < bins_y; p++)
        for (int64_t q = 0; q < bins_x; q++)
            store(out->data + p * out->stride_y + q * out->stride_x, crop[p * bins_x + q]);
}

/* Whether the bins of a crop are contiguous. */
static inline bool has_rows_together(const roi_array *crops)
{
    return crops->strides[AXIS_W] == 1 && crops->strides[AXIS_H] == crops->shape[AXIS_W];
}

/* Whether a crop has the layout and type in which it is computed, so that it needs no copy. */
static inline bool is_plain(const roi_array *crops)
{
    return sizeof(STORE) == sizeof(REAL) && has_rows_together(crops);
}

/* A crop in the type computed in, with contiguous bins: in place, or copied to `crop`. */
static inline const REAL *rows_of_crop(const struct view *in, int64_t bins_y, int64_t bins_x, REAL *crop)
{
    if (sizeof(STORE) == sizeof(REAL) && in->stride_x == 1 && in->stride_y == bins_x)
        return (const REAL *)(const void *)in->data;
    for (int64_t p = 0; p < bins_y; p++)
        for (int64_t q = 0; q < bins_x; q++)
            crop[p * bins_x + q] = load(in->data + p * in->stride_y + q * in->stride_x);
    return crop;
}

/* The columns of a map that are worked on for a box: those it reads, widened to whole vectors where the map allows. */
struct window {
    int64_t first, width;
    int64_t padded; /* from row to row of scratch memory */
};

enum { LITTLE = 4 /* windows of more vectors than that may grow by one, to be aligned */ };

/* A vector that crosses a cache line takes two loads. So a window is aligned to whole vectors if it is no wider then, or
   wide. */
static inline struct window window_of(const struct roi_taps *x, const roi_array *map, int64_t lanes)
{
    const int64_t width = round_up(x->end - x->first, lanes), map_width = map->shape[AXIS_W];
    if (width > map_width)
        return (struct window){x->first, x->end - x->first, round_up(x->end - x->first, 8)};
    const int64_t phase = (int64_t)((uintptr_t)map->data / roi_dtype_size(map->dtype) % (uintptr_t)lanes);
    const int64_t whole = (x->first + phase) / lanes * lanes - phase, wide = round_up(x->end - whole, lanes);
    if (whole >= 0 && whole + wide <= map_width && (wide == width || wide > LITTLE * lanes))
        return (struct window){whole, wide, round_up(wide, 8)};
    return (struct window){min_i64(x->first, map_width - width), width, round_up(width, 8)};
}

#endif
