/* ring.c - the geometry of a ring, and which pixels enter it: ring.h has the theory. */
#include "pool/ring.h"

#include "pool/plan.h"

enum { MOST_BLOCKS = 64 /* of a row: bits of a word */ };

static bool has_whole_rows(int64_t map_width) { return map_width <= MOST_BLOCKS * ROI_RING_BLOCK; }

bool roi_ring_fits(const struct roi_ring *ring, int64_t height, int64_t width, int64_t map_width)
{
    if (ring->closed)
        return false;
    if (has_whole_rows(map_width))
        return height * round_up(map_width, ROI_RING_BLOCK) <= ROI_RING_LINES;
    return height <= ROI_RING_SIDE && width <= ROI_RING_SIDE;
}

void roi_ring_include(struct roi_ring *ring, const struct roi_plan *plan)
{
    const int64_t height = plan->y.end - plan->y.first, width = plan->x.end - plan->x.first;
    ring->rows = max_i64(ring->rows, height);
    ring->widest = max_i64(ring->widest, width);
    ring->pixels += (double)height * (double)width;
}

void roi_ring_settle(struct roi_ring *ring, int64_t map_width, bool narrow)
{
    if (ring->rows == 0)
        return;
    int64_t columns = round_up(map_width, ROI_RING_BLOCK);
    if (!has_whole_rows(map_width)) {
        columns = ROI_RING_LINES / ROI_RING_SIDE / ROI_RING_BLOCK * ROI_RING_BLOCK;
        ring->step = (columns - ring->widest) / ROI_RING_BLOCK * ROI_RING_BLOCK;
    }
    /* One line more than there are columns: rows a power of two apart would share few sets of the cache. */
    ring->stride = (columns + 1) * roi_line_channels(narrow);
}

/* The blocks of a row that a box reads. */
static uint64_t blocks_of(const struct roi_plan *plan)
{
    const int64_t column = roi_ring_column(plan->ring, plan->x.first);
    const int64_t first = (plan->x.first - column) / ROI_RING_BLOCK, last = (plan->x.end - 1 - column) / ROI_RING_BLOCK;
    return (~UINT64_C(0) >> (MOST_BLOCKS - 1 - (last - first))) << first;
}

static bool shares_ring(const struct roi_plan *a, const struct roi_plan *b)
{
    return a->ring && a->ring == b->ring && a->box->image == b->box->image &&
           roi_ring_stripe(a->ring, a->x.first) == roi_ring_stripe(b->ring, b->x.first);
}

/* Rows of boxes that follow each other without a gap have their words one after the other, each row one. */
void roi_ring_mark(struct roi_plan *plans, int64_t count, uint64_t *blocks)
{
    int64_t end = 0; /* of the rows that have words so far; the next word is that of this row */
    for (int64_t k = 0; k < count; k++) {
        struct roi_plan *plan = &plans[k];
        if (!plan->ring)
            continue;
        plan->goes_on = k > 0 && shares_ring(&plans[k - 1], plan);
        if (!plan->goes_on || plan->y.first > end)
            end = plan->y.first;
        for (; end < plan->y.end; end++)
            *blocks++ = 0;
        plan->blocks = blocks - (end - plan->y.first);
        for (int64_t y = plan->y.first; y < plan->y.end; y++)
            plan->blocks[y - plan->y.first] |= blocks_of(plan);
    }
}
