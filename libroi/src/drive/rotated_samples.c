/* rotated_samples.c - the samples of rotated boxes, and the quads they make: see rotated_samples.h. Compiled
   without contraction, as axis.c is and for its reason. */
#include "drive/rotated_samples.h"
#include "common/memory.h"

#include <math.h>
#include <string.h>

/* ---- Where samples lie ----------------------------------------------------------------------------------------- */

/* One side of a box in its own coordinates, whose origin is its centre: sample i of bin p lies at
   start + p * bin + (i + 0.5) * bin / grid. */
struct side {
    double start, bin, grid;
};

struct frame {
    struct side y, x;
    double cy, cx, sin, cos;
    int64_t height, width; /* of the map */
};

static struct side side_of(const struct roi_axis_rule *rule, double length, int64_t bins)
{
    const double size = rule->aligned ? length : fmax(length, 1.0), bin = size / (double)max_i64(bins, 1);
    return (struct side){-size / 2, bin, rule->sampling_ratio > 0 ? (double)rule->sampling_ratio : ceil(bin)};
}

/* remquo() is exact, so that multiples of 90 degrees are too. */
static void turn(struct frame *frame, double degrees)
{
    int quarters;
    const double rest = remquo(degrees, 90, &quarters) * (3.14159265358979323846 / 180);
    const double c = cos(rest), s = sin(rest);
    const double around[5] = {c, -s, -c, s,
                              c}; /* the cosine after each quarter; the sine is that of the quarter before */
    frame->cos = around[quarters & 3];
    frame->sin = -around[(quarters & 3) + 1];
}

static struct frame frame_of(const struct roi_plan_rule *rule, const struct roi_box *box)
{
    const double scale = rule->spatial_scales[box->level], offset = rule->axis.aligned ? 0.5 : 0.0;
    struct frame frame = {.y = side_of(&rule->axis, box->corner[3] * scale, rule->bins_y),
                          .x = side_of(&rule->axis, box->corner[2] * scale, rule->bins_x),
                          .cy = box->corner[1] * scale - offset,
                          .cx = box->corner[0] * scale - offset,
                          .height = rule->maps[box->level].shape[AXIS_H],
                          .width = rule->maps[box->level].shape[AXIS_W]};
    turn(&frame, rule->axis.clockwise ? -box->angle : box->angle);
    return frame;
}

static double place_of(const struct side *side, int64_t p, double i)
{
    return side->start + (double)p * side->bin + (i + 0.5) * side->bin / side->grid;
}

/* ---- Which of them are on the map ------------------------------------------------------------------------------ */

/* Numbers from low to high; none where low > high. Intervals are a little too large, never too small: whether a sample
   is on the map is told by its position alone. */
struct interval {
    double low, high;
};

/* Larger than the rounding error of positions, since no box reaches farther than ROI_ROTATED_REACH. */
static const double margin = 0x1p-6;

static struct interval both(struct interval a, struct interval b)
{
    return (struct interval){fmax(a.low, b.low), fmin(a.high, b.high)};
}

/* The t for which `origin + t * slope` is in [-1, size]. */
static struct interval where_inside(double origin, double slope, int64_t size)
{
    const double low = -1 - margin - origin, high = (double)size + margin - origin;
    if (slope == 0)
        return low <= 0 && high >= 0 ? (struct interval){-INFINITY, INFINITY} : (struct interval){1, 0};
    return slope > 0 ? (struct interval){low / slope, high / slope} : (struct interval){high / slope, low / slope};
}

/* The range of the map's four corners along the box's y axis. */
static struct interval rows_of_map(const struct frame *frame)
{
    const double y[2] = {-1 - frame->cy, (double)frame->height - frame->cy};
    const double x[2] = {-1 - frame->cx, (double)frame->width - frame->cx};
    struct interval rows = {INFINITY, -INFINITY};
    for (int i = 0; i < 4; i++) {
        const double row = x[i & 1] * frame->sin + y[i / 2] * frame->cos;
        rows = (struct interval){fmin(rows.low, row), fmax(rows.high, row)};
    }
    return rows;
}

/* The samples of bin p whose places are in an interval, or beside it: [low, high). */
static struct interval samples_in(const struct side *side, int64_t p, struct interval places)
{
    const double first = side->start + (double)p * side->bin, step = side->bin / side->grid;
    if (!(places.low <= places.high) || !(side->grid > 0))
        return (struct interval){0, 0};
    if (!(step > 0))
        return (struct interval){0, side->grid};
    const double low = floor((places.low - margin - first) / step - 0.5);
    const double high = ceil((places.high + margin - first) / step - 0.5) + 1;
    return both((struct interval){low, high}, (struct interval){0, side->grid});
}

/* ---- Visiting them --------------------------------------------------------------------------------------------- */

struct sample {
    struct roi_stop y, x;
};

typedef void visitor(void *context, const struct sample *sample);

static void visit_row(const struct frame *frame, double yy, int64_t q, visitor *visit, void *context)
{
    const double y0 = yy * frame->cos, x0 = yy * frame->sin;
    const struct interval places = both(where_inside(x0 + frame->cx, frame->cos, frame->width),
                                        where_inside(y0 + frame->cy, -frame->sin, frame->height));
    const struct interval samples = samples_in(&frame->x, q, places);
    for (double i = samples.low; i < samples.high; i++) {
        const double xx = place_of(&frame->x, q, i);
        const double y = y0 - xx * frame->sin + frame->cy, x = x0 + xx * frame->cos + frame->cx;
        if (!(y >= -1 && y <= (double)frame->height && x >= -1 && x <= (double)frame->width))
            continue;
        const struct sample sample = {roi_stop_at(y, frame->height), roi_stop_at(x, frame->width)};
        visit(context, &sample);
    }
}

/* All samples of bin (p, q) that are on the map, which is not empty. */
static inline void visit_bin(const struct frame *frame, struct interval rows, int64_t p, int64_t q, visitor *visit,
                             void *context)
{
    const struct interval samples = samples_in(&frame->y, p, rows);
    for (double i = samples.low; i < samples.high; i++)
        visit_row(frame, place_of(&frame->y, p, i), q, visit, context);
}

/* ---- The pixels under a bin ------------------------------------------------------------------------------------ */

struct bounds {
    int64_t samples, low_y, high_y, low_x, high_x; /* pixels, both ends included */
};

static const struct bounds no_bounds = {0, INT64_MAX, -1, INT64_MAX, -1};

static void widen(void *context, const struct sample *sample)
{
    struct bounds *bounds = context;
    bounds->samples++;
    bounds->low_y = min_i64(bounds->low_y, sample->y.low);
    bounds->high_y = max_i64(bounds->high_y, sample->y.high);
    bounds->low_x = min_i64(bounds->low_x, sample->x.low);
    bounds->high_x = max_i64(bounds->high_x, sample->x.high);
}

static int64_t rows_of(const struct bounds *bounds) { return bounds->high_y - bounds->low_y + 1; }
static int64_t columns_of(const struct bounds *bounds) { return bounds->high_x - bounds->low_x + 1; }

/* Bins with more pixels per sample in their bounds are not gathered, since most weights would be 0. A square rotated by 45
   degrees covers half of its bounds, and a sample has up to four pixels. */
enum { PIXELS_PER_SAMPLE = 16 };

static bool is_gathered(const struct bounds *bounds)
{
    return (double)rows_of(bounds) * (double)columns_of(bounds) <= PIXELS_PER_SAMPLE * (double)bounds->samples;
}

static int64_t most_quads(const struct bounds *bounds)
{
    if (bounds->samples == 0)
        return 0;
    return is_gathered(bounds) ? rows_of(bounds) * groups_of(columns_of(bounds), ROI_QUAD) : 2 * bounds->samples;
}

/* ---- Tables ---------------------------------------------------------------------------------------------------- */

/* A plan's tables: ends, places, weights, and the pixels of the largest bin while they are gathered, all of whole words.
   plan->y.taps is the number of quads that there is room for, and plan->x.taps that of weights in each. */
static size_t quad_bytes(bool single) { return sizeof(struct roi_quad_place) + ROI_QUAD * roi_real_size(single); }

struct roi_quads roi_quads_of(const struct roi_plan *plan, int64_t bins)
{
    int64_t *ends = plan->tables;
    struct roi_quad_place *places = (struct roi_quad_place *)(void *)(ends + bins);
    return (struct roi_quads){ends, places, places + plan->y.taps};
}

bool roi_rotated_measure(const struct roi_plan_rule *rule, struct roi_plan *plan)
{
    const struct frame frame = frame_of(rule, plan->box);
    const struct interval rows = rows_of_map(&frame);
    struct bounds all = no_bounds;
    int64_t quads = 0, pixels = 0;
    for (int64_t p = 0; p < rule->bins_y && frame.height > 0 && frame.width > 0; p++)
        for (int64_t q = 0; q < rule->bins_x; q++) {
            struct bounds bin = no_bounds;
            visit_bin(&frame, rows, p, q, widen, &bin);
            quads += most_quads(&bin);
            if (bin.samples > 0 && is_gathered(&bin))
                pixels = max_i64(pixels, rows_of(&bin) * columns_of(&bin));
            all = (struct bounds){0, min_i64(all.low_y, bin.low_y), max_i64(all.high_y, bin.high_y),
                                  min_i64(all.low_x, bin.low_x), max_i64(all.high_x, bin.high_x)};
        }
    plan->y = (struct roi_taps){.taps = quads, .first = quads ? all.low_y : 0, .end = all.high_y + 1};
    plan->x = (struct roi_taps){.taps = quads ? ROI_QUAD : 0, .first = quads ? all.low_x : 0, .end = all.high_x + 1};
    plan->bytes = roi_bytes(rule->bins_y * rule->bins_x, sizeof(int64_t)) +
                  roi_bytes(quads, (int64_t)quad_bytes(rule->axis.single)) + roi_bytes(pixels, sizeof(double));
    return true;
}

/* Quads as they are written. */
struct writer {
    struct roi_quad_place *places;
    struct roi_weights weights;
    int64_t count;
    int64_t width;  /* of the map */
    double samples; /* of a bin, those outside the map too */
    double *pixels; /* what is gathered, within `bounds` */
    struct bounds bounds;
};

/* Weights of pixels (y, x) to (y, x + count - 1), at most 4. */
static void write_quad(struct writer *writer, int64_t y, int64_t x, const double *weights, int64_t count)
{
    const int64_t from = max_i64(min_i64(x, writer->width - ROI_QUAD), 0);
    for (int64_t i = 0; i < ROI_QUAD; i++) {
        const int64_t at = from + i - x;
        roi_put_weight(writer->weights, ROI_QUAD * writer->count + i,
                       at >= 0 && at < count ? weights[at] / writer->samples : 0);
    }
    writer->places[writer->count++] = (struct roi_quad_place){y, from};
}

/* A sample by itself: one quad for each of its rows. */
static void write_sample(void *context, const struct sample *sample)
{
    const struct roi_stop *y = &sample->y, *x = &sample->x;
    const int64_t columns = x->high - x->low + 1;
    double weight[4];
    roi_corner_weights(y, x, weight);
    write_quad(context, y->low, x->low, weight, columns);
    if (y->high > y->low)
        write_quad(context, y->high, x->low, weight + 2, columns);
}

static void gather(void *context, const struct sample *sample)
{
    const struct writer *writer = context;
    const struct roi_stop *y = &sample->y, *x = &sample->x;
    const int64_t columns = columns_of(&writer->bounds);
    double *upper = writer->pixels + (y->low - writer->bounds.low_y) * columns - writer->bounds.low_x;
    double *lower = upper + (y->high - y->low) * columns, weight[4];
    roi_corner_weights(y, x, weight);
    upper[x->low] += weight[0];
    upper[x->high] += weight[1];
    lower[x->low] += weight[2];
    lower[x->high] += weight[3];
}

/* One row of pixels that were gathered; quads begin with a pixel that has a weight. */
static void write_row(struct writer *writer, int64_t y)
{
    const int64_t columns = columns_of(&writer->bounds);
    const double *row = writer->pixels + (y - writer->bounds.low_y) * columns;
    for (int64_t x = 0; x < columns;)
        if (row[x] == 0) {
            x++;
        } else {
            write_quad(writer, y, writer->bounds.low_x + x, row + x, min_i64(ROI_QUAD, columns - x));
            x += ROI_QUAD;
        }
}

static void write_bin(const struct frame *frame, struct interval rows, int64_t p, int64_t q, struct writer *writer)
{
    writer->bounds = no_bounds;
    visit_bin(frame, rows, p, q, widen, &writer->bounds);
    if (writer->bounds.samples == 0)
        return;
    if (!is_gathered(&writer->bounds)) {
        visit_bin(frame, rows, p, q, write_sample, writer);
        return;
    }
    const size_t pixels = (size_t)(rows_of(&writer->bounds) * columns_of(&writer->bounds));
    memset(writer->pixels, 0, pixels * sizeof *writer->pixels);
    visit_bin(frame, rows, p, q, gather, writer);
    for (int64_t y = writer->bounds.low_y; y <= writer->bounds.high_y; y++)
        write_row(writer, y);
}

void roi_rotated_fill(const struct roi_plan_rule *rule, struct roi_plan *plan)
{
    const struct frame frame = frame_of(rule, plan->box);
    const struct interval rows = rows_of_map(&frame);
    const struct roi_quads quads = roi_quads_of(plan, rule->bins_y * rule->bins_x);
    const size_t weights = (size_t)(plan->y.taps * ROI_QUAD) * roi_real_size(rule->axis.single);
    struct writer writer = {.places = quads.places,
                            .weights = {quads.weights, rule->axis.single},
                            .width = frame.width,
                            .samples = frame.y.grid * frame.x.grid,
                            .pixels = (double *)(void *)((char *)quads.weights + weights)};
    int64_t *ends = quads.ends;
    for (int64_t p = 0; p < rule->bins_y; p++)
        for (int64_t q = 0; q < rule->bins_x; q++) {
            if (plan->y.taps > 0)
                write_bin(&frame, rows, p, q, &writer);
            *ends++ = writer.count;
        }
}
