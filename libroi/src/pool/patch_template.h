/*
 * patch_template.h - gradients of boxes, added up in a patch of the map, for one element type
 *
 * The map is cut into patches that stay in the processor's caches, in lines of channels (ring.h). Every box adds to a
 * patch what falls on it, one box after the other, so that each pixel gets its sum in the order of the boxes, however the
 * map is cut; then the patch is written to the map, once. In the patch and from the map, numbers are of the type computed
 * in; only gradients of crops are of the type stored.
 */

/* A box and a patch that it reaches: columns [first, end) of both. */
struct S(share) {
    const struct roi_tile *tile;
    const struct roi_plan *plan;
    const struct R(scratch) *scratch;
    int64_t first, end;
};

/* Whether bin row p reads rows of the patch. */
static bool S(reaches)(const struct S(share) *share, int64_t p)
{
    const struct roi_patch *patch = &share->tile->patch;
    const int64_t low = share->plan->y.low[p];
    return low < patch->y_end && low + share->plan->y.taps > patch->y;
}

/* t[x] = sum over q, k of weights[q, k] * grad[q] for the columns of the share, from the bins of one row. */
static void S(scatter_bins)(const struct S(share) *share, const REAL *grad)
{
    const struct roi_sparse *columns = &share->plan->columns;
    const int64_t bins = share->tile->crops->shape[AXIS_W];
    const int64_t begin = (share->first - share->plan->x.first) * R(LINE);
    const int64_t end = (share->end - share->plan->x.first) * R(LINE);
    const int64_t *offset = columns->offsets;
    const REAL *weight = columns->weights;
    REAL *t = share->scratch->row;
    memset(t, 0, (size_t)(end - begin) * sizeof *t);
    for (int64_t q = 0; q < bins; q++, grad += R(LINE))
        for (int64_t k = 0; k < columns->taps; k++, offset++, weight++)
            if (*weight != 0 && *offset >= begin && *offset < end)
                R(add_lines)(t + (*offset - begin), grad, *weight, 1);
}

/* Adds t to the rows of the patch that bin row p reads. */
static void S(scatter_rows)(const struct S(share) *share, int64_t p)
{
    const struct roi_patch *patch = &share->tile->patch;
    const struct roi_sparse *rows = &share->plan->rows;
    const int64_t stride = share->tile->patch_stride, begin = patch->y * stride, end = patch->y_end * stride;
    const int64_t *offset = rows->offsets + p * rows->taps;
    const REAL *weight = (const REAL *)rows->weights + p * rows->taps;
    REAL *lines = share->scratch->ring + (share->first - patch->x) * R(LINE);
    for (int64_t k = 0; k < rows->taps; k++)
        if (weight[k] != 0 && offset[k] >= begin && offset[k] < end)
            R(add_lines)(lines + (offset[k] - begin), share->scratch->row, weight[k], share->end - share->first);
}

/* Some rows of bins, from p on. */
static void S(scatter_some)(const struct S(share) *share, int64_t p, int64_t rows)
{
    const struct roi_tile *tile = share->tile;
    const roi_array *crops = tile->crops;
    const int64_t bins = crops->shape[AXIS_W], count = tile->channel_end - tile->channel_begin;
    const int64_t runs = S(has_rows_together)(crops) ? 1 : rows;
    REAL *lines = share->scratch->lines;
    for (int64_t i = 0; i < runs; i++) {
        const struct S(row) grad = S(row_of)(crops, share->plan->row, tile->channel_begin, p + i);
        S(gather_lines)(&grad, rows / runs * bins, count, lines + i * bins * R(LINE));
    }
    for (int64_t r = 0; r < rows; r++) {
        S(scatter_bins)(share, lines + r * bins * R(LINE));
        S(scatter_rows)(share, p + r);
    }
}

static void S(scatter_box)(const struct S(share) *share)
{
    const roi_array *crops = share->tile->crops;
    int64_t p = 0, end = crops->shape[AXIS_H];
    const int64_t together = roi_rows_together(crops->shape[AXIS_W]);
    while (p < end && !S(reaches)(share, p))
        p++;
    while (p < end && !S(reaches)(share, end - 1))
        end--;
    for (; p < end; p += together)
        S(scatter_some)(share, p, min_i64(together, end - p));
}

/* Asks for the first rows of a box's crop, as many as are worked on together. */
INLINE void S(ask_for_crop)(const struct roi_tile *tile, const struct roi_plan *plan)
{
    const roi_array *crops = tile->crops;
    const int64_t bins_y = crops->shape[AXIS_H], bins_x = crops->shape[AXIS_W];
    const int64_t bins = min_i64(bins_y, roi_rows_together(bins_x)) * bins_x;
    const int64_t count = tile->channel_end - tile->channel_begin;
    const struct S(row) grad = S(row_of)(crops, plan->row, tile->channel_begin, 0);
    const int64_t runs = grad.stride_c == bins ? 1 : count, bytes = count * bins / runs * (int64_t)sizeof(STORE);
    for (int64_t i = 0; i < runs && S(has_rows_together)(crops); i++)
        for (int64_t at = 0; at < bytes; at += ROI_LINE_BYTES)
            __builtin_prefetch((const char *)(grad.data + i * grad.stride_c) + at, 0, 2);
}

/* ---- The patch and the map ------------------------------------------------------------------------------------- */

/* What the map has so far, from boxes of an earlier chunk; nothing at first. */
static void S(read_patch)(const struct roi_tile *tile, REAL *lines)
{
    const struct roi_patch *patch = &tile->patch;
    if (patch->fresh) {
        memset(lines, 0, (size_t)((patch->y_end - patch->y) * tile->patch_stride) * sizeof *lines);
        return;
    }
    for (int64_t y = patch->y; y < patch->y_end; y++, lines += tile->patch_stride) {
        struct PLAIN(row) row = PLAIN(row_of)(tile->maps, patch->image, tile->channel_begin, y);
        row.data += patch->x * row.stride_x;
        PLAIN(gather_lines)(&row, patch->x_end - patch->x, tile->channel_end - tile->channel_begin, lines);
    }
}

static void S(write_patch)(const struct roi_tile *tile, const struct R(scratch) *scratch)
{
    const struct roi_patch *patch = &tile->patch;
    const int64_t width = patch->x_end - patch->x, count = tile->channel_end - tile->channel_begin;
    const struct PLAIN(row) stage = {scratch->stage, 1, width};
    const REAL *lines = scratch->ring;
    for (int64_t y = patch->y; y < patch->y_end; y++, lines += tile->patch_stride) {
        struct PLAIN(row) row = PLAIN(row_of)(tile->maps, patch->image, tile->channel_begin, y);
        row.data += patch->x * row.stride_x;
        PLAIN(spread_lines)(lines, width, count, tile->stream ? &stage : &row);
        for (int64_t c = 0; tile->stream && c < count; c++)
            stream_bytes((char *)(row.data + c * row.stride_c), (const char *)(stage.data + c * width),
                         width * (int64_t)sizeof(REAL));
    }
}

/* The first plan from this one on whose box reaches the patch, or the end of the tile's plans. */
static const struct roi_plan *S(reaching)(const struct roi_tile *tile, const struct roi_plan *plan)
{
    while (plan < tile->plans + tile->plan_end && !roi_patch_is_reached(&tile->patch, plan))
        plan++;
    return plan;
}

static void S(scatter_tile)(const struct roi_tile *tile, void *memory)
{
    const struct R(scratch) scratch = R(scratch_of)(tile->scratch_size, memory);
    const struct roi_patch *patch = &tile->patch;
    const struct roi_plan *end = tile->plans + tile->plan_end;
    const struct roi_plan *plan = S(reaching)(tile, tile->plans + tile->plan_begin), *next;
    const bool reached = plan < end;
    if (reached || patch->fresh)
        S(read_patch)(tile, scratch.ring);
    for (; plan < end; plan = next) {
        next = S(reaching)(tile, plan + 1);
        if (next < end)
            S(ask_for_crop)(tile, next);
        const struct S(share) share = {tile, plan, &scratch, max_i64(patch->x, plan->x.first),
                                       min_i64(patch->x_end, plan->x.end)};
        S(scatter_box)(&share);
    }
    if (reached || patch->fresh)
        S(write_patch)(tile, &scratch);
    if (tile->stream)
        stream_end();
}
