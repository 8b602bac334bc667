/*
 * grid_points_template.h - where the points of a grid lie and what they read, for one type computed in (REAL; R() makes
 * names)
 *
 * A point comes as (x, y) with -1 and 1 at the borders of the map, or at the centres of its outermost pixels where
 * corners are aligned. Each axis is treated by itself, for all points of a block at a time.
 */

/* The taps of a block's points: `taps` places for each axis first, then all pairs of them. */
struct R(points) {
    REAL at[POINTS];
    struct {
        int64_t offset[MOST_TAPS][POINTS]; /* from the plane's first pixel, in elements */
        REAL weight[MOST_TAPS][POINTS];
    } axis[2]; /* y, x */
    int64_t offset[MOST_TAPS * MOST_TAPS][POINTS];
    REAL weight[MOST_TAPS * MOST_TAPS][POINTS];
    REAL sum[POINTS];
};

/* Coordinates of the block's points along one axis (1: y, 0: x, as they lie in the grid). NaN counts as -1; so does
   infinity where it has no mirror image. */
static void R(read_points)(const struct roi_grid_block *block, int64_t axis, REAL *at)
{
    const roi_array *grid = block->grid;
    const void *image = roi_plane(grid, roi_dtype_size(grid->dtype), block->image, 0);
    const int64_t width = grid->shape[AXIS_H]; /* its last dimension but one */
    const bool mirror = block->params->padding == ROI_PAD_REFLECTION;
    int64_t row = block->begin / width, column = block->begin % width;
    for (int64_t i = 0; i < block->end - block->begin; i++) {
        const int64_t place = row * grid->strides[1] + column * grid->strides[2] + axis * grid->strides[3];
        const REAL value = (REAL)load_element(image, grid->dtype, place);
        at[i] = isnan(value) || (mirror && isinf(value)) ? -1 : value;
        if (++column == width)
            column = 0, row++;
    }
}

/* From [-1, 1] to pixels: pixel k is at k. Rounded once on every tier, since it may decide which pixel is nearest. */
static void R(scale_points)(REAL *at, int64_t count, int64_t size, bool align_corners)
{
    const REAL scale = (REAL)(align_corners ? size - 1 : size) / 2, shift = align_corners ? (REAL)0 : (REAL)0.5;
    for (int64_t i = 0; i < count; i++)
        at[i] = R(fused)(at[i] + 1, scale, -shift);
}

/* To the nearest pixel of the map; NaN, as it comes of infinity, to the first one. */
INLINE REAL R(clip)(REAL at, REAL last)
{
    at = at > 0 ? at : 0;
    return at < last ? at : last;
}

/* The place inside that a place outside is the mirror image of. The mirrors stand at the borders, or at the centres of
   the outermost pixels where corners are aligned. */
INLINE REAL R(reflect)(REAL at, REAL first, REAL span, REAL last)
{
    const REAL distance = at > first ? at - first : first - at;
    const REAL turns = R(floor)(distance / span), rest = distance - turns * span;
    const bool odd = turns != 2 * R(floor)(turns / 2);
    return R(clip)((odd ? span - rest : rest) + first, last);
}

/* Moves places into the map, as the padding wants it. */
static void R(pad)(REAL *at, int64_t count, int64_t size, roi_padding padding, bool align_corners)
{
    const REAL last = (REAL)(size - 1), first = align_corners ? (REAL)0 : (REAL)-0.5;
    const REAL span = (REAL)(align_corners ? max_i64(size - 1, 1) : size);
    if (padding == ROI_PAD_BORDER)
        for (int64_t i = 0; i < count; i++)
            at[i] = R(clip)(at[i], last);
    else if (padding == ROI_PAD_REFLECTION)
        for (int64_t i = 0; i < count; i++)
            at[i] = R(reflect)(at[i], first, span, last);
}

/* A tap at each whole number in `place`. */
static void R(put_taps)(const REAL *place, const REAL *weight, int64_t count, int64_t size, int64_t stride,
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
INLINE REAL R(cubic_near)(REAL x) { return ((REAL)1.25 * x - (REAL)2.25) * x * x + 1; }
INLINE REAL R(cubic_far)(REAL x) { return (((REAL)-0.75 * x + (REAL)3.75) * x - 6) * x + 3; }

/* The weight of tap k for a point between taps 0 and 1. */
INLINE REAL R(tap_weight)(roi_resize_mode mode, int64_t k, REAL fraction)
{
    if (mode == ROI_NEAREST)
        return 1;
    if (mode == ROI_BILINEAR)
        return k == 0 ? 1 - fraction : fraction;
    switch (k) {
    case -1: return R(cubic_far)(fraction + 1);
    case 0: return R(cubic_near)(fraction);
    case 1: return R(cubic_near)(1 - fraction);
    default: return R(cubic_far)(2 - fraction);
    }
}

/* Bicubic interpolation pads tap by tap, the others the point itself. */
static void R(make_axis)(struct R(points) *points, const struct roi_grid_block *block, bool vertical, int64_t taps)
{
    const roi_grid_params *params = block->params;
    const int64_t count = block->end - block->begin, dimension = vertical ? AXIS_H : AXIS_W;
    const int64_t size = block->input->shape[dimension], first = taps == 4 ? -1 : 0;
    const bool align_corners = params->align_corners != 0;
    REAL place[POINTS], weight[POINTS];
    R(read_points)(block, vertical, points->at);
    R(scale_points)(points->at, count, size, align_corners);
    if (params->mode != ROI_BICUBIC)
        R(pad)(points->at, count, size, params->padding, align_corners);
    for (int64_t k = 0; k < taps; k++) {
        for (int64_t i = 0; i < count; i++) {
            const REAL low = params->mode == ROI_NEAREST ? R(nearest)(points->at[i]) : R(floor)(points->at[i]);
            const REAL fraction = points->at[i] - low;
            place[i] = low + (REAL)(first + k);
            weight[i] = R(tap_weight)(params->mode, first + k, fraction >= 0 ? fraction : 0);
        }
        if (params->mode == ROI_BICUBIC)
            R(pad)(place, count, size, params->padding, align_corners);
        R(put_taps)(place, weight, count, size, block->input->strides[dimension], points->axis[!vertical].offset[k],
                    points->axis[!vertical].weight[k]);
    }
}

/* All taps of a block; returns how many there are for each point. */
static int64_t R(make_points)(struct R(points) *points, const struct roi_grid_block *block)
{
    const int64_t count = block->end - block->begin, taps = block->params->mode == ROI_NEAREST    ? 1
                                                            : block->params->mode == ROI_BILINEAR ? 2
                                                                                                  : 4;
    R(make_axis)(points, block, true, taps);
    R(make_axis)(points, block, false, taps);
    for (int64_t k = 0; k < taps; k++)
        for (int64_t l = 0; l < taps; l++)
            for (int64_t i = 0; i < count; i++) {
                points->offset[k * taps + l][i] = points->axis[0].offset[k][i] + points->axis[1].offset[l][i];
                points->weight[k * taps + l][i] = points->axis[0].weight[k][i] * points->axis[1].weight[l][i];
            }
    return taps * taps;
}
