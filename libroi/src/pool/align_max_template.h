/*
 * align_max_template.h - RoIAlign's maxima for one element type
 *
 * STORE is the type in memory, REAL that of lines; S() and R() make names for them. See align_max_kernel.h. `corners` is a
 * constant where functions are inlined: whether the largest corner is asked for, or the largest sample.
 */
#include "pool/lines_template.h"

/* ---- Sample by sample ------------------------------------------------------------------------------------------ */

/* NaN, once met, stays. */
INLINE double S(larger)(double most, double value) { return value > most || isnan(value) ? value : most; }

/* A corner of weight 0 is not read: infinity times 0 would be NaN. */
INLINE double S(corner)(const struct S(view) *map, double weight, int64_t y, int64_t x)
{
    return weight == 0 ? 0 : weight * S(load)(map->data + y * map->stride_y + x * map->stride_x);
}

/* The weights of a sample's corners. */
INLINE void S(weights_of)(const struct roi_stop *y, const struct roi_stop *x, double weight[4])
{
    const double low_y = 1 - y->fraction, low_x = 1 - x->fraction;
    weight[0] = low_y * low_x;
    weight[1] = low_y * x->fraction;
    weight[2] = y->fraction * low_x;
    weight[3] = y->fraction * x->fraction;
}

static double S(sample)(const struct S(view) *map, const bool corners, const struct roi_stop *y, const struct roi_stop *x)
{
    double weight[4];
    S(weights_of)(y, x, weight);
    const double a = S(corner)(map, weight[0], y->low, x->low), b = S(corner)(map, weight[1], y->low, x->high);
    const double c = S(corner)(map, weight[2], y->high, x->low), d = S(corner)(map, weight[3], y->high, x->high);
    return corners ? S(larger)(S(larger)(S(larger)(a, b), c), d) : a + b + c + d;
}

static REAL S(pool_bin)(const struct S(view) *map, const bool corners, const struct roi_stop_table *table,
                        const struct roi_bin_stops *y, const struct roi_bin_stops *x)
{
    if (y->begin == y->end || x->begin == x->end)
        return 0; /* all samples are outside, or there are none */
    double most = y->outside || x->outside ? 0 : -(double)INFINITY;
    for (int64_t i = y->begin; i < y->end; i++)
        for (int64_t j = x->begin; j < x->end; j++)
            most = S(larger)(most, S(sample)(map, corners, &table->y.stop[i], &table->x.stop[j]));
    return (REAL)most;
}

/* All channels of the tile. What has been streamed must not come after it. */
INLINE void S(pool_each_sample)(const struct roi_tile *tile, const struct roi_plan *plan, const bool corners)
{
    const struct roi_stop_table *table = plan->tables;
    stream_end();
    for (int64_t c = tile->channel_begin; c < tile->channel_end; c++) {
        const int64_t channel = roi_tile_channel(tile, c);
        const struct S(view) map = S(view_of)(&tile->maps[plan->box->level], plan->box->image, channel);
        const struct S(view) out = S(view_of)(tile->crops, plan->row, channel);
        for (int64_t p = 0; p < plan->bins; p++)
            for (int64_t q = 0; q < tile->crops->shape[AXIS_W]; q++)
                S(store)(out.data + (plan->first_bin + p) * out.stride_y + q * out.stride_x,
                         S(pool_bin)(&map, corners, table, &table->y.bins[p], &table->x.bins[q]));
    }
}

/* ---- Line by line ---------------------------------------------------------------------------------------------- */

/* Where the lines of a box are. Rows of a ring count from row `first`, which is row first_y of the map; offsets from pixel
   first_x of its row 0. */
struct S(lines) {
    const REAL *ring;
    int64_t first, rows, stride, first_y, first_x;
    int64_t zeros; /* the offset of a line of zeros */
    const struct S(work) *work;
    int64_t count; /* of channels */
};

static inline struct S(lines) S(lines_of)(const struct S(work) *work, const bool ring)
{
    const struct roi_plan *plan = work->plan;
    struct S(lines) lines = {.work = work, .first_y = plan->y.first, .first_x = plan->x.first};
    lines.count = min_i64(work->tile->channel_end - work->tile->channel_begin, R(LINE));
    if (ring) {
        lines.ring = work->source.ring;
        lines.rows = plan->ring->rows;
        lines.stride = plan->ring->stride;
        lines.first = plan->y.first % lines.rows;
        lines.zeros = work->scratch->lines - lines.ring;
    }
    return lines;
}

/* Offsets, not pointers, are what is chosen from: compilers load from either of two pointers before they choose. */
INLINE void S(take_from_ring)(const struct S(lines) *lines, const struct roi_stop *y, const struct roi_stop *x,
                              const bool corners, const int vectors, struct R(largest) *largest)
{
    const int64_t row = lines->first + y->low - lines->first_y, next = row + (y->high - y->low);
    const int64_t low = (row < lines->rows ? row : row - lines->rows) * lines->stride;
    const int64_t high = (next < lines->rows ? next : next - lines->rows) * lines->stride;
    const int64_t left = (x->low - lines->first_x) * R(LINE), right = (x->high - lines->first_x) * R(LINE);
    const int64_t offset[4] = {low + left, low + right, high + left, high + right};
    const REAL *corner[4];
    double weight[4];
    S(weights_of)(y, x, weight);
    for (int i = 0; i < 4; i++)
        corner[i] = lines->ring + (weight[i] == 0 ? lines->zeros : offset[i]);
    R(take_sample)(corner, weight, corners, vectors, largest);
}

/* The channels of a pixel are brought together for each sample. */
INLINE void S(take_from_map)(const struct S(lines) *lines, const struct roi_stop *y, const struct roi_stop *x,
                             const bool corners, const int vectors, struct R(largest) *largest)
{
    const struct roi_tile *tile = lines->work->tile;
    const roi_array *map = &tile->maps[lines->work->plan->box->level];
    const int64_t rows[4] = {y->low, y->low, y->high, y->high}, columns[4] = {x->low, x->high, x->low, x->high};
    const REAL *corner[4];
    REAL line[4][R(LINE)] = {{0}};
    double weight[4];
    S(weights_of)(y, x, weight);
    for (int i = 0; i < 4; i++) {
        const STORE *pixel = S(row_of)(map, lines->work->plan->box->image, 0, rows[i]).data + columns[i] * map->strides[AXIS_W];
        for (int64_t c = 0; c < lines->count && weight[i] != 0; c++)
            line[i][c] = S(load)(pixel + roi_tile_channel(tile, tile->channel_begin + c) * map->strides[AXIS_C]);
        corner[i] = line[i];
    }
    R(take_sample)(corner, weight, corners, vectors, largest);
}

/* One bin of a line. Returns NaN in the lanes of channels where a number is NaN. */
INLINE vec_double S(largest_of_bin)(const struct S(lines) *lines, const bool ring, const struct roi_stop_table *table,
                                    const struct roi_bin_stops *y, const struct roi_bin_stops *x, const bool corners,
                                    const int vectors, REAL *line)
{
    const bool none = y->begin == y->end || x->begin == x->end;
    const double least = y->outside || x->outside || none ? 0 : -(double)INFINITY;
    struct R(largest) largest = {.sum = {0}};
    for (int v = 0; v < vectors; v++)
        largest.most[v] = least + (vec_double){0};
    for (int64_t i = y->begin; i < y->end; i++)
        for (int64_t j = x->begin; j < x->end; j++)
            if (ring)
                S(take_from_ring)(lines, &table->y.stop[i], &table->x.stop[j], corners, vectors, &largest);
            else
                S(take_from_map)(lines, &table->y.stop[i], &table->x.stop[j], corners, vectors, &largest);
    for (int v = 0; v < vectors; v++)
        R(narrow)(line + v * LANES_double, largest.most[v]);
    return largest.sum;
}

/* Some rows of bins from p on, into lines of scratch memory. Returns whether there is NaN. */
INLINE bool S(find_samples)(const struct S(work) *work, const bool ring, int64_t p, int64_t rows, const bool corners,
                            const int vectors)
{
    const struct roi_stop_table *table = work->plan->tables;
    const int64_t bins_x = work->tile->crops->shape[AXIS_W];
    const struct S(lines) lines = S(lines_of)(work, ring);
    REAL *line = work->scratch->row;
    vec_double all = {0};
    for (int64_t r = p; r < p + rows; r++)
        for (int64_t q = 0; q < bins_x; q++, line += R(LINE))
            all += S(largest_of_bin)(&lines, ring, table, &table->y.bins[r], &table->x.bins[q], corners, vectors, line);
    return any_nan_double(all);
}

/* ---- As crops_template.h has it ---------------------------------------------------------------------------------- */

/* One row at a time, so that stores to crops, which miss the caches, are spread over the work. */
static int64_t S(lines_of_row)(const struct S(work) *work)
{
    (void)work;
    return ROI_TILE_LINES;
}

ALONE bool S(find_samples_of_ring)(const struct S(work) *work, int64_t p, int64_t rows)
{
    return S(find_samples)(work, true, p, rows, false, R(WIDE_VECTORS));
}

ALONE bool S(find_corners_of_ring)(const struct S(work) *work, int64_t p, int64_t rows)
{
    return S(find_samples)(work, true, p, rows, true, R(WIDE_VECTORS));
}

/* Of a map, channels are few more often than not. */
ALONE bool S(find_samples_of_map)(const struct S(work) *work, int64_t p, int64_t rows)
{
    const struct roi_stop_table *table = work->plan->tables;
    const bool few = work->tile->channel_end - work->tile->channel_begin <= LANES_double;
    if (few)
        return table->corners ? S(find_samples)(work, false, p, rows, true, 1) : S(find_samples)(work, false, p, rows, false, 1);
    return table->corners ? S(find_samples)(work, false, p, rows, true, R(WIDE_VECTORS))
                          : S(find_samples)(work, false, p, rows, false, R(WIDE_VECTORS));
}

static R(vec) S(reduce_lines)(const struct S(work) *work, int64_t p, int64_t rows)
{
    const struct roi_stop_table *table = work->plan->tables;
    const bool nan = !work->source.ring ? S(find_samples_of_map)(work, p, rows)
                     : table->corners   ? S(find_corners_of_ring)(work, p, rows)
                                        : S(find_samples_of_ring)(work, p, rows);
    return (nan ? (REAL)NAN : 0) + (R(vec)){0};
}

static R(vec) S(put_line)(const struct S(work) *work, int64_t i, int64_t p, int64_t rows, int64_t count,
                          const struct S(place) *place)
{
    const int64_t bins = work->tile->crops->shape[AXIS_W];
    (void)i;
    (void)p;
    for (int64_t r = 0; r < rows; r++) {
        const struct S(row) row = {place->data + r * place->stride_y, place->stride_x, place->stride_c};
        S(spread_lines)(work->scratch->row + r * bins * R(LINE), bins, count, &row);
    }
    return (R(vec)){0};
}

static void S(pool_exactly)(const struct roi_tile *tile, const struct roi_plan *plan, REAL *crop)
{
    const struct roi_stop_table *table = plan->tables;
    (void)crop;
    if (table->corners)
        S(pool_each_sample)(tile, plan, true);
    else
        S(pool_each_sample)(tile, plan, false);
}

#include "pool/crops_template.h"
#include "pool/ring_template.h"

static void S(pool_tile)(const struct roi_tile *tile, void *memory)
{
    struct R(scratch) scratch = R(scratch_of)(tile->scratch_size, memory);
    int64_t end = 0; /* of the rows that have entered the ring */
    memset(scratch.lines, 0, R(LINE) * sizeof *scratch.lines);
    for (const struct roi_plan *plan = tile->plans + tile->plan_begin; plan < tile->plans + tile->plan_end; plan++) {
        if (plan->ring) {
            S(advance)(tile, plan, &end, scratch.ring);
            S(pool_from_ring)(tile, plan, &scratch);
        } else {
            const struct S(work) work = {tile, plan, &scratch, {.lines = 1}};
            S(pool_lines)(&work);
        }
    }
    if (tile->stream)
        stream_end();
}
