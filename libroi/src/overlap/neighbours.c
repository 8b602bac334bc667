/* neighbours.c - which of many boxes can overlap a given one by more than a threshold: see neighbours.h. */
#include "overlap/neighbours.h"

#include <math.h>
#include <stdlib.h>

#include "kernels/entry_points.h"
#include "overlap/order.h"
#include "common/storage.h"
#include "common/memory.h"

enum {
    STEP_LOG2 = 2,         /* a size class spans a factor of 4 ... */
    MOST_STEPS = 16,       /* ... and the last one all that is smaller */
    BOXES_PER_CLASS = 256, /* so many that looking at each class costs little beside comparing */
    STRIPS_PER_CLASS = 3,  /* strips in the largest height of a class */
    STRIP_BITS = 24,
    CENTRE_BITS = 32,
    CLASS_SHIFT = STRIP_BITS + CENTRE_BITS,
    WORTH_SEARCHING = 3 * ROI_BLOCK, /* boxes that are compared as fast as searched */
    ALIGNMENT = 64,
    MOST_HITS = 512 /* that are collected before they are handed over */
};

typedef char all_classes_fit[MOST_STEPS * MOST_STEPS <= ROI_MOST_CLASSES ? 1 : -1];

/* ---- Memory ---------------------------------------------------------------------------------------------------- */

bool roi_neighbours_allocate(struct roi_neighbours *neighbours, int64_t capacity, bool single)
{
    *neighbours = (struct roi_neighbours){.single = single};
    const int64_t blocks = groups_of(capacity, ROI_BLOCK);
    const int64_t entries = roi_bytes(capacity, sizeof(struct roi_entry)),
                  places = roi_bytes(capacity, sizeof(int64_t));
    const int64_t strips = roi_bytes(capacity + 1, sizeof(struct roi_strip));
    const int64_t fields = roi_bytes(blocks, ROI_BLOCK * ROI_FIELDS * roi_real_size(single));
    char *at = roi_allocate(
        2 * entries + strips + 2 * places + ALIGNMENT + fields + roi_bytes(blocks, sizeof *neighbours->mark), 1);
    neighbours->memory = at;
    if (!at)
        return false;
    neighbours->entries = at;
    neighbours->spare = at += entries;
    neighbours->strip = (struct roi_strip *)(void *)(at += entries);
    neighbours->item = (int64_t *)(void *)(at += strips);
    neighbours->place = (int64_t *)(void *)(at += places);
    at += places;
    neighbours->blocks = at += (ALIGNMENT - (uintptr_t)at % ALIGNMENT) % ALIGNMENT;
    neighbours->mark = (float *)(void *)(at + fields);
    return true;
}

void roi_neighbours_free(struct roi_neighbours *neighbours) { free(neighbours->memory); }

static void put(const struct roi_neighbours *neighbours, int field, int64_t place, double value)
{
    store_element(neighbours->blocks, neighbours->single ? ROI_FLOAT32 : ROI_FLOAT64, roi_field_at(field, place),
                  value);
}

static double get(const struct roi_neighbours *neighbours, int field, int64_t place)
{
    return load_element(neighbours->blocks, neighbours->single ? ROI_FLOAT32 : ROI_FLOAT64, roi_field_at(field, place));
}

/* ---- The key of a box ------------------------------------------------------------------------------------------ */

static double side(const struct roi_extent *extent, int axis)
{
    return extent->corner[2 + axis] - extent->corner[axis];
}

static double centre(const struct roi_neighbours *neighbours, const struct roi_extent *extent, int axis)
{
    return (extent->corner[axis] + extent->corner[2 + axis]) / 2 - neighbours->origin[axis];
}

static bool has_area(const struct roi_extent *extent) { return side(extent, 0) > 0 && side(extent, 1) > 0; }

/* Some boxes, of which those that are not gone and have an area count. */
struct boxes {
    const struct roi_extent *extents;
    const uint8_t *gone;
    int64_t count;
};

static bool counts(const struct boxes *boxes, int64_t item)
{
    return !boxes->gone[item] && has_area(&boxes->extents[item]);
}

/* How sizes are cut into classes. */
struct classing {
    int exponent[2]; /* of the largest side */
    int steps;       /* on each axis */
};

static int step_of(const struct classing *classing, const struct roi_extent *extent, int axis)
{
    const int step = (classing->exponent[axis] - ilogb(side(extent, axis))) / STEP_LOG2;
    return step < classing->steps ? step : classing->steps - 1;
}

/* A power of 2, so that multiplying by it does not round. */
static double strips_per_unit(const struct classing *classing, int step)
{
    return ldexp(STRIPS_PER_CLASS, STEP_LOG2 * step - classing->exponent[1] - 1);
}

/* Boxes too far away for a strip number share the outermost ones. */
static int64_t strip_of(double y, double per_unit)
{
    const double half = 1 << (STRIP_BITS - 1);
    return (int64_t)(min_f64(max_f64(floor(y * per_unit), -half), half - 1) + half);
}

static uint64_t key_of(int size_class, int64_t strip, float x)
{
    return (uint64_t)size_class << CLASS_SHIFT | (uint64_t)strip << CENTRE_BITS | roi_key_of_float(x);
}

/* ---- Building -------------------------------------------------------------------------------------------------- */

/* The largest sides and coordinate. */
static struct classing survey(struct roi_neighbours *neighbours, const struct boxes *boxes)
{
    const struct roi_extent *extents = boxes->extents;
    double largest[2] = {0, 0}, farthest = 0;
    int64_t found = 0;
    for (int64_t i = 0; i < boxes->count; i++) {
        if (!counts(boxes, i))
            continue;
        for (int axis = 0; axis < 2; axis++) {
            if (found == 0)
                neighbours->origin[axis] = extents[i].corner[axis];
            largest[axis] = max_f64(largest[axis], side(&extents[i], axis));
            farthest = max_f64(farthest, fabs(extents[i].corner[axis]));
            farthest = max_f64(farthest, fabs(extents[i].corner[2 + axis]));
        }
        found++;
    }
    const double steps = min_f64(max_f64(sqrt((double)found / BOXES_PER_CLASS), 1), MOST_STEPS);
    neighbours->slack = farthest * 0x1p-45; /* centres are sums, which round */
    return (struct classing){{ilogb(largest[0]), ilogb(largest[1])}, (int)steps};
}

/* Returns how many boxes count. */
static int64_t make_entries(struct roi_neighbours *neighbours, const struct classing *classing,
                            const struct boxes *boxes)
{
    const struct roi_extent *extents = boxes->extents;
    struct roi_entry *entries = neighbours->entries;
    int64_t made = 0;
    for (int64_t i = 0; i < boxes->count; i++) {
        neighbours->place[i] = -1;
        if (!counts(boxes, i))
            continue;
        const int step_x = step_of(classing, &extents[i], 0), step_y = step_of(classing, &extents[i], 1);
        const int64_t strip = strip_of(centre(neighbours, &extents[i], 1), strips_per_unit(classing, step_y));
        const float x = (float)centre(neighbours, &extents[i], 0);
        entries[made++] = (struct roi_entry){key_of(step_x * MOST_STEPS + step_y, strip, x), i};
    }
    return made;
}

/* The field ROI_FIELD_BAR (neighbours_kernel.h), lowered by more than the rounding error of the comparison. If areas or the
   threshold are so small that they lose digits, all boxes pass. */
static double bar(const struct roi_neighbours *neighbours, double area)
{
    const double share = neighbours->threshold / (1 + neighbours->threshold);
    if (share < 0x1p-20 || area < (neighbours->single ? 0x1p-100 : 0x1p-1000))
        return -INFINITY;
    return share * area * (1 - (neighbours->single ? 0x1p-18 : 0x1p-40));
}

static void set_place(struct roi_neighbours *neighbours, const struct roi_extent *extents, int64_t place, int64_t item)
{
    const struct roi_extent *extent = &extents[item];
    if (place % ROI_BLOCK == 0)
        neighbours->mark[place / ROI_BLOCK] = (float)centre(neighbours, extent, 0);
    neighbours->item[place] = item;
    neighbours->place[item] = place;
    put(neighbours, ROI_FIELD_LEFT, place, -extent->corner[0]);
    put(neighbours, ROI_FIELD_TOP, place, -extent->corner[1]);
    put(neighbours, ROI_FIELD_RIGHT, place, extent->corner[2]);
    put(neighbours, ROI_FIELD_BOTTOM, place, extent->corner[3]);
    put(neighbours, ROI_FIELD_BAR, place, bar(neighbours, extent->area));
}

/* Makes the class and the strip of a box the last ones, if they are not yet, and the box a member of them. `above` is
   the key of the box before it. */
static void join(struct roi_neighbours *neighbours, const struct classing *classing, int64_t place, uint64_t key,
                 uint64_t above, const struct roi_extent *extent)
{
    struct roi_size_class *size_class = &neighbours->size_class[neighbours->classes - 1];
    if (place == 0 || key >> CLASS_SHIFT != above >> CLASS_SHIFT) {
        size_class = &neighbours->size_class[neighbours->classes++];
        *size_class = (struct roi_size_class){
            .begin = place, .strip_begin = neighbours->strips, .least = {INFINITY, INFINITY}};
        size_class->strips_per_unit = strips_per_unit(classing, step_of(classing, extent, 1));
    }
    if (place == 0 || key >> CENTRE_BITS != above >> CENTRE_BITS) {
        const int64_t number = (int64_t)(key >> CENTRE_BITS & ((UINT64_C(1) << STRIP_BITS) - 1));
        neighbours->strip[neighbours->strips++] = (struct roi_strip){number, place};
    }
    size_class->end = place + 1;
    size_class->strip_end = neighbours->strips;
    for (int axis = 0; axis < 2; axis++) {
        size_class->least[axis] = min_f64(size_class->least[axis], side(extent, axis));
        size_class->most[axis] = max_f64(size_class->most[axis], side(extent, axis));
    }
}

void roi_neighbours_build(struct roi_neighbours *neighbours, const struct roi_extent *extents, const uint8_t *gone,
                          int64_t count)
{
    const struct boxes given = {extents, gone, count};
    const struct classing classing = survey(neighbours, &given);
    const int64_t boxes = make_entries(neighbours, &classing, &given);
    const struct roi_entry *entries = neighbours->entries;
    if (boxes > WORTH_SEARCHING) /* fewer are all compared, in any order */
        entries = roi_sort(neighbours->entries, neighbours->spare, boxes);
    neighbours->classes = 0;
    neighbours->strips = 0;
    for (int64_t place = 0; place < boxes; place++) {
        const int64_t item = entries[place].row;
        set_place(neighbours, extents, place, item);
        join(neighbours, &classing, place, entries[place].key, entries[max_i64(place - 1, 0)].key, &extents[item]);
    }
    neighbours->strip[neighbours->strips].begin = boxes;
    for (int field = 0; field < ROI_FIELDS; field++)
        for (int64_t beyond = boxes; beyond % ROI_BLOCK != 0; beyond++)
            put(neighbours, field, beyond, 0);
}

/* ---- Searching ------------------------------------------------------------------------------------------------- */

struct search {
    struct roi_neighbours *neighbours;
    roi_scan_kernel *scan;
    double query[ROI_FIELDS], side[2], centre[2];
    int64_t item;
    void (*visit)(void *context, int64_t item, const int64_t *others, int64_t count);
    void *context;
    int64_t hits;
    int64_t hit[MOST_HITS];
};

static void hand_over(struct search *search)
{
    for (int64_t i = 0; i < search->hits; i++)
        search->hit[i] = search->neighbours->item[search->hit[i]];
    if (search->hits > 0)
        search->visit(search->context, search->item, search->hit, search->hits);
    search->hits = 0;
}

static void scan(struct search *search, int64_t begin, int64_t end)
{
    const void *blocks = search->neighbours->blocks;
    while (begin < end) {
        if (search->hits == MOST_HITS)
            hand_over(search);
        const int64_t stop = min_i64(end, begin + MOST_HITS - search->hits);
        search->hits += search->scan(blocks, search->query, begin, stop, search->hit + search->hits);
        begin = stop;
    }
}

/* How far apart the centres of a side and of another between `least` and `most` can be, if they overlap by more than t
   of their union; below 0 if they cannot. It grows with the other side up to `side`, and beyond it if t is below 1/2,
   up to side / t. */
static double reach(double side, double least, double most, double t)
{
    if (least * t > side * (1 + 1e-9) || side * t > most * (1 + 1e-9))
        return -1;
    double other = min_f64(max_f64(side, least), most);
    if (t < 0.5)
        other = min_f64(most, max_f64(other, side / t));
    return ((side + other) / 2 - t * max_f64(side, other)) * (1 + 1e-9);
}

/* The first strip of a class whose number is not below `number`. */
static int64_t find_strip(const struct roi_neighbours *neighbours, const struct roi_size_class *size_class,
                          int64_t number)
{
    int64_t begin = size_class->strip_begin, length = size_class->strip_end - begin;
    while (length > 0) {
        const int64_t half = length / 2, after = neighbours->strip[begin + half].number < number;
        begin += after * (length - half);
        length = half;
    }
    return begin;
}

/* The blocks that begin in [*begin, *end), a part of a strip, tell between which of them centres from `left` to `right`
   are: the part is cut to whole blocks, in which others may be too. */
static void cut_to_blocks(const float *mark, int64_t *begin, int64_t *end, float left, float right)
{
    const int64_t first = groups_of(*begin, ROI_BLOCK), beyond = groups_of(*end, ROI_BLOCK);
    int64_t block = first, length = beyond - first;
    while (length > 0) {
        const int64_t half = length / 2, after = mark[block + half] < left;
        block += after * (length - half);
        length = half;
    }
    if (block > first) /* the one before has centres on both sides of `left` */
        *begin = (block - 1) * ROI_BLOCK;
    while (block < beyond && mark[block] <= right)
        block++;
    *end = min_i64(*end, block * ROI_BLOCK);
}

/* Stretches that meet are compared as one. */
static void scan_strips(struct search *search, int64_t begin, int64_t end, int64_t last, float left, float right)
{
    const struct roi_strip *strip = search->neighbours->strip;
    int64_t from = 0, to = 0;
    for (int64_t i = begin; i < end && strip[i].number <= last; i++) {
        int64_t first = strip[i].begin, beyond = strip[i + 1].begin;
        if (beyond - first > WORTH_SEARCHING)
            cut_to_blocks(search->neighbours->mark, &first, &beyond, left, right);
        if (first != to) {
            scan(search, from, to);
            from = first;
        }
        to = beyond;
    }
    scan(search, from, to);
}

static void search_class(struct search *search, const struct roi_size_class *size_class)
{
    const struct roi_neighbours *neighbours = search->neighbours;
    const double t = neighbours->reach_threshold;
    if (size_class->end - size_class->begin <= WORTH_SEARCHING) {
        scan(search, size_class->begin, size_class->end);
        return;
    }
    const double reach_x = reach(search->side[0], size_class->least[0], size_class->most[0], t);
    const double reach_y = reach(search->side[1], size_class->least[1], size_class->most[1], t);
    if (reach_x < 0 || reach_y < 0)
        return;
    const double x = reach_x + neighbours->slack, y = reach_y + neighbours->slack;
    const int64_t first = strip_of(search->centre[1] - y, size_class->strips_per_unit);
    const int64_t last = strip_of(search->centre[1] + y, size_class->strips_per_unit);
    scan_strips(search, find_strip(neighbours, size_class, first), size_class->strip_end, last,
                (float)(search->centre[0] - x), (float)(search->centre[0] + x));
}

void roi_neighbours_remove(struct roi_neighbours *neighbours, int64_t item)
{
    if (neighbours->place[item] >= 0)
        put(neighbours, ROI_FIELD_RIGHT, neighbours->place[item], -INFINITY);
}

void roi_neighbours_take(struct roi_neighbours *neighbours, const struct roi_extent *extent, int64_t item,
                         void (*visit)(void *context, int64_t item, const int64_t *others, int64_t count),
                         void *context)
{
    struct search search;
    const int64_t place = neighbours->place[item];
    if (place < 0)
        return;
    search.neighbours = neighbours;
    search.scan = roi_neighbours_kernels(neighbours->single ? ROI_FLOAT32 : ROI_FLOAT64)->scan;
    for (int field = 0; field < ROI_FIELDS; field++)
        search.query[field] = get(neighbours, field, place);
    for (int axis = 0; axis < 2; axis++) {
        search.side[axis] = side(extent, axis);
        search.centre[axis] = centre(neighbours, extent, axis);
    }
    search.item = item;
    search.visit = visit;
    search.context = context;
    search.hits = 0;
    roi_neighbours_remove(neighbours, item);
    for (int i = 0; i < neighbours->classes; i++)
        search_class(&search, &neighbours->size_class[i]);
    hand_over(&search);
}
