/*
 * lines_template.h - pixels of several channels, brought together and apart, for one element type
 *
 * Lines are what ring.h says: [pixel][channel], R(LINE) channels each, in the type computed in. A row of n pixels, or of n
 * bins, of `count` channels is gathered from wherever they lie, and spread again. The rest of the lanes of a line, where
 * there are fewer channels, has the last channel again.
 */

/* A row of some channels: pixel i of channel c is data[i * stride_x + c * stride_c]. */
struct S(row) {
    STORE *data;
    int64_t stride_x, stride_c;
};

static inline struct S(row) S(row_of)(const roi_array *array, int64_t n, int64_t c, int64_t y)
{
    STORE *plane = roi_plane(array, sizeof(STORE), n, c);
    return (struct S(row)){plane + y * array->strides[AXIS_H], array->strides[AXIS_W], array->strides[AXIS_C]};
}

/* 4 * R(QUADS) channels, of which each begins at one of `from`: four pixels at a time, the last four may share some with
   those before. */
INLINE void S(gather_quads)(const STORE *const from[4 * R(QUADS)], int64_t n, REAL *lines)
{
    for (int64_t x = 0; x < n; x += 4) {
        const int64_t first = min_i64(x, n - 4);
        R(quads) v[4];
        for (int i = 0; i < 4; i++) {
            R(quad) channel[R(QUADS)];
            for (int j = 0; j < R(QUADS); j++)
                channel[j] = S(load_quad)(from[4 * j + i] + first);
            v[i] = R(join)(channel);
        }
        R(transpose)(v);
        for (int i = 0; i < 4; i++)
            memcpy(lines + (first + i) * R(LINE), &v[i], sizeof v[i]);
    }
}

/* A pixel of at least four channels, but less than a line, that lie together. */
INLINE void S(gather_pixel)(const STORE *pixel, int64_t count, REAL *line)
{
    const R(vec) rest = R(splat_vec)(S(load)(pixel + count - 1));
    for (int c = 0; c < R(LINE); c += R(LANES))
        memcpy(line + c, &rest, sizeof rest);
    for (int64_t c = 0; c < count; c += 4) {
        const int64_t first = min_i64(c, count - 4);
        const R(quad) quad = S(load_quad)(pixel + first);
        memcpy(line + first, &quad, sizeof quad);
    }
}

static void S(gather_lines)(const struct S(row) *row, int64_t n, int64_t count, REAL *lines)
{
    if (row->stride_x == 1 && n >= 4)
        for (int64_t c = 0; c < R(LINE); c += 4 * R(QUADS)) {
            const STORE *from[4 * R(QUADS)], *next = row->data + min_i64(c, count - 1) * row->stride_c;
            for (int64_t i = 0; i < 4 * R(QUADS); i++) {
                from[i] = next;
                next += c + i + 1 < count ? row->stride_c : 0;
            }
            S(gather_quads)(from, n, lines + c);
        }
    else if (row->stride_c == 1 && count == R(LINE))
        for (int64_t x = 0; x < n; x++)
            for (int64_t c = 0; c < R(LINE); c += R(LANES)) {
                const R(vec) v = S(load_vec)(row->data + x * row->stride_x + c);
                memcpy(lines + x * R(LINE) + c, &v, sizeof v);
            }
    else if (row->stride_c == 1 && count >= 4)
        for (int64_t x = 0; x < n; x++)
            S(gather_pixel)(row->data + x * row->stride_x, count, lines + x * R(LINE));
    else
        for (int64_t x = 0; x < n; x++)
            for (int64_t c = 0; c < R(LINE); c++)
                lines[x * R(LINE) + c] = S(load)(row->data + x * row->stride_x + min_i64(c, count - 1) * row->stride_c);
}

/* The same of both ends of each pixel, of which the channels lie together: `last` of its last ones, then the first ones.
   One by one, so that of two cache lines that are needed no third is read. */
static void S(gather_ends)(const struct S(row) *row, int64_t n, int64_t channels, int64_t last, REAL *lines)
{
    const STORE *pixel = row->data;
    for (int64_t x = 0; x < n; x++, pixel += row->stride_x, lines += R(LINE)) {
        for (int64_t c = 0; c < last; c++)
            lines[c] = S(load)(pixel + channels - last + c);
        for (int64_t c = last; c < R(LINE); c++)
            lines[c] = S(load)(pixel + c - last);
    }
}

/* Puts four numbers of 4 * R(QUADS) channels where `to` wants the first channel's, and a step further each. */
INLINE void S(put_quads)(R(quads) v[4], STORE *to, const struct steps *steps)
{
    R(transpose)(v);
    for (int i = 0; i < 4; i++) {
        R(quad) channel[R(QUADS)];
        R(split)(v[i], channel);
        for (int j = 0; j < R(QUADS); j++)
            S(store_quad)((STORE *)(void *)((char *)to + some_steps(steps, 4 * j + i)), channel[j]);
    }
}

INLINE void S(spread_quads)(const REAL *lines, int64_t n, STORE *to, int64_t stride_c)
{
    const struct steps steps = steps_of(stride_c * (int64_t)sizeof(STORE));
    for (int64_t x = 0; x < n; x += 4) {
        const int64_t first = min_i64(x, n - 4);
        R(quads) v[4];
        for (int i = 0; i < 4; i++)
            memcpy(&v[i], lines + (first + i) * R(LINE), sizeof v[i]);
        S(put_quads)(v, to + first, &steps);
    }
}

static inline void S(spread_lines)(const REAL *lines, int64_t n, int64_t count, const struct S(row) *row)
{
    int64_t c = 0;
    if (row->stride_x == 1 && n >= 4)
        for (; c + 4 * R(QUADS) <= count; c += 4 * R(QUADS))
            S(spread_quads)(lines + c, n, row->data + c * row->stride_c, row->stride_c);
    else if (row->stride_c == 1)
        for (; c + 4 <= count; c += 4)
            for (int64_t x = 0; x < n; x++)
                S(store_quad)(row->data + x * row->stride_x + c, R(load_quad)(lines + x * R(LINE) + c));
    for (int64_t x = 0; x < n; x++)
        for (int64_t rest = c; rest < count; rest++)
            S(store)(row->data + x * row->stride_x + rest * row->stride_c, lines[x * R(LINE) + rest]);
}
