/*
 * grid_points_template.h - where the points of a grid lie and what they read
 *
 * A point comes as (x, y) with -1 and 1 at the borders of the map, or at the centres of its outermost pixels where
 * corners are aligned. Each axis is treated by itself, for all points of a block at a time.
 */

enum { POINTS = ROI_GRID_POINTS, MOST_TAPS = 4 /* along an axis */ };

/* The taps of a block's points: `taps` places for each axis first, then all pairs of them. */
struct points {
    REAL at[POINTS];
    struct {
        int64_t offset[MOST_TAPS][POINTS]; /* from the plane's first pixel, in elements */
        REAL weight[MOST_TAPS][POINTS];
    } axis[2]; /* y, x */
    int64_t offset[MOST_TAPS * MOST_TAPS][POINTS];
    REAL weight[MOST_TAPS * MOST_TAPS][POINTS];
    REAL sum[POINTS];
};

/* `count` numbers of an array. float32, the type of most grids, has a loop that compilers turn into vectors. */
static void read_row(const void *data, roi_dtype dtype, int64_t first, int64_t stride, int64_t count, REAL *row_ret)
{
    if (dtype == ROI_FLOAT32)
        for (int64_t i = 0; i < count; i++)
            row_ret[i] = ((const float *)data)[first + i * stride];
    else
        for (int64_t i = 0; i < count; i++)
            row_ret[i] = (REAL)load_element(data, dtype, first + i * stride);
}

/* Coordinates of the block's points along one axis (1: y, 0: x, as they lie in the grid). NaN counts as -1; so does
   infinity where it has no mirror image. */
static void read_points(const struct roi_grid_block *block, int64_t axis, REAL *at)
{
    const roi_array *grid = block->grid;
    const char *image = roi_plane(grid, roi_dtype_size(grid->dtype), block->image, 0);
    const int64_t width = grid->shape[2], count = block->end - block->begin;
    int64_t row = block->begin / width, column = block->begin % width;
    for (int64_t done = 0; done < count; row++, column = 0) {
        const int64_t some = min_i64(width - column, count - done);
        const int64_t first = row * grid->strides[1] + column * grid->strides[2] + axis * grid->strides[3];
        read_row(image, grid->dtype, first, grid->strides[2], some, at + done);
        done += some;
    }
    if (block->params->padding == ROI_PAD_REFLECTION)
        for (int64_t i = 0; i < count; i++)
            at[i] = isfinite(at[i]) ? at[i] : -1;
    else
        for (int64_t i = 0; i < count; i++)
            at[i] = isnan(at[i]) ? -1 : at[i];
}

/* From [-1, 1] to pixels: pixel k is at k. Rounded once on every tier, since it may decide which pixel is nearest. */
static void scale_points(REAL *at, int64_t count, int64_t size, bool align_corners)
{
    const REAL scale = (REAL)(align_corners ? size - 1 : size) / 2, shift = align_corners ? (REAL)0 : (REAL)0.5;
    for (int64_t i = 0; i < count; i++)
        at[i] = fused_real(at[i] + 1, scale, -shift);
}

/* To the nearest pixel of the map; NaN, as it comes of infinity, to the first one. */
INLINE REAL clip(REAL at, REAL last)
{
    at = at > 0 ? at : 0;
    return at < last ? at : last;
}

/* The place inside that a place outside is the mirror image of. The mirrors stand at the borders, or at the centres of
   the outermost pixels where corners are aligned. */
INLINE REAL reflect(REAL at, REAL first, REAL span, REAL last)
{
    const REAL distance = at > first ? at - first : first - at;
    const REAL turns = floor_real(distance / span), rest = distance - turns * span;
    const bool odd = turns != 2 * floor_real(turns / 2);
    return clip((odd ? span - rest : rest) + first, last);
}

/* Moves places into the map, according to the padding. */
static void pad(REAL *at, int64_t count, int64_t size, roi_padding padding, bool align_corners)
{
    const REAL last = (REAL)(size - 1), first = align_corners ? (REAL)0 : (REAL)-0.5;
    const REAL span = (REAL)(align_corners ? max_i64(size - 1, 1) : size);
    if (padding == ROI_PAD_BORDER)
        for (int64_t i = 0; i < count; i++)
            at[i] = clip(at[i], last);
    else if (padding == ROI_PAD_REFLECTION)
        for (int64_t i = 0; i < count; i++)
            at[i] = reflect(at[i], first, span, last);
}

/* A tap at each whole number in `place`. */
static void put_taps(const REAL *place, const REAL *weight, int64_t count, int64_t size, int64_t stride,
                     int64_t *offset_ret, REAL *weight_ret)
{
    const REAL last = (REAL)(size - 1);
    for (int64_t i = 0; i < count; i++) {
        const bool inside = place[i] >= 0 && place[i] <= last;
        const REAL pixel = inside ? place[i] : 0;
        offset_ret[i] = (int64_t)pixel * stride;
        weight_ret[i] = inside ? weight[i] : 0;
    }
}

/* Keys' cubic with a = -0.75, at a distance of up to 1 or of 1 to 2. */
INLINE REAL cubic_near(REAL x) { return ((REAL)1.25 * x - (REAL)2.25) * x * x + 1; }
INLINE REAL cubic_far(REAL x) { return (((REAL)-0.75 * x + (REAL)3.75) * x - 6) * x + 3; }

/* The weight of tap k for a point between taps 0 and 1. */
INLINE REAL tap_weight(roi_resize_mode mode, int64_t k, REAL fraction)
{
    if (mode == ROI_NEAREST)
        return 1;
    if (mode == ROI_BILINEAR)
        return k == 0 ? 1 - fraction : fraction;
    switch (k) {
    case -1: return cubic_far(fraction + 1);
    case 0: return cubic_near(fraction);
    case 1: return cubic_near(1 - fraction);
    default: return cubic_far(2 - fraction);
    }
}

/* Tap k of all points: where it is and what it weighs. Mode and k are constants where this is inlined. */
INLINE void find_taps(const REAL *at, int64_t count, const roi_resize_mode mode, const int64_t k, REAL *place_ret,
                      REAL *weight_ret)
{
    for (int64_t i = 0; i < count; i++) {
        const REAL low = mode == ROI_NEAREST ? nearest_real(at[i]) : floor_real(at[i]), fraction = at[i] - low;
        place_ret[i] = low + (REAL)k;
        weight_ret[i] = tap_weight(mode, k, fraction >= 0 ? fraction : 0); /* infinity less itself is NaN */
    }
}

static void find_taps_of_mode(const REAL *at, int64_t count, roi_resize_mode mode, int64_t k, REAL *place_ret,
                              REAL *weight_ret)
{
    if (mode == ROI_NEAREST) {
        find_taps(at, count, ROI_NEAREST, 0, place_ret, weight_ret);
        return;
    }
    switch (mode == ROI_BILINEAR ? 10 + k : k) {
    case 10: find_taps(at, count, ROI_BILINEAR, 0, place_ret, weight_ret); break;
    case 11: find_taps(at, count, ROI_BILINEAR, 1, place_ret, weight_ret); break;
    case -1: find_taps(at, count, ROI_BICUBIC, -1, place_ret, weight_ret); break;
    case 0: find_taps(at, count, ROI_BICUBIC, 0, place_ret, weight_ret); break;
    case 1: find_taps(at, count, ROI_BICUBIC, 1, place_ret, weight_ret); break;
    default: find_taps(at, count, ROI_BICUBIC, 2, place_ret, weight_ret);
    }
}

/* Bicubic interpolation pads tap by tap, the others the point itself. */
static void make_axis(struct points *points, const struct roi_grid_block *block, bool vertical, int64_t taps)
{
    const roi_grid_params *params = block->params;
    const int64_t count = block->end - block->begin, dimension = vertical ? AXIS_H : AXIS_W;
    const int64_t size = block->input->shape[dimension], first = taps == 4 ? -1 : 0;
    const bool align_corners = params->align_corners != 0;
    REAL place[POINTS], weight[POINTS];
    read_points(block, vertical, points->at);
    scale_points(points->at, count, size, align_corners);
    if (params->mode != ROI_BICUBIC)
        pad(points->at, count, size, params->padding, align_corners);
    for (int64_t k = 0; k < taps; k++) {
        find_taps_of_mode(points->at, count, params->mode, first + k, place, weight);
        if (params->mode == ROI_BICUBIC)
            pad(place, count, size, params->padding, align_corners);
        put_taps(place, weight, count, size, block->input->strides[dimension], points->axis[!vertical].offset[k],
                 points->axis[!vertical].weight[k]);
    }
}

/* The numbers in lanes of a weight, and 0 in lanes without. */
INLINE vec where_not_zero(vec weight, vec numbers)
{
    __typeof__(weight != 0) bits;
    memcpy(&bits, &numbers, sizeof bits);
    bits &= weight != 0;
    memcpy(&numbers, &bits, sizeof bits);
    return numbers;
}

/* All taps of a block; returns how many there are for each point. Points beyond, as far as a vector reaches, read the
   first pixel with weight 0. */
static int64_t make_points(struct points *points, const struct roi_grid_block *block)
{
    const int64_t count = block->end - block->begin, taps = block->params->mode == ROI_NEAREST    ? 1
                                                            : block->params->mode == ROI_BILINEAR ? 2
                                                                                                  : 4;
    make_axis(points, block, true, taps);
    make_axis(points, block, false, taps);
    for (int64_t k = 0; k < taps; k++)
        for (int64_t l = 0; l < taps; l++) {
            int64_t *offset = points->offset[k * taps + l], i = 0;
            REAL *weight = points->weight[k * taps + l];
            for (; i < count; i++) {
                offset[i] = points->axis[0].offset[k][i] + points->axis[1].offset[l][i];
                weight[i] = points->axis[0].weight[k][i] * points->axis[1].weight[l][i];
            }
            for (; i < round_up(count, LANES); i++)
                offset[i] = 0, weight[i] = 0;
        }
    return taps * taps;
}
