/*
 * neighbours.h - which of many boxes can overlap a given one by more than a threshold
 *
 * The naive way to suppress compares each box that is kept with all that are left: n * n / 2 comparisons, nearly all of
 * boxes that lie apart. But IoU above t asks a lot of two boxes. On each axis by itself, the overlap of their sides,
 * over the union of the sides, must be above t too: it is never smaller than the IoU of the boxes. So their widths
 * differ by less than the factor t, and their centres by less than
 *
 *     (width 1 + width 2) / 2 - t * larger width
 *
 * and likewise their heights. Hence boxes are put in order by three things, which make one key:
 *
 *     size class      a step on each axis for every factor of 4 in size
 *     strip           where the centre lies vertically, in steps that suit the class's height
 *     centre          where it lies horizontally
 *
 * and the neighbours of a box are a few short stretches of that order, one in each strip in reach of each class in
 * reach, found by bisection. A stretch is compared many boxes at a time, in the type that the boxes came in. Since that
 * rounds, the comparison lets a little more pass than it should; the caller decides about those by the exact IoU.
 *
 * Where boxes crowd, the stretches are long, but together never longer than all boxes. So the naive number of
 * comparisons is the worst case. Nothing here depends on how far apart the boxes lie: no grid is laid over the plane.
 */
#ifndef ROI_NEIGHBOURS_H
#define ROI_NEIGHBOURS_H

#include "boxes/extent.h"

/* Boxes of one class. */
struct roi_size_class {
    int64_t begin, end;             /* places */
    int64_t strip_begin, strip_end; /* its strips, of those that have boxes */
    double least[2], most[2];       /* sides: width, height */
    double strips_per_unit;
};

/* It ends where the next one begins. */
struct roi_strip {
    int64_t number, begin;
};

enum { ROI_MOST_CLASSES = 256 };

struct roi_neighbours {
    bool single;            /* whether numbers are compared as float, which holds them all exactly, or as double */
    double threshold;       /* boxes that overlap by more than this are wanted ... */
    double reach_threshold; /* ... and these are the sides that can: the same for boxes, 0 for what they enclose */
    void *memory;
    /* By place in the order: -x1, -y1, x2, y2 and the bar, in blocks (neighbours_kernel.h). */
    void *blocks;
    float *mark; /* horizontal centre of each block's first box, from the origin */
    int64_t *item;
    int64_t *place; /* of an item; -1 if it has none */
    void *entries, *spare;
    double origin[2], slack;
    struct roi_strip *strip;
    int64_t strips;
    int classes;
    struct roi_size_class size_class[ROI_MOST_CLASSES];
};

/* Room for `capacity` boxes; false if there is no memory. */
bool roi_neighbours_allocate(struct roi_neighbours *neighbours, int64_t capacity, bool single);
void roi_neighbours_free(struct roi_neighbours *neighbours);

/* Puts those of items 0 to count - 1 that are not gone in order. A box without area has no neighbours and is left out. */
void roi_neighbours_build(struct roi_neighbours *neighbours, const struct roi_extent *extents, const uint8_t *gone,
                          int64_t count);

/* Takes an item out: no later search finds it. */
void roi_neighbours_remove(struct roi_neighbours *neighbours, int64_t item);

/* Takes an item out, and calls visit(context, item, others, count) for those that are left and may overlap it by more
   than the threshold, each once, some at a time. `visit` may take any of them out. */
void roi_neighbours_take(struct roi_neighbours *neighbours, const struct roi_extent *extent, int64_t item,
                         void (*visit)(void *context, int64_t item, const int64_t *others, int64_t count),
                         void *context);

#endif
