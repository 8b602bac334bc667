/* ring_template.h - lines for boxes, from a ring that goes down the map: see ring.h. */

enum {
    PIECE = 16,       /* pixels of a row that enter the ring together, of all channels */
    ROWS_AHEAD = 2,   /* the row that is prefetched meanwhile, where channels are apart, ... */
    PIXELS_AHEAD = 64 /* ... and the pixels of the same row where they are together */
};

/* Prefetches n pixels into L2. Channels that lie together are in one cache line, or across two. */
INLINE void prefetch_pixels(const struct row *row, int64_t n, int64_t count)
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

static inline struct row row_from(const struct row *row, int64_t x)
{
    return (struct row){row->data + x * row->stride_x, row->stride_x, row->stride_c};
}

/* Where a row's pixels are, and which are prefetched meanwhile: the processor's own prefetchers follow neither sixteen streams
   nor pixels of many channels. */
struct entry {
    struct row row, ahead;
    bool prefetches;
    int64_t lead;  /* how many pixels the prefetched ones are further on than those that enter */
    int64_t count; /* of channels */
};

/* A row further on, so that memory is not idle while boxes are pooled. Where channels lie together it is pixels of the same
   row: those of another would share few sets of the cache, and be evicted before they enter. */
static struct entry entry_of(const struct roi_tile *tile, const struct roi_plan *plan, int64_t y)
{
    const roi_array *map = &tile->maps[plan->box->level];
    const bool alone = tile->plan_end - tile->plan_begin == 1; /* which is over too soon */
    const int64_t later = y + ROWS_AHEAD;
    const struct row row = row_of(map, plan->box->image, tile->channel_begin, y);
    struct entry entry = {row, row, true, 0, tile->channel_end - tile->channel_begin};
    if (map->strides[AXIS_C] == 1)
        entry.lead = PIXELS_AHEAD;
    else if (!alone && later < map->shape[AXIS_H])
        entry.ahead.data += (later - y) * map->strides[AXIS_H];
    else
        entry.prefetches = false;
    return entry;
}

/* The pixels [begin, end) of the row, in pieces of all channels. */
INLINE quads bring_run(const struct entry *entry, int64_t begin, int64_t end, const bool checks, REAL *lines)
{
    int64_t piece, ahead_end = begin;
    quads zero = {0};
    for (int64_t x = begin; x < end; x += piece, lines += piece * LINE) {
        piece = end - x < 2 * PIECE ? end - x : PIECE;
        const struct row from = row_from(&entry->row, x), ahead = row_from(&entry->ahead, ahead_end);
        const int64_t until = min_i64(x + piece + entry->lead, end);
        if (entry->prefetches)
            prefetch_pixels(&ahead, until - ahead_end, entry->count);
        ahead_end = until;
        zero += gather_lines(&from, piece, entry->count, checks, lines);
    }
    return zero;
}

/* Brings a row into the ring: of it, the blocks that any box reads. Returns whether all its numbers are finite. */
INLINE bool bring_row(const struct roi_tile *tile, const struct roi_plan *plan, int64_t y, const bool checks,
                      REAL *ring)
{
    const int64_t width = tile->maps[plan->box->level].shape[AXIS_W];
    const struct entry entry = entry_of(tile, plan, y);
    REAL *lines = ring + y % plan->ring->rows * plan->ring->stride;
    uint64_t blocks = plan->blocks[y - plan->y.first];
    int64_t begin, end;
    quads zero = {0};
    bool finite = true;
    while (roi_ring_run(plan->ring, &blocks, &begin, &end))
        zero += bring_run(&entry, begin, min_i64(end, width), checks, lines + begin * LINE);
    for (int i = 0; i < 4 * QUADS && checks; i++)
        finite &= zero[i] == 0;
    return finite;
}

/* What has entered a ring: the rows of the map below `end`. Those from `finite` on have no number that is not finite, where
   the kernel checks that. */
struct entered {
    int64_t end, finite;
};

/* Brings those rows into the ring that this box needs and that are not yet in it. `checks` is a constant where this is
   inlined. */
INLINE void advance(const struct roi_tile *tile, const struct roi_plan *plan, const bool checks,
                    struct entered *entered, REAL *ring)
{
    if (!plan->goes_on)
        *entered = (struct entered){plan->y.first, plan->y.first};
    for (int64_t y = max_i64(entered->end, plan->y.first); y < plan->y.end; y++)
        if (!bring_row(tile, plan, y, checks, ring))
            entered->finite = y + 1;
    entered->end = max_i64(entered->end, plan->y.end);
}

static void pool_from_ring(const struct roi_tile *tile, const struct roi_plan *plan, const struct entered *entered,
                           const struct scratch *scratch)
{
    const struct source source = {.ring = scratch->ring + plan->x.first * LINE, .lines = 1};
    const struct work work = {tile, plan, scratch, source, .finite = plan->y.first >= entered->finite};
    pool_lines(&work);
}
