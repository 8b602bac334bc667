/*
 * spread_template.h - stores lines of channels (lines_template.h): n bins of `count` channels, to an array of any strides
 */

/* A row of some channels: pixel i of channel c is data[i * stride_x + c * stride_c]. */
struct row {
    STORE *data;
    int64_t stride_x, stride_c;
};

static inline struct row row_of(const roi_array *array, int64_t n, int64_t c, int64_t y)
{
    STORE *plane = roi_plane(array, sizeof(STORE), n, c);
    return (struct row){plane + y * array->strides[AXIS_H], array->strides[AXIS_W], array->strides[AXIS_C]};
}

INLINE void spread_quads(const REAL *lines, int64_t n, STORE *to, int64_t stride_c)
{
    const struct steps steps = steps_of(stride_c * (int64_t)sizeof(STORE));
    for (int64_t x = 0; x < n; x += 4) {
        const int64_t first = min_i64(x, n - 4);
        quads v[4];
        for (int i = 0; i < 4; i++)
            memcpy(&v[i], lines + (first + i) * LINE, sizeof v[i]);
        put_quads(v, to + first, &steps);
    }
}

static inline void spread_lines(const REAL *lines, int64_t n, int64_t count, const struct row *row)
{
    int64_t c = 0;
    if (row->stride_x == 1 && n >= 4)
        for (; c + 4 * QUADS <= count; c += 4 * QUADS)
            spread_quads(lines + c, n, row->data + c * row->stride_c, row->stride_c);
    else if (row->stride_c == 1)
        for (; c + 4 <= count; c += 4)
            for (int64_t x = 0; x < n; x++)
                store_quad(row->data + x * row->stride_x + c, load_real_quad(lines + x * LINE + c));
    for (int64_t x = 0; x < n; x++)
        for (int64_t rest = c; rest < count; rest++)
            store(row->data + x * row->stride_x + rest * row->stride_c, lines[x * LINE + rest]);
}
