/*
 * test_convert_kernels.c - rows of numbers in another type against one number at a time, to the last bit
 *
 * Compiled once per CPU tier, as test_max_kernels.c is. What one number becomes is in common/storage.h, and is compared with
 * NumPy and ml_dtypes by tests in Python.
 */
#include "check.h"
#include "tier.h"

#include "kernels/convert_kernel.c"

enum { HALVES = 1 << 16, LONGEST = 67 };

static bool same_bits(const void *a, const void *b, size_t bytes) { return memcmp(a, b, bytes) == 0; }

/* NaN stays NaN, but which one is not asked: it is a number to be computed with. */
static void test_widen(void)
{
    STORE number[HALVES];
    REAL real[HALVES];
    for (uint32_t bits = 0; bits < HALVES; bits++)
        number[bits].bits = (uint16_t)bits;
    widen(number, 1, real, 1, HALVES);
    for (uint32_t bits = 0; bits < HALVES; bits++) {
        const REAL one = load(&number[bits]);
        check_context("bits %x", bits);
        CHECK(isnan(one) ? isnan(real[bits]) : same_bits(&one, &real[bits], sizeof one));
    }
}

/* Every number that is stored, the middle between it and the next, and what is an ulp from each: there rounding decides. */
static void test_narrow(void)
{
    static REAL real[6 * HALVES];
    static STORE number[6 * HALVES];
    int count = 0;
    for (uint32_t bits = 0; bits < HALVES; bits++) {
        const STORE half = {(uint16_t)bits}, next = {(uint16_t)(bits + 1)};
        const uint32_t low = bits_of_float(load(&half)), middle = low + (bits_of_float(load(&next)) - low) / 2;
        for (uint32_t step = 0; step < 3; step++) {
            real[count++] = float_from_bits(low + step - 1);
            real[count++] = float_from_bits(middle + step - 1);
        }
    }
    narrow(real, 1, number, 1, count);
    for (int i = 0; i < count; i++) {
        STORE one;
        store(&one, real[i]);
        check_context("bits %x", bits_of_float(real[i]));
        CHECK(same_bits(&one, &number[i], sizeof one));
    }
}

/* However long a row is, and wherever it begins, nothing beside it is written. */
static void test_lengths(void)
{
    REAL real[LONGEST];
    STORE number[LONGEST + 2];
    for (int i = 0; i < LONGEST; i++)
        real[i] = (REAL)(i + 1);
    for (int count = 0; count <= LONGEST; count++) {
        memset(number, 0xff, sizeof number);
        narrow(real, 1, number + 1, 1, count);
        check_context("%d numbers", count);
        CHECK(number[0].bits == 0xffff && number[count + 1].bits == 0xffff);
        for (int i = 0; i < count; i++)
            CHECK(load(&number[i + 1]) == real[i]);
        REAL back[LONGEST + 1] = {0};
        widen(number + 1, 1, back, 1, count);
        CHECK(back[count] == 0 && same_bits(back, real, (size_t)count * sizeof *real));
    }
}

/* Rows of any strides have the numbers of rows without, and nothing between them is written. */
static void test_strides(void)
{
    REAL real[3 * LONGEST], back[2 * LONGEST] = {0};
    STORE number[3 * LONGEST];
    for (int i = 0; i < 3 * LONGEST; i++)
        real[i] = (REAL)i;
    for (int from = 1; from < 4; from++)
        for (int to = 1; to < 3; to++) {
            memset(number, 0xff, sizeof number);
            memset(back, 0, sizeof back);
            narrow(real, from, number, to, LONGEST);
            widen(number, to, back, 3 - to, LONGEST);
            check_context("strides %d, %d", from, to);
            for (int i = 0; i < LONGEST; i++)
                CHECK(back[i * (3 - to)] == real[i * from]);
            for (int i = 0; i < to * LONGEST; i++)
                CHECK(i % to == 0 || number[i].bits == 0xffff);
            for (int i = 0; i < 2 * LONGEST; i++)
                CHECK((i % (3 - to) == 0 && i < (3 - to) * LONGEST) || back[i] == 0);
        }
}

int main(void)
{
    if (!has_tier())
        return 77;
    test_widen();
    test_narrow();
    test_lengths();
    test_strides();
    return check_result();
}
