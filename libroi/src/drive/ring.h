/*
 * ring.h - the part of a map that boxes are pooled from: some rows at a time, channels together
 *
 * A box reads a few pixels in each of many rows, so that vectors along its rows are mostly empty, and whatever it reads of
 * a map in planes lies in as many cache lines as it has rows. Both are otherwise where channels lie together: then a pixel
 * of as many channels as fill a cache line is a `line`, every lane of it counts, and a row of the box is one piece of
 * memory. So maps are brought into this form on the way, whatever form they have. Not as a whole: boxes are sorted from
 * top to bottom, and a ring of rows goes down the map with them. A row enters it when the first box needs it, and leaves
 * its place to one further down when no box can need it any more. Since the rows of a plane enter in their order, memory
 * is read as a stream. The ring is as small as its tallest box allows, so that it stays in the processor's caches; a box
 * taller than that is cut into bands, some rows of its bins each, which go their ways like boxes (plan.h).
 *
 * Maps too wide for this are cut into stripes, one after the other; each box belongs to the one that it begins in, which
 * reaches as far over the next one as the widest box needs. Boxes too wide for that are pooled from the map as it is, and
 * so are those of which a single row of bins is too tall, and wide ones of few channels, whose lines would be mostly empty.
 */
#ifndef ROI_RING_H
#define ROI_RING_H

#include "common/internal.h"

enum {
    ROI_LINE_BYTES = 64,    /* a pixel of some channels: a cache line */
    ROI_RING_BLOCK = 8,     /* pixels of a row that enter, or do not, as one */
    ROI_RING_LINES = 24576, /* of a ring, at most: one and a half MiB */
    ROI_RING_SIDE = 72,     /* pixels of a box's sides, at most, where there are stripes */
    ROI_PIXEL_CHANNELS = 8  /* of maps whose rows are worked on as one piece, at most */
};

/* Channels of a line. */
static inline int64_t roi_line_channels(bool narrow)
{
    return ROI_LINE_BYTES / (int64_t)(narrow ? sizeof(float) : sizeof(double));
}

/* How many channels before a pixel the cache line begins that has the first of its channels; of float16, the half of one.
   It is the same for all pixels, or else 0: their channels lie together, are whole lines, and nothing is between. */
int64_t roi_line_skew(const roi_array *map);

/* Whether rows of a map can be worked on as one piece, whatever channels their numbers are of: a pixel has a few, less than
   a line, and they and the pixels lie together. */
bool roi_has_whole_pixels(const roi_array *map, bool narrow);

/* What is common to the boxes of a level. */
struct roi_ring {
    bool closed;           /* no box goes this way */
    int64_t most_width;    /* of a box that does */
    int64_t rows;          /* of pixels */
    int64_t stride;        /* from row to row, in elements */
    int64_t step;          /* from stripe to stripe; 0: there is one */
    int64_t widest;        /* box */
    double pixels;         /* of all boxes */
};

/* The rows that a ring has room for, on a map of this width that has pixels. */
int64_t roi_ring_room(int64_t map_width);

/* Whether a box of this size goes through a ring on a map of this width. */
bool roi_ring_fits(const struct roi_ring *ring, int64_t height, int64_t width, int64_t map_width);

/* Makes room for a box of this size. */
void roi_ring_include(struct roi_ring *ring, int64_t height, int64_t width);

/* Settles the geometry when all boxes are counted in. */
void roi_ring_settle(struct roi_ring *ring, int64_t map_width, bool narrow);

/* The stripe that a box belongs to, and the first column of it. */
static inline int64_t roi_ring_stripe(const struct roi_ring *ring, int64_t first)
{
    return ring->step == 0 ? 0 : first / ring->step;
}

static inline int64_t roi_ring_column(const struct roi_ring *ring, int64_t first)
{
    return roi_ring_stripe(ring, first) * ring->step;
}

/* Takes the first run of blocks off a word of them, and tells at which pixels it begins and ends. False: there is none. */
static inline bool roi_ring_run(uint64_t *blocks, int64_t *begin_ret, int64_t *end_ret)
{
    if (*blocks == 0)
        return false;
    const int first = __builtin_ctzll(*blocks);
    const uint64_t above = ~(*blocks >> first); /* of the run */
    const int count = above ? __builtin_ctzll(above) : 64;
    *begin_ret = first * ROI_RING_BLOCK;
    *end_ret = (first + count) * ROI_RING_BLOCK;
    *blocks = first + count < 64 ? *blocks >> (first + count) << (first + count) : 0;
    return true;
}

/* The blocks of a row that hold the pixels [first, end), of the stripe that `first` belongs to: a bit for each. */
uint64_t roi_ring_blocks(const struct roi_ring *ring, int64_t first, int64_t end);

#endif
