/*
 * align_max_kernel.c - RoIAlign's maxima: see align_max_kernel.h
 *
 * `corners` is a constant where functions are inlined: whether the largest corner is asked for, or the largest sample.
 */
#include "kernels/align_max_kernel.h"

#include "kernels/kernel.h"
#include "kernels/lines_template.h"
#include "kernels/dvec.h"

/* ---- A line of samples ----------------------------------------------------------------------------------------- */

/* Vectors of double of a line. */
enum { DVECS_OF_LINE = LINE / DVEC_LANES };

/* A bin of a line so far: the largest sample of each channel, and a sum that is NaN in some lane if a sample of any channel is
   NaN. */
struct largest {
    dvec most[DVECS_OF_LINE], sum;
};

/* The weights of the two pixels of a stop along one axis, in all lanes. */
struct shares {
    dvec low, high;
};

INLINE struct shares shares_of(const struct roi_stop *stop)
{
    return (struct shares){splat_dvec(1 - stop->fraction), splat_dvec(stop->fraction)};
}

/* Between two numbers, along one axis. */
INLINE dvec between(const struct shares *shares, dvec low, dvec high)
{
    return shares->low * low + shares->high * high;
}

/* The corners, each times its weights. */
INLINE void weigh_corners(const dvec pixel[4], const struct shares *y, const struct shares *x, dvec corner[4])
{
    const dvec weight[4] = {y->low * x->low, y->low * x->high, y->high * x->low, y->high * x->high};
    for (int i = 0; i < 4; i++)
        corner[i] = weight[i] * pixel[i];
}

/* One more sample of `vectors` vectors of a line: its four pixels, and the weights of its rows and columns. `checks`, a
   constant where this is inlined, tells whether a number can be NaN or infinite. */
INLINE void take_sample(const REAL *const pixels[4], const struct shares *y, const struct shares *x, const bool corners,
                        const bool checks, const int vectors, struct largest *largest)
{
    for (int v = 0; v < vectors; v++) {
        dvec pixel[4], corner[4];
        for (int i = 0; i < 4; i++)
            pixel[i] = widen_dvec(pixels[i] + v * DVEC_LANES);
        dvec most = between(y, between(x, pixel[0], pixel[1]), between(x, pixel[2], pixel[3])), sum = most;
        if (corners) {
            weigh_corners(pixel, y, x, corner);
            most = max_dvec(corner[3], max_dvec(corner[2], max_dvec(corner[1], corner[0])));
            sum = (corner[0] + corner[1]) + (corner[2] + corner[3]);
        }
        largest->most[v] = max_dvec(most, largest->most[v]);
        if (checks)
            largest->sum += sum;
    }
}

/* ---- Sample by sample ------------------------------------------------------------------------------------------ */

/* NaN, once met, stays. */
INLINE double larger(double most, double value) { return value > most || isnan(value) ? value : most; }

/* A corner of weight 0 is not read: infinity times 0 would be NaN. */
INLINE double corner_value(const struct view *map, double weight, int64_t y, int64_t x)
{
    return weight == 0 ? 0 : weight * load(map->data + y * map->stride_y + x * map->stride_x);
}

static double largest_corner_value(const struct view *map, const struct roi_stop *y, const struct roi_stop *x)
{
    double weight[4];
    roi_corner_weights(y, x, weight);
    const double a = corner_value(map, weight[0], y->low, x->low), b = corner_value(map, weight[1], y->low, x->high);
    const double c = corner_value(map, weight[2], y->high, x->low), d = corner_value(map, weight[3], y->high, x->high);
    return larger(larger(larger(a, b), c), d);
}

/* Between two numbers, of which the second is ignored if its weight is 0. */
static double value_between(double fraction, double low, double high)
{
    return fraction == 0 ? low : (1 - fraction) * low + fraction * high;
}

static double row_value(const struct view *map, int64_t y, const struct roi_stop *x)
{
    const STORE *row = map->data + y * map->stride_y;
    return value_between(x->fraction, load(row + x->low * map->stride_x), load(row + x->high * map->stride_x));
}

static double sample_value(const struct view *map, const struct roi_stop *y, const struct roi_stop *x)
{
    return value_between(y->fraction, row_value(map, y->low, x), row_value(map, y->high, x));
}

/* The maximum of a bin before its samples: 0 if some are outside the map, or if there are none. */
static double initial_maximum(const struct roi_bin_stops *y, const struct roi_bin_stops *x)
{
    const bool none = y->begin == y->end || x->begin == x->end;
    return y->outside || x->outside || none ? 0 : -(double)INFINITY;
}

static REAL pool_bin(const struct view *map, const bool corners, const struct roi_stop_table *table,
                     const struct roi_bin_stops *y, const struct roi_bin_stops *x)
{
    double most = initial_maximum(y, x);
    for (int64_t i = y->begin; i < y->end; i++)
        for (int64_t j = x->begin; j < x->end; j++)
            most = larger(most, corners ? largest_corner_value(map, &table->y.stop[i], &table->x.stop[j])
                                        : sample_value(map, &table->y.stop[i], &table->x.stop[j]));
    return (REAL)most;
}

/* All channels of the tile, after NaN was found. The fence orders non-temporal stores before these. */
INLINE void recompute_channels(const struct roi_tile *tile, const struct roi_plan *plan, const bool corners)
{
    const struct roi_stop_table *table = plan->tables;
    stream_end();
    for (int64_t c = tile->channel_begin; c < tile->channel_end; c++) {
        const struct view map = view_of(&tile->maps[plan->box->level], plan->box->image, c);
        const struct view out = view_of(tile->crops, plan->row, c);
        for (int64_t p = 0; p < plan->bins; p++)
            for (int64_t q = 0; q < tile->crops->shape[AXIS_W]; q++)
                store(out.data + (plan->first_bin + p) * out.stride_y + q * out.stride_x,
                      pool_bin(&map, corners, table, &table->y.bins[p], &table->x.bins[q]));
    }
}

/* ---- Line by line ---------------------------------------------------------------------------------------------- */

/* Whether corner i of a sample has a weight. Fractions are below 1. (The product of two tiny ones may still be 0: then the
   corner adds 0, or NaN if it is not finite, and the box is pooled again.) */
INLINE bool has_weight(const struct roi_stop *y, const struct roi_stop *x, const int i)
{
    return (i < 2 || y->fraction != 0) && (i % 2 == 0 || x->fraction != 0);
}

/* Where the lines of a box are. Rows of a ring count from row `first`, which is row first_y of the map; offsets from pixel
   first_x of its row 0. */
struct lines {
    const REAL *ring;
    int64_t first, rows, stride, first_y, first_x;
    int64_t zeros; /* the offset of a line of zeros */
    const struct work *work;
    int64_t count; /* of channels */
};

static inline struct lines lines_of(const struct work *work, const bool ring)
{
    const struct roi_plan *plan = work->plan;
    struct lines lines = {.work = work, .first_y = plan->y.first, .first_x = plan->x.first};
    lines.count = min_i64(work->tile->channel_end - work->tile->channel_begin, LINE);
    if (ring) {
        lines.ring = work->source.ring;
        lines.rows = plan->ring->rows;
        lines.stride = plan->ring->stride;
        lines.first = plan->y.first % lines.rows;
        lines.zeros = work->scratch->lines - lines.ring;
    }
    return lines;
}

/* Where a row of the map is in the ring. */
INLINE int64_t row_offset(const struct lines *lines, int64_t y)
{
    const int64_t row = lines->first + y - lines->first_y;
    return (row < lines->rows ? row : row - lines->rows) * lines->stride;
}

/* The samples of a row of a bin. A corner of weight 0 is read from the line of zeros: offsets, not pointers, are what is
   chosen from, since compilers load from either of two pointers before they choose. */
INLINE void take_from_ring(const struct lines *lines, const struct roi_stop *y, const struct roi_stop *x, int64_t count,
                           const bool corners, const bool checks, const int vectors, struct largest *largest)
{
    const int64_t low = row_offset(lines, y->low), high = row_offset(lines, y->high);
    const struct shares rows = shares_of(y);
    for (const struct roi_stop *end = x + count; x < end; x++) {
        const struct shares columns = shares_of(x);
        const int64_t left = (x->low - lines->first_x) * LINE, right = (x->high - lines->first_x) * LINE;
        int64_t offset[4] = {low + left, low + right, high + left, high + right};
        if (corners && (y->fraction == 0 || x->fraction == 0))
            for (int i = 0; i < 4; i++)
                offset[i] = has_weight(y, x, i) ? offset[i] : lines->zeros;
        const REAL *const pixels[4] = {lines->ring + offset[0], lines->ring + offset[1], lines->ring + offset[2],
                                       lines->ring + offset[3]};
        take_sample(pixels, &rows, &columns, corners, checks, vectors, largest);
    }
}

/* The channels of a pixel are gathered for each sample. */
INLINE void take_from_map(const struct lines *lines, const struct roi_stop *y, const struct roi_stop *x,
                          const bool corners, const int vectors, struct largest *largest)
{
    const struct roi_tile *tile = lines->work->tile;
    const roi_array *map = &tile->maps[lines->work->plan->box->level];
    const int64_t rows[4] = {y->low, y->low, y->high, y->high}, columns[4] = {x->low, x->high, x->low, x->high};
    const REAL *pixels[4];
    REAL line[4][LINE] = {{0}};
    const struct shares share_y = shares_of(y), share_x = shares_of(x);
    for (int i = 0; i < 4; i++) {
        const STORE *pixel = row_of(map, lines->work->plan->box->image, 0, rows[i]).data +
                             columns[i] * map->strides[AXIS_W];
        for (int64_t c = 0; c < lines->count && (!corners || has_weight(y, x, i)); c++)
            line[i][c] = load(pixel + (tile->channel_begin + c) * map->strides[AXIS_C]);
        pixels[i] = line[i];
    }
    take_sample(pixels, &share_y, &share_x, corners, true, vectors, largest);
}

/* One bin of a line. Returns NaN in some lane if a sample is NaN, provided that `checks` is set. */
INLINE dvec largest_of_bin(const struct lines *lines, const bool ring, const struct roi_stop_table *table,
                           const struct roi_bin_stops *y, const struct roi_bin_stops *x, const bool corners,
                           const bool checks, const int vectors, REAL *line)
{
    struct largest largest = {.sum = {0}};
    for (int v = 0; v < vectors; v++)
        largest.most[v] = splat_dvec(initial_maximum(y, x));
    for (int64_t i = y->begin; i < y->end; i++)
        if (ring)
            take_from_ring(lines, &table->y.stop[i], table->x.stop + x->begin, x->end - x->begin, corners, checks,
                           vectors, &largest);
        else
            for (int64_t j = x->begin; j < x->end; j++)
                take_from_map(lines, &table->y.stop[i], &table->x.stop[j], corners, vectors, &largest);
    for (int v = 0; v < vectors; v++)
        narrow_dvec(line + v * DVEC_LANES, largest.most[v]);
    return largest.sum;
}

/* A row of bins, into lines of scratch memory. Returns whether there is NaN. */
INLINE bool pool_row(const struct work *work, const bool ring, int64_t p, const bool corners, const bool checks,
                     const int vectors)
{
    const struct roi_stop_table *table = work->plan->tables;
    const int64_t bins = work->tile->crops->shape[AXIS_W];
    const struct lines lines = lines_of(work, ring);
    REAL *line = work->scratch->row;
    dvec all = {0};
    for (int64_t q = 0; q < bins; q++, line += LINE)
        all += largest_of_bin(&lines, ring, table, &table->y.bins[p], &table->x.bins[q], corners, checks, vectors,
                              line);
    return checks && any_nan_dvec(all);
}

/* ---- Dense samples, axis by axis -------------------------------------------------------------------------------- */

/* Two rows of the map, interpolated at all stops of x: a line of double for each. Successive stops of y share rows, and
   successive stops of x pixels, so that most pixels are converted to double once. */
struct row_cache {
    int64_t y[2]; /* which rows of the map; -1: none yet */
    double *row[2];
    double *most; /* the maxima of a row of bins so far, in lines */
};

typedef char row_cache_fits_into_a_line[sizeof(struct row_cache) <= LINE * sizeof(double) ? 1 : -1];

/* The cache is at the start of scratch->crop, and what it points to comes after it. */
static struct row_cache *row_cache_of(const struct scratch *scratch)
{
    return (struct row_cache *)(void *)scratch->crop;
}

/* Before the first row of bins of a box. */
static void clear_row_cache(const struct roi_plan *plan, const struct scratch *scratch)
{
    double *memory = (double *)(void *)scratch->crop + LINE;
    const int64_t row = plan->stops_x * LINE;
    *row_cache_of(scratch) = (struct row_cache){{-1, -1}, {memory, memory + row}, memory + 2 * row};
}

/* A row of the map at `count` stops of x, from pixels of the ring. */
static void interpolate_row(const struct lines *lines, int64_t y, const struct roi_stop *x, int64_t count, double *to)
{
    const REAL *const row = lines->ring + row_offset(lines, y) - lines->first_x * LINE;
    int64_t at_left = -1, at_right = -1;
    dvec left[DVECS_OF_LINE] = {{0}}, right[DVECS_OF_LINE] = {{0}};
    for (const struct roi_stop *end = x + count; x < end; x++, to += LINE) {
        const struct shares columns = shares_of(x);
        if (x->low == at_right)
            for (int v = 0; v < DVECS_OF_LINE; v++)
                left[v] = right[v];
        else if (x->low != at_left)
            for (int v = 0; v < DVECS_OF_LINE; v++)
                left[v] = widen_dvec(row + x->low * LINE + v * DVEC_LANES);
        if (x->high != at_right)
            for (int v = 0; v < DVECS_OF_LINE; v++)
                right[v] = widen_dvec(row + x->high * LINE + v * DVEC_LANES);
        at_left = x->low;
        at_right = x->high;
        for (int v = 0; v < DVECS_OF_LINE; v++)
            store_dvec(to + v * DVEC_LANES, between(&columns, left[v], right[v]));
    }
}

/* Row y, interpolated along x, from the cache, or computed in place of the cached row that is not `other`. */
INLINE const double *cached_row(const struct lines *lines, int64_t y, int64_t other, const struct roi_stop *x,
                                int64_t count, struct row_cache *cache)
{
    const int found = y == cache->y[0] ? 0 : y == cache->y[1] ? 1 : -1, to = other == cache->y[0] ? 1 : 0;
    if (found >= 0)
        return cache->row[found];
    interpolate_row(lines, y, x, count, cache->row[to]);
    cache->y[to] = y;
    return cache->row[to];
}

/* Updates the maxima of a row of bins with the samples of one stop of y, which is between rows `low` and `high`. Returns NaN in
   some lane if a sample is NaN, provided that `checks` is set. */
INLINE dvec take_stop(const struct roi_stop *y, const double *low, const double *high, const struct roi_bin_stops *bins,
                      int64_t count, const bool checks, double *to)
{
    const struct shares rows = shares_of(y);
    dvec sum = {0};
    for (int64_t q = 0; q < count; q++, to += LINE) {
        dvec most[DVECS_OF_LINE];
        for (int v = 0; v < DVECS_OF_LINE; v++)
            most[v] = load_dvec(to + v * DVEC_LANES);
        for (int64_t i = bins[q].begin * LINE; i < bins[q].end * LINE; i += LINE)
            for (int v = 0; v < DVECS_OF_LINE; v++) {
                const dvec sample = between(&rows, load_dvec(low + i + v * DVEC_LANES),
                                            load_dvec(high + i + v * DVEC_LANES));
                most[v] = max_dvec(sample, most[v]);
                if (checks)
                    sum += sample;
            }
        for (int v = 0; v < DVECS_OF_LINE; v++)
            store_dvec(to + v * DVEC_LANES, most[v]);
    }
    return sum;
}

/* As pool_row. */
INLINE bool pool_dense_row(const struct work *work, int64_t p, const bool checks)
{
    const struct roi_stop_table *table = work->plan->tables;
    const struct roi_bin_stops *y = &table->y.bins[p], *x = table->x.bins;
    const int64_t bins = work->tile->crops->shape[AXIS_W], stops = x[bins - 1].end;
    const struct lines lines = lines_of(work, true);
    struct row_cache *cache = row_cache_of(work->scratch);
    dvec all = {0};
    for (int64_t q = 0; q < bins; q++) {
        const dvec least = splat_dvec(initial_maximum(y, &x[q]));
        for (int v = 0; v < DVECS_OF_LINE; v++)
            store_dvec(cache->most + q * LINE + v * DVEC_LANES, least);
    }
    for (int64_t i = y->begin; i < y->end; i++) {
        const struct roi_stop *stop = &table->y.stop[i];
        const double *low = cached_row(&lines, stop->low, stop->high, table->x.stop, stops, cache);
        const double *high = cached_row(&lines, stop->high, stop->low, table->x.stop, stops, cache);
        all += take_stop(stop, low, high, x, bins, checks, cache->most);
    }
    for (int64_t i = 0; i < bins * LINE; i += DVEC_LANES)
        narrow_dvec(work->scratch->row + i, load_dvec(cache->most + i));
    return checks && any_nan_dvec(all);
}

/* ---- What crops_template.h calls --------------------------------------------------------------------------------- */

/* One row of bins at a time, so that stores to crops, which miss the caches, overlap with arithmetic. */
static int64_t lines_of_row(const struct work *work) { return ROI_TILE_LINES; }

NOINLINE bool pool_samples_of_ring(const struct work *work, int64_t p)
{
    return work->finite ? pool_row(work, true, p, false, false, DVECS_OF_LINE)
                        : pool_row(work, true, p, false, true, DVECS_OF_LINE);
}

NOINLINE bool pool_dense_samples(const struct work *work, int64_t p)
{
    return work->finite ? pool_dense_row(work, p, false) : pool_dense_row(work, p, true);
}

NOINLINE bool pool_corners_of_ring(const struct work *work, int64_t p)
{
    return work->finite ? pool_row(work, true, p, true, false, DVECS_OF_LINE)
                        : pool_row(work, true, p, true, true, DVECS_OF_LINE);
}

/* Maps that are read directly usually have few channels. */
NOINLINE bool pool_from_map(const struct work *work, int64_t p)
{
    const struct roi_stop_table *table = work->plan->tables;
    const bool few = work->tile->channel_end - work->tile->channel_begin <= DVEC_LANES;
    if (few)
        return table->corners ? pool_row(work, false, p, true, true, 1) : pool_row(work, false, p, false, true, 1);
    return table->corners ? pool_row(work, false, p, true, true, DVECS_OF_LINE)
                          : pool_row(work, false, p, false, true, DVECS_OF_LINE);
}

INLINE bool pool_row_of_bins(const struct work *work, int64_t p)
{
    const struct roi_stop_table *table = work->plan->tables;
    if (!work->source.ring)
        return pool_from_map(work, p);
    if (table->corners)
        return pool_corners_of_ring(work, p);
    return work->plan->dense ? pool_dense_samples(work, p) : pool_samples_of_ring(work, p);
}

/* `rows` is 1. */
static vec reduce_lines(const struct work *work, int64_t p, int64_t rows)
{
    return splat_vec(pool_row_of_bins(work, p) ? (REAL)NAN : 0);
}

static vec put_line(const struct work *work, int64_t i, int64_t p, int64_t rows, int64_t count,
                    const struct target *target)
{
    const int64_t bins = work->tile->crops->shape[AXIS_W];
    for (int64_t r = 0; r < rows; r++) {
        const struct row row = {target->data + r * target->stride_y, target->stride_x, target->stride_c};
        spread_lines(work->scratch->row + r * bins * LINE, bins, count, &row);
    }
    return (vec){0};
}

static void recompute_box(const struct roi_tile *tile, const struct roi_plan *plan, REAL *crop)
{
    const struct roi_stop_table *table = plan->tables;
    if (table->corners)
        recompute_channels(tile, plan, true);
    else
        recompute_channels(tile, plan, false);
}

#include "kernels/crops_template.h"
#include "kernels/ring_template.h"

static void pool_tile(const struct roi_tile *tile, void *memory)
{
    struct scratch scratch = scratch_of(tile->scratch_size, memory);
    struct entered entered = {0};
    memset(scratch.lines, 0, LINE * sizeof *scratch.lines);
    for (const struct roi_plan *plan = tile->plans + tile->plan_begin; plan < tile->plans + tile->plan_end; plan++) {
        if (plan->way == ROI_LINES_IN_RING) {
            advance(tile, plan, true, &entered, scratch.ring);
            if (plan->dense)
                clear_row_cache(plan, &scratch);
            pool_from_ring(tile, plan, &entered, &scratch);
        } else {
            const struct work work = {tile, plan, &scratch, {.lines = 1}, .finite = false};
            pool_lines(&work);
        }
    }
    if (tile->stream)
        stream_end();
}

const struct roi_tile_kernels ROI_ENTRY_POINT(roi_align_max_kernels) = {pool_tile, NULL};
