/*
 * band_template.h - products with a banded matrix
 *
 * The matrix of an axis, bins x pixels, has a few weights in each row, near the diagonal. It is stored in blocks of 8
 * columns, each with the range of rows where it is not all zero; a product then is a row of multiply-adds of 8 lanes.
 */

/* How many rows are multiplied at once: as many as there are registers for. */
enum { GROUP = 8 };

/* pixels x bins: a row of pixels times this is a row of bins. The last block is moved down to end with the last column,
   where there are 8 of them, so that all its lanes are real. */
static void band_of_pixels(struct band *band, const struct roi_taps *taps, int64_t bins, int64_t first_pixel)
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
struct factor {
    const REAL *data;
    int64_t step;
    int64_t row[GROUP];
};

INLINE void store_vec8(REAL *out, const REAL *out_end, vec8 v)
{
    if (out + VEC8_LANES <= out_end)
        memcpy(out, &v, sizeof v);
    else
        memcpy(out, &v, (size_t)(out_end - out) * sizeof(REAL));
}

/* Adds products of `rows` rows (a constant where this is inlined) with a stretch of a block: its rows [begin, end), which
   `values` begin with. */
INLINE void multiply_stretch(const struct factor *in, const int rows, int64_t begin, int64_t end, const REAL *values,
                             vec8 sum[GROUP])
{
    const int64_t step = in->step;
    const REAL *number = in->data + begin * step;
    int64_t row[GROUP];
    memcpy(row, in->row, sizeof row);
    for (int64_t j = begin; j < end; j++, number += step, values += 8) {
        vec8 weights;
        memcpy(&weights, values, sizeof weights);
        for (int r = 0; r < rows; r++)
            sum[r] = multiply_add_vec8(weights, splat_vec8(number[row[r]]), sum[r]);
    }
}

/* The end of the first stretch that is added up as one. */
INLINE int64_t first_stretch(const struct band *band, const struct roi_band_block *block)
{
    const int64_t rest = ROI_SUM_BLOCK - (block->begin + band->first_pixel) % ROI_SUM_BLOCK;
    return band->blocked ? min_i64(block->begin + rest, block->end) : block->end;
}

/* Goes on with all stretches from `begin` on; `total` has the sums of the first one. A function of its own, since most
   bins have one stretch, and the loop of these is to have all registers. */
NOINLINE void multiply_others(const struct factor *in, const int rows, int64_t begin, int64_t end, const REAL *values,
                              vec8 total[GROUP])
{
    vec8 lost[GROUP] = {{0}};
    for (; begin < end; begin += ROI_SUM_BLOCK, values += 8 * ROI_SUM_BLOCK) {
        vec8 sum[GROUP] = {{0}};
        multiply_stretch(in, rows, begin, min_i64(begin + ROI_SUM_BLOCK, end), values, sum);
        for (int r = 0; r < rows; r++)
            fold_vec8(&total[r], &lost[r], sum[r]);
    }
    for (int r = 0; r < rows; r++)
        total[r] += lost[r];
}

/* Multiplies `rows` rows (a constant where this is inlined) by one part of a block, which `values` and `out` begin with.
   Returns NaN where a result has NaN. */
INLINE vec8 multiply_rows(const struct factor *in, const int rows, const struct band *band,
                          const struct roi_band_block *block, const REAL *values, REAL *out, int64_t out_stride,
                          const REAL *out_end)
{
    vec8 sum[GROUP] = {{0}}, all = {0};
    const int64_t first = first_stretch(band, block), end = block->end;
    multiply_stretch(in, rows, block->begin, first, values, sum);
    if (first < end) {
        vec8 total[GROUP];
        memcpy(total, sum, sizeof total);
        multiply_others(in, rows, first, end, values + 8 * (first - block->begin), total);
        memcpy(sum, total, sizeof sum);
    }
    for (int r = 0; r < rows; r++) {
        store_vec8(out + r * out_stride, out_end, sum[r]);
        all += sum[r];
    }
    return all;
}

INLINE vec8 multiply_group(const struct factor *in, int rows, const struct band *band,
                           const struct roi_band_block *block, const REAL *values, REAL *out, int64_t out_stride,
                           const REAL *out_end)
{
    switch (rows) {
        CASES_TO_7(ROWS, return multiply_rows(in, ROWS, band, block, values, out, out_stride, out_end))
    default: return multiply_rows(in, GROUP, band, block, values, out, out_stride, out_end);
    }
}

INLINE bool any_nan_vec8(vec8 v)
{
    bool found = false;
    for (int i = 0; i < VEC8_LANES; i++)
        found |= v[i] != v[i];
    return found;
}

/* out[r, :] = in[r, :] * band for `rows` rows, at most GROUP, which lie out_stride apart. Writes of whole parts may run
   over into the beginning of the next row of `out`, which is written after it (parts go from the last to the first), but
   never to out_end or beyond. True where a result is NaN. */
static bool multiply_band(const struct factor *in, int rows, const struct band *band, REAL *out, int64_t out_stride,
                          const REAL *out_end)
{
    vec8 all = {0};
    const REAL *values = band->values;
    for (const struct roi_band_block *block = band->block; block < band->block + band->blocks; block++) {
        for (int64_t lane = 8 - VEC8_LANES; lane >= 0; lane -= VEC8_LANES)
            if (block->column + lane < band->columns)
                all += multiply_group(in, rows, band, block, values + lane, out + block->column + lane, out_stride,
                                      out_end);
        values += 8 * (block->end - block->begin);
    }
    return any_nan_vec8(all);
}
