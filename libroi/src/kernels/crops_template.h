/*
 * crops_template.h - crops of boxes that are pooled from lines: ring.h says what lines are
 *
 * What an operator does with lines is its own: it defines, before this file is included,
 *
 *     lines_of_row(work)                           lines of scratch memory for a row of bins
 *     reduce_lines(work, p, rows)                  what all lines of a tile need first, for `rows` rows of bins from p on
 *     put_line(work, i, p, rows, count, target)     those bins of line i, which has `count` channels, to their place
 *     recompute_box(tile, plan, crop)               the box again, pixel by pixel, with NaN where it belongs
 *
 * The second and the third return a vector that is NaN in some lane if they have met NaN.
 */

/* How many channels of the tile the line from channel c on has. */
static inline int64_t channels_from(const struct roi_tile *tile, int64_t c)
{
    return min_i64(tile->channel_end - c, LINE);
}

/* Rows of bins of a box from p on, of the channels from c on. */
static inline struct row rows_from(const struct work *work, int64_t c, int64_t p)
{
    return row_of(work->tile->crops, work->plan->row, c, work->plan->first_bin + p);
}

/* Copies rows of bins, from p on, of the channels of a line by non-temporal stores. */
static void stream_rows(const struct work *work, int64_t p, int64_t rows, int64_t c, const STORE *from)
{
    const int64_t bins = rows * work->tile->crops->shape[AXIS_W], count = channels_from(work->tile, c);
    const struct row out = rows_from(work, c, p);
    const int64_t runs = out.stride_c == bins ? 1 : count, step = count * bins / runs;
    for (int64_t i = 0; i < runs; i++, from += step)
        stream_bytes((char *)(out.data + i * out.stride_c), (const char *)from, step * (int64_t)sizeof(STORE));
}

/* Prefetches where rows of bins of a line will be written, since stores wait for cache lines that are in none of the caches. */
INLINE void prefetch_crops(const struct target *target, int64_t rows, int64_t bins, int64_t count)
{
    const int64_t last = (rows - 1) * target->stride_y + (bins - 1) * target->stride_x;
    for (int64_t c = 0; c < count && target->stride_x == 1; c++) {
        const STORE *crop = target->data + c * target->stride_c;
        for (int64_t at = 0; at < last; at += 64 / (int64_t)sizeof(STORE))
            __builtin_prefetch(crop + at, 1);
        __builtin_prefetch(crop + last, 1);
    }
}

/* Some rows of bins from p on, of all channels of the tile; `target` is that of the first. If they are streamed, the channels
   of one line after the other are written there, and copied from there while it is in L1. */
static vec pool_rows(const struct work *work, int64_t p, int64_t rows, struct target target, bool stream)
{
    const int64_t bins = work->tile->crops->shape[AXIS_W];
    vec all = {0};
    for (int64_t i = -1; i < work->source.lines; i++) {
        const int64_t next = channel_of(&work->source, i + 1), first = channel_of(&work->source, i);
        const int64_t c = work->tile->channel_begin + first;
        struct target to = target;
        if (i + 1 < work->source.lines && !work->tile->stream) {
            to.data += next * target.stride_c;
            prefetch_crops(&to, rows, bins, channels_from(work->tile, work->tile->channel_begin + next));
        }
        if (i < 0) {
            all = reduce_lines(work, p, rows);
            continue;
        }
        to.data = target.data + (stream ? 0 : first * target.stride_c);
        all += put_line(work, i, p, rows, channels_from(work->tile, c), &to);
        if (stream)
            stream_rows(work, p, rows, c, to.data);
    }
    return all;
}

/* Prefetches pages of the crop that will be streamed. */
INLINE void announce_crop(const struct work *work, int64_t bins_y)
{
    const int64_t bins = bins_y * work->tile->crops->shape[AXIS_W];
    const int64_t count = work->tile->channel_end - work->tile->channel_begin;
    const struct row out = rows_from(work, work->tile->channel_begin, 0);
    stream_ahead((const char *)out.data, ((count - 1) * out.stride_c + bins) * (int64_t)sizeof(STORE));
}

/* Where the rows of bins from p on go: where they belong, or to be streamed from scratch memory. */
static struct target target_of(const struct work *work, int64_t p, int64_t rows)
{
    const roi_array *crops = work->tile->crops;
    const int64_t bins = crops->shape[AXIS_W];
    if (work->tile->stream)
        return (struct target){(STORE *)(void *)work->scratch->stage, bins, 1, rows * bins};
    const struct row row = rows_from(work, work->tile->channel_begin, p);
    return (struct target){row.data, crops->strides[AXIS_H], row.stride_x, row.stride_c};
}

/* One box, all channels of the tile: as many rows of bins at a time as there is room for. */
static void pool_lines(const struct work *work)
{
    const struct roi_tile *tile = work->tile;
    const int64_t bins_y = work->plan->bins, bins_x = tile->crops->shape[AXIS_W];
    const int64_t some = tile->stream ? roi_rows_together(bins_x) : bins_y;
    const int64_t step = max_i64(1, min_i64(ROI_TILE_LINES / lines_of_row(work), bins_y));
    vec all = {0};
    if (tile->stream)
        announce_crop(work, bins_y);
    for (int64_t p = 0; p < bins_y; p += some) {
        const int64_t rows = min_i64(some, bins_y - p);
        const bool at_once = rows <= step;
        const struct target begin = target_of(work, p, rows);
        struct target target = begin;
        for (int64_t r = 0; r < rows; r += step, target.data += step * target.stride_y)
            all += pool_rows(work, p + r, min_i64(step, rows - r), target, tile->stream && at_once);
        for (int64_t c = tile->channel_begin; c < tile->channel_end && tile->stream && !at_once; c += LINE)
            stream_rows(work, p, rows, c, begin.data + (c - tile->channel_begin) * begin.stride_c);
    }
    if (any_nan(all))
        recompute_box(tile, work->plan, work->scratch->crop);
}
