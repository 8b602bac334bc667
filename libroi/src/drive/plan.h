/* plan.h - the tables of a box that all channels share: weights per axis, and where its pixels are. */
#ifndef ROI_PLAN_H
#define ROI_PLAN_H

#include "axes/axis.h"
#include "boxes/boxes.h"
#include "common/internal.h"
#include "drive/ring.h"

/* Elements of the widest vector of any tier: scratch memory has room for it whichever tier is in use. */
enum { ROI_WIDEST_VECTOR = 16 };

/* Bin p is the sum over k < taps of weights[p * taps + k] * pixel[low[p] + k]. All bins of an axis have the same number
   of taps, so that inner loops have one length; shorter ones have zeros at an end, and still lie inside the map. `low`
   never turns back: it ascends, or descends in a mirrored box. All bins together read the pixels [first, end).
   taps == 0: no bin has a sample on the map. Weights are float or double, as the map is computed in.
   `blocked` tells that a bin of the box has more than ROI_SUM_BLOCK weights that are not 0, so that bins are added up block by
   block (kernels/sums.h): pixels from one multiple of ROI_SUM_BLOCK to the next are a block. It holds for the whole box,
   though there may be none in the slice at hand. */
enum { ROI_SUM_BLOCK = 32 };

struct roi_taps {
    int64_t taps, first, end;
    bool blocked;
    int64_t *low;
    void *weights;
};

/* The same without weights of 0: the samples of a large bin lie apart, and leave pixels out between them. Bin p is the sum
   over k < taps of weights[p * taps + k] * pixel[offsets[p * taps + k]]. A bin with fewer has its last one again, with
   weight 0. Offsets count elements: those of y begin with row 0 (of the map, the ring or the patch that is read), those of
   x with pixel `first`, and are those of lines (ring.h). */
struct roi_sparse {
    int64_t taps;
    bool blocked;       /* then nothing is left out: tap k of bin p is pixel low[p] + k */
    const int64_t *low; /* as of roi_taps */
    bool together;      /* of x: there was nothing to leave out, and the pixels of a bin lie side by side */
    int64_t *offsets;
    void *weights;
};

/* How many taps of a bin come before the first border between blocks: all, where it is not cut. */
static inline int64_t roi_first_block(const struct roi_sparse *sparse, int64_t bin)
{
    return sparse->blocked ? min_i64(sparse->taps, ROI_SUM_BLOCK - sparse->low[bin] % ROI_SUM_BLOCK) : sparse->taps;
}

/* How a box is pooled: way.h. */
enum roi_way {
    ROI_BY_NUMBERS,    /* one number after the other */
    ROI_BY_ROWS,       /* channel by channel, with vectors along the rows of the map */
    ROI_BY_PIXELS,     /* all channels, which are few and lie together, with vectors along rows of whole pixels */
    ROI_LINES_IN_RING, /* a line of channels at a time, with vectors along these, from a ring (ring.h) */
    ROI_LINES_IN_MAP   /* lines of channels, as they lie in the map */
};

/* The ways that an operator has besides ROI_BY_ROWS, and what restricts them. */
struct roi_ways {
    bool ring, map, pixels;
    bool plain_rows;    /* whether ROI_BY_ROWS needs rows whose pixels lie together, at least a line of them */
    bool counts;        /* whether a call counts pixels in lanes of vectors, for argmax */
    int64_t most_width; /* of boxes that are worth lines, where rows of a map lie together; 0: any */
};

struct roi_plan {
    const struct roi_box *box;
    int64_t row;             /* of the box array, and so of the crops */
    int64_t first_bin, bins; /* rows of bins: all, or a slice of them */
    int64_t slices;          /* that the box had better be cut into; 1: it may stay whole */
    struct roi_taps y, x;
    struct roi_sparse rows, columns; /* where boxes can be pooled from lines, and backward by patches */
    enum roi_way way, rest;          /* of the box; of channels that fill no line, where `way` is ROI_LINES_IN_MAP */
    const struct roi_ring *ring;     /* of its level, where `way` is ROI_LINES_IN_RING */
    int64_t stops_y, stops_x;        /* of mode max: upper bounds of the numbers of stops */
    bool dense;                      /* of mode max: whether samples are interpolated axis by axis */
    bool goes_on;                    /* whether the plan before it has the same ring of the same image */
    uint64_t *blocks;                /* by row from y.first: a bit for each block of the row that a box reads */
    int64_t bytes;                   /* that both tables take */
    void *tables;                    /* where they are */
};

/* What is common to the boxes of a call. */
struct roi_plan_rule {
    struct roi_axis_rule axis;    /* its spatial_scale is not used: levels have their own */
    const double *spatial_scales; /* by level, as the maps */
    const roi_array *maps;
    int64_t bins_y, bins_x;
    const struct roi_ring *rings; /* forward, by level, that boxes are pooled from where they fit; NULL: none */
    struct roi_ways ways;
    int64_t most_bins;    /* forward, rows of bins of a plan: larger crops are cut into slices; 0: however many */
    int64_t patch_stride; /* backward, from row to row of what is added to; else 0 */
    bool corners;         /* whether maxima are those of weighted corners, not of samples */
    bool fours;           /* whether taps along x are rounded up to whole fours, where the map is as wide as that */
};

/* One axis of a box on the map of its level; false where it leaves the range of double. */
bool roi_place_box(const struct roi_plan_rule *rule, const struct roi_box *box, bool vertical,
                   struct roi_axis *axis_ret);

/* First pass: determines the size of the tables of a box or of a slice. plan->box, first_bin and bins are set by the
   caller; all of a slice's plan is as the box's was. False where the box leaves the range of double. */
bool roi_plan_measure(const struct roi_plan_rule *rule, struct roi_plan *plan);

/* Second pass: fills the tables, plan->bytes at plan->tables, which the caller has set. */
void roi_plan_fill(const struct roi_plan_rule *rule, struct roi_plan *plan);

/* Where pixels of an axis lie that a box is pooled from: pixel k, counted from `first`, at (k % modulus) * stride elements. */
struct roi_layout {
    int64_t first, modulus, stride;
};

struct roi_layout roi_layout_of_rows(const struct roi_plan_rule *rule, const struct roi_plan *plan);
struct roi_layout roi_layout_of_columns(const struct roi_plan_rule *rule, const struct roi_plan *plan);

/* Sets goes_on and blocks of sorted plans. `blocks` has room for the rows of all of them together. */
void roi_plan_mark(struct roi_plan *plans, int64_t count, uint64_t *blocks);

#endif
