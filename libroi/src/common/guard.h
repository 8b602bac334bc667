/* guard.h - guard bytes between the parts of one block of memory, which AddressSanitizer reports when they are accessed. Builds
   without it have no such bytes. */
#ifndef ROI_GUARD_H
#define ROI_GUARD_H

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ROI_HAS_GUARDS
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ROI_HAS_GUARDS
#endif

#if defined(ROI_HAS_GUARDS)
#include <sanitizer/asan_interface.h>
enum { ROI_GUARD_BYTES = 64 }; /* at least */
static inline void roi_guard(const void *begin, size_t count) { __asan_poison_memory_region(begin, count); }
#else
enum { ROI_GUARD_BYTES = 0 };
static inline void roi_guard(const void *begin, size_t count) {}
#endif

#endif
