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
 * taller than that is cut into slices, some rows of its bins each, which are pooled like boxes (plan.h). Of a row there is what
 * boxes read, in blocks of a few pixels, so that a ring of a wide map costs no more than its boxes do.
 */
#ifndef ROI_RING_H
#define ROI_RING_H

#include "common/internal.h"

enum {
    ROI_LINE_BYTES = 64,    /* a pixel of some channels: a cache line */
    ROI_RING_BLOCK = 8,     /* pixels of a row that enter, or do not, as one; of a wide map a multiple of these */
    ROI_RING_LINES = 24576, /* of a ring, or of what its boxes can fill of it: one and a half MiB */
    ROI_RING_SIDE = 72,     /* pixels of a box's sides, at most, on a wide map */
    ROI_PIXEL_CHANNELS = 8  /* of maps whose rows are worked on as one piece, at most */
};

/* Channels of a line. */
static inline int64_t roi_line_channels(bool single) { return ROI_LINE_BYTES / (int64_t)roi_real_size(single); }

/* How many channels lie between the beginning of a cache line (of float16, of half a one) and the first channel of a pixel.
   It is the same for all pixels, or else 0: their channels lie together, are whole lines, and nothing is between. */
int64_t roi_line_skew(const roi_array *map);

/* Whether rows of a map can be worked on as one piece, whatever channels their numbers are of: a pixel has a few, less than
   a line, and they and the pixels lie together. */
bool roi_has_whole_pixels(const roi_array *map, bool single);

/* What is common to the boxes of a level. */
struct roi_ring {
    int64_t most_width, most_height; /* of a box that is pooled from it */
    int64_t block;                   /* pixels of a row that enter as one */
    int64_t rows;                    /* of pixels: as many as the tallest box has */
    int64_t stride;                  /* from row to row, in elements */
    double pixels;                   /* of all boxes */
};

/* Sets the limits of boxes on a map, of which at most `most_width` are worth lines. */
void roi_ring_prepare(struct roi_ring *ring, const roi_array *map, int64_t most_width);

static inline bool roi_ring_fits(const struct roi_ring *ring, int64_t height, int64_t width)
{
    return width <= ring->most_width && height <= ring->most_height;
}

/* Makes room for a box of this size. */
static inline void roi_ring_include(struct roi_ring *ring, int64_t height, int64_t width)
{
    ring->rows = max_i64(ring->rows, height);
    ring->pixels += (double)height * (double)width;
}

/* Removes the first run of blocks from a word and returns the pixels at which it begins and ends; false: there is none. */
static inline bool roi_ring_run(const struct roi_ring *ring, uint64_t *blocks, int64_t *begin_ret, int64_t *end_ret)
{
    if (*blocks == 0)
        return false;
    const int first = __builtin_ctzll(*blocks);
    const uint64_t above = ~(*blocks >> first); /* of the run */
    const int count = above ? __builtin_ctzll(above) : 64;
    *begin_ret = first * ring->block;
    *end_ret = (first + count) * ring->block;
    *blocks = first + count < 64 ? *blocks >> (first + count) << (first + count) : 0;
    return true;
}

/* The blocks of a row that hold the pixels [first, end): a bit for each. */
uint64_t roi_ring_blocks(const struct roi_ring *ring, int64_t first, int64_t end);

#endif
