/* convert_kernel.c - rows of numbers in another element type: drive/convert.h has the theory. */
#include "drive/convert.h"

#include "kernels/vector.h"

static void widen(const void *from, void *to, int64_t count)
{
    const STORE *number = from;
    REAL *real = to;
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        const vec v = load_vec(number + i);
        memcpy(real + i, &v, sizeof v);
    }
    for (; i < count; i++)
        real[i] = load(number + i);
}

static void store_one_by_one(STORE *number, const REAL *real, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        store(number + i, real[i]);
}

/* Instructions for many numbers keep bits of a NaN that store() does not. */
static void narrow(const void *from, void *to, int64_t count)
{
    const REAL *real = from;
    STORE *number = to;
    int64_t i = 0;
    for (; i + 2 * LANES <= count; i += 2 * LANES) {
        vec v[2];
        memcpy(v, real + i, sizeof v);
        if (any_nan(v[0]) || any_nan(v[1]))
            store_one_by_one(number + i, real + i, 2 * LANES);
        else
            for (int j = 0; j < 2 * LANES; j += 4)
                store_quad(number + i + j, load_real_quad(real + i + j));
    }
    store_one_by_one(number + i, real + i, count - i);
}

const struct roi_convert_kernels ROI_ENTRY_POINT(roi_convert_kernels) = {widen, narrow};
