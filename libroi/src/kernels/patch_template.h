/*
 * patch_template.h - gradients of boxes, added up in a patch of the map
 *
 * The map is cut into patches that stay in the processor's caches, in lines of channels (ring.h). Every box adds to a
 * patch what falls on it, one box after the other, so that each pixel gets its sum in the order of the boxes, however the
 * map is cut; then the patch is written to the map, once. In the patch and from the map, numbers are of the type computed
 * in; only gradients of crops are of the type stored.
 */

/* line[i] += weight * t[i] for n lines. */
static inline void add_lines(REAL *restrict lines, const REAL *restrict t, REAL weight, int64_t n)
{
    for (int64_t i = 0; i < n * LINE; i += LANES) {
        vec sum, part;
        memcpy(&sum, lines + i, sizeof sum);
        memcpy(&part, t + i, sizeof part);
        sum = multiply_add_vec(splat_vec(weight), part, sum);
        memcpy(lines + i, &sum, sizeof sum);
    }
}

/* A box and a patch that it reaches: columns [first, end) of both. */
struct share {
    const struct roi_tile *tile;
    const struct roi_plan *plan;
    const struct scratch *scratch;
    int64_t first, end;
};

/* Whether bin row p reads rows of the patch. */
static bool reaches(const struct share *share, int64_t p)
{
    const struct roi_patch *patch = &share->tile->patch;
    const int64_t low = share->plan->y.low[p];
    return low < patch->y_end && low + share->plan->y.taps > patch->y;
}

/* t[x] = sum over q, k of weights[q, k] * grad[q] for the columns of the share, from the bins of one row. */
static void scatter_bins(const struct share *share, const REAL *grad)
{
    const struct roi_sparse *columns = &share->plan->columns;
    const int64_t bins = share->tile->crops->shape[AXIS_W];
    const int64_t begin = (share->first - share->plan->x.first) * LINE;
    const int64_t end = (share->end - share->plan->x.first) * LINE;
    const int64_t *offset = columns->offsets;
    const REAL *weight = columns->weights;
    REAL *t = share->scratch->row;
    memset(t, 0, (size_t)(end - begin) * sizeof *t);
    for (int64_t q = 0; q < bins; q++, grad += LINE)
        for (int64_t k = 0; k < columns->taps; k++, offset++, weight++)
            if (*weight != 0 && *offset >= begin && *offset < end)
                add_lines(t + (*offset - begin), grad, *weight, 1);
}

/* Adds t to the rows of the patch that bin row p reads. */
static void scatter_rows(const struct share *share, int64_t p)
{
    const struct roi_patch *patch = &share->tile->patch;
    const struct roi_sparse *rows = &share->plan->rows;
    const int64_t stride = share->tile->patch_stride, begin = patch->y * stride, end = patch->y_end * stride;
    const int64_t *offset = rows->offsets + p * rows->taps;
    const REAL *weight = (const REAL *)rows->weights + p * rows->taps;
    REAL *lines = share->scratch->ring + (share->first - patch->x) * LINE;
    for (int64_t k = 0; k < rows->taps; k++)
        if (weight[k] != 0 && offset[k] >= begin && offset[k] < end)
            add_lines(lines + (offset[k] - begin), share->scratch->row, weight[k], share->end - share->first);
}

/* Some rows of bins, from p on. */
static void scatter_some(const struct share *share, int64_t p, int64_t rows)
{
    const struct roi_tile *tile = share->tile;
    const roi_array *crops = tile->crops;
    const int64_t bins = crops->shape[AXIS_W], count = tile->channel_end - tile->channel_begin;
    const int64_t runs = has_rows_together(crops) ? 1 : rows;
    REAL *lines = share->scratch->lines;
    for (int64_t i = 0; i < runs; i++) {
        const struct row grad = row_of(crops, share->plan->row, tile->channel_begin, p + i);
        gather_lines(&grad, rows / runs * bins, count, false, lines + i * bins * LINE);
    }
    for (int64_t r = 0; r < rows; r++) {
        scatter_bins(share, lines + r * bins * LINE);
        scatter_rows(share, p + r);
    }
}

static void scatter_box(const struct share *share)
{
    const roi_array *crops = share->tile->crops;
    int64_t p = 0, end = crops->shape[AXIS_H];
    const int64_t together = roi_rows_together(crops->shape[AXIS_W]);
    while (p < end && !reaches(share, p))
        p++;
    while (p < end && !reaches(share, end - 1))
        end--;
    for (; p < end; p += together)
        scatter_some(share, p, min_i64(together, end - p));
}

/* Prefetches the first rows of a box's crop, as many as are worked on together. */
INLINE void prefetch_crop(const struct roi_tile *tile, const struct roi_plan *plan)
{
    const roi_array *crops = tile->crops;
    const int64_t bins_y = crops->shape[AXIS_H], bins_x = crops->shape[AXIS_W];
    const int64_t bins = min_i64(bins_y, roi_rows_together(bins_x)) * bins_x;
    const int64_t count = tile->channel_end - tile->channel_begin;
    const struct row grad = row_of(crops, plan->row, tile->channel_begin, 0);
    const int64_t runs = grad.stride_c == bins ? 1 : count, bytes = count * bins / runs * (int64_t)sizeof(STORE);
    for (int64_t i = 0; i < runs && has_rows_together(crops); i++)
        for (int64_t at = 0; at < bytes; at += ROI_LINE_BYTES)
            __builtin_prefetch((const char *)(grad.data + i * grad.stride_c) + at, 0, 2);
}

/* The first plan from this one on whose box reaches the patch, or the end of the tile's plans. */
static const struct roi_plan *reaching(const struct roi_tile *tile, const struct roi_plan *plan)
{
    while (plan < tile->plans + tile->plan_end && !roi_patch_is_reached(&tile->patch, plan))
        plan++;
    return plan;
}

static void scatter_tile(const struct roi_tile *tile, void *memory)
{
    const struct scratch scratch = scratch_of(tile->scratch_size, memory);
    const struct roi_patch *patch = &tile->patch;
    const struct roi_plan *end = tile->plans + tile->plan_end, *next;
    for (const struct roi_plan *plan = reaching(tile, tile->plans + tile->plan_begin); plan < end; plan = next) {
        next = reaching(tile, plan + 1);
        if (next < end)
            prefetch_crop(tile, next);
        const struct share share = {tile, plan, &scratch, max_i64(patch->x, plan->x.first),
                                    min_i64(patch->x_end, plan->x.end)};
        scatter_box(&share);
    }
}
