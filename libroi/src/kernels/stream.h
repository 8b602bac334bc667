/* stream.h - non-temporal stores, which do not read cache lines before writing them: for results that are not read soon. */
#ifndef ROI_STREAM_H
#define ROI_STREAM_H

#include "common/internal.h"
#include "kernels/vector.h"

/* Writes a whole cache line, at a multiple of 64. */
INLINE void stream_line(char *to, const char *from)
{
#if defined(__AVX512F__)
    _mm512_stream_si512((__m512i *)(void *)to, _mm512_loadu_si512(from));
#elif defined(__SSE2__)
    for (int i = 0; i < 64; i += 16)
        _mm_stream_si128((__m128i *)(void *)(to + i), _mm_loadu_si128((const __m128i *)(const void *)(from + i)));
#else
    memcpy(to, from, 64);
#endif
}

/* Prefetches a line of each page of what will be streamed to some time later, so that the TLB has the page by then: stores
   would wait for it. (Inline, like what calls it: GCC takes a prefetch for no effect, and leaves out calls of a function that
   does nothing else.) */
INLINE void stream_ahead(const char *to, int64_t count)
{
    for (int64_t at = 0; at < count; at += ROI_PAGE_BYTES)
        __builtin_prefetch(to + at, 0, 2);
    if (count > 0)
        __builtin_prefetch(to + count - 1, 0, 2);
}

/* Copies whole cache lines by non-temporal stores, what is left by others. stream_end orders them before later stores. */
static inline void stream_bytes(char *to, const char *from, int64_t count)
{
    const int64_t head = (int64_t)(-(uintptr_t)to % 64), before = head < count ? head : count;
    memcpy(to, from, (size_t)before);
    int64_t at = before;
    for (; at + 64 <= count; at += 64)
        stream_line(to + at, from + at);
    memcpy(to + at, from + at, (size_t)(count - at));
}

static inline void stream_end(void)
{
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

#endif
