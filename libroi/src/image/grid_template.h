/*
 * grid_template.h - sampling at a grid, for one element type
 *
 * STORE is the type in memory, REAL the one computed in; S() and R() make names for them. See grid_kernel.h.
 */

/* Pixels here and there. */
INLINE R(vec) S(gather)(const STORE *plane, const int64_t *offset)
{
    R(vec) pixels;
    for (int i = 0; i < R(LANES); i++)
        pixels[i] = S(load)(plane + offset[i]);
    return pixels;
}

/* One channel: the sums of all taps, `taps` of them (a constant where this is inlined). The last vector may go beyond
   `count`. */
INLINE void S(add_up_taps)(const STORE *plane, struct R(points) *points, const int64_t taps, int64_t count)
{
    for (int64_t i = 0; i < count; i += R(LANES)) {
        R(vec) sum = {0}, weight;
        for (int64_t k = 0; k < taps; k++) {
            memcpy(&weight, points->weight[k] + i, sizeof weight);
            sum = R(multiply_add_vec)(weight, R(where_not_zero)(weight, S(gather)(plane, points->offset[k] + i)), sum);
        }
        memcpy(points->sum + i, &sum, sizeof sum);
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
    for (int64_t done = 0; done < count; row++, column = 0) {
        const int64_t some = min_i64(width - column, count - done);
        STORE *first = out->data + row * out->stride_y + column * out->stride_x;
        if (out->stride_x == 1)
            for (int64_t i = 0; i < some; i++)
                S(store)(first + i, sum[done + i]);
        else
            for (int64_t i = 0; i < some; i++)
                S(store)(first + i * out->stride_x, sum[done + i]);
        done += some;
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
