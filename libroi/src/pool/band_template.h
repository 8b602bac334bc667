/*
 * band_template.h - products with a banded matrix, for one type (REAL, R() makes names)
 *
 * The matrix of an axis, bins x pixels, has a few weights in each row, near the diagonal. It is stored in blocks of 8
 * columns, each with the range of rows where it is not all zero; a product then is a row of multiply-adds of 8 lanes.
 */

/* Eight lanes, as one vector where there are such, else as several: wider vectors than the processor's are no vectors to
   the compiler. */
enum {
    R(PARTS) = 8 * (int)sizeof(REAL) > VECTOR_BYTES ? 8 * (int)sizeof(REAL) / VECTOR_BYTES : 1,
    R(PART_LANES) = 8 / R(PARTS)
};

typedef REAL R(part) __attribute__((vector_size(R(PART_LANES) * sizeof(REAL))));

/* How many rows are multiplied at once: as many as there are registers for. */
enum { R(GROUP) = 8 };

struct R(band) {
    int64_t columns, blocks;
    struct roi_band_block *block;
    REAL *values;
};

/* pixels x bins: a row of pixels times this is a row of bins. The last block is moved down to end with the last column,
   where there are 8 of them, so that all its lanes are real. */
static void R(band_of_pixels)(struct R(band) *band, const struct roi_taps *taps, int64_t bins, int64_t first_pixel)
{
    REAL *values = band->values;
    band->columns = bins;
    band->blocks = (bins + 7) / 8;
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

/* Where the weights of each bin touch each block of 8 pixels. */
static void R(find_bins)(struct R(band) *band, const struct roi_taps *taps, int64_t bins, int64_t first_pixel)
{
    for (int64_t b = 0; b < band->blocks; b++)
        band->block[b] = (struct roi_band_block){8 * b, 0, 0};
    for (int64_t bin = 0; bin < bins; bin++) {
        const int64_t low = taps->low[bin] - first_pixel;
        for (int64_t b = low / 8; b <= (low + taps->taps - 1) / 8; b++) {
            if (band->block[b].end == 0)
                band->block[b].begin = bin;
            band->block[b].end = bin + 1;
        }
    }
}

/* bins x pixels: a row of bins times this is a row of pixels [first_pixel, first_pixel + width). */
static void R(band_of_bins)(struct R(band) *band, const struct roi_taps *taps, int64_t bins, int64_t first_pixel,
                            int64_t width)
{
    REAL *values = band->values;
    band->columns = width;
    band->blocks = (width + 7) / 8;
    R(find_bins)(band, taps, bins, first_pixel);
    for (int64_t b = 0; b < band->blocks; b++) {
        const struct roi_band_block *block = &band->block[b];
        memset(values, 0, (size_t)(8 * (block->end - block->begin)) * sizeof(REAL));
        for (int64_t bin = block->begin; bin < block->end; bin++, values += 8) {
            const REAL *weight = (const REAL *)taps->weights + bin * taps->taps;
            const int64_t low = taps->low[bin] - first_pixel - block->column;
            for (int64_t k = max_i64(0, -low); k < min_i64(taps->taps, 8 - low); k++)
                values[low + k] = weight[k];
        }
    }
}

INLINE void R(store_part)(REAL *out, const REAL *out_end, R(part) v)
{
    if (out + R(PART_LANES) <= out_end)
        memcpy(out, &v, sizeof v);
    else
        memcpy(out, &v, (size_t)(out_end - out) * sizeof(REAL));
}

/* Multiplies `rows` rows (a constant where this is inlined) by one part of a block, which `values` and `out` begin with.
   Returns NaN where a result has NaN. */
INLINE R(part) R(multiply_rows)(const REAL *in, int64_t in_stride, const int rows, const struct roi_band_block *block,
                                const REAL *values, REAL *out, int64_t out_stride, const REAL *out_end)
{
    R(part) sum[R(GROUP)] = {{0}}, all = {0};
    for (int64_t j = block->begin; j < block->end; j++, values += 8) {
        R(part) weights;
        memcpy(&weights, values, sizeof weights);
        for (int r = 0; r < rows; r++)
            sum[r] += weights * in[r * in_stride + j];
    }
    for (int r = 0; r < rows; r++) {
        R(store_part)(out + r * out_stride, out_end, sum[r]);
        all += sum[r];
    }
    return all;
}

INLINE R(part) R(multiply_group)(const REAL *in, int64_t in_stride, int rows, const struct roi_band_block *block,
                                 const REAL *values, REAL *out, int64_t out_stride, const REAL *out_end)
{
    switch (rows) {
    case 1: return R(multiply_rows)(in, in_stride, 1, block, values, out, out_stride, out_end);
    case 2: return R(multiply_rows)(in, in_stride, 2, block, values, out, out_stride, out_end);
    case 3: return R(multiply_rows)(in, in_stride, 3, block, values, out, out_stride, out_end);
    case 4: return R(multiply_rows)(in, in_stride, 4, block, values, out, out_stride, out_end);
    case 5: return R(multiply_rows)(in, in_stride, 5, block, values, out, out_stride, out_end);
    case 6: return R(multiply_rows)(in, in_stride, 6, block, values, out, out_stride, out_end);
    case 7: return R(multiply_rows)(in, in_stride, 7, block, values, out, out_stride, out_end);
    default: return R(multiply_rows)(in, in_stride, R(GROUP), block, values, out, out_stride, out_end);
    }
}

/* All rows, one part of one block. */
INLINE R(part) R(multiply_part)(const REAL *in, int64_t in_stride, int64_t rows, const struct roi_band_block *block,
                                const REAL *values, REAL *out, int64_t out_stride, const REAL *out_end)
{
    R(part) all = {0};
    for (int64_t r = 0; r < rows; r += R(GROUP))
        all += R(multiply_group)(in + r * in_stride, in_stride, (int)min_i64(rows - r, R(GROUP)), block, values,
                                 out + r * out_stride, out_stride, out_end);
    return all;
}

INLINE bool R(has_nan)(R(part) v)
{
    bool found = false;
    for (int i = 0; i < R(PART_LANES); i++)
        found |= v[i] != v[i];
    return found;
}

/* out[r, :] = in[r, :] * band for `rows` rows, which lie out_stride apart. Writes of whole parts may run over into the
   beginning of the next row of `out`, which is written after it (parts go from the last to the first), but never to
   out_end or beyond. True where a result is NaN. */
static bool R(multiply_band)(const REAL *in, int64_t in_stride, int64_t rows, const struct R(band) *band, REAL *out,
                             int64_t out_stride, const REAL *out_end)
{
    R(part) all = {0};
    const REAL *values = band->values;
    for (const struct roi_band_block *block = band->block; block < band->block + band->blocks; block++) {
        for (int64_t lane = 8 - R(PART_LANES); lane >= 0; lane -= R(PART_LANES))
            if (block->column + lane < band->columns)
                all += R(multiply_part)(in, in_stride, rows, block, values + lane, out + block->column + lane,
                                        out_stride, out_end);
        values += 8 * (block->end - block->begin);
    }
    return R(has_nan)(all);
}

/* ---- Backward: into the map ------------------------------------------------------------------------------------ */

/* map[k, :] += weight[k] * t for all taps. */
static void R(add_row)(const REAL *t, const REAL *weight, int64_t taps, int64_t width, REAL *map, int64_t stride_y)
{
    for (int64_t k = 0; k < taps; k++, map += stride_y) {
        if (weight[k] == 0)
            continue;
        int64_t x = 0;
        for (; x + R(LANES) <= width; x += R(LANES)) {
            R(vec) sum, row;
            memcpy(&sum, map + x, sizeof sum);
            memcpy(&row, t + x, sizeof row);
            sum += weight[k] * row;
            memcpy(map + x, &sum, sizeof sum);
        }
        for (; x < width; x++)
            map[x] = R(multiply_add)(weight[k], t[x], map[x]);
    }
}

/* The same for whole rows of bins, into just those pixels that have a weight: for gradients with NaN or infinity. */
static void R(scatter_exact)(const REAL *grad, const struct roi_plan *plan, int64_t first, int64_t rows, int64_t bins_x,
                             REAL *map, int64_t stride_y)
{
    const struct roi_taps *y = &plan->y, *x = &plan->x;
    for (int64_t p = first; p < first + rows; p++)
        for (int64_t q = 0; q < bins_x; q++)
            for (int64_t k = 0; k < y->taps; k++)
                for (int64_t l = 0; l < x->taps; l++) {
                    const REAL wy = ((const REAL *)y->weights)[p * y->taps + k];
                    const REAL wx = ((const REAL *)x->weights)[q * x->taps + l];
                    if (wy != 0 && wx != 0)
                        map[(y->low[p] + k) * stride_y + x->low[q] + l] += wy * wx * grad[(p - first) * bins_x + q];
                }
}

/* ---- Scratch memory -------------------------------------------------------------------------------------------- */

struct R(scratch) {
    struct R(band) band;
    REAL *rows; /* ROI_TILE_ROWS of them */
    REAL *crop;
};

static struct R(scratch) R(scratch_of)(const struct roi_scratch_size *size, void *memory)
{
    struct R(scratch) scratch;
    scratch.rows = memory;
    scratch.band.values = scratch.rows + ROI_TILE_ROWS * size->width;
    scratch.crop = scratch.band.values + size->band;
    scratch.band.block = (struct roi_band_block *)(void *)(scratch.crop + size->crop);
    return scratch;
}
