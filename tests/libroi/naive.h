/*
 * naive.h - RoIAlign as it is defined, sample by sample, and the bins of whole pixels
 *
 * Geometry in the type computed in and in the order of the definition, weights and values in double. Slow, short, and
 * without any idea that the library has had.
 */
#ifndef NAIVE_H
#define NAIVE_H

#include "arrays.h"

/* One axis of one box; the numbers of a `single` axis are floats. */
struct naive_axis {
    double start, bin;
    int64_t grid;
    int single;
};

/* 0 where float or double overflows, or the grid has more than 1000 samples: such a box is not walked. */
static inline int naive_place(struct naive_axis *axis, const roi_align_params *params, int single, double corner1,
                              double corner2, int64_t bins)
{
    double size;
    if (single) {
        const float scale = (float)params->spatial_scale, offset = params->aligned ? 0.5f : 0.0f;
        const float start = (float)corner1 * scale - offset, end = (float)corner2 * scale - offset;
        size = (double)(end - start);
        if (!params->aligned && size < 1)
            size = 1;
        axis->start = (double)start;
        axis->bin = (double)((float)size / (float)bins);
    } else {
        const double offset = params->aligned ? 0.5 : 0.0;
        axis->start = corner1 * params->spatial_scale - offset;
        size = corner2 * params->spatial_scale - offset - axis->start;
        if (!params->aligned && size < 1)
            size = 1;
        axis->bin = size / (double)bins;
    }
    axis->single = single;
    if (!isfinite(size) || fabs(size) > 1e6 || fabs(axis->start) > 1e6)
        return 0;
    const double adaptive = ceil(axis->bin);
    if (params->sampling_ratio > 1000 || (params->sampling_ratio <= 0 && adaptive > 1000))
        return 0;
    axis->grid = params->sampling_ratio > 0 ? params->sampling_ratio : adaptive > 0 ? (int64_t)adaptive : 0;
    return 1;
}

static inline double naive_sample(const struct naive_axis *axis, int64_t p, int64_t i)
{
    if (axis->single) {
        const float start = (float)axis->start, bin = (float)axis->bin;
        return (double)(start + (float)p * bin + ((float)i + 0.5f) * bin / (float)axis->grid);
    }
    return axis->start + (double)p * axis->bin + ((double)i + 0.5) * axis->bin / (double)axis->grid;
}

/* The two pixels that a sample reads and the weight of the second; 0 where the sample is outside. */
static inline int naive_taps(double at, int64_t size, int64_t *low_ret, int64_t *high_ret, double *weight_ret)
{
    if (size == 0 || at < -1 || at > (double)size)
        return 0;
    if (at < 0)
        at = 0;
    *low_ret = *high_ret = size - 1;
    *weight_ret = 0;
    if (at < (double)(size - 1)) {
        *low_ret = (int64_t)at;
        *high_ret = *low_ret + 1;
        *weight_ret = at - (double)*low_ret;
    }
    return 1;
}

/* The four corners of a sample: rows, columns and weights. */
struct naive_corners {
    int64_t y[4], x[4];
    double weight[4];
};

static inline int naive_corners_of(struct naive_corners *corners, double y, double x, const roi_array *input)
{
    int64_t y_low, y_high, x_low, x_high;
    double dy, dx;
    if (!naive_taps(y, input->shape[2], &y_low, &y_high, &dy) || !naive_taps(x, input->shape[3], &x_low, &x_high, &dx))
        return 0;
    *corners = (struct naive_corners){{y_low, y_low, y_high, y_high},
                                      {x_low, x_high, x_low, x_high},
                                      {(1 - dy) * (1 - dx), (1 - dy) * dx, dy * (1 - dx), dy * dx}};
    return 1;
}

/* A sum of up to a million numbers, in which the rounding of each is kept beside it: in double it would show in float64 maps,
   and long double is double on some processors. */
struct naive_sum {
    double total, lost;
};

static inline void naive_add(struct naive_sum *sum, double value)
{
    const double total = sum->total + value, part = total - sum->total;
    sum->lost += (sum->total - (total - part)) + (value - part);
    sum->total = total;
}

static inline double naive_mean(const struct naive_sum *sum, double count) { return (sum->total + sum->lost) / count; }

/* One bin of one channel. `size_ret` is the same of |values|, against which rounding is measured. */
static inline double naive_bin(const roi_align_params *params, const roi_array *input, int64_t n, int64_t c,
                               const struct naive_axis *ay, const struct naive_axis *ax, int64_t p, int64_t q,
                               double *size_ret)
{
    struct naive_sum sum = {0, 0};
    double size = 0, largest = -INFINITY;
    for (int64_t i = 0; i < ay->grid; i++)
        for (int64_t j = 0; j < ax->grid; j++) {
            struct naive_corners at;
            double sample = 0, sample_size = 0, corner = -INFINITY;
            if (naive_corners_of(&at, naive_sample(ay, p, i), naive_sample(ax, q, j), input)) {
                for (int k = 0; k < 4; k++) {
                    const double value = at.weight[k] != 0 ? at.weight[k] * get(input, n, c, at.y[k], at.x[k]) : 0;
                    sample += value;
                    sample_size += fabs(value);
                    corner = fmax(corner, value);
                }
            } else {
                corner = 0;
            }
            naive_add(&sum, sample);
            size = params->mode == ROI_AVG ? size + sample_size : fmax(size, sample_size);
            largest = fmax(largest, params->mode == ROI_MAX ? sample : corner);
        }
    const double count = (double)ay->grid * (double)ax->grid;
    *size_ret = count == 0 ? 0 : params->mode == ROI_AVG ? size / count : size;
    return count == 0 ? 0 : params->mode == ROI_AVG ? naive_mean(&sum, count) : largest;
}

/* ---- Whole pixels ---------------------------------------------------------------------------------------------- */

static inline int64_t naive_on_map(double pixel, int64_t size)
{
    return pixel < 0 ? 0 : pixel > (double)size ? size : (int64_t)pixel;
}

/* The pixels [range_ret[0], range_ret[1]) of bin p along one axis; 0 where a box is too far away to be counted. `closed`:
   whether the pixel at the second corner belongs to the box. */
static inline int naive_window(double scale, int single, const double corner[2], int closed, int64_t bins, int64_t p,
                               int64_t size, int64_t range_ret[2])
{
    double start = round(corner[0] * scale), end = round(corner[1] * scale);
    if (single) {
        start = (double)roundf((float)corner[0] * (float)scale);
        end = (double)roundf((float)corner[1] * (float)scale);
    }
    if (!(fabs(start) < 1e9 && fabs(end) < 1e9))
        return 0;
    const double width = fmax(end - start + closed, 1), bin = width / (double)bins;
    double first = floor((double)p * bin), last = ceil((double)(p + 1) * bin);
    if (single) {
        const float narrow = (float)width / (float)bins;
        first = (double)floorf((float)p * narrow);
        last = (double)ceilf((float)(p + 1) * narrow);
    }
    range_ret[0] = naive_on_map(start + first, size);
    range_ret[1] = naive_on_map(start + last, size);
    return 1;
}

/* What a bin of one channel has: how many pixels, their sum and that of |values|, and the first of the largest. */
struct naive_pixels {
    int64_t count, place;
    double size, largest;
    struct naive_sum sum;
};

static inline struct naive_pixels naive_pixels_of(const roi_array *input, int64_t n, int64_t c, const int64_t rows[2],
                                                  const int64_t columns[2])
{
    struct naive_pixels pixels = {0, -1, 0, 0, {0, 0}};
    for (int64_t y = rows[0]; y < rows[1]; y++)
        for (int64_t x = columns[0]; x < columns[1]; x++) {
            const double value = get(input, n, c, y, x);
            if (pixels.count++ == 0 || value > pixels.largest) {
                pixels.largest = value;
                pixels.place = y * input->shape[3] + x;
            }
            naive_add(&pixels.sum, value);
            pixels.size += fabs(value);
        }
    return pixels;
}

#endif
