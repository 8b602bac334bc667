/*
 * max_lines_template.h - RoIPool from lines of channels (ring.h): what channels_template.h is for means
 *
 * For each row of bins the maxima of its rows are found, pixel by pixel, and then those of the columns of each bin, four bins
 * at a time. A bin of fewer pixels than others has its last one several times (operators/pool.c), which changes no maximum.
 *
 * `from`, `places` and small numbers of taps are constants where functions are inlined; `places` tells whether the places of
 * maxima are found too. Of equals the first in row-major order counts: rows ascend, so the first of a column stays where it
 * is; among columns the lower place wins.
 */

enum {
    MAX_VECTORS = 4, /* of lines whose maxima are found at a time */
    MAX_LINES = MAX_VECTORS / LINE_VECTORS > 0 ? MAX_VECTORS / LINE_VECTORS : 1,
    /* The same of many rows of a map, from which memory is read in longer pieces, and ahead: each row is a stream. */
    MANY_LINES = MAX_LINES > 4 || LINE_VECTORS > 2 ? MAX_LINES : 4
};

/* No place is above it. */
static const lane_int MOST_PLACE = sizeof(lane_int) == 4 ? INT32_MAX : (lane_int)INT64_MAX;

/* The rows of one row of bins. Their places are those of row `first`, and `pitch` more for each one after it. */
struct bin_rows {
    const int64_t *offsets;
    lane_int first, pitch;
};

/* Maxima of `count` lines, `step` apart in t as their places are in `where`; these are in column `column`, or from there on.
   Returns the sums of all that is read, NaN where a pixel is, provided that `checks` is set. */
INLINE vec max_block(const struct source *source, const enum from from, int64_t at, const struct bin_rows *rows,
                     const int64_t taps, const int count, const bool places, const bool checks, lane_int column,
                     REAL *t, lane_int *where, int64_t step)
{
    vec most[MANY_LINES * LINE_VECTORS], sum[MANY_LINES * LINE_VECTORS];
    ivec place[MANY_LINES * LINE_VECTORS], row = rows->first + (ivec){0};
    for (int v = 0; v < count * LINE_VECTORS; v++) {
        most[v] = sum[v] = load_lanes(source, from, rows->offsets[0] + at + v * LANES);
        place[v] = row;
    }
    for (int64_t k = 1; k < taps; k++) {
        row += rows->pitch;
        for (int i = 0; i < count && from == FROM_MAP && count > 1 && count == MANY_LINES && taps > 6; i++)
            __builtin_prefetch(source->map + rows->offsets[k] + at + i * LINE + source->stride);
        for (int v = 0; v < count * LINE_VECTORS; v++) {
            const vec value = load_lanes(source, from, rows->offsets[k] + at + v * LANES);
            if (places)
                place[v] = choose_above(value, most[v], row, place[v]);
            most[v] = max_vec(value, most[v]);
            if (checks)
                sum[v] += value;
        }
    }
    for (int i = 0; i < count; i++) {
        for (int v = 0; v < LINE_VECTORS; v++) {
            const ivec there = place[i * LINE_VECTORS + v] + (lane_int)(column + (from == FROM_RING ? i : 0));
            memcpy(t + i * step + v * LANES, &most[i * LINE_VECTORS + v], sizeof *most);
            if (places)
                memcpy(where + i * step + v * LANES, &there, sizeof there);
        }
    }
    for (int v = 1; v < count * LINE_VECTORS && checks; v++)
        sum[0] += sum[v];
    return checks ? sum[0] : (vec){0};
}

/* One row of bins, all lines and columns of the box. Lines that follow each other in memory are worked on together: of a ring
   those of pixels, of a map those of a pixel. */
INLINE vec max_row_of(const struct source *given, const enum from from, const struct bin_rows *rows, const int64_t taps,
                      const bool many, const bool places, const bool checks, lane_int column, int64_t width, REAL *t,
                      lane_int *where)
{
    const struct source source = *given;
    const int64_t runs = from == FROM_RING ? 1 : width, lines = from == FROM_RING ? width : source.lines;
    const int64_t whole = from == FROM_RING ? width : source.last / LINE + 1; /* that follow each other */
    const int64_t step = from == FROM_RING ? LINE : width * LINE;
    const int some = many ? MANY_LINES : MAX_LINES;
    vec all = {0};
    for (int64_t run = 0; run < runs; run++) {
        const int64_t at = run * source.stride;
        int64_t i = 0;
        for (; i + some <= whole; i += some)
            all += max_block(&source, from, at + i * LINE, rows, taps, some, places, checks,
                             (lane_int)(column + (from == FROM_RING ? i : run)), t + run * LINE + i * step,
                             where + run * LINE + i * step, step);
        for (; i < lines; i++)
            all += max_block(&source, from, at + (from == FROM_RING ? i * LINE : channel_of(&source, i)), rows, taps, 1,
                             places, checks, (lane_int)(column + (from == FROM_RING ? i : run)),
                             t + run * LINE + i * step, where + run * LINE + i * step, step);
    }
    return all;
}

/* Maxima of the rows of a box's lines, and where places are among them. */
struct row_maxima {
    REAL *t;
    lane_int *where;
    int64_t stride; /* from row of bins to row of bins */
};

static inline struct row_maxima maxima_of(const struct work *work, int64_t line, int64_t rows)
{
    const int64_t width = (work->plan->x.end - work->plan->x.first) * LINE, stride = width * work->source.lines;
    REAL *t = work->scratch->row + line * width;
    return (struct row_maxima){t, (lane_int *)(void *)(t + rows * stride), stride};
}

INLINE vec max_rows_of(const struct work *work, const enum from from, const int64_t taps, const bool many,
                       const bool places, const bool checks, int64_t p, int64_t rows)
{
    const struct roi_plan *plan = work->plan;
    const struct roi_pool_table *table = plan->tables;
    const int64_t pitch = work->tile->maps[plan->box->level].shape[AXIS_W];
    struct row_maxima to = maxima_of(work, 0, rows);
    vec all = {0};
    for (int64_t r = p; r < p + rows; r++, to.t += to.stride, to.where += to.stride) {
        const struct bin_rows bin = {plan->rows.offsets + r * plan->rows.taps, (lane_int)(table->bins[r].begin * pitch),
                                     (lane_int)pitch};
        all += max_row_of(&work->source, from, &bin, taps, many, places, checks, (lane_int)plan->x.first,
                          plan->x.end - plan->x.first, to.t, to.where);
    }
    return all;
}

INLINE vec max_rows(const struct work *work, const enum from from, const bool places, const bool checks, int64_t p,
                    int64_t rows)
{
    switch (work->plan->rows.taps) {
        CASES_TO_6(TAPS, return max_rows_of(work, from, TAPS, false, places, checks, p, rows))
    default: return max_rows_of(work, from, work->plan->rows.taps, from == FROM_MAP, places, checks, p, rows);
    }
}

/* ---- Bins ------------------------------------------------------------------------------------------------------ */

/* One bin of a line: the largest of its columns, the first of which is at offset[0]; where they lie together, column k is
   k lines further on. Its place is the first of those of the columns that have as much. */
INLINE void max_bin(const REAL *t, const lane_int *where, const int64_t *offset, const int64_t taps,
                    const bool together, const bool places, vec most[LINE_VECTORS], ivec place[LINE_VECTORS])
{
    for (int v = 0; v < LINE_VECTORS; v++) {
        vec larger = {0}, value;
        ivec first = (ivec){0} + MOST_PLACE, at;
        for (int64_t k = 0; k < taps; k++) {
            memcpy(&value, t + (together ? offset[0] + k * LINE : offset[k]) + v * LANES, sizeof value);
            larger = k > 0 ? max_vec(value, larger) : value;
        }
        for (int64_t k = 0; k < taps && places; k++) {
            const int64_t from = (together ? offset[0] + k * LINE : offset[k]) + v * LANES;
            memcpy(&value, t + from, sizeof value);
            memcpy(&at, where + from, sizeof at);
            first = lower_if_equal(value, larger, at, first);
        }
        most[v] = larger;
        place[v] = first;
    }
}

/* As put_four, for places, whose bits are moved alike: to scratch memory, as they are. */
INLINE void put_four_places(ivec bin[4][LINE_VECTORS], lane_int *to, const struct steps *steps)
{
    vec bits[4][LINE_VECTORS];
    memcpy(bits, bin, sizeof bits);
    for (int c = 0; c < LINE; c += 4 * QUADS) {
        quads v[4];
        for (int i = 0; i < 4; i++)
            v[i] = quads_of(bits[i], c);
        transpose(v);
        for (int i = 0; i < 4; i++) {
            quad channel[QUADS];
            split_quads(v[i], channel);
            for (int j = 0; j < QUADS; j++)
                memcpy((char *)to + c * steps->one + some_steps(steps, 4 * j + i), &channel[j], sizeof channel[j]);
        }
    }
}

/* Where bins of a line go, `target`, and their places, or NULL: to scratch memory, [channel][bin]. */
struct results {
    const struct target *target;
    lane_int *places;
    int64_t stride_c;
};

/* Rows of bins, at least four bins each: four columns at a time, of which the last may share some with those before. */
INLINE void put_maxima_of(const struct row_maxima *maxima, int64_t rows, const struct roi_sparse *columns,
                          const int64_t taps, const bool together, const bool places, int64_t bins,
                          const struct results *results)
{
    const struct target *target = results->target;
    const struct steps steps = steps_of(target->stride_c * (int64_t)sizeof(STORE));
    const struct steps places_steps = steps_of(results->stride_c * (int64_t)sizeof(lane_int));
    for (int64_t b = 0; b < bins; b += 4) {
        const int64_t first = min_i64(b, bins - 4);
        const int64_t *offset = columns->offsets + first * taps;
        for (int64_t r = 0; r < rows; r++) {
            vec most[4][LINE_VECTORS];
            ivec at[4][LINE_VECTORS];
            for (int i = 0; i < 4; i++)
                max_bin(maxima->t + r * maxima->stride, maxima->where + r * maxima->stride, offset + i * taps, taps,
                        together, places, most[i], at[i]);
            put_four(most, target->data + r * target->stride_y + first, &steps);
            if (places)
                put_four_places(at, results->places + r * bins + first, &places_steps);
        }
    }
}

INLINE void put_maxima(const struct row_maxima *maxima, int64_t rows, const struct roi_sparse *columns,
                       const bool places, int64_t bins, const struct results *results)
{
    switch (columns->taps) {
        CASES_TO_6(TAPS, if (TAPS == 1 || columns->together)
                             put_maxima_of(maxima, rows, columns, TAPS, true, places, bins, results);
                   else put_maxima_of(maxima, rows, columns, TAPS, false, places, bins, results); break)
    default: put_maxima_of(maxima, rows, columns, columns->taps, false, places, bins, results);
    }
}

/* The same bin by bin, for however few bins and channels, wherever these lie. */
NOINLINE void put_any_maxima(const struct row_maxima *maxima, int64_t rows, const struct roi_sparse *columns,
                             int64_t bins, int64_t count, const struct results *results)
{
    const struct target *target = results->target;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t q = 0; q < bins; q++) {
            const struct row out = {target->data + r * target->stride_y + q * target->stride_x, target->stride_x,
                                    target->stride_c};
            vec most[LINE_VECTORS];
            ivec at[LINE_VECTORS];
            max_bin(maxima->t + r * maxima->stride, maxima->where + r * maxima->stride,
                    columns->offsets + q * columns->taps, columns->taps, false, results->places != NULL, most, at);
            spread_lines((const REAL *)most, 1, count, &out);
            for (int64_t c = 0; c < count && results->places; c++)
                results->places[c * results->stride_c + r * bins + q] = ((const lane_int *)at)[c];
        }
}

/* ---- Places ---------------------------------------------------------------------------------------------------- */

/* As many places as fill a cache line, none of them negative, in 64 bits each. Where vectors are at most half as wide,
   they are interleaved with zeros. */
enum { PLACES = ROI_LINE_BYTES / (int)sizeof(int64_t) };

INLINE void widen_places(int64_t line[PLACES], const lane_int *from)
{
#if defined(ROI_IS_DOUBLE)
    memcpy(line, from, PLACES * sizeof *line);
#elif defined(__AVX512F__)
    _mm512_storeu_si512(line, _mm512_cvtepi32_epi64(_mm256_loadu_si256((const __m256i *)(const void *)from)));
#elif defined(__SSE2__)
    for (int i = 0; i < PLACES; i += 4) {
        const __m128i four = _mm_loadu_si128((const __m128i *)(const void *)(from + i));
        _mm_storeu_si128((__m128i *)(void *)(line + i), _mm_unpacklo_epi32(four, _mm_setzero_si128()));
        _mm_storeu_si128((__m128i *)(void *)(line + i + 2), _mm_unpackhi_epi32(four, _mm_setzero_si128()));
    }
#else
    for (int i = 0; i < PLACES; i++)
        line[i] = from[i];
#endif
}

/* Widens the places of contiguous bins; `stream`: whole cache lines by non-temporal stores. */
static void copy_places(int64_t *to, const lane_int *from, int64_t count, bool stream)
{
    int64_t line[PLACES], i = 0;
    for (; stream && i < count && (uintptr_t)(to + i) % ROI_LINE_BYTES != 0; i++)
        to[i] = from[i];
    for (; stream && i + PLACES <= count; i += PLACES) {
        widen_places(line, from + i);
        stream_line((char *)(to + i), (const char *)line);
    }
    for (; i < count; i++)
        to[i] = from[i];
}

/* Stores the places of rows of bins from p on, of `count` channels from c on. */
static void write_places(const struct work *work, int64_t c, int64_t p, int64_t rows, int64_t count,
                         const lane_int *from)
{
    const roi_indices *argmax = work->tile->argmax;
    const int64_t *strides = argmax->strides, bins = work->tile->crops->shape[AXIS_W];
    int64_t *to = argmax->data + work->plan->row * strides[AXIS_N] + c * strides[AXIS_C] +
                  (work->plan->first_bin + p) * strides[AXIS_H];
    const bool together = strides[AXIS_W] == 1 && strides[AXIS_H] == bins;
    const int64_t runs = strides[AXIS_C] == rows * bins ? 1 : count, run = count * rows * bins / runs;
    for (int64_t k = 0; k < runs && together; k++)
        copy_places(to + k * strides[AXIS_C], from + k * run, run, work->tile->stream);
    for (int64_t k = 0; k < count && !together; k++)
        for (int64_t r = 0; r < rows; r++, from += bins)
            for (int64_t q = 0; q < bins; q++)
                to[k * strides[AXIS_C] + r * strides[AXIS_H] + q * strides[AXIS_W]] = from[q];
}

/* ---- What crops_template.h calls --------------------------------------------------------------------------------- */

static int64_t lines_of_row(const struct work *work)
{
    return (work->tile->argmax ? 2 : 1) * (work->plan->x.end - work->plan->x.first) * work->source.lines;
}

INLINE vec reduce(const struct work *work, const bool places, int64_t p, int64_t rows)
{
    if (!work->source.ring)
        return max_rows(work, FROM_MAP, places, true, p, rows);
    if (!work->finite) /* which is rare, and not worth a loop for each number of taps */
        return max_rows_of(work, FROM_RING, work->plan->rows.taps, false, places, true, p, rows);
    return max_rows(work, FROM_RING, places, false, p, rows);
}

NOINLINE vec reduce_lines(const struct work *work, int64_t p, int64_t rows)
{
    return work->tile->argmax ? reduce(work, true, p, rows) : reduce(work, false, p, rows);
}

/* The maxima of rows of bins of a line, and their places. */
INLINE void put_rows(const struct work *work, const struct row_maxima *maxima, const bool places, int64_t rows,
                     int64_t count, const struct results *results)
{
    const struct roi_sparse *columns = &work->plan->columns;
    const int64_t bins = work->tile->crops->shape[AXIS_W];
    if (count < LINE || results->target->stride_x != 1 || bins < 4)
        put_any_maxima(maxima, rows, columns, bins, count, results);
    else
        put_maxima(maxima, rows, columns, places, bins, results);
}

/* As many rows at a time as scratch memory has room for their places. */
NOINLINE void put_with_places(const struct work *work, int64_t c, struct row_maxima maxima, int64_t p, int64_t rows,
                              int64_t count, struct target target)
{
    const int64_t bins = work->tile->crops->shape[AXIS_W], most = roi_rows_together(bins);
    lane_int *places = (lane_int *)(void *)work->scratch->lines;
    for (int64_t r = 0; r < rows; r += most) {
        const int64_t some = min_i64(most, rows - r);
        const struct results results = {&target, places, some * bins};
        put_rows(work, &maxima, true, some, count, &results);
        write_places(work, c, p + r, some, count, places);
        maxima.t += some * maxima.stride;
        maxima.where += some * maxima.stride;
        target.data += some * target.stride_y;
    }
}

NOINLINE vec put_line(const struct work *work, int64_t i, int64_t p, int64_t rows, int64_t count,
                      const struct target *target)
{
    const struct row_maxima maxima = maxima_of(work, i, rows);
    const struct results results = {.target = target};
    if (work->tile->argmax)
        put_with_places(work, work->tile->channel_begin + channel_of(&work->source, i), maxima, p, rows, count,
                        *target);
    else
        put_rows(work, &maxima, false, rows, count, &results);
    return (vec){0};
}
