/*
 * align_max_kernel.c - RoIAlign's maxima: align_max_kernel.h has the theory
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

/* What a line's bin has come to: the largest sample so far, and a sum of all lanes of all samples, NaN where one is. */
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

/* The largest of the four corners, each times its weights. */
INLINE dvec largest_corner(const dvec corner[4], const struct shares *y, const struct shares *x)
{
    const dvec weight[4] = {y->low * x->low, y->low * x->high, y->high * x->low, y->high * x->high};
    dvec most = weight[0] * corner[0];
    for (int i = 1; i < 4; i++)
        most = max_dvec(weight[i] * corner[i], most);
    return most;
}

/* One more sample of `vectors` vectors of a line: its four corners, and the weights of its rows and columns. `checks`, a
   constant where this is inlined, tells whether it can be NaN. */
INLINE void take_sample(const REAL *const corner[4], const struct shares *y, const struct shares *x, const bool corners,
                        const bool checks, const int vectors, struct largest *largest)
{
    for (int v = 0; v < vectors; v++) {
        dvec pixel[4];
        for (int i = 0; i < 4; i++)
            pixel[i] = load_dvec(corner[i] + v * DVEC_LANES);
        const dvec sample = between(y, between(x, pixel[0], pixel[1]), between(x, pixel[2], pixel[3]));
        largest->most[v] = max_dvec(corners ? largest_corner(pixel, y, x) : sample, largest->most[v]);
        if (checks)
            largest->sum += sample;
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

/* Between two numbers; of weight 0, the second is none that counts. */
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

static REAL pool_bin(const struct view *map, const bool corners, const struct roi_stop_table *table,
                     const struct roi_bin_stops *y, const struct roi_bin_stops *x)
{
    if (y->begin == y->end || x->begin == x->end)
        return 0; /* all samples are outside, or there are none */
    double most = y->outside || x->outside ? 0 : -(double)INFINITY;
    for (int64_t i = y->begin; i < y->end; i++)
        for (int64_t j = x->begin; j < x->end; j++)
            most = larger(most, corners ? largest_corner_value(map, &table->y.stop[i], &table->x.stop[j])
                                        : sample_value(map, &table->y.stop[i], &table->x.stop[j]));
    return (REAL)most;
}

/* All channels of the tile, after NaN was found. The fence orders non-temporal stores before these. */
INLINE void pool_each_sample(const struct roi_tile *tile, const struct roi_plan *plan, const bool corners)
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
   corner adds 0, or NaN where it is not finite, and the box is pooled again.) */
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
        const REAL *const corner[4] = {lines->ring + offset[0], lines->ring + offset[1], lines->ring + offset[2],
                                       lines->ring + offset[3]};
        take_sample(corner, &rows, &columns, corners, checks, vectors, largest);
    }
}

/* The channels of a pixel are brought together for each sample. */
INLINE void take_from_map(const struct lines *lines, const struct roi_stop *y, const struct roi_stop *x,
                          const bool corners, const int vectors, struct largest *largest)
{
    const struct roi_tile *tile = lines->work->tile;
    const roi_array *map = &tile->maps[lines->work->plan->box->level];
    const int64_t rows[4] = {y->low, y->low, y->high, y->high}, columns[4] = {x->low, x->high, x->low, x->high};
    const REAL *corner[4];
    REAL line[4][LINE] = {{0}};
    const struct shares share_y = shares_of(y), share_x = shares_of(x);
    for (int i = 0; i < 4; i++) {
        const STORE *pixel = row_of(map, lines->work->plan->box->image, 0, rows[i]).data +
                             columns[i] * map->strides[AXIS_W];
        for (int64_t c = 0; c < lines->count && (!corners || has_weight(y, x, i)); c++)
            line[i][c] = load(pixel + (tile->channel_begin + c) * map->strides[AXIS_C]);
        corner[i] = line[i];
    }
    take_sample(corner, &share_y, &share_x, corners, true, vectors, largest);
}

/* One bin of a line. Returns NaN in the lanes of channels where a number is NaN. */
INLINE dvec largest_of_bin(const struct lines *lines, const bool ring, const struct roi_stop_table *table,
                           const struct roi_bin_stops *y, const struct roi_bin_stops *x, const bool corners,
                           const bool checks, const int vectors, REAL *line)
{
    const bool none = y->begin == y->end || x->begin == x->end;
    const double least = y->outside || x->outside || none ? 0 : -(double)INFINITY;
    struct largest largest = {.sum = {0}};
    for (int v = 0; v < vectors; v++)
        largest.most[v] = splat_dvec(least);
    for (int64_t i = y->begin; i < y->end; i++)
        if (ring)
            take_from_ring(lines, &table->y.stop[i], table->x.stop + x->begin, x->end - x->begin, corners, checks,
                           vectors, &largest);
        else
            for (int64_t j = x->begin; j < x->end; j++)
                take_from_map(lines, &table->y.stop[i], &table->x.stop[j], corners, vectors, &largest);
    for (int v = 0; v < vectors; v++)
        store_dvec(line + v * DVEC_LANES, largest.most[v]);
    return largest.sum;
}

/* Some rows of bins from p on, into lines of scratch memory. Returns whether there is NaN. */
INLINE bool find_samples(const struct work *work, const bool ring, int64_t p, int64_t rows, const bool corners,
                         const bool checks, const int vectors)
{
    const struct roi_stop_table *table = work->plan->tables;
    const int64_t bins_x = work->tile->crops->shape[AXIS_W];
    const struct lines lines = lines_of(work, ring);
    REAL *line = work->scratch->row;
    dvec all = {0};
    for (int64_t r = p; r < p + rows; r++)
        for (int64_t q = 0; q < bins_x; q++, line += LINE)
            all += largest_of_bin(&lines, ring, table, &table->y.bins[r], &table->x.bins[q], corners, checks, vectors,
                                  line);
    return checks && any_nan_dvec(all);
}

/* ---- Samples of a ring, axis by axis ------------------------------------------------------------------------------ */

/* Two rows of the map, interpolated at all stops of x: a line of double for each. Successive stops of y share rows, and
   successive stops of x pixels, so that most pixels are converted to double once. */
struct sampled {
    int64_t y[2]; /* which rows of the map; -1: none yet */
    double *row[2];
    double *most; /* of each bin of a row so far, in lines */
};

typedef char sampled_fits_into_a_line[sizeof(struct sampled) <= LINE * sizeof(double) ? 1 : -1];

/* Where a box has them: scratch memory begins with the struct, and goes on with what it points to. */
static struct sampled *sampled_of(const struct work *work) { return (struct sampled *)(void *)work->scratch->crop; }

static void begin_samples(const struct work *work)
{
    double *memory = (double *)(void *)work->scratch->crop + LINE;
    const int64_t row = work->plan->stops_x * LINE;
    *sampled_of(work) = (struct sampled){{-1, -1}, {memory, memory + row}, memory + 2 * row};
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
                left[v] = load_dvec(row + x->low * LINE + v * DVEC_LANES);
        if (x->high != at_right)
            for (int v = 0; v < DVECS_OF_LINE; v++)
                right[v] = load_dvec(row + x->high * LINE + v * DVEC_LANES);
        at_left = x->low;
        at_right = x->high;
        for (int v = 0; v < DVECS_OF_LINE; v++)
            put_dvec(to + v * DVEC_LANES, between(&columns, left[v], right[v]));
    }
}

/* Row y of the map, in place of one that is not row `other`. */
INLINE const double *sampled_row(const struct lines *lines, int64_t y, int64_t other, const struct roi_stop *x,
                                 int64_t count, struct sampled *sampled)
{
    const int found = y == sampled->y[0] ? 0 : y == sampled->y[1] ? 1 : -1, to = other == sampled->y[0] ? 1 : 0;
    if (found >= 0)
        return sampled->row[found];
    interpolate_row(lines, y, x, count, sampled->row[to]);
    sampled->y[to] = y;
    return sampled->row[to];
}

/* The samples of a stop of y, to the bins of a row. */
INLINE dvec take_samples(const struct sampled *sampled, const struct roi_stop *y, const double *low, const double *high,
                         const struct roi_bin_stops *bins, int64_t count, const bool checks)
{
    const struct shares rows = shares_of(y);
    dvec sum = {0};
    for (int64_t q = 0; q < count; q++) {
        double *const to = sampled->most + q * LINE;
        dvec most[DVECS_OF_LINE];
        for (int v = 0; v < DVECS_OF_LINE; v++)
            most[v] = get_dvec(to + v * DVEC_LANES);
        for (int64_t i = bins[q].begin * LINE; i < bins[q].end * LINE; i += LINE)
            for (int v = 0; v < DVECS_OF_LINE; v++) {
                const dvec sample = between(&rows, get_dvec(low + i + v * DVEC_LANES),
                                            get_dvec(high + i + v * DVEC_LANES));
                most[v] = max_dvec(sample, most[v]);
                if (checks)
                    sum += sample;
            }
        for (int v = 0; v < DVECS_OF_LINE; v++)
            put_dvec(to + v * DVEC_LANES, most[v]);
    }
    return sum;
}

/* What the bins of a row begin with. */
static void begin_bins(const struct sampled *sampled, const struct roi_bin_stops *y, const struct roi_bin_stops *x,
                       int64_t count)
{
    for (int64_t q = 0; q < count; q++) {
        const bool none = y->begin == y->end || x[q].begin == x[q].end;
        const double least = y->outside || x[q].outside || none ? 0 : -(double)INFINITY;
        for (int c = 0; c < LINE; c++)
            sampled->most[q * LINE + c] = least;
    }
}

/* A row of bins, into lines of scratch memory. */
INLINE bool sample_row(const struct work *work, int64_t p, const bool checks)
{
    const struct roi_stop_table *table = work->plan->tables;
    const struct roi_bin_stops *y = &table->y.bins[p];
    const int64_t bins = work->tile->crops->shape[AXIS_W], stops = table->x.bins[bins - 1].end;
    const struct lines lines = lines_of(work, true);
    struct sampled *sampled = sampled_of(work);
    dvec all = {0};
    if (p == 0)
        begin_samples(work);
    begin_bins(sampled, y, table->x.bins, bins);
    for (int64_t i = y->begin; i < y->end; i++) {
        const struct roi_stop *stop = &table->y.stop[i];
        const double *low = sampled_row(&lines, stop->low, stop->high, table->x.stop, stops, sampled);
        const double *high = sampled_row(&lines, stop->high, stop->low, table->x.stop, stops, sampled);
        all += take_samples(sampled, stop, low, high, table->x.bins, bins, checks);
    }
    for (int64_t i = 0; i < bins * LINE; i += DVEC_LANES)
        store_dvec(work->scratch->row + i, get_dvec(sampled->most + i));
    return checks && any_nan_dvec(all);
}

/* ---- As crops_template.h has it ---------------------------------------------------------------------------------- */

/* One row at a time, so that stores to crops, which miss the caches, overlap with arithmetic. */
static int64_t lines_of_row(const struct work *work) { return ROI_TILE_LINES; }

ALONE bool find_samples_of_ring(const struct work *work, int64_t p, int64_t rows)
{
    return work->finite ? find_samples(work, true, p, rows, false, false, DVECS_OF_LINE)
                        : find_samples(work, true, p, rows, false, true, DVECS_OF_LINE);
}

ALONE bool find_dense_samples(const struct work *work, int64_t p)
{
    return work->finite ? sample_row(work, p, false) : sample_row(work, p, true);
}

/* Whether rows of pixels are shared by so many stops that interpolating them first is faster. With AVX2 and two rows for
   each stop it took 1.1 times as long as sample by sample, with one row 0.8. */
static bool are_samples_dense(const struct roi_plan *plan)
{
    return 2 * (plan->y.end - plan->y.first) < 3 * plan->stops_y;
}

ALONE bool find_corners_of_ring(const struct work *work, int64_t p, int64_t rows)
{
    return work->finite ? find_samples(work, true, p, rows, true, false, DVECS_OF_LINE)
                        : find_samples(work, true, p, rows, true, true, DVECS_OF_LINE);
}

/* Of a map, channels are few more often than not. */
ALONE bool find_samples_of_map(const struct work *work, int64_t p, int64_t rows)
{
    const struct roi_stop_table *table = work->plan->tables;
    const bool few = work->tile->channel_end - work->tile->channel_begin <= DVEC_LANES;
    if (few)
        return table->corners ? find_samples(work, false, p, rows, true, true, 1)
                              : find_samples(work, false, p, rows, false, true, 1);
    return table->corners ? find_samples(work, false, p, rows, true, true, DVECS_OF_LINE)
                          : find_samples(work, false, p, rows, false, true, DVECS_OF_LINE);
}

INLINE bool find_maxima(const struct work *work, int64_t p, int64_t rows)
{
    if (!work->source.ring)
        return find_samples_of_map(work, p, rows);
    if (((const struct roi_stop_table *)work->plan->tables)->corners)
        return find_corners_of_ring(work, p, rows);
    return are_samples_dense(work->plan) ? find_dense_samples(work, p) : find_samples_of_ring(work, p, rows);
}

static vec reduce_lines(const struct work *work, int64_t p, int64_t rows)
{
    return splat_vec(find_maxima(work, p, rows) ? (REAL)NAN : 0);
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

static void pool_exactly(const struct roi_tile *tile, const struct roi_plan *plan, REAL *crop)
{
    const struct roi_stop_table *table = plan->tables;
    if (table->corners)
        pool_each_sample(tile, plan, true);
    else
        pool_each_sample(tile, plan, false);
}

#include "kernels/crops_template.h"
#include "kernels/ring_template.h"

static void pool_tile(const struct roi_tile *tile, void *memory)
{
    struct scratch scratch = scratch_of(tile->scratch_size, memory);
    struct entered entered = {0};
    memset(scratch.lines, 0, LINE * sizeof *scratch.lines);
    for (const struct roi_plan *plan = tile->plans + tile->plan_begin; plan < tile->plans + tile->plan_end; plan++) {
        if (plan->way == ROI_FROM_RING) {
            advance(tile, plan, true, &entered, scratch.ring);
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
