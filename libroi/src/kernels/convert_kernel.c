/* convert_kernel.c - rows of numbers in another element type: see drive/convert.h. */
#include "drive/convert.h"

#include "kernels/vector.h"

static void widen(const void *from, int64_t from_stride, void *to, int64_t to_stride, int64_t count)
{
    const STORE *number = from;
    REAL *real = to;
    int64_t i = 0;
    for (; from_stride == 1 && to_stride == 1 && i + LANES <= count; i += LANES) {
        const vec v = load_vec(number + i);
        memcpy(real + i, &v, sizeof v);
    }
    for (; i < count; i++)
        real[i * to_stride] = load(number + i * from_stride);
}

static void store_each(STORE *number, int64_t number_stride, const REAL *real, int64_t real_stride, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        store(number + i * number_stride, real[i * real_stride]);
}

/* Instructions for many numbers keep bits of a NaN that store() does not. */
static void narrow(const void *from, int64_t from_stride, void *to, int64_t to_stride, int64_t count)
{
    const REAL *real = from;
    STORE *number = to;
    int64_t i = 0;
    for (; from_stride == 1 && to_stride == 1 && i + 2 * LANES <= count; i += 2 * LANES) {
        vec v[2];
        memcpy(v, real + i, sizeof v);
        if (any_nan(v[0]) || any_nan(v[1]))
            store_each(number + i, 1, real + i, 1, 2 * LANES);
        else
            for (int j = 0; j < 2 * LANES; j += 4)
                store_quad(number + i + j, load_real_quad(real + i + j));
    }
    store_each(number + i * to_stride, to_stride, real + i * from_stride, from_stride, count - i);
}

const struct roi_convert_kernels ROI_ENTRY_POINT(roi_convert_kernels) = {widen, narrow};
