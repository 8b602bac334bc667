/*
 * channels_template.h - crops from lines of channels
 *
 * Vectors run along the channels, so that no weight is ever spread over lanes and no lane is idle. First the rows of a box
 * are added up, for each row of bins and pixel by pixel; then bins are, four at a time in all rows, while their weights stay
 * in registers. These are stored to crops, which have their channels apart, without another copy. Lines come from a ring
 * (ring.h), or from a map that has its channels together. Sums are those of the other way, in the same order.
 */

/* Rows of a box that have been added up, one for each row of bins: t of one line, `stride` from row to row. */
struct sums {
    const REAL *t;
    int64_t rows, stride;
};

/* Whether vector v of `vectors` is one of two that are loaded together (vector.h), and the numbers of one. */
INLINE bool is_of_two(const enum from from, const int v, const int vectors)
{
    return LOADS_TWO && from == FROM_MAP && v / 2 * 2 + 1 < vectors;
}

INLINE vec load_some(const struct source *source, const enum from from, int64_t at, const int v, const int vectors)
{
    if (is_of_two(from, v, vectors))
        return load_of_two(source->map + at + v / 2 * 2 * LANES, v % 2);
    return load_lanes(source, from, at + v * LANES);
}

/* sum[i] = sum over k < taps of weight[k] * number[offset[k] + i], for `vectors` vectors of numbers that lie together from `at`
   on: as many as are sums that need not wait for each other. */
INLINE void add_up_taps(const struct source *source, const enum from from, int64_t at, const int64_t *offset,
                        const REAL *weight, int64_t taps, const int vectors, vec sum[BLOCK_VECTORS])
{
    for (int v = 0; v < vectors; v++)
        sum[v] = (vec){0};
    for (int64_t k = 0; k < taps; k++)
        for (int v = 0; v < vectors; v++)
            sum[v] = multiply_add_vec(splat_vec(weight[k]), load_some(source, from, offset[k] + at, v, vectors),
                                      sum[v]);
}

/* The same to t, where lines are `step` apart, block by block (kernels/sums.h), the first of which has `first` taps. */
INLINE void add_up_block(const struct source *source, const enum from from, int64_t at, const int64_t *offset,
                         const REAL *weight, int64_t first, int64_t taps, const int vectors, REAL *t, int64_t step)
{
    vec sum[BLOCK_VECTORS], total[BLOCK_VECTORS], lost[BLOCK_VECTORS] = {{0}};
    add_up_taps(source, from, at, offset, weight, first, vectors, total);
    for (int64_t k = first; k < taps; k += ROI_SUM_BLOCK) {
        add_up_taps(source, from, at, offset + k, weight + k, min_i64(ROI_SUM_BLOCK, taps - k), vectors, sum);
        for (int v = 0; v < vectors; v++)
            fold_vec(&total[v], &lost[v], sum[v]);
    }
    for (int v = 0; v < vectors && first < taps; v++)
        total[v] += lost[v];
    for (int v = 0; v < vectors && is_of_two(from, v, vectors); v += 2)
        order_two(&total[v]);
    for (int v = 0; v < vectors; v++)
        memcpy(t + v / LINE_VECTORS * step + v % LINE_VECTORS * LANES, &total[v], sizeof total[v]);
}

/* t[i, x], the same for line i of pixel x of a row of bins; `taps` and `from` are constants where this is inlined. */
INLINE void add_up_lines(const struct source *source, const enum from from, const int64_t *offset, const REAL *weight,
                         const int64_t taps, int64_t width, REAL *t)
{
    const int64_t stride = from == FROM_RING ? LINE : source->stride, lines = from == FROM_RING ? 1 : source->lines;
    for (int64_t x = 0; x < width; x++)
        for (int64_t i = 0; i < lines; i++)
            add_up_block(source, from, x * stride + channel_of(source, i), offset, weight, taps, taps, LINE_VECTORS,
                         t + (i * width + x) * LINE, 0);
}

/* The same for a row of bins with many taps, of which a first block has `first`. */
INLINE void add_up_many(const struct source *source, const enum from from, const int64_t *offset, const REAL *weight,
                        int64_t first, int64_t taps, int64_t width, REAL *t)
{
    const int64_t runs = from == FROM_RING ? 1 : width, lines = from == FROM_RING ? width : source->lines;
    const int64_t whole = from == FROM_RING ? width : source->last / LINE + 1; /* that follow each other */
    const int64_t step = from == FROM_RING ? LINE : width * LINE;              /* from line to line in t */
    const int block = BLOCK_VECTORS / LINE_VECTORS;
    for (int64_t run = 0; run < runs; run++) {
        const int64_t at = from == FROM_RING ? 0 : run * source->stride;
        REAL *to = t + run * LINE;
        int64_t i = 0;
        for (; i + block <= whole; i += block)
            add_up_block(source, from, at + i * LINE, offset, weight, first, taps, BLOCK_VECTORS, to + i * step, step);
        for (; i < lines; i++)
            add_up_block(source, from, at + (from == FROM_RING ? i * LINE : channel_of(source, i)), offset, weight,
                         first, taps, LINE_VECTORS, to + i * step, step);
    }
}

/* The same with few taps, whose weights and places stay in registers: they are copied, since `t` might change them. */
INLINE void add_up_few(const struct source *given, const enum from from, const int64_t *offset, const REAL *weight,
                       const int64_t taps, int64_t width, REAL *t)
{
    const struct source source = *given;
    int64_t offsets[MOST_FEW_TAPS];
    REAL weights[MOST_FEW_TAPS];
    memcpy(offsets, offset, (size_t)taps * sizeof *offset);
    memcpy(weights, weight, (size_t)taps * sizeof *weight);
    add_up_lines(&source, from, offsets, weights, taps, width, t);
}

#if VECTOR_BYTES == 64 /* a line is a vector, and there are registers for this */

/* The same for two rows of bins, `stride` apart in t, from a map: pixels that both read are still in L1 for the second, and
   would not be after a whole row of all channels. Lines that are not aligned are extracted from the sums of whole cache lines,
   one more than a pixel has lines, which avoids loads that are split between two; such lines share no channels. */
INLINE void add_up_two(const struct source *given, const bool skewed, const int64_t *offset, const REAL *weight,
                       const int64_t taps, int64_t width, int64_t stride, REAL *t)
{
    const struct source source = *given;
    int64_t offsets[2 * MOST_TAPS_OF_TWO];
    REAL weights[2 * MOST_TAPS_OF_TWO];
    memcpy(offsets, offset, 2 * (size_t)taps * sizeof *offset);
    memcpy(weights, weight, 2 * (size_t)taps * sizeof *weight);
    for (int64_t x = 0; x < width; x++) {
        const int64_t first = x * source.stride - (skewed ? source.skew : 0);
        vec before[2], line;
        for (int r = 0; r < 2 && skewed; r++)
            add_up_block(&source, FROM_MAP, first, offsets + r * taps, weights + r * taps, taps, taps, LINE_VECTORS,
                         (REAL *)&before[r], 0);
        for (int64_t i = 0; i < source.lines; i++)
            for (int r = 0; r < 2; r++) {
                const int64_t at = first + (skewed ? (i + 1) * LINE : channel_of(&source, i));
                REAL *to = t + r * stride + (i * width + x) * LINE;
                add_up_block(&source, FROM_MAP, at, offsets + r * taps, weights + r * taps, taps, taps, LINE_VECTORS,
                             skewed ? (REAL *)&line : to, 0);
                if (skewed) {
                    before[r] = join_vec(before[r], line, source.skew);
                    memcpy(to, &before[r], sizeof before[r]);
                    before[r] = line;
                }
            }
    }
}

#endif

/* The same for some rows of bins, p and those that follow; if they have few taps and are not blocked, of a map two at a
   time. */
INLINE void add_up_rows_of(const struct source *source, const enum from from, const struct roi_sparse *rows, int64_t p,
                           const int64_t taps, const bool blocked, int64_t width, const struct sums *sums, REAL *t)
{
    const int64_t *offset = rows->offsets + p * taps;
    const REAL *weight = (const REAL *)rows->weights + p * taps;
    int64_t r = 0;
#if VECTOR_BYTES == 64
    for (; from == FROM_MAP && taps <= MOST_TAPS_OF_TWO && !blocked && r + 2 <= sums->rows; r += 2) {
        if (source->skew)
            add_up_two(source, true, offset, weight, taps, width, sums->stride, t);
        else
            add_up_two(source, false, offset, weight, taps, width, sums->stride, t);
        offset += 2 * taps;
        weight += 2 * taps;
        t += 2 * sums->stride;
    }
#endif
    for (; r < sums->rows; r++, offset += taps, weight += taps, t += sums->stride)
        if (taps <= MOST_FEW_TAPS && !blocked)
            add_up_few(source, from, offset, weight, taps, width, t);
        else
            add_up_many(source, from, offset, weight, roi_first_block(rows, p + r), taps, width, t);
}

INLINE void add_up_rows(const struct source *source, const enum from from, const struct roi_sparse *rows, int64_t p,
                        int64_t width, const struct sums *sums, REAL *t)
{
    switch (rows->blocked ? 0 : rows->taps) {
        CASES_TO_6(TAPS, add_up_rows_of(source, from, rows, p, TAPS, false, width, sums, t); break)
    default: add_up_rows_of(source, from, rows, p, rows->taps, rows->blocked, width, sums, t);
    }
}

NOINLINE void add_up_rows_of_ring(const struct source *source, const struct roi_sparse *rows, int64_t p, int64_t width,
                                  const struct sums *sums, REAL *t)
{
    add_up_rows(source, FROM_RING, rows, p, width, sums, t);
}

NOINLINE void add_up_rows_of_map(const struct source *source, const struct roi_sparse *rows, int64_t p, int64_t width,
                                 const struct sums *sums, REAL *t)
{
    add_up_rows(source, FROM_MAP, rows, p, width, sums, t);
}

/* ---- Bins ------------------------------------------------------------------------------------------------------ */

/* Four bins, bin[i] = sum over k < taps of weight[i, k] * from[i][offset[i, k]], all of them lines; where they lie together,
   offset k is line k. `taps` and `together` are constants where this is inlined. */
INLINE void add_up_bins(const REAL *const from[4], const int64_t *offset, const REAL *weight, const int64_t taps,
                        const bool together, vec bin[4][LINE_VECTORS])
{
    for (int i = 0; i < 4; i++)
        for (int v = 0; v < LINE_VECTORS; v++)
            bin[i][v] = (vec){0};
    for (int i = 0; i < 4; i++)
        for (int64_t k = 0; k < taps; k++)
            for (int v = 0; v < LINE_VECTORS; v++) {
                vec part;
                memcpy(&part, from[i] + (together ? k * LINE : offset[i * taps + k]) + v * LANES, sizeof part);
                bin[i][v] = multiply_add_vec(splat_vec(weight[i * taps + k]), part, bin[i][v]);
            }
}

/* Bin q. Returns NaN in some lane if a number is NaN. */
static vec add_up_bin(const REAL *t, const struct roi_sparse *columns, int64_t q, REAL line[LINE])
{
    const int64_t *offset = columns->offsets + q * columns->taps;
    const REAL *weight = (const REAL *)columns->weights + q * columns->taps;
    const int64_t first = roi_first_block(columns, q);
    vec bin[LINE_VECTORS] = {{0}}, total[LINE_VECTORS] = {{0}}, lost[LINE_VECTORS] = {{0}}, part, all = {0};
    for (int64_t k = 0; k < columns->taps; k++) {
        for (int v = 0; v < LINE_VECTORS; v++) {
            memcpy(&part, t + offset[k] + v * LANES, sizeof part);
            bin[v] = multiply_add_vec(splat_vec(weight[k]), part, bin[v]);
        }
        for (int v = 0; v < LINE_VECTORS && (k + 1 == columns->taps || (k + 1 - first) % ROI_SUM_BLOCK == 0); v++) {
            fold_vec(&total[v], &lost[v], bin[v]);
            bin[v] = (vec){0};
        }
    }
    for (int v = 0; v < LINE_VECTORS; v++) {
        total[v] += lost[v];
        all += total[v];
    }
    memcpy(line, total, sizeof total);
    return all;
}

/* Some rows of bins, at least four of them: four columns at a time, of which the last may share some with those before.
   Their weights stay in registers from row to row. Returns NaN in some lane if a number is NaN. */
INLINE vec put_bins_of(const struct sums *sums, const struct roi_sparse *columns, const int64_t taps,
                       const bool together, int64_t bins, const struct target *target)
{
    const struct steps steps = steps_of(target->stride_c * (int64_t)sizeof(STORE));
    const int64_t rows = sums->rows, stride = sums->stride, stride_y = target->stride_y;
    vec all = {0};
    for (int64_t b = 0; b < bins; b += 4) {
        const int64_t first = min_i64(b, bins - 4);
        const int64_t *offset = columns->offsets + first * taps;
        const REAL *weight = (const REAL *)columns->weights + first * taps, *t = sums->t;
        const REAL *from[4] = {t, t, t, t};
        REAL weights[4 * MOST_FEW_TAPS];
        if (taps <= MOST_FEW_TAPS)
            memcpy(weights, weight, 4 * (size_t)taps * sizeof *weight);
        for (int i = 0; i < 4 && together; i++)
            from[i] += offset[i * taps];
        STORE *to = target->data + first;
        for (int64_t r = 0; r < rows; r++, to += stride_y) {
            vec bin[4][LINE_VECTORS];
            if (taps <= MOST_FEW_TAPS)
                add_up_bins(from, offset, weights, taps, together, bin);
            else
                add_up_bins(from, offset, weight, taps, together, bin);
            for (int v = 0; v < 4 * LINE_VECTORS; v++)
                all += bin[v / LINE_VECTORS][v % LINE_VECTORS];
            put_four(bin, to, &steps);
            for (int i = 0; i < 4; i++)
                from[i] += stride;
        }
    }
    return all;
}

NOINLINE vec put_bins(const struct sums *sums, const struct roi_sparse *columns, int64_t bins,
                      const struct target *target)
{
    switch (columns->taps) {
        CASES_TO_6(TAPS, return TAPS > 1 && columns->together ? put_bins_of(sums, columns, TAPS, true, bins, target)
                                                              : put_bins_of(sums, columns, TAPS, false, bins, target))
    default: return put_bins_of(sums, columns, columns->taps, false, bins, target);
    }
}

/* The same bin by bin, for however few bins and channels, wherever these lie. */
NOINLINE vec put_any_bins(const struct sums *sums, const struct roi_sparse *columns, int64_t bins, int64_t count,
                          const struct target *target)
{
    vec all = {0};
    for (int64_t r = 0; r < sums->rows; r++)
        for (int64_t q = 0; q < bins; q++) {
            const struct row out = {target->data + r * target->stride_y + q * target->stride_x, target->stride_x,
                                    target->stride_c};
            REAL line[LINE];
            all += add_up_bin(sums->t + r * sums->stride, columns, q, line);
            spread_lines(line, 1, count, &out);
        }
    return all;
}

/* ---- What crops_template.h calls --------------------------------------------------------------------------------- */

static inline struct sums sums_of(const struct work *work, int64_t line, int64_t rows)
{
    const int64_t width = (work->plan->x.end - work->plan->x.first) * LINE;
    return (struct sums){work->scratch->row + line * width, rows, width * work->source.lines};
}

static int64_t lines_of_row(const struct work *work)
{
    return (work->plan->x.end - work->plan->x.first) * work->source.lines;
}

static vec reduce_lines(const struct work *work, int64_t p, int64_t rows)
{
    const int64_t width = work->plan->x.end - work->plan->x.first;
    const struct sums sums = sums_of(work, 0, rows);
    if (work->source.ring)
        add_up_rows_of_ring(&work->source, &work->plan->rows, p, width, &sums, work->scratch->row);
    else
        add_up_rows_of_map(&work->source, &work->plan->rows, p, width, &sums, work->scratch->row);
    return (vec){0};
}

static vec put_line(const struct work *work, int64_t i, int64_t p, int64_t rows, int64_t count,
                    const struct target *target)
{
    const int64_t bins = work->tile->crops->shape[AXIS_W];
    const struct sums sums = sums_of(work, i, rows);
    if (count == LINE && target->stride_x == 1 && bins >= 4 && !work->plan->columns.blocked)
        return put_bins(&sums, &work->plan->columns, bins, target);
    return put_any_bins(&sums, &work->plan->columns, bins, count, target);
}
