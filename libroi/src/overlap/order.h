/* order.h - sorting rows by a key: stable, and in time that grows with their number alone. */
#ifndef ROI_ORDER_H
#define ROI_ORDER_H

#include "common/internal.h"

struct roi_entry {
    uint64_t key;
    int64_t row;
};

/* Keys that rise with the number, which is not NaN. -0 has the key of 0. That of a float has 32 bits, which sorts in
   half the time. */
uint64_t roi_key_of_float(float number);
uint64_t roi_key_of_double(double number);

/* Sorts by rising key; entries of the same key stay in order. `spare` has room for as many. Returns where the sorted
   entries are: in `entries` or in `spare`. The other one is overwritten too. */
struct roi_entry *roi_sort(struct roi_entry *entries, struct roi_entry *spare, int64_t count);

#endif
