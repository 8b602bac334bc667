/*
 * band_template.h - products with a banded matrix, for one type (REAL, R() makes names)
 *
 * The matrix of an axis, bins x pixels, has a few weights in each row, near the diagonal. It is stored in blocks of 8
 * columns, each with the range of rows where it is not all zero; a product then is a row of multiply-adds of 8 lanes.
 */

enum { R(PART_LANES) = (int)(sizeof(R(part)) / sizeof(REAL)) }; /* of the 8 */


/* How many rows are multiplied at once: as many as there are registers for. */
enum { R(GROUP) = 8 };

/* pixels x bins: a row of pixels times this is a row of bins. The last block is moved down to end with the last column,
   where there are 8 of them, so that all its lanes are real. */
static void R(band_of_pixels)(struct R(band) *band, const struct roi_taps *taps, int64_t bins, int64_t first_pixel)
{
    REAL *values = band->values;
    band->columns = bins;
    band->blocks = (bins + 7) / 8;
    band->blocked = taps->blocked;
    band->first_pixel = first_pixel;
    for (int64_t b = 0; b < band->blocks; b++) {
        const int64_t column = max_i64(min_i64(8 * b, bins - 8), 0), lanes = min_i64(8, bins - column);
        const int64_t *low = taps->low + column;
        const int64_t begin = min_i64(low[0], low[lanes - 1]), end = max_i64(low[0], low[lanes - 1]) + taps->taps;
        const REAL *weight = (const REAL *)taps->weights + column * taps->taps;
        band->block[b] = (struct roi_band_block){column, begin - first_pixel, end - first_pixel};
        memset(values, 0, (size_t)(8 * (end - begin)) * sizeof(REAL));
        for (int64_t lane = 0; lane < lanes; lane++)
            for (int64_t k = 0; k < taps->taps; k++)
                values[8 * (low[lane] - begin + k) + lane] = *weight++;
        values += 8 * (end - begin);
    }
}

/* Rows to be multiplied: number j of row r is data[row[r] + j * step]. */
struct R(factor) {
    const REAL *data;
    int64_t step;
    int64_t row[R(GROUP)];
};

INLINE void R(store_part)(REAL *out, const REAL *out_end, R(part) v)
{
    if (out + R(PART_LANES) <= out_end)
        memcpy(out, &v, sizeof v);
    else
        memcpy(out, &v, (size_t)(out_end - out) * sizeof(REAL));
}

/* Adds products of `rows` rows (a constant where this is inlined) with a stretch of a block: its rows [begin, end), which
   `values` begin with. */
INLINE void R(multiply_stretch)(const struct R(factor) *in, const int rows, int64_t begin, int64_t end,
                                const REAL *values, R(part) sum[R(GROUP)])
{
    const int64_t step = in->step;
    const REAL *number = in->data + begin * step;
    int64_t row[R(GROUP)];
    memcpy(row, in->row, sizeof row);
    for (int64_t j = begin; j < end; j++, number += step, values += 8) {
        R(part) weights;
        memcpy(&weights, values, sizeof weights);
        for (int r = 0; r < rows; r++)
            sum[r] = R(multiply_add_part)(weights, R(splat_part)(number[row[r]]), sum[r]);
    }
}

/* The end of the first stretch that is added up as one. */
INLINE int64_t R(first_stretch)(const struct R(band) *band, const struct roi_band_block *block)
{
    const int64_t rest = ROI_SUM_BLOCK - (block->begin + band->first_pixel) % ROI_SUM_BLOCK;
    return band->blocked ? min_i64(block->begin + rest, block->end) : block->end;
}

/* Goes on with all stretches from `begin` on; `total` has the sums of the first one. A function of its own, since most
   bins have one stretch, and the loop of these is to have all registers. */
ALONE void R(multiply_others)(const struct R(factor) *in, const int rows, int64_t begin, int64_t end,
                               const REAL *values, R(part) total[R(GROUP)])
{
    R(part) lost[R(GROUP)] = {{0}};
    for (; begin < end; begin += ROI_SUM_BLOCK, values += 8 * ROI_SUM_BLOCK) {
        R(part) sum[R(GROUP)] = {{0}};
        R(multiply_stretch)(in, rows, begin, min_i64(begin + ROI_SUM_BLOCK, end), values, sum);
        for (int r = 0; r < rows; r++)
            R(fold_part)(&total[r], &lost[r], sum[r]);
    }
    for (int r = 0; r < rows; r++)
        total[r] += lost[r];
}

/* Multiplies `rows` rows (a constant where this is inlined) by one part of a block, which `values` and `out` begin with.
   Returns NaN where a result has NaN. */
INLINE R(part) R(multiply_rows)(const struct R(factor) *in, const int rows, const struct R(band) *band,
                                const struct roi_band_block *block, const REAL *values, REAL *out, int64_t out_stride,
                                const REAL *out_end)
{
    R(part) sum[R(GROUP)] = {{0}}, all = {0};
    const int64_t first = R(first_stretch)(band, block), end = block->end;
    R(multiply_stretch)(in, rows, block->begin, first, values, sum);
    if (first < end) {
        R(part) total[R(GROUP)];
        memcpy(total, sum, sizeof total);
        R(multiply_others)(in, rows, first, end, values + 8 * (first - block->begin), total);
        memcpy(sum, total, sizeof sum);
    }
    for (int r = 0; r < rows; r++) {
        R(store_part)(out + r * out_stride, out_end, sum[r]);
        all += sum[r];
    }
    return all;
}

INLINE R(part) R(multiply_group)(const struct R(factor) *in, int rows, const struct R(band) *band,
                                 const struct roi_band_block *block, const REAL *values, REAL *out,
                                 int64_t out_stride, const REAL *out_end)
{
    switch (rows) {
    case 1: return R(multiply_rows)(in, 1, band, block, values, out, out_stride, out_end);
    case 2: return R(multiply_rows)(in, 2, band, block, values, out, out_stride, out_end);
    case 3: return R(multiply_rows)(in, 3, band, block, values, out, out_stride, out_end);
    case 4: return R(multiply_rows)(in, 4, band, block, values, out, out_stride, out_end);
    case 5: return R(multiply_rows)(in, 5, band, block, values, out, out_stride, out_end);
    case 6: return R(multiply_rows)(in, 6, band, block, values, out, out_stride, out_end);
    case 7: return R(multiply_rows)(in, 7, band, block, values, out, out_stride, out_end);
    default: return R(multiply_rows)(in, R(GROUP), band, block, values, out, out_stride, out_end);
    }
}

INLINE bool R(has_nan)(R(part) v)
{
    bool found = false;
    for (int i = 0; i < R(PART_LANES); i++)
        found |= v[i] != v[i];
    return found;
}

/* out[r, :] = in[r, :] * band for `rows` rows, at most R(GROUP), which lie out_stride apart. Writes of whole parts may run
   over into the beginning of the next row of `out`, which is written after it (parts go from the last to the first), but
   never to out_end or beyond. True where a result is NaN. */
static bool R(multiply_band)(const struct R(factor) *in, int rows, const struct R(band) *band, REAL *out,
                             int64_t out_stride, const REAL *out_end)
{
    R(part) all = {0};
    const REAL *values = band->values;
    for (const struct roi_band_block *block = band->block; block < band->block + band->blocks; block++) {
        for (int64_t lane = 8 - R(PART_LANES); lane >= 0; lane -= R(PART_LANES))
            if (block->column + lane < band->columns)
                all += R(multiply_group)(in, rows, band, block, values + lane, out + block->column + lane,
                                         out_stride, out_end);
        values += 8 * (block->end - block->begin);
    }
    return R(has_nan)(all);
}
