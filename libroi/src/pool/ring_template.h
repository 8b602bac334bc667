/* ring_template.h - lines for boxes, from a ring that goes down the map, for one element type: ring.h has the theory. */

/* Asks for n pixels to be brought into the second cache. Channels that lie together are in one cache line, or across two. */
INLINE void S(ask_for)(const struct S(row) *row, int64_t n, int64_t count)
{
    const int64_t line = ROI_LINE_BYTES / (int64_t)sizeof(STORE);
    const uintptr_t place = (uintptr_t)row->data % ROI_LINE_BYTES;
    const int64_t further = place + (size_t)count * sizeof(STORE) > ROI_LINE_BYTES ? count - 1 : 0;
    if (row->stride_c == 1)
        for (int64_t x = 0; x < n; x++) {
            __builtin_prefetch(row->data + x * row->stride_x, 0, 2);
            if (further)
                __builtin_prefetch(row->data + x * row->stride_x + further, 0, 2);
        }
    else if (row->stride_x == 1)
        for (int64_t c = 0; c < count; c++)
            for (int64_t x = 0; x < n; x += line)
                __builtin_prefetch(row->data + c * row->stride_c + x, 0, 2);
}

static inline struct S(row) S(row_from)(const struct S(row) *row, int64_t x)
{
    return (struct S(row)){row->data + x * row->stride_x, row->stride_x, row->stride_c};
}

/* Where a row's pixels are, and what is asked for on the way: processors foresee neither sixteen streams nor pixels of many
   channels. */
struct S(entry) {
    struct S(row) row, asked;
    bool asks;
    int64_t lead; /* how many pixels those asked for are further on than those that enter */
    int64_t count, last, channels; /* of the tile, of these the last ones of a pixel, and of the map */
};

/* A row further on, so that memory is not idle while boxes are pooled. Where channels lie together it is pixels of the same
   row: those of another would share few sets of the cache, and be lost before they enter. */
static struct S(entry) S(entry_of)(const struct roi_tile *tile, const struct roi_plan *plan, int64_t y)
{
    const roi_array *map = &tile->maps[plan->box->level];
    const bool alone = tile->plan_end - tile->plan_begin == 1; /* which is over too soon */
    const int64_t last = max_i64(-tile->channel_begin, 0), later = y + ROWS_AHEAD;
    const struct S(row) row = S(row_of)(map, plan->box->image, max_i64(tile->channel_begin, 0), y);
    struct S(entry) entry = {row, row, true, 0, tile->channel_end - tile->channel_begin, last, map->shape[AXIS_C]};
    if (map->strides[AXIS_C] == 1)
        entry.lead = PIXELS_AHEAD;
    else if (!alone && later < map->shape[AXIS_H])
        entry.asked.data += (later - y) * map->strides[AXIS_H];
    else
        entry.asks = false;
    return entry;
}

/* The pixels [begin, end) of the row, in pieces of all channels. */
static void S(bring_run)(const struct S(entry) *entry, int64_t begin, int64_t end, REAL *lines)
{
    int64_t piece, asked_end = begin;
    for (int64_t x = begin; x < end; x += piece, lines += piece * R(LINE)) {
        piece = end - x < 2 * PIECE ? end - x : PIECE;
        const struct S(row) from = S(row_from)(&entry->row, x), asked = S(row_from)(&entry->asked, asked_end);
        const int64_t until = min_i64(x + piece + entry->lead, end);
        if (entry->asks)
            S(ask_for)(&asked, until - asked_end, entry->count - entry->last);
        asked_end = until;
        if (entry->last > 0)
            S(gather_ends)(&from, piece, entry->channels, entry->last, lines);
        else
            S(gather_lines)(&from, piece, entry->count, lines);
    }
}

/* Brings a row into the ring: of it, the blocks that any box of the stripe reads. */
static void S(bring_row)(const struct roi_tile *tile, const struct roi_plan *plan, int64_t y, REAL *ring)
{
    const int64_t column = roi_ring_column(plan->ring, plan->x.first);
    const int64_t width = tile->maps[plan->box->level].shape[AXIS_W] - column;
    const struct S(entry) entry = S(entry_of)(tile, plan, y);
    REAL *lines = ring + y % plan->ring->rows * plan->ring->stride;
    uint64_t blocks = plan->blocks[y - plan->y.first];
    int64_t begin, end;
    while (roi_ring_run(&blocks, &begin, &end))
        S(bring_run)(&entry, column + begin, column + min_i64(end, width), lines + begin * R(LINE));
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
    const struct S(work) work = {tile, plan, scratch, {.ring = scratch->ring + first * R(LINE), .lines = 1}};
    S(pool_lines)(&work);
}
