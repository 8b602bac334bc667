/*
 * order.c - sorting rows by a key
 *
 * A radix sort from the last byte to the first. A byte that is the same in all keys costs nothing, so keys may be made
 * of several fields without regard to how many bits of each are in use.
 */
#include "overlap/order.h"

#include <string.h>

#include "common/storage.h"

enum { DIGIT_BITS = 8, DIGITS = 1 << DIGIT_BITS, PASSES = 64 / DIGIT_BITS };

/* The bits of positive numbers ascend as integers, those of negative numbers descend. */
uint64_t roi_key_of_float(float number)
{
    const uint32_t bits = bits_of_float(number + 0.0f), sign = UINT32_C(1) << 31;
    return bits & sign ? ~bits : bits | sign;
}

uint64_t roi_key_of_double(double number)
{
    const uint64_t sign = UINT64_C(1) << 63;
    uint64_t bits;
    number += 0.0;
    memcpy(&bits, &number, sizeof bits);
    return bits & sign ? ~bits : bits | sign;
}

static int digit(uint64_t key, int pass) { return (int)(key >> (pass * DIGIT_BITS) & (DIGITS - 1)); }

/* Bits that are not the same in all keys. */
static uint64_t differing_bits(const struct roi_entry *entries, int64_t count)
{
    uint64_t bits = 0;
    for (int64_t i = 1; i < count; i++)
        bits |= entries[i].key ^ entries[0].key;
    return bits;
}

static void sort_by_digit(const struct roi_entry *from, struct roi_entry *to, int64_t count, int pass)
{
    int64_t place[DIGITS] = {0}, next = 0;
    for (int64_t i = 0; i < count; i++)
        place[digit(from[i].key, pass)]++;
    for (int d = 0; d < DIGITS; d++) {
        const int64_t equal = place[d];
        place[d] = next;
        next += equal;
    }
    for (int64_t i = 0; i < count; i++)
        to[place[digit(from[i].key, pass)]++] = from[i];
}

struct roi_entry *roi_sort(struct roi_entry *entries, struct roi_entry *spare, int64_t count)
{
    const uint64_t differing = differing_bits(entries, count);
    for (int pass = 0; pass < PASSES; pass++) {
        if (digit(differing, pass) == 0)
            continue;
        sort_by_digit(entries, spare, count, pass);
        struct roi_entry *sorted = spare;
        spare = entries;
        entries = sorted;
    }
    return entries;
}
