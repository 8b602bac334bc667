/*
 * grid_template.h - sampling at a grid, for one element type
 *
 * STORE is the type in memory, REAL the one computed in; S() and R() make names for them. See grid_kernel.h.
 */

/* One channel: the sums of all taps, `taps` of them (a constant where this is inlined). */
INLINE void S(add_up_taps)(const STORE *plane, struct R(points) *points, const int64_t taps, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        REAL sum = 0;
        for (int64_t k = 0; k < taps; k++) {
            const REAL weight = points->weight[k][i], pixel = S(load)(plane + points->offset[k][i]);
            sum += weight * (weight == 0 ? 0 : pixel);
        }
        points->sum[i] = sum;
    }
}

static void S(sample_channel)(const STORE *plane, struct R(points) *points, int64_t taps, int64_t count)
{
    switch (taps) {
    case 1: S(add_up_taps)(plane, points, 1, count); break;
    case 4: S(add_up_taps)(plane, points, 4, count); break;
    default: S(add_up_taps)(plane, points, 16, count);
    }
}

static void S(write_points)(const REAL *sum, const struct S(view) *out, int64_t begin, int64_t count, int64_t width)
{
    int64_t row = begin / width, column = begin % width;
    for (int64_t i = 0; i < count; i++) {
        S(store)(out->data + row * out->stride_y + column * out->stride_x, sum[i]);
        if (++column == width)
            column = 0, row++;
    }
}

static void S(sample)(const struct roi_grid_block *block, void *scratch)
{
    struct R(points) *points = scratch;
    const int64_t count = block->end - block->begin, taps = R(make_points)(points, block);
    for (int64_t c = block->channel_begin; c < block->channel_end; c++) {
        const struct S(view) out = S(view_of)(block->output, block->image, c);
        S(sample_channel)(roi_plane(block->input, sizeof(STORE), block->image, c), points, taps, count);
        S(write_points)(points->sum, &out, block->begin, count, block->output->shape[AXIS_W]);
    }
}
