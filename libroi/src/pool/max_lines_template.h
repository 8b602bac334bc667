/*
 * max_lines_template.h - RoIPool from lines of channels (ring.h), for one element type: what channels_template.h is for means
 *
 * For each row of bins the maxima of its rows are found, pixel by pixel, and then those of the columns of each bin, four bins
 * at a time. A bin of fewer pixels than others has its last one several times (roi_pool_table), which changes no maximum.
 *
 * `ring`, `places` and small numbers of taps are constants where functions are inlined; `places` tells whether the places of
 * maxima are found too. Of equals the first in row-major order counts: rows ascend, so the first of a column stays where it
 * is; among columns the lower place wins.
 */

enum { S(MAX_LINES) = MAX_VECTORS / LINE_VECTORS > 0 ? MAX_VECTORS / LINE_VECTORS : 1 };

/* The rows of one row of bins. Their places are those of row `first`, and `pitch` more for each one after it. */
struct S(bin_rows) {
    const int64_t *offsets;
    R(lane) first, pitch;
};

/* Maxima of `count` lines, `step` apart in t as their places are in `where`; these are in column `column`, or from there on.
   Returns the sums of all that is read: NaN where a pixel is. */
INLINE R(vec) S(max_block)(const struct S(source) *source, const bool ring, int64_t at, const struct S(bin_rows) *rows,
                           const int64_t taps, const int count, const bool places, R(lane) column, REAL *t,
                           R(lane) *where, int64_t step)
{
    R(vec) most[S(MAX_LINES) * LINE_VECTORS], sum[S(MAX_LINES) * LINE_VECTORS];
    R(index) place[S(MAX_LINES) * LINE_VECTORS], row = rows->first + (R(index)){0};
    for (int v = 0; v < count * LINE_VECTORS; v++) {
        most[v] = sum[v] = S(load_lanes)(source, ring, rows->offsets[0] + at + v * R(LANES));
        place[v] = row;
    }
    for (int64_t k = 1; k < taps; k++) {
        row += rows->pitch;
        for (int v = 0; v < count * LINE_VECTORS; v++) {
            const R(vec) value = S(load_lanes)(source, ring, rows->offsets[k] + at + v * R(LANES));
            if (places)
                place[v] = R(choose)(value > most[v], row, place[v]);
            most[v] = R(max)(value, most[v]);
            sum[v] += value;
        }
    }
    for (int i = 0; i < count; i++) {
        for (int v = 0; v < LINE_VECTORS; v++) {
            const R(index) there = place[i * LINE_VECTORS + v] + (R(lane))(column + (ring ? i : 0));
            memcpy(t + i * step + v * R(LANES), &most[i * LINE_VECTORS + v], sizeof *most);
            if (places)
                memcpy(where + i * step + v * R(LANES), &there, sizeof there);
        }
    }
    for (int v = 1; v < count * LINE_VECTORS; v++)
        sum[0] += sum[v];
    return sum[0];
}

/* One row of bins, all lines and columns of the box. Lines that follow each other in memory are worked on together: of a ring
   those of pixels, of a map those of a pixel. */
INLINE R(vec) S(max_row_of)(const struct S(source) *given, const bool ring, const struct S(bin_rows) *rows,
                            const int64_t taps, const bool places, R(lane) column, int64_t width, REAL *t, R(lane) *where)
{
    const struct S(source) source = *given;
    const int64_t runs = ring ? 1 : width, lines = ring ? width : source.lines;
    const int64_t whole = ring ? width : source.last / R(LINE) + 1; /* that follow each other */
    const int64_t step = ring ? R(LINE) : width * R(LINE);
    R(vec) all = {0};
    for (int64_t run = 0; run < runs; run++) {
        const int64_t at = run * source.stride;
        int64_t i = 0;
        for (; i + S(MAX_LINES) <= whole; i += S(MAX_LINES))
            all += S(max_block)(&source, ring, at + i * R(LINE), rows, taps, S(MAX_LINES), places,
                                (R(lane))(column + (ring ? i : run)), t + run * R(LINE) + i * step,
                                where + run * R(LINE) + i * step, step);
        for (; i < lines; i++)
            all += S(max_block)(&source, ring, at + (ring ? i * R(LINE) : S(channel_of)(&source, i)), rows, taps, 1, places,
                                (R(lane))(column + (ring ? i : run)), t + run * R(LINE) + i * step,
                                where + run * R(LINE) + i * step, step);
    }
    return all;
}

/* Maxima of the rows of a box's lines, and where places are among them. */
struct S(row_maxima) {
    REAL *t;
    R(lane) *where;
    int64_t stride; /* from row of bins to row of bins */
};

static inline struct S(row_maxima) S(maxima_of)(const struct S(work) *work, int64_t line, int64_t rows)
{
    const int64_t width = (work->plan->x.end - work->plan->x.first) * R(LINE), stride = width * work->source.lines;
    REAL *t = work->scratch->row + line * width;
    return (struct S(row_maxima)){t, (R(lane) *)(void *)(t + rows * stride), stride};
}

INLINE R(vec) S(max_rows_of)(const struct S(work) *work, const bool ring, const int64_t taps, const bool places, int64_t p,
                             int64_t rows)
{
    const struct roi_plan *plan = work->plan;
    const struct roi_pool_table *table = plan->tables;
    const int64_t pitch = work->tile->maps[plan->box->level].shape[AXIS_W];
    struct S(row_maxima) to = S(maxima_of)(work, 0, rows);
    R(vec) all = {0};
    for (int64_t r = p; r < p + rows; r++, to.t += to.stride, to.where += to.stride) {
        const struct S(bin_rows) bin = {plan->rows.offsets + r * plan->rows.taps, (R(lane))(table->bins[r].begin * pitch),
                                        (R(lane))pitch};
        all += S(max_row_of)(&work->source, ring, &bin, taps, places, (R(lane))plan->x.first, plan->x.end - plan->x.first,
                             to.t, to.where);
    }
    return all;
}

INLINE R(vec) S(max_rows)(const struct S(work) *work, const bool ring, const bool places, int64_t p, int64_t rows)
{
    switch (work->plan->rows.taps) {
    case 1: return S(max_rows_of)(work, ring, 1, places, p, rows);
    case 2: return S(max_rows_of)(work, ring, 2, places, p, rows);
    case 3: return S(max_rows_of)(work, ring, 3, places, p, rows);
    case 4: return S(max_rows_of)(work, ring, 4, places, p, rows);
    case 5: return S(max_rows_of)(work, ring, 5, places, p, rows);
    default: return S(max_rows_of)(work, ring, work->plan->rows.taps, places, p, rows);
    }
}

/* ---- Bins ------------------------------------------------------------------------------------------------------ */

/* Where bins of a line go, `place`, and their places. */
struct S(results) {
    const struct S(place) *place;
    int64_t *argmax;
    int64_t stride_y, stride_x, stride_c;
};

/* Rows of bins, at least four bins each: four columns at a time, of which the last may share some with those before. */
INLINE void S(put_maxima_of)(const struct S(row_maxima) *maxima, int64_t rows, const struct roi_sparse *columns,
                             const int64_t taps, const bool together, const bool places, int64_t bins,
                             const struct S(results) *results)
{
    const struct S(place) *place = results->place;
    const struct steps steps = steps_of(place->stride_c * (int64_t)sizeof(STORE));
    const struct steps argmax_steps = steps_of(results->stride_c * (int64_t)sizeof(int64_t));
    for (int64_t b = 0; b < bins; b += 4) {
        const int64_t first = min_i64(b, bins - 4);
        const int64_t *offset = columns->offsets + first * taps;
        for (int64_t r = 0; r < rows; r++) {
            R(vec) most[4][LINE_VECTORS];
            R(index) at[4][LINE_VECTORS];
            for (int i = 0; i < 4; i++)
                R(max_bin)(maxima->t + r * maxima->stride, maxima->where + r * maxima->stride, offset + i * taps, taps,
                           together, places, most[i], at[i]);
            S(put_four)(most, place->data + r * place->stride_y + first, &steps);
            if (places)
                R(put_four_places)(at, results->argmax + r * results->stride_y + first, &argmax_steps);
        }
    }
}

INLINE void S(put_few_maxima)(const struct S(row_maxima) *maxima, int64_t rows, const struct roi_sparse *columns,
                              const int64_t taps, const bool places, int64_t bins, const struct S(results) *results)
{
    if (columns->together)
        S(put_maxima_of)(maxima, rows, columns, taps, true, places, bins, results);
    else
        S(put_maxima_of)(maxima, rows, columns, taps, false, places, bins, results);
}

INLINE void S(put_maxima)(const struct S(row_maxima) *maxima, int64_t rows, const struct roi_sparse *columns,
                          const bool places, int64_t bins, const struct S(results) *results)
{
    switch (columns->taps) {
    case 1: S(put_maxima_of)(maxima, rows, columns, 1, true, places, bins, results); break;
    case 2: S(put_few_maxima)(maxima, rows, columns, 2, places, bins, results); break;
    case 3: S(put_few_maxima)(maxima, rows, columns, 3, places, bins, results); break;
    case 4: S(put_few_maxima)(maxima, rows, columns, 4, places, bins, results); break;
    case 5: S(put_few_maxima)(maxima, rows, columns, 5, places, bins, results); break;
    default: S(put_maxima_of)(maxima, rows, columns, columns->taps, false, places, bins, results);
    }
}

/* The same bin by bin, for however few bins and channels, wherever these lie. */
ALONE void S(put_any_maxima)(const struct S(row_maxima) *maxima, int64_t rows, const struct roi_sparse *columns,
                             int64_t bins, int64_t count, const struct S(results) *results)
{
    const struct S(place) *place = results->place;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t q = 0; q < bins; q++) {
            const struct S(row) out = {place->data + r * place->stride_y + q * place->stride_x, place->stride_x,
                                       place->stride_c};
            R(vec) most[LINE_VECTORS];
            R(index) at[LINE_VECTORS];
            R(max_bin)(maxima->t + r * maxima->stride, maxima->where + r * maxima->stride,
                       columns->offsets + q * columns->taps, columns->taps, false, results->argmax != NULL, most, at);
            S(spread_lines)((const REAL *)most, 1, count, &out);
            for (int64_t c = 0; c < count && results->argmax; c++)
                results->argmax[r * results->stride_y + q * results->stride_x + c * results->stride_c] =
                    ((const R(lane) *)at)[c];
        }
}

/* ---- As crops_template.h has it ---------------------------------------------------------------------------------- */

static int64_t S(lines_of_row)(const struct S(work) *work)
{
    return (work->tile->argmax ? 2 : 1) * (work->plan->x.end - work->plan->x.first) * work->source.lines;
}

ALONE R(vec) S(reduce_lines)(const struct S(work) *work, int64_t p, int64_t rows)
{
    if (work->tile->argmax)
        return work->source.ring ? S(max_rows)(work, true, true, p, rows) : S(max_rows)(work, false, true, p, rows);
    return work->source.ring ? S(max_rows)(work, true, false, p, rows) : S(max_rows)(work, false, false, p, rows);
}

ALONE R(vec) S(put_line)(const struct S(work) *work, int64_t i, int64_t p, int64_t rows, int64_t count,
                          const struct S(place) *place)
{
    const struct roi_sparse *columns = &work->plan->columns;
    const roi_indices *argmax = work->tile->argmax;
    const int64_t bins = work->tile->crops->shape[AXIS_W], c = work->tile->channel_begin + S(channel_of)(&work->source, i);
    const struct S(row_maxima) maxima = S(maxima_of)(work, i, rows);
    struct S(results) results = {.place = place};
    if (argmax)
        results = (struct S(results)){place,
                                      argmax->data + work->plan->row * argmax->strides[AXIS_N] +
                                          c * argmax->strides[AXIS_C] +
                                          (work->plan->first_bin + p) * argmax->strides[AXIS_H],
                                      argmax->strides[AXIS_H], argmax->strides[AXIS_W], argmax->strides[AXIS_C]};
    if (count < R(LINE) || place->stride_x != 1 || bins < 4 || (argmax && results.stride_x != 1))
        S(put_any_maxima)(&maxima, rows, columns, bins, count, &results);
    else if (argmax)
        S(put_maxima)(&maxima, rows, columns, true, bins, &results);
    else
        S(put_maxima)(&maxima, rows, columns, false, bins, &results);
    return (R(vec)){0};
}
