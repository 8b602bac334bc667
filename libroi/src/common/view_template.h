/* view_template.h - maps and crops as kernels see them, for one element type. */

/* One channel of a map, or of a crop. */
struct S(view) {
    STORE *data;
    int64_t stride_y, stride_x;
};

static inline struct S(view) S(view_of)(const roi_array *array, int64_t n, int64_t c)
{
    return (struct S(view)){roi_plane(array, sizeof(STORE), n, c), array->strides[AXIS_H], array->strides[AXIS_W]};
}

/* Pixels along W, as a vector; `stride` is the constant 1 where this is inlined for rows that lie together. */
INLINE R(vec) S(load_pixels)(const STORE *p, int64_t stride)
{
    if (stride == 1)
        return S(load_vec)(p);
    R(vec) v = {0};
    for (int i = 0; i < R(LANES); i++)
        v[i] = S(load)(p + i * stride);
    return v;
}

/* Whether it pays to ask for pixels ahead: a few rows of few cache lines each no processor foresees. Long rows are left
   to it, and small maps stay in its cache. */
static inline bool S(is_worth_prefetching)(const roi_array *map, const struct window *window)
{
    const int64_t size = (int64_t)sizeof(STORE);
    return map->strides[AXIS_W] == 1 && window->width > 0 && window->width * size <= PREFETCH_LINES * 64 &&
           map->shape[AXIS_H] * map->shape[AXIS_W] * size >= PREFETCH_PLANE;
}

/* Asks for the pixels that a box will read in the next channel while this one is worked on. */
INLINE void S(prefetch_box)(const struct S(view) *map, const struct roi_plan *plan, const struct window *window)
{
    const int64_t line = 64 / (int64_t)sizeof(STORE);
    for (int64_t y = plan->y.first; y < plan->y.end; y++) {
        const STORE *row = map->data + y * map->stride_y + window->first;
        for (int64_t x = 0; x < window->width; x += line)
            __builtin_prefetch(row + x);
        __builtin_prefetch(row + window->width - 1);
    }
}

static inline void S(write_crop)(const REAL *crop, const struct S(view) *out, int64_t bins_y, int64_t bins_x)
{
    for (int64_t p = 0; p < bins_y; p++)
        for (int64_t q = 0; q < bins_x; q++)
            S(store)(out->data + p * out->stride_y + q * out->stride_x, crop[p * bins_x + q]);
}

/* Whether the bins of a crop lie together, row after row. */
static inline bool S(has_rows_together)(const roi_array *crops)
{
    return crops->strides[AXIS_W] == 1 && crops->strides[AXIS_H] == crops->shape[AXIS_W];
}

/* Whether a crop lies in memory just as it is computed, so that it needs no copy. */
static inline bool S(is_plain)(const roi_array *crops)
{
    return sizeof(STORE) == sizeof(REAL) && S(has_rows_together)(crops);
}

/* Rows of a crop as they are computed with: where they lie, or copied to `crop`, which they need room in. */
static inline const REAL *S(rows_of_crop)(const struct S(view) *in, int64_t bins_y, int64_t bins_x, REAL *crop)
{
    if (sizeof(STORE) == sizeof(REAL) && in->stride_x == 1 && in->stride_y == bins_x)
        return (const REAL *)(const void *)in->data;
    for (int64_t p = 0; p < bins_y; p++)
        for (int64_t q = 0; q < bins_x; q++)
            crop[p * bins_x + q] = S(load)(in->data + p * in->stride_y + q * in->stride_x);
    return crop;
}
