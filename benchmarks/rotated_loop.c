/*
 * rotated_loop.c - rotated RoIAlign as a straight loop: what ours is compared with, since no library for the CPU that can
 * be had without a framework's source has the operator
 *
 * For each box, the four corners and weights of every sample are worked out once; then each channel goes through them.
 * That is how the usual implementations go about it, and this one is compiled with all that the compiler can do
 * (-O3 -march=native).
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

struct tap {
    int64_t at[4];
    float weight[4];
};

static struct tap tap_of(float y, float x, int64_t height, int64_t width)
{
    struct tap tap = {{0, 0, 0, 0}, {0, 0, 0, 0}};
    if (y < -1 || y > (float)height || x < -1 || x > (float)width)
        return tap;
    y = fminf(fmaxf(y, 0), (float)(height - 1));
    x = fminf(fmaxf(x, 0), (float)(width - 1));
    const int64_t y0 = (int64_t)y, x0 = (int64_t)x;
    const int64_t y1 = y0 + (y0 + 1 < height), x1 = x0 + (x0 + 1 < width);
    const float dy = y - (float)y0, dx = x - (float)x0;
    tap = (struct tap){{y0 * width + x0, y0 * width + x1, y1 * width + x0, y1 * width + x1},
                       {(1 - dy) * (1 - dx), (1 - dy) * dx, dy * (1 - dx), dy * dx}};
    return tap;
}

/* Boxes are rows of batch index, cx, cy, w, h, degrees; aligned; `ratio` samples per bin and axis. 0: done. */
int rotated_loop(const float *map, int64_t channels, int64_t height, int64_t width, const float *boxes, int64_t count,
                 int64_t bins, int64_t ratio, float scale, float *crops)
{
    const int64_t samples = ratio * ratio;
    struct tap *taps = malloc((size_t)(bins * bins * samples) * sizeof *taps);
    if (!taps)
        return 1;
    for (int64_t k = 0; k < count; k++) {
        const float *box = boxes + 6 * k;
        const float cx = box[1] * scale - 0.5f, cy = box[2] * scale - 0.5f, w = box[3] * scale, h = box[4] * scale;
        const float angle = box[5] * 3.14159265f / 180, c = cosf(angle), s = sinf(angle);
        const float bin_y = h / (float)bins, bin_x = w / (float)bins;
        struct tap *tap = taps;
        for (int64_t p = 0; p < bins; p++)
            for (int64_t q = 0; q < bins; q++)
                for (int64_t i = 0; i < samples; i++) {
                    const float yy = -h / 2 + (float)p * bin_y + ((float)(i / ratio) + 0.5f) * bin_y / (float)ratio;
                    const float xx = -w / 2 + (float)q * bin_x + ((float)(i % ratio) + 0.5f) * bin_x / (float)ratio;
                    *tap++ = tap_of(yy * c - xx * s + cy, yy * s + xx * c + cx, height, width);
                }
        for (int64_t channel = 0; channel < channels; channel++) {
            const float *plane = map + ((int64_t)box[0] * channels + channel) * height * width;
            tap = taps;
            for (int64_t bin = 0; bin < bins * bins; bin++) {
                float sum = 0;
                for (int64_t i = 0; i < samples; i++, tap++)
                    for (int j = 0; j < 4; j++)
                        sum += tap->weight[j] * plane[tap->at[j]];
                *crops++ = sum / (float)samples;
            }
        }
    }
    free(taps);
    return 0;
}
