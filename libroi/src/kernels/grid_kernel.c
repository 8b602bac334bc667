/* grid_kernel.c - sampling at a grid: see grid_kernel.h. */
#include "kernels/grid_kernel.h"

#include "kernels/kernel.h"

#if defined(ROI_IS_DOUBLE)
static inline double floor_real(double x) { return floor(x); }
static inline double fused_real(double a, double b, double c) { return fma(a, b, c); }
static inline double nearest_real(double x) { return rint(x); }
#else
static inline float floor_real(float x) { return floorf(x); }
static inline float fused_real(float a, float b, float c) { return fmaf(a, b, c); }
static inline float nearest_real(float x) { return rintf(x); }
#endif

#include "kernels/grid_points_template.h"

/* Pixels at the given offsets. */
INLINE vec gather(const STORE *plane, const int64_t *offset)
{
    vec pixels = {0};
    for (int i = 0; i < LANES; i++)
        pixels[i] = load(plane + offset[i]);
    return pixels;
}

/* One channel: the sums of all taps, `taps` of them (a constant where this is inlined). The last vector may go beyond
   `count`. */
INLINE void add_up_points(const STORE *plane, struct points *points, const int64_t taps, int64_t count)
{
    for (int64_t i = 0; i < count; i += LANES) {
        vec sum = {0}, weight;
        for (int64_t k = 0; k < taps; k++) {
            memcpy(&weight, points->weight[k] + i, sizeof weight);
            sum = multiply_add_vec(weight, where_not_zero(weight, gather(plane, points->offset[k] + i)), sum);
        }
        memcpy(points->sum + i, &sum, sizeof sum);
    }
}

static void sample_channel(const STORE *plane, struct points *points, int64_t taps, int64_t count)
{
    switch (taps) {
    case 1: add_up_points(plane, points, 1, count); break;
    case 4: add_up_points(plane, points, 4, count); break;
    default: add_up_points(plane, points, 16, count);
    }
}

static void write_points(const REAL *sum, const struct view *out, int64_t begin, int64_t count, int64_t width)
{
    int64_t row = begin / width, column = begin % width;
    for (int64_t done = 0; done < count; row++, column = 0) {
        const int64_t some = min_i64(width - column, count - done);
        STORE *first = out->data + row * out->stride_y + column * out->stride_x;
        if (out->stride_x == 1)
            for (int64_t i = 0; i < some; i++)
                store(first + i, sum[done + i]);
        else
            for (int64_t i = 0; i < some; i++)
                store(first + i * out->stride_x, sum[done + i]);
        done += some;
    }
}

static void sample(const struct roi_grid_block *block, void *scratch)
{
    struct points *points = scratch;
    const int64_t count = block->end - block->begin, taps = make_points(points, block);
    for (int64_t c = block->channel_begin; c < block->channel_end; c++) {
        const struct view out = view_of(block->output, block->image, c);
        sample_channel(roi_plane(block->input, sizeof(STORE), block->image, c), points, taps, count);
        write_points(points->sum, &out, block->begin, count, block->output->shape[AXIS_W]);
    }
}

const struct roi_grid_kernels ROI_ENTRY_POINT(roi_grid_kernels) = {sample, sizeof(struct points)};
