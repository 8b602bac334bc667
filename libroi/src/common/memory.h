/* memory.h - memory whose size depends on arguments: sizes that do not wrap, also where size_t has 32 bits. */
#ifndef ROI_MEMORY_H
#define ROI_MEMORY_H

#include <stdlib.h>

#include "common/internal.h"

/* More than any system has, which stands for all larger sizes; a sum of hundreds of them does not overflow. */
#define ROI_TOO_MANY_BYTES (INT64_C(1) << 52)

/* Bytes of `count` elements, at most ROI_TOO_MANY_BYTES. */
static inline int64_t roi_bytes(int64_t count, int64_t size)
{
    if (count < 0 || (size > 0 && count > ROI_TOO_MANY_BYTES / size))
        return ROI_TOO_MANY_BYTES;
    return count * size;
}

/* Whether an object can have so many bytes. One larger than PTRDIFF_MAX would have pointers that cannot be subtracted. */
static inline bool roi_is_allocatable(int64_t bytes)
{
    return bytes < ROI_TOO_MANY_BYTES && (uint64_t)bytes <= PTRDIFF_MAX;
}

/* malloc, calloc and realloc of `count` elements of `size` bytes; NULL also for a negative count, and for too many bytes.
   Memory for no elements is not NULL, so that NULL always means that there is no memory. */
static inline void *roi_allocate(int64_t count, int64_t size)
{
    const int64_t bytes = roi_bytes(count, size);
    return roi_is_allocatable(bytes) ? malloc((size_t)max_i64(bytes, 1)) : NULL;
}

static inline void *roi_allocate_zeros(int64_t count, int64_t size)
{
    const int64_t bytes = roi_bytes(count, size);
    return roi_is_allocatable(bytes) ? calloc((size_t)max_i64(bytes, 1), 1) : NULL;
}

static inline void *roi_reallocate(void *memory, int64_t count, int64_t size)
{
    const int64_t bytes = roi_bytes(count, size);
    return roi_is_allocatable(bytes) ? realloc(memory, (size_t)max_i64(bytes, 1)) : NULL;
}

#endif
