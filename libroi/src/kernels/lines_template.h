/*
 * lines_template.h - gathers pixels of several channels into lines
 *
 * Lines are what ring.h says: [pixel][channel], LINE channels each, in the type computed in. A row of n pixels of `count`
 * channels is gathered from wherever they lie. The rest of the lanes of a line, where there are fewer channels, has the last
 * channel again.
 */
#include "kernels/spread_template.h"

/* ---- Scratch memory of a thread --------------------------------------------------------------------------------- */

/* A banded matrix: band_template.h. */
struct band {
    int64_t columns, blocks;
    bool blocked;        /* whether rows are added up block by block (kernels/sums.h), ... */
    int64_t first_pixel; /* ... of pixels that are counted from this one */
    struct roi_band_block *block;
    REAL *values;
};

/* The stage comes first, at the beginning of a page, so that no store to it crosses a page: one such store for each line and
   box took up to a sixth of the FPN box head with channels last. */
struct scratch {
    REAL *stage; /* numbers channel by channel, before they are copied to the result */
    REAL *ring;  /* forward a ring, backward a patch */
    REAL *row;   /* lines of a box: a row of it, or some */
    REAL *lines; /* backward, of bins that are worked on together; forward, what an operator needs */
    REAL *rows;  /* of boxes without lines: ROI_TILE_ROWS of them */
    REAL *crop;  /* of one channel, or what an operator needs */
    struct band band;
};

static inline struct scratch scratch_of(const struct roi_scratch_size *size, void *memory)
{
    struct scratch scratch;
    scratch.stage = memory;
    scratch.ring = scratch.stage + size->stage;
    scratch.row = scratch.ring + size->ring;
    scratch.lines = scratch.row + size->row;
    scratch.rows = scratch.lines + size->lines;
    scratch.crop = scratch.rows + ROI_TILE_ROWS * size->width;
    scratch.band.values = scratch.crop + size->crop;
    scratch.band.block = (struct roi_band_block *)(void *)(scratch.band.values + size->band);
    return scratch;
}

/* ---- Gathering --------------------------------------------------------------------------------------------------- */

/* 4 * QUADS channels, of which each begins at one of `from`: four pixels at a time, the last four may share some with
   those before. Returns NaN in a lane where a number is not finite, since any such number times 0 is NaN. */
INLINE quads gather_quads(const STORE *const from[4 * QUADS], int64_t n, REAL *lines)
{
    quads zero = {0};
    for (int64_t x = 0; x < n; x += 4) {
        const int64_t first = min_i64(x, n - 4);
        quads v[4];
        for (int i = 0; i < 4; i++) {
            quad channel[QUADS];
            for (int j = 0; j < QUADS; j++)
                channel[j] = load_quad(from[4 * j + i] + first);
            v[i] = join_quads(channel);
        }
        transpose(v);
        for (int i = 0; i < 4; i++) {
            memcpy(lines + (first + i) * LINE, &v[i], sizeof v[i]);
            zero += v[i] * 0;
        }
    }
    return zero;
}

/* A pixel of at least four channels, but less than a line, that lie together. */
INLINE void gather_pixel(const STORE *pixel, int64_t count, REAL *line)
{
    const vec rest = splat_vec(load(pixel + count - 1));
    for (int c = 0; c < LINE; c += LANES)
        memcpy(line + c, &rest, sizeof rest);
    for (int64_t c = 0; c < count; c += 4) {
        const int64_t first = min_i64(c, count - 4);
        const quad four = load_quad(pixel + first);
        memcpy(line + first, &four, sizeof four);
    }
}

/* Returns NaN in a lane if a number is not finite, provided that `checks`, a constant where this is inlined, is set. */
INLINE quads gather_lines(const struct row *row, int64_t n, int64_t count, const bool checks, REAL *lines)
{
    quads zero = {0};
    if (row->stride_x == 1 && n >= 4) {
        for (int64_t c = 0; c < LINE; c += 4 * QUADS) {
            const STORE *from[4 * QUADS], *next = row->data + min_i64(c, count - 1) * row->stride_c;
            for (int64_t i = 0; i < 4 * QUADS; i++) {
                from[i] = next;
                next += c + i + 1 < count ? row->stride_c : 0;
            }
            zero += gather_quads(from, n, lines + c);
        }
        return zero;
    }
    if (row->stride_c == 1 && count == LINE)
        for (int64_t x = 0; x < n; x++)
            for (int64_t c = 0; c < LINE; c += LANES) {
                const vec v = load_vec(row->data + x * row->stride_x + c);
                memcpy(lines + x * LINE + c, &v, sizeof v);
            }
    else if (row->stride_c == 1 && count >= 4)
        for (int64_t x = 0; x < n; x++)
            gather_pixel(row->data + x * row->stride_x, count, lines + x * LINE);
    else
        for (int64_t x = 0; x < n; x++)
            for (int64_t c = 0; c < LINE; c++)
                lines[x * LINE + c] = load(row->data + x * row->stride_x + min_i64(c, count - 1) * row->stride_c);
    return checks && !all_finite(lines, n * LINE) ? zero + (REAL)NAN : zero;
}

/* ---- What boxes are pooled from, and where their bins go -------------------------------------------------------- */

/* Where a box's lines are: its first column, in what its plan takes for row 0. */
struct source {
    const REAL *ring; /* or NULL */
    const STORE *map;
    int64_t stride; /* from pixel to pixel */
    int64_t lines;  /* of a pixel, which lie together */
    int64_t last;   /* the channel with which the last of them begins: it may share some with the one before it */
    int64_t skew;   /* of a map: the offset of a line from the beginning of its cache line, in channels */
};

/* Where numbers come from: a constant where functions are inlined. */
enum from { FROM_RING, FROM_MAP, FROM_APART /* of a map, but `stride` apart from each other */ };

INLINE vec load_lanes(const struct source *source, const enum from from, int64_t at)
{
    vec v = {0};
    if (from == FROM_MAP)
        return load_vec(source->map + at);
    for (int i = 0; i < LANES && from == FROM_APART; i++)
        v[i] = load(source->map + at + i * source->stride);
    if (from == FROM_RING)
        memcpy(&v, source->ring + at, sizeof v);
    return v;
}

/* Where line i of a pixel begins. */
INLINE int64_t channel_of(const struct source *source, int64_t i) { return min_i64(i * LINE, source->last); }

/* Where some rows of bins go. */
struct target {
    STORE *data;
    int64_t stride_y, stride_x, stride_c;
};

/* One box and the lines it is pooled from. */
struct work {
    const struct roi_tile *tile;
    const struct roi_plan *plan;
    const struct scratch *scratch;
    struct source source;
    bool finite; /* whether all numbers of the lines are known to be finite */
};

/* Stores four bins from vectors, one channel after the other. */
INLINE void put_four(vec bin[4][LINE_VECTORS], STORE *to, const struct steps *steps)
{
    for (int c = 0; c < LINE; c += 4 * QUADS) {
        quads v[4];
        for (int i = 0; i < 4; i++)
            v[i] = quads_of(bin[i], c);
        put_quads(v, (STORE *)(void *)((char *)to + c * steps->one), steps);
    }
}
