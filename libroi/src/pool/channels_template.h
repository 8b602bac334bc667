/*
 * channels_template.h - crops from lines of channels, for one element type
 *
 * Vectors run along the channels, so that no weight is ever spread over lanes and no lane is idle: rows are added up pixel
 * by pixel, then pixels bin by bin. Lines come from a ring (ring.h), or straight from a map that has its channels together.
 * Only the finished numbers are put where crops, which have their channels apart, want them. Sums are those of the other
 * way, in the same order.
 */

/* Where a box's lines are: its first column, in what its plan takes for row 0. */
struct S(source) {
    const REAL *ring; /* or NULL */
    const STORE *map;
    int64_t stride; /* from pixel to pixel */
    int64_t lines;  /* of a pixel, which lie together */
};

INLINE R(vec) S(load_lanes)(const struct S(source) *source, const bool ring, int64_t at)
{
    R(vec) v;
    if (!ring)
        return S(load_vec)(source->map + at);
    memcpy(&v, source->ring + at, sizeof v);
    return v;
}

/* t[x] = sum over k < taps of weight[k] * line[offset[k] + x], for a row of bins; `taps` and `ring` are constants where
   this is inlined. */
INLINE void S(add_up_lines)(const struct S(source) *source, const bool ring, const int64_t *offset, const REAL *weight,
                            const int64_t taps, int64_t width, REAL *t)
{
    const bool together = ring || source->stride == source->lines * R(LINE); /* all pixels of the row */
    const int64_t pieces = together ? 1 : width, lines = together ? width * source->lines : source->lines;
    for (int64_t piece = 0; piece < pieces; piece++)
        for (int64_t i = 0; i < lines; i++, t += R(LINE)) {
            const int64_t at = piece * source->stride + i * R(LINE);
            R(vec) sum[LINE_VECTORS] = {{0}};
            for (int64_t k = 0; k < taps; k++)
                for (int v = 0; v < LINE_VECTORS; v++)
                    sum[v] += weight[k] * S(load_lanes)(source, ring, offset[k] + at + v * R(LANES));
            memcpy(t, sum, sizeof sum);
        }
}

/* The same with few taps, whose weights and places stay in registers: they are copied, since `t` might change them. */
INLINE void S(add_up_few)(const struct S(source) *given, const bool ring, const int64_t *offset, const REAL *weight,
                          const int64_t taps, int64_t width, REAL *t)
{
    const struct S(source) source = *given;
    int64_t offsets[MOST_FEW_TAPS];
    REAL weights[MOST_FEW_TAPS];
    memcpy(offsets, offset, (size_t)taps * sizeof *offset);
    memcpy(weights, weight, (size_t)taps * sizeof *weight);
    S(add_up_lines)(&source, ring, offsets, weights, taps, width, t);
}

INLINE void S(add_up_rows_of)(const struct S(source) *source, const bool ring, const struct roi_sparse *rows, int64_t p,
                              int64_t width, REAL *t)
{
    const int64_t *offset = rows->offsets + p * rows->taps;
    const REAL *weight = (const REAL *)rows->weights + p * rows->taps;
    switch (rows->taps) {
    case 1: S(add_up_few)(source, ring, offset, weight, 1, width, t); break;
    case 2: S(add_up_few)(source, ring, offset, weight, 2, width, t); break;
    case 3: S(add_up_few)(source, ring, offset, weight, 3, width, t); break;
    case 4: S(add_up_few)(source, ring, offset, weight, 4, width, t); break;
    case 5: S(add_up_few)(source, ring, offset, weight, 5, width, t); break;
    case 6: S(add_up_few)(source, ring, offset, weight, 6, width, t); break;
    default: S(add_up_lines)(source, ring, offset, weight, rows->taps, width, t);
    }
}

ALONE void S(add_up_row_of_ring)(const struct S(source) *source, const struct roi_sparse *rows, int64_t p, int64_t width,
                                 REAL *t)
{
    S(add_up_rows_of)(source, true, rows, p, width, t);
}

ALONE void S(add_up_row_of_map)(const struct S(source) *source, const struct roi_sparse *rows, int64_t p, int64_t width,
                                REAL *t)
{
    S(add_up_rows_of)(source, false, rows, p, width, t);
}

/* Puts the crops of some rows of bins, from p on, of the channels of a line from c on, where they belong: through scratch
   memory where they are to be streamed, or where bins do not lie together. */
static void S(put_lines)(const struct roi_tile *tile, const struct roi_plan *plan, int64_t c, int64_t p, int64_t rows,
                         const REAL *lines, const struct R(scratch) *scratch)
{
    const roi_array *crops = tile->crops;
    const int64_t count = min_i64(tile->channel_end - c, R(LINE)), bins_x = crops->shape[AXIS_W], bins = rows * bins_x;
    struct S(row) out = S(row_of)(crops, plan->row, c, p);
    const struct S(row) stage = {(STORE *)(void *)scratch->stage, 1, bins};
    if (!S(has_rows_together)(crops)) {
        for (int64_t r = 0; r < rows; r++, out.data += crops->strides[AXIS_H])
            S(spread_lines)(lines + r * bins_x * R(LINE), bins_x, count, &out);
        return;
    }
    S(spread_lines)(lines, bins, count, tile->stream ? &stage : &out);
    if (!tile->stream)
        return;
    const int64_t runs = out.stride_c == bins ? 1 : count, bytes = count * bins / runs * (int64_t)sizeof(STORE);
    for (int64_t i = 0; i < runs; i++)
        stream_bytes((char *)(out.data + i * out.stride_c), (const char *)stage.data + i * bytes, bytes);
}

/* Row p of the bins of a box, into `lines`, those of a pixel `apart`. */
static R(vec) S(pool_row)(const struct roi_plan *plan, const struct S(source) *source, int64_t p, int64_t bins,
                          REAL *lines, int64_t apart, REAL *t)
{
    const int64_t width = plan->x.end - plan->x.first;
    if (source->ring)
        S(add_up_row_of_ring)(source, &plan->rows, p, width, t);
    else
        S(add_up_row_of_map)(source, &plan->rows, p, width, t);
    if (source->lines == 1)
        return R(add_up_bins)(t, &plan->columns, bins, lines);
    return R(add_up_long_bins)(t, &plan->columns, bins, source->lines, lines, apart);
}

/* One box, all channels of the tile. */
static void S(pool_lines)(const struct roi_tile *tile, const struct roi_plan *plan, const struct S(source) *source,
                          const struct R(scratch) *scratch)
{
    const int64_t bins_y = tile->crops->shape[AXIS_H], bins_x = tile->crops->shape[AXIS_W];
    const int64_t together = roi_rows_together(bins_x);
    R(vec) all = {0};
    for (int64_t p = 0; p < bins_y; p += together) {
        const int64_t rows = min_i64(together, bins_y - p), apart = rows * bins_x * R(LINE);
        for (int64_t r = 0; r < rows; r++)
            all += S(pool_row)(plan, source, p + r, bins_x, scratch->lines + r * bins_x * R(LINE), apart, scratch->row);
        for (int64_t i = 0; i < source->lines; i++)
            S(put_lines)(tile, plan, tile->channel_begin + i * R(LINE), p, rows, scratch->lines + i * apart, scratch);
    }
    if (!R(any_nan)(all))
        return;
    stream_end();
    for (int64_t c = tile->channel_begin; c < tile->channel_end; c++)
        S(pool_exact_channel)(tile, plan, c, scratch->crop);
}

/* ---- The ring -------------------------------------------------------------------------------------------------- */

/* Asks for the pixels that will be gathered soon: sixteen channels are more streams than processors foresee. */
static void S(ask_ahead)(const struct S(row) *row, int64_t count)
{
    const int64_t line = ROI_LINE_BYTES / (int64_t)sizeof(STORE);
    for (int64_t c = 0; c < count && row->stride_x == 1; c++)
        for (int64_t x = 0; x < PIECE; x += line)
            __builtin_prefetch(row->data + c * row->stride_c + AHEAD + x);
}

/* Brings a row into the ring: of it, the blocks that any box of the stripe reads, in pieces of all channels. */
static void S(bring_row)(const struct roi_tile *tile, const struct roi_plan *plan, int64_t y, REAL *ring)
{
    const roi_array *map = &tile->maps[plan->box->level];
    const int64_t column = roi_ring_column(plan->ring, plan->x.first), width = map->shape[AXIS_W] - column;
    const int64_t count = tile->channel_end - tile->channel_begin;
    const struct S(row) row = S(row_of)(map, plan->box->image, tile->channel_begin, y);
    REAL *lines = ring + y % plan->ring->rows * plan->ring->stride;
    uint64_t blocks = plan->blocks[y - plan->y.first];
    const bool ahead = tile->plan_end - tile->plan_begin > 1; /* what follows is of no use to a box alone */
    int64_t begin, end;
    while (roi_ring_run(&blocks, &begin, &end))
        for (int64_t left = min_i64(end, width) - begin; left > 0; ) {
            const struct S(row) from = {row.data + (column + begin) * row.stride_x, row.stride_x, row.stride_c};
            const int64_t piece = left < 2 * PIECE ? left : PIECE;
            if (ahead)
                S(ask_ahead)(&from, count);
            S(gather_lines)(&from, piece, count, lines + begin * R(LINE));
            begin += piece;
            left -= piece;
        }
}

/* Brings into the ring what a box needs and no box before it: the rows below *end are there, if its stripe goes on. */
static void S(advance)(const struct roi_tile *tile, const struct roi_plan *plan, int64_t *end, REAL *ring)
{
    for (int64_t y = plan->goes_on ? max_i64(*end, plan->y.first) : plan->y.first; y < plan->y.end; y++)
        S(bring_row)(tile, plan, y, ring);
    *end = plan->goes_on ? max_i64(*end, plan->y.end) : plan->y.end;
}

static void S(pool_from_ring)(const struct roi_tile *tile, const struct roi_plan *plan, const struct R(scratch) *scratch)
{
    const int64_t first = plan->x.first - roi_ring_column(plan->ring, plan->x.first);
    const struct S(source) source = {.ring = scratch->ring + first * R(LINE), .lines = 1};
    S(pool_lines)(tile, plan, &source, scratch);
}

/* Whether a box can be pooled from lines as they lie in the map: the channels of the tile fill them. */
static bool S(has_lines_in_map)(const struct roi_tile *tile, const struct roi_plan *plan)
{
    return tile->maps[plan->box->level].strides[AXIS_C] == 1 && plan->y.taps > 0 && plan->x.taps > 0 &&
           (tile->channel_end - tile->channel_begin) % R(LINE) == 0;
}

static void S(pool_from_map)(const struct roi_tile *tile, const struct roi_plan *plan, const struct R(scratch) *scratch)
{
    const struct S(row) row = S(row_of)(&tile->maps[plan->box->level], plan->box->image, tile->channel_begin, 0);
    const struct S(source) source = {.map = row.data + plan->x.first * row.stride_x,
                                     .stride = row.stride_x,
                                     .lines = (tile->channel_end - tile->channel_begin) / R(LINE)};
    S(pool_lines)(tile, plan, &source, scratch);
}
