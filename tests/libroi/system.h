/*
 * system.h - what tests need of the operating system, which roi.h has no part in
 *
 * Threads, memory between pages that must not be touched, and a library that is loaded and unloaded, on POSIX and on Windows.
 */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <stddef.h>

/* A function that a thread runs. */
typedef void thread_body(void *argument);

/* Memory, and the pages around it that must not be touched. */
struct guarded {
    void *map;
    size_t length;
};

#if defined(_WIN32)
#include "system_windows.h"
#else
#include "system_posix.h"
#endif

/* `bytes` bytes that end where a forbidden page begins, or begin where one ends. */
static inline void *guard(struct guarded *guarded, size_t bytes, int at_end)
{
    const size_t page = page_bytes(), pages = (bytes + page - 1) / page;
    unsigned char *start = reserve_pages(guarded, (pages + 2) * page);
    allow_pages(start + page, pages * page);
    return at_end ? start + (pages + 1) * page - bytes : start + page;
}

#endif
