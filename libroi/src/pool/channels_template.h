/*
 * channels_template.h - crops from a map whose channels lie together ("channels last"), for one element type
 *
 * Here vectors run along the channels, so that no weight is ever spread over lanes and no lane is idle: rows are added
 * up pixel by pixel, then pixels bin by bin. Only the finished numbers are put where crops, which have their channels
 * apart, want them. Sums are those of the other ways, in the same order.
 */

/* `vectors` (a constant where this is inlined) vectors of channels, of all pixels of a row of bins. */
INLINE void S(add_up_pixels)(const struct S(view) *map, const struct roi_taps *y, const struct roi_taps *x, int64_t p,
                             const int vectors, REAL *t)
{
    const REAL *weight = (const REAL *)y->weights + p * y->taps;
    const STORE *row = map->data + y->low[p] * map->stride_y + x->first * map->stride_x;
    for (int64_t i = x->first; i < x->end; i++, row += map->stride_x, t += vectors * R(LANES)) {
        R(vec) sum[CHANNEL_VECTORS] = {{0}};
        for (int64_t k = 0; k < y->taps; k++)
            for (int v = 0; v < vectors; v++)
                sum[v] += weight[k] * S(load_vec)(row + k * map->stride_y + v * R(LANES));
        memcpy(t, sum, (size_t)vectors * sizeof *sum);
    }
}

/* One row of bins of these channels, [bin][channel]. Returns NaN in the lanes of channels where a number is NaN. */
INLINE R(vec) S(add_up_bins)(const REAL *t, const struct roi_taps *x, int64_t bins, const int vectors, REAL *crop)
{
    const REAL *weight = x->weights;
    R(vec) all = {0};
    for (int64_t q = 0; q < bins; q++, weight += x->taps, crop += vectors * R(LANES)) {
        R(vec) sum[CHANNEL_VECTORS] = {{0}}, pixel;
        for (int64_t l = 0; l < x->taps; l++)
            for (int v = 0; v < vectors; v++) {
                memcpy(&pixel, t + ((x->low[q] - x->first + l) * vectors + v) * R(LANES), sizeof pixel);
                sum[v] += weight[l] * pixel;
            }
        memcpy(crop, sum, (size_t)vectors * sizeof *sum);
        for (int v = 0; v < vectors; v++)
            all += sum[v];
    }
    return all;
}

/* Four bins of four channels; `line` is the first channel's row, `crop` its first of the bins. */
INLINE void S(write_quads)(const REAL *crop, int64_t channels, STORE *line, int64_t stride_c)
{
    R(quad) v[4];
    for (int j = 0; j < 4; j++)
        v[j] = R(load_quad)(crop + j * channels);
    R(transpose)(v);
    for (int j = 0; j < 4; j++)
        S(store_quad)(line + j * stride_c, v[j]);
}

/* One row of bins, [bin][channel], to the crops' [channel][bin]. The last four bins may share some with those before. */
static void S(write_channels)(const REAL *crop, const roi_array *crops, int64_t row, int64_t c, int64_t p,
                              int64_t channels)
{
    const int64_t bins = crops->shape[AXIS_W], stride_c = crops->strides[AXIS_C];
    const struct S(view) out = S(view_of)(crops, row, c);
    STORE *line = out.data + p * out.stride_y;
    if (out.stride_x == 1 && bins >= 4 && channels % 4 == 0) {
        for (int64_t i = 0; i < channels; i += 4)
            for (int64_t q = 0; q < bins; q += 4) {
                const int64_t first = min_i64(q, bins - 4);
                S(write_quads)(crop + first * channels + i, channels, line + i * stride_c + first, stride_c);
            }
        return;
    }
    for (int64_t i = 0; i < channels; i++)
        for (int64_t q = 0; q < bins; q++)
            S(store)(line + i * stride_c + q * out.stride_x, crop[q * channels + i]);
}

/* `vectors` vectors of channels of one box, from channel c on. */
INLINE void S(pool_channels)(const struct roi_tile *tile, const struct roi_plan *plan, int64_t c, const int vectors,
                             const struct R(scratch) *scratch)
{
    const roi_array *crops = tile->crops;
    const int64_t bins_y = crops->shape[AXIS_H], bins_x = crops->shape[AXIS_W], channels = vectors * R(LANES);
    const struct S(view) map = S(view_of)(&tile->maps[plan->box->level], plan->box->image, c);
    R(vec) all = {0};
    for (int64_t p = 0; p < bins_y; p++) {
        S(add_up_pixels)(&map, &plan->y, &plan->x, p, vectors, scratch->rows);
        all += S(add_up_bins)(scratch->rows, &plan->x, bins_x, vectors, scratch->crop);
        S(write_channels)(scratch->crop, crops, plan->row, c, p, channels);
    }
    if (!R(any_nan)(all))
        return;
    for (int64_t i = 0; i < channels; i++) {
        const struct S(view) in = S(view_of)(&tile->maps[plan->box->level], plan->box->image, c + i);
        const struct S(view) out = S(view_of)(crops, plan->row, c + i);
        S(pool_exact)(&in, plan, bins_y, bins_x, true, scratch->crop);
        S(write_crop)(scratch->crop, &out, bins_y, bins_x);
    }
}

/* Pools as many channels as fill vectors, from tile->channel_begin on; returns the first that is left. */
static int64_t S(pool_channels_last)(const struct roi_tile *tile, const struct roi_plan *plan,
                                     const struct R(scratch) *scratch)
{
    int64_t c = tile->channel_begin;
    if (tile->maps[plan->box->level].strides[AXIS_C] != 1 || plan->y.taps == 0 || plan->x.taps == 0)
        return c;
    for (; c + CHANNEL_VECTORS * R(LANES) <= tile->channel_end; c += CHANNEL_VECTORS * R(LANES))
        S(pool_channels)(tile, plan, c, CHANNEL_VECTORS, scratch);
    for (; c + R(LANES) <= tile->channel_end; c += R(LANES))
        S(pool_channels)(tile, plan, c, 1, scratch);
    return c;
}
